use super::*;
use crate::samples::{buy, context, creative, package};

fn of(settings: &str, change: impl FnOnce(&mut Creative, &mut PackageOrder)) -> Fallible<(String, Vec<String>)> {
    let (mut creative, mut package) = (creative("banner", &["news"]), package("news"));
    change(&mut creative, &mut package);
    let ctx = Context { settings: settings.to_owned(), ..context() };
    let platform = Platform::read(&ctx).unwrap();
    let (mut problems, mut notes) = (Problems::default(), Vec::new());
    let ids = creative.package_ids.clone();
    let asset = translate(&platform, &buy(vec![package]), &creative, &ids, &mut problems, &mut notes)?;
    problems.check()?;
    Ok((asset.unwrap().fields.to_string(), notes))
}

fn refused(change: impl FnOnce(&mut Creative, &mut PackageOrder)) -> (String, String) {
    let item = of("{}", change).unwrap_err().items.remove(0);
    (item.field, item.message)
}

fn video(creative: &mut Creative, package: &mut PackageOrder) {
    creative.format = CreativeFormat::Video;
    creative.media_url = Some("https://ads.example.com/vast.xml".to_owned());
    creative.duration_ms = Some(15_500);
    (creative.width, creative.height) = (None, None);
    package.formats = vec![CreativeFormat::Video];
    package.product_settings = r#"{"ad_units":[{"id":"6006"}],"video":{"max_duration_seconds":30}}"#.to_owned();
}

#[test]
fn an_image_stays_where_it_is() {
    let (fields, notes) = of("{}", |_, _| {}).unwrap();
    assert_eq!(
        fields,
        [
            r#"{"size":{"width":300,"height":250,"sizeType":"PIXEL"},"#,
            r#""imageRedirectCreative":{"imageUrl":"https://cdn.example.com/banner.jpg","#,
            r#""altText":"Creative banner","destinationUrl":"https://example.com/landing"}}"#,
        ]
        .concat()
    );
    assert!(notes.is_empty());
    let (_, notes) = of("{}", |creative, _| (creative.width, creative.height) = (None, None)).unwrap();
    assert_eq!(notes, ["banner names no width and height: it is taken for 300x250."]);
}

#[test]
fn a_video_is_a_vast_document() {
    let (fields, _) = of("{}", video).unwrap();
    assert_eq!(
        fields,
        [
            r#"{"size":{"width":640,"height":480,"sizeType":"PIXEL"},"#,
            r#""vastRedirectCreative":{"vastXmlUrl":"https://ads.example.com/vast.xml","#,
            r#""vastRedirectType":"LINEAR","duration":"15.500s","destinationUrl":"https://example.com/landing"}}"#,
        ]
        .concat()
    );
    let file = |creative: &mut Creative, package: &mut PackageOrder| {
        video(creative, package);
        creative.media_url = Some("https://cdn.example.com/spot.mp4?v=2".to_owned());
    };
    assert_eq!(refused(file).0, "/assets/banner/media_url");
    let settings = r#"{"vast_url":"https://vast.example.com/?m={media_url}&c={click_url}&d={duration_ms}"}"#;
    let (fields, _) = of(settings, file).unwrap();
    let address = "https://vast.example.com/?m=https%3A%2F%2Fcdn.example.com%2Fspot.mp4%3Fv%3D2&c=https%3A%2F%2Fexample.com%2Flanding&d=15500";
    assert!(fields.contains(address), "{fields}");
}

#[test]
fn a_custom_creative_is_a_snippet() {
    let custom = |values: &'static str| {
        move |creative: &mut Creative, _: &mut PackageOrder| {
            creative.format = CreativeFormat::Custom;
            creative.template_values = Some(values.to_owned());
        }
    };
    let (fields, _) = of("{}", custom(r#"{"snippet":"<b>Hi</b>"}"#)).unwrap();
    assert!(fields.contains(r#""thirdPartyCreative":{"snippet":"<b>Hi</b>","safeFrameCompatible":true"#), "{fields}");
    for values in [r#"{}"#, r#"[]"#, r#"{"snippet":" "}"#, r#"{"snippet":"x","headline":"y"}"#] {
        assert!(refused(custom(values)).0.starts_with("/assets/banner/template_values"), "{values}");
    }
    let template = |creative: &mut Creative, _: &mut PackageOrder| {
        creative.format = CreativeFormat::Custom;
        creative.template_id = Some("10004400".to_owned());
    };
    assert_eq!(refused(template).0, "/assets/banner/template_id");
}

#[test]
fn what_does_not_fit_its_package_is_refused() {
    let (field, message) = refused(|creative, _| creative.width = Some(301));
    assert_eq!(
        (field.as_str(), message.as_str()),
        ("/assets/banner/width", "The package news has no place of 301x250.")
    );
    assert_eq!(refused(|creative, _| creative.width = None).0, "/assets/banner/width");
    assert_eq!(refused(|creative, _| creative.media_url = None).0, "/assets/banner/media_url");
    assert_eq!(refused(|creative, _| creative.click_url = Some("ftp://x".to_owned())).0, "/assets/banner/click_url");
    assert_eq!(
        refused(|creative, _| creative.package_ids = vec!["x".to_owned()]).0,
        "/assets/banner/package_assignments"
    );
    assert_eq!(refused(|creative, _| creative.format = CreativeFormat::Audio).0, "/assets/banner/format");
    let (field, message) = refused(|creative, package| {
        video(creative, package);
        package.formats = vec![CreativeFormat::Image, CreativeFormat::Video];
    });
    assert_eq!(
        (field.as_str(), message.as_str()),
        ("/assets/banner/format", "The package news is display on Ad Manager.")
    );
    let silent = |creative: &mut Creative, package: &mut PackageOrder| {
        video(creative, package);
        creative.duration_ms = None;
    };
    assert_eq!(refused(silent).0, "/assets/banner/duration");
}

#[test]
fn without_a_click_address_there_is_said_to_be_none() {
    let (fields, _) = of("{}", |creative, _| creative.click_url = None).unwrap();
    assert!(fields.contains(r#""destinationUrlType":"NONE""#) && !fields.contains("destinationUrl\""), "{fields}");
    let long = |creative: &mut Creative, _: &mut PackageOrder| {
        creative.click_url = Some(format!("https://example.com/{}", "x".repeat(1005)));
    };
    assert_eq!(refused(long).0, "/assets/banner/click_url");
}
