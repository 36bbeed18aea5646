//! Translation of packages.

use super::*;
use crate::samples::{buy, context, package};

fn of(change: impl FnOnce(&mut PackageOrder)) -> Fallible<(Flight, Vec<String>)> {
    let mut package = package("drive");
    change(&mut package);
    let platform = Platform::read(&context()).unwrap();
    let (mut problems, mut notes) = (Problems::default(), Vec::new());
    let flight = translate(&platform, &buy(vec![package.clone()]), &package, &mut problems, &mut notes)?;
    problems.check().map(|()| (flight, notes))
}

#[test]
fn a_package_becomes_a_flight() {
    let (flight, notes) = of(|_| {}).unwrap();
    assert_eq!(
        flight.created().to_string(),
        [
            r#"{"name":"Package drive","rateType":"CPM","type":"STANDARD","rateBasis":"NET","#,
            r#""goal":{"type":"IMPRESSIONS","value":1000000},"rate":12.5,"#,
            r#""startDate":"2026-12-01","endDate":"2026-12-30","contentTypes":["LIVE","PODCAST"],"#,
            r#""positions":["MID_ROLL"],"pacing":"EVEN","stationIds":[7001,7003],"active":true}"#,
        ]
        .concat()
    );
    assert!(notes[0].contains("America/New_York") && notes.len() == 1, "{notes:?}");
}

#[test]
fn a_daily_budget_is_a_number_of_impressions() {
    let cap = |budget, impressions| {
        let (flight, notes) = of(|package| {
            package.daily_budget = budget;
            package.daily_impressions = impressions;
        })
        .unwrap();
        let told = notes.iter().filter(|note| note.contains("caps a day")).count();
        (flight.fields.get("dailyCap").and_then(Json::as_i64), told)
    };
    assert_eq!(cap(Some(125_000_000), None), (Some(10_000), 1));
    assert_eq!(cap(Some(125_000_001), None), (Some(10_000), 1), "rounded down");
    assert_eq!(cap(Some(125_000_000), Some(5_000)), (Some(5_000), 1));
    assert_eq!(cap(None, None), (None, 0));
    assert_eq!(of(|package| package.daily_budget = Some(1)).unwrap_err().code, "invalid_daily_budget");
}

#[test]
fn what_triton_cannot_do_is_refused_by_its_place() {
    let failure = of(|package| {
        package.price.model = PriceModel::Cpc;
        package.impressions = MOST + 1;
        package.pacing = Pacing::Other("backwards".to_owned());
        package.daily_impressions = Some(0);
        package.targeting.frequency_cap = Some(FrequencyCap { suppress_minutes: 99_999, scope: CapScope::Package });
    })
    .unwrap_err();
    let fields: Vec<&str> =
        failure.items.iter().filter_map(|item| item.field.strip_prefix("/packages/drive/")).collect();
    let cap = "targeting_overlay/frequency_cap/suppress_minutes";
    assert_eq!(fields, ["cpc", "impressions", "pacing", "daily_impressions", cap]);
    let mut one = package("drive");
    one.targeting.frequency_cap = Some(FrequencyCap { suppress_minutes: 60, scope: CapScope::MediaBuy });
    let buy = buy(vec![one.clone(), package("evening")]);
    let mut problems = Problems::default();
    translate(&Platform::read(&context()).unwrap(), &buy, &one, &mut problems, &mut Vec::new()).unwrap();
    assert_eq!(problems.check().unwrap_err().code, "unsupported_frequency_cap");
}

#[test]
fn a_product_says_what_its_flights_are() {
    let settings = r#"{"content_types": ["podcast", "other"], "positions": ["pre", "post"], "even_pacing": "trend",
        "priority": {"type": "sponsorship", "level": 4}, "rate_basis": "gross"}"#;
    let (flight, _) = of(|package| package.product_settings = settings.to_owned()).unwrap();
    let written = flight.created().to_string();
    for part in [
        r#""type":"SPONSORSHIP","rateBasis":"GROSS""#,
        r#""contentTypes":["PODCAST","OTHER"],"positions":["PRE_ROLL","POST_ROLL"],"priorityLevel":4,"pacing":"TREND""#,
    ] {
        assert!(written.contains(part), "{part}: {written}");
    }
    let custom = r#"{"content_types": ["podcast"]}"#;
    let narrowed = |package: &mut PackageOrder| {
        package.product_settings = settings.to_owned();
        package.targeting.custom = Some(custom.to_owned());
    };
    assert!(of(narrowed).unwrap().0.created().to_string().contains(r#""contentTypes":["PODCAST"]"#));
    let (flight, _) = of(|package| package.pacing = Pacing::FrontLoaded).unwrap();
    assert_eq!(flight.fields.get("pacing"), Some(&"FRONT_LOADED".into()));
}

#[test]
fn a_product_without_content_types_and_positions_is_refused() {
    let platform = Platform { name: "triton".to_owned(), ..Platform::default() };
    let (one, mut problems) = (package("drive"), Problems::default());
    translate(&platform, &buy(vec![one.clone()]), &one, &mut problems, &mut Vec::new()).unwrap();
    let failure = problems.check().unwrap_err();
    let items: Vec<&str> = failure.items.iter().map(|item| item.field.as_str()).collect();
    assert_eq!(items, ["/packages/drive/package_id", "/packages/drive/package_id"]);
    assert!(failure.message.contains("content_types"), "{}", failure.message);
}

#[test]
fn a_later_end_comes_with_the_status() {
    let before = of(|_| {}).unwrap().0;
    let after = of(|package| package.end = "2027-01-31T23:59:59Z".to_owned()).unwrap().0;
    assert_eq!(after.changes_from(&before).to_string(), r#"{"endDate":"2027-01-31","active":true}"#);
}

#[test]
fn what_is_taken_away_is_said() {
    let (before, _) = of(|package| package.daily_impressions = Some(5)).unwrap();
    let (after, _) = of(|package| package.impressions = 7).unwrap();
    let changes = after.changes_from(&before).to_string();
    assert_eq!(changes, r#"{"goal":{"type":"IMPRESSIONS","value":7},"dailyCap":null}"#);
}

#[test]
fn a_flight_is_capped_once_per_break_lifetime_or_download() {
    let cap = |settings: &str, custom: Option<&str>, minutes: Option<u32>| {
        let made = of(|package| {
            let settings = format!(r#"{{"content_types": ["live"], "positions": ["mid"]{settings}}}"#);
            package.product_settings = settings;
            package.targeting.custom = custom.map(str::to_owned);
            package.targeting.frequency_cap =
                minutes.map(|suppress_minutes| FrequencyCap { suppress_minutes, scope: CapScope::Package });
        });
        made.map(|(flight, _)| flight.fields.get("frequencyCap").map(Json::to_string).unwrap_or_default())
            .map_err(|failure| failure.code)
    };
    let once = |unit: &str| Ok(format!(r#"{{"impressions":1,"periodUnit":"{unit}","period":1}}"#));
    let of_product = r#", "once_per": "break""#;
    assert_eq!(cap(of_product, None, None), once("BREAK"));
    assert_eq!(cap(of_product, Some(r#"{"once_per": "lifetime"}"#), None), once("LIFETIME"));
    assert_eq!(cap("", Some(r#"{"once_per": "download"}"#), None), once("DOWNLOAD"));
    assert_eq!(cap(of_product, None, Some(60)), once("HOUR"), "the buyer's own goes first");
    assert_eq!(cap("", Some(r#"{"once_per": "break"}"#), Some(60)), Err("two_frequency_caps".to_owned()));
}

#[test]
fn external_ids_are_those_of_the_templates() {
    let platform = Platform {
        flight_external_id: serde_json::from_str(r#""{media_buy_id}/{product}""#).unwrap(),
        ..Platform::read(&context()).unwrap()
    };
    let drive = package("drive");
    let (mut problems, mut notes) = (Problems::default(), Vec::new());
    let flight = translate(&platform, &buy(vec![drive.clone()]), &drive, &mut problems, &mut notes).unwrap();
    assert_eq!(flight.fields.get("externalId").map(Json::to_string), Some(r#""triton_12345/drive""#.to_owned()));
    assert_eq!(external_id(String::new()), None);
}
