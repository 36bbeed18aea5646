//! What an inspection of the account finds.

use flightdeck_adapter::{account::Severity, prelude::*};
use flightdeck_adapter_testing::inspecting::{all_bad, amiss, finding, told};

use crate::network::with_settings;

const GOOD: &str = r#"{"network_code": "21700001", "trafficker_id": "5001", "currency": "USD", "salesperson_id": "5002",
    "agency_id": "4004", "team_ids": ["9001"], "order_label_ids": ["9101"], "order_custom_fields": {"9201": "x"},
    "ad_units": [{"id": "6001"}], "placements": ["6501"], "geo_targets": {"FR": "2250"}}"#;

#[test]
fn a_network_that_has_everything_is_fine() {
    let network = with_settings(GOOD);
    let news = r#"{"ad_units": [{"id": "6003"}, {"id": "6001"}], "key_values": {"section": ["sports", "news"]},
        "label_ids": ["9101"], "custom_fields": {"9202": "y"}, "excluded_ad_units": [{"id": "6002"}]}"#;
    let report = network.inspect("", &[("news", news)]).unwrap();
    assert_eq!(amiss(&report), Vec::<(&str, &str)>::new());
    assert_eq!((report.account_id.as_str(), report.name.as_str()), ("21700001", "Emulated Publisher"));
    assert_eq!(report.currency.as_deref(), Some("USD"));
    assert_eq!(report.time_zone.as_deref(), Some("Etc/UTC"));
    assert_eq!(finding(&report, "user 5002").field, "/settings/salesperson_id");
    assert_eq!(finding(&report, "ad unit 6001").field, "/settings/ad_units/0/id");
    assert_eq!(finding(&report, "value section=news").field, "/products/news/key_values/section/1");
    assert!(finding(&report, "network 21700001").message.contains("test network"));
}

#[test]
fn what_is_unknown_or_switched_off_is_told_with_its_setting() {
    let network = with_settings(
        r#"{"network_code": "21700001", "trafficker_id": "5004", "currency": "EUR", "agency_id": "4001",
            "team_ids": ["9002"], "order_label_ids": ["9102"], "order_custom_fields": {"9202": "x"}, "placements": ["1"]}"#,
    );
    let old = r#"{"ad_units": [{"id": "6007"}, {"id": "99"}, {"id": "home"}], "key_values": {"section": ["opera"], "mood": ["good"]},
        "custom_fields": {"9203": "y"}}"#;
    let products = [("old", old), ("a/b", r#"{"ad_units": [{"id": "6007"}]}"#), ("odd", r#"{"x": 1}"#)];
    let report = network.inspect("", &products).unwrap();
    let wanted = [
        ("currency EUR", "is not the network's, which is USD"),
        ("user 5004", "is not active"),
        ("agency 4001", "has the type ADVERTISER"),
        ("label 9102", "is not active"),
        ("custom field 9202", "is a field of LINE_ITEM"),
        ("custom field 9203", "is not active"),
        ("placement 1", "is not in the network 21700001"),
        ("ad unit 99", "is not in the network"),
        ("ad unit home", "is not in the network"),
        ("key mood", "no custom targeting key of this name"),
        ("value section=opera", "no value of this name"),
        ("product odd", "unknown field"),
    ];
    all_bad(&report, &wanted);
    let (severity, message) = told(&report, "ad unit 6007");
    assert_eq!(severity, Severity::Bad);
    assert_eq!(
        message,
        "Old magazine is archived, and serves no ads; activate it, or name another one (also at /products/a~1b/ad_units/0/id)"
    );
    assert_eq!(told(&report, "team 9002").0, Severity::Warning);
}

#[test]
fn an_advertiser_must_be_one_whose_orders_can_be_approved() {
    let network = with_settings(GOOD);
    let of = |advertiser: &str| {
        let report = network.inspect(advertiser, &[]).unwrap();
        let [finding] = report.findings.as_slice() else { panic!("{:#?}", report.findings) };
        assert_eq!(finding.field, "/advertiser_id");
        (finding.severity.clone(), finding.message.clone())
    };
    assert_eq!(of("4001"), (Severity::Fine, "Acme Corp".to_owned()));
    assert_eq!(of("4003").0, Severity::Fine);
    for (id, words) in [
        ("4004", "has the type AGENCY"),
        ("4005", "credit status STOP"),
        ("4006", "credit status INACTIVE"),
        ("4999", "is not in the network"),
        ("acme", "is not in the network"),
    ] {
        let (severity, message) = of(id);
        assert_eq!(severity, Severity::Bad, "{id}");
        assert!(message.contains(words), "{id}: {message}");
    }
}

#[test]
fn a_network_that_is_not_there_is_a_failure() {
    let network = with_settings(r#"{"network_code": "1", "trafficker_id": "5001"}"#);
    let failure = network.inspect("", &[]).unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotFound);
}

#[test]
fn an_inspection_takes_one_request_for_each_kind_and_changes_nothing() {
    let network = with_settings(GOOD);
    let units: Vec<String> = (0..40).map(|unit| format!(r#"{{"id": "{}"}}"#, 7000 + unit)).collect();
    let many = format!(r#"{{"ad_units": [{}]}}"#, units.join(","));
    let report = network.inspect("", &[("many", &many)]).unwrap();
    assert_eq!(report.findings.iter().filter(|finding| finding.subject.starts_with("ad unit")).count(), 41);
    let sent = network.control("GET", "requests", "");
    let sent: Vec<String> = sent.get("requests").unwrap().items().iter().map(ToString::to_string).collect();
    assert!(sent.iter().all(|request| request.contains(r#""method":"GET""#)), "{sent:#?}");
    // The network, users, agencies, teams, labels, fields of orders, placements, places; ad units twice.
    assert_eq!(sent.len(), 10, "{sent:#?}");
}

#[test]
fn the_currency_is_read_once_in_an_hour() {
    let network = with_settings(GOOD);
    for buy in ["gam_1", "gam_2"] {
        network.create(&MediaBuy { media_buy_id: buy.to_owned(), ..crate::lifecycle::rich() });
    }
    let sent = network.control("GET", "requests", "");
    let counts = sent.get("counts").and_then(Json::as_object).unwrap();
    assert_eq!(counts.get("GET /v1/networks/{id}").map(ToString::to_string).as_deref(), Some("1"), "{counts:?}");
}
