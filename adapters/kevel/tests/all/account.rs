//! What an inspection of the account finds.

use flightdeck_adapter::{account::Severity, prelude::*};
use flightdeck_adapter_testing::inspecting::{all_bad, amiss, finding, told};

use crate::network::{start, with_settings};

const GOOD: &str = r#"{"currency": "USD", "priority_id": 3002, "asap_priority_id": 3001, "default_image_size": "300x250",
    "ad_types": {"image": {"728x90": 4}, "video": 163}, "video_template": {"id": 5002, "takes": "file", "fields":
    {"media_url": "ctMediaFile", "media_type": "ctMediaType", "duration": "ctDuration"}}}"#;

#[test]
fn a_network_that_has_everything_is_fine() {
    let network = with_settings(GOOD);
    let news = r#"{"sites": [{"site_id": 2001, "zone_id": 2101}, {"site_id": 2002}], "keywords": ["a"]}"#;
    let report = network.inspect("", &[("news", news)]).unwrap();
    assert_eq!(amiss(&report), Vec::<(&str, &str)>::new());
    assert_eq!((report.account_id.as_str(), report.currency.as_deref()), ("900", None));
    assert_eq!(finding(&report, "priority 3002").field, "/settings/priority_id");
    assert_eq!(told(&report, "ad type of 300x250"), (Severity::Fine, "Medium Rectangle".to_owned()));
    assert_eq!(finding(&report, "site 2002").field, "/products/news/sites/1/site_id");
    assert_eq!(told(&report, "site 2001 in channel 4001").0, Severity::Fine);
}

#[test]
fn what_is_unknown_or_does_not_fit_is_told_with_its_setting() {
    let network = with_settings(r#"{"default_image_size": "1x1", "ad_types": {"custom": 999}}"#);
    let products = [
        (
            "letter",
            r#"{"priority_id": 3005, "sites": [{"site_id": 2002}, {"site_id": 2999}, {"site_id": 2001, "zone_id": 2201}]}"#,
        ),
        ("none", "{}"),
        ("gone", r#"{"priority_id": 3999}"#),
        (
            "video",
            r#"{"priority_id": 3002, "video_template": {"id": 5002, "takes": "file", "fields": {"media_url": "ctmediafile"}}}"#,
        ),
        (
            "tag",
            r#"{"priority_id": 3002, "video_template": {"id": 5999, "takes": "file", "fields": {"media_url": "x"}}}"#,
        ),
        ("odd", r#"{"x": 1}"#),
    ];
    let report = network.inspect("", &products).unwrap();
    let wanted = [
        ("ad type of 1x1", "does not have it"),
        ("ad type 999", "does not have it"),
        ("site 2999", "does not have it"),
        ("site 2002 in channel 4002", "the channel of the priority does not have this site"),
        ("zone 2201", "belongs to site 2002, and not to site 2001"),
        ("priority of none", "is not set"),
        ("priority 3999", "does not have it"),
        ("creative template 5002", "VAST video has no field ctmediafile"),
        ("creative template 5999", "does not have it"),
        ("product odd", "unknown field"),
    ];
    all_bad(&report, &wanted);
    assert_eq!(told(&report, "site 2001 in channel 4002").0, Severity::Fine);
    let (severity, message) = told(&report, "currency");
    assert_eq!(severity, Severity::Warning);
    assert!(message.contains("set currency"), "{message}");
}

#[test]
fn a_template_that_wants_more_is_told() {
    let network = start();
    let settings = r#"{"priority_id": 3002, "video_template": {"id": 5002, "takes": "file", "fields": {"media_url": "ctMediaFile"}}}"#;
    let report = network.inspect("", &[("video", settings)]).unwrap();
    all_bad(&report, &[("creative template 5002", "requires ctMediaType, ctDuration besides")]);
}

#[test]
fn a_product_in_another_currency_than_the_settings_say_is_bad() {
    let network = with_settings(r#"{"currency": "EUR", "priority_id": 3002}"#);
    let report = network.inspect("", &[("news", "{}")]).unwrap();
    all_bad(&report, &[("currency of news", "is sold in USD, and the settings say that the network counts in EUR")]);
    assert_eq!(finding(&report, "currency of news").field, "/products/news/currency");
}

#[test]
fn an_advertiser_must_be_active() {
    let network = start();
    assert_eq!(told(&network.inspect("1001", &[]).unwrap(), "advertiser 1001").0, Severity::Fine);
    all_bad(&network.inspect("1999", &[]).unwrap(), &[("advertiser 1999", "no such advertiser")]);
    all_bad(&network.inspect("acme", &[]).unwrap(), &[("advertiser acme", "no such advertiser")]);
    let off = object! { "Id": 1002, "Title": "Second Agency", "IsActive": false };
    network.by_hand("PUT", "/v1/advertiser/1002", &off);
    let report = network.inspect("1002", &[]).unwrap();
    all_bad(&report, &[("advertiser 1002", "Second Agency is not active")]);
    assert_eq!(report.findings.len(), 1, "settings are inspected once, not for each advertiser");
}

#[test]
fn an_inspection_only_reads() {
    let network = with_settings(GOOD);
    network.inspect("", &[("news", r#"{"sites": [{"site_id": 2001}]}"#)]).unwrap();
    let sent = network.control("GET", "requests", "");
    let sent: Vec<String> = sent.get("requests").unwrap().items().iter().map(ToString::to_string).collect();
    assert!(sent.iter().all(|request| request.contains(r#""method":"GET""#)), "{sent:#?}");
    // Entity counts, priorities, channels, ad types by id and by size, sites, their channels, templates.
    assert_eq!(sent.len(), 8, "{sent:#?}");
}
