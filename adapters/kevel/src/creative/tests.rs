//! Translation of creatives.

use super::*;
use crate::samples;

fn of(creative: &Creative, settings: &str) -> (Option<Asset>, Fallible<()>, Vec<String>) {
    let mut package = samples::package("news");
    package.product_settings = settings.to_owned();
    let buy = samples::buy(vec![package]);
    let platform = Platform::read(&samples::context()).unwrap();
    let (mut problems, mut notes) = (Problems::default(), Vec::new());
    let asset = translate(&platform, &buy, creative, &creative.package_ids, &mut problems, &mut notes).unwrap();
    (asset, problems.check(), notes)
}

fn sent(creative: &Creative, settings: &str) -> String {
    of(creative, settings).0.unwrap().created(1001).to_string()
}

#[test]
fn an_image_has_the_ad_type_of_its_size() {
    let creative = samples::creative("banner", &["news"]);
    assert_eq!(
        sent(&creative, "{}"),
        r#"{"AdvertiserId":1001,"Title":"Creative banner","AdTypeId":"the one of 300x250","IsActive":true,"Url":"https://example.com/landing","ImageLink":"https://cdn.example.com/banner.jpg","Alt":"Creative banner"}"#
    );
    assert!(sent(&creative, r#"{"ad_types": {"image": {"300x250": 5}}}"#).contains(r#""AdTypeId":5"#));
}

#[test]
fn an_image_without_a_size_gets_the_configured_one_and_it_is_said() {
    let creative = Creative { width: None, height: None, ..samples::creative("banner", &["news"]) };
    for (settings, ad_type) in [
        ("{}", r#""the one of 300x250""#),
        (r#"{"default_image_size": "728x90"}"#, r#""the one of 728x90""#),
        (r#"{"ad_types": {"image": {"970x250": 43}}}"#, "43"),
    ] {
        assert!(sent(&creative, settings).contains(&format!(r#""AdTypeId":{ad_type}"#)), "{settings}");
        assert_eq!(of(&creative, settings).2.len(), 1);
    }
    let half = Creative { height: None, ..samples::creative("banner", &["news"]) };
    assert_eq!(of(&half, "{}").1.unwrap_err().code, "invalid_size");
}

const VIDEO: &str = r#"{"video_template": {"id": 5002, "takes": "file", "fields": {"media_url": "ctMediaFile", "duration": "ctDuration"}}}"#;

#[test]
fn a_video_fills_the_template_of_its_product() {
    let creative =
        Creative { format: CreativeFormat::Video, duration_ms: Some(15_000), ..samples::creative("spot", &["news"]) };
    let sent = sent(&creative, VIDEO);
    assert!(sent.contains(r#""AdTypeId":"the one for video""#) && !sent.contains("ScriptBody"), "{sent}");
    let values = r#""TemplateId":5002,"TemplateValues":"{\"ctMediaFile\":\"https://cdn.example.com/banner.jpg\",\"ctDuration\":\"00:00:15\"}""#;
    assert!(sent.contains(values), "{sent}");
}

#[test]
fn a_video_without_a_template_or_what_it_needs_is_refused() {
    let creative =
        Creative { format: CreativeFormat::Video, duration_ms: None, ..samples::creative("spot", &["news"]) };
    let failure = of(&creative, "{}").1.unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.items[0].field.as_str()),
        ("video_template_missing", "/assets/spot/format")
    );
    let failure = of(&creative, VIDEO).1.unwrap_err();
    assert_eq!((failure.code.as_str(), failure.items[0].field.as_str()), ("video_incomplete", "/assets/spot/duration"));
}

#[test]
fn a_custom_creative_fills_a_template() {
    let creative = Creative {
        format: CreativeFormat::Custom,
        media_url: None,
        template_id: Some("5001".to_owned()),
        template_values: Some(r#"{"ctHeadline": "Hi"}"#.to_owned()),
        ..samples::creative("native", &["news"])
    };
    let sent = sent(&creative, r#"{"ad_types": {"custom": 240}}"#);
    assert!(
        sent.contains(r#""AdTypeId":240"#)
            && sent.contains(r#""TemplateId":5001,"TemplateValues":"{\"ctHeadline\":\"Hi\"}""#),
        "{sent}"
    );
    let many = (0..101).map(|number| format!(r#""ct{number}": "x""#)).collect::<Vec<_>>().join(",");
    let many = Creative { template_values: Some(format!("{{{many}}}")), ..creative.clone() };
    assert_eq!(of(&many, "{}").1.unwrap_err().code, "unsupported_template_values");
    let wrong = Creative { template_id: None, template_values: Some("[]".to_owned()), ..creative };
    assert_eq!(of(&wrong, "{}").1.unwrap_err().items.len(), 2);
}

#[test]
fn what_kevel_cannot_show_is_refused() {
    let audio = Creative { format: CreativeFormat::Audio, ..samples::creative("spot", &[]) };
    let (asset, checked, _) = of(&audio, "{}");
    let failure = checked.unwrap_err();
    assert!(asset.is_none());
    assert_eq!((failure.code.as_str(), failure.items[0].field.as_str()), ("unsupported_format", "/assets/spot/format"));
    assert_eq!(failure.items[0].supported, ["image", "video", "custom"]);
    let far = format!("https://example.com/{}", "x".repeat(2000));
    let far = Creative { click_url: Some(far), ..samples::creative("banner", &["news"]) };
    assert_eq!(of(&far, "{}").1.unwrap_err().items[0].field, "/assets/banner/click_url");
    let lost = Creative {
        media_url: Some("javascript:alert(1)".to_owned()),
        package_ids: vec!["sports".to_owned()],
        ..samples::creative("spot", &[])
    };
    let failure = of(&lost, "{}").1.unwrap_err();
    let fields: Vec<&str> = failure.items.iter().map(|item| item.field.as_str()).collect();
    assert_eq!(fields, ["/assets/spot/package_assignments", "/assets/spot/media_url"]);
}
