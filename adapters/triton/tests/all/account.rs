//! What an inspection of the account finds.

use flightdeck_adapter::account::Severity;
use flightdeck_adapter_testing::inspecting::{all_bad, amiss, finding, told};

use crate::network::{start, with_settings};

#[test]
fn an_account_that_has_everything_is_fine() {
    let network = start();
    let drive = r#"{"station_ids": [7001, 7003], "genres": ["news"], "time_zone": "America/New_York"}"#;
    let report = network.inspect("", &[("drive", drive)]).unwrap();
    assert_eq!(amiss(&report), Vec::<(&str, &str)>::new());
    assert_eq!(report.time_zone.as_deref(), Some("Etc/UTC"));
    assert_eq!(finding(&report, "station 7003").field, "/products/drive/station_ids/1");
    assert_eq!(told(&report, "team 31"), (Severity::Fine, "Direct sales".to_owned()));
}

#[test]
fn what_is_unknown_or_missing_is_told_with_its_setting() {
    let network = with_settings(r#"{"team_id": 99, "station_ids": [1]}"#);
    let products =
        [("west", r#"{"station_ids": [7001, 7004], "time_zone": "America/New_York"}"#), ("odd", r#"{"x": 1}"#)];
    let report = network.inspect("", &products).unwrap();
    let wanted = [
        ("team 99", "no such team"),
        ("station 1", "no such station"),
        ("content_types of west", "is not set"),
        ("positions of west", "is not set"),
        ("product odd", "unknown field"),
    ];
    all_bad(&report, &wanted);
    let (severity, message) = told(&report, "time zone of west");
    assert_eq!(severity, Severity::Warning);
    assert!(message.contains("America/Los_Angeles"), "{message}");
}

#[test]
fn an_advertiser_has_the_currency_and_must_be_active() {
    let network = start();
    let report = network.inspect("501", &[]).unwrap();
    assert_eq!((report.account_id.as_str(), report.name.as_str()), ("501", "Acme Corp"));
    assert_eq!(report.currency.as_deref(), Some("USD"));
    assert_eq!(told(&report, "advertiser 501"), (Severity::Fine, "Acme Corp, billed in USD".to_owned()));
    let euro = network.inspect("503", &[]).unwrap();
    assert_eq!(euro.currency.as_deref(), Some("EUR"));
    all_bad(&euro, &[("advertiser 503", "is billed in EUR, and the platform's setting currency is USD")]);
    all_bad(&network.inspect("504", &[]).unwrap(), &[("advertiser 504", "Hooli is not active")]);
    all_bad(&network.inspect("999", &[]).unwrap(), &[("advertiser 999", "does not exist")]);
}
