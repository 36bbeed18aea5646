use flightdeck_adapter::ad_server::LineItem as _;

use super::*;
use crate::samples::{buy, context, package};

fn of(change: impl FnOnce(&mut PackageOrder)) -> Fallible<LineItem> {
    let mut package = package("news");
    change(&mut package);
    let platform = Platform::read(&context()).unwrap();
    let mut problems = Problems::default();
    let item = translate(&platform, &buy(vec![package.clone()]), &package, &mut problems, &mut Vec::new())?;
    problems.check().map(|()| item)
}

fn field(item: &LineItem, name: &str) -> String {
    item.shown().get(name).cloned().unwrap_or_default().to_string()
}

#[test]
fn goals_rates_and_pacing_are_ad_managers() {
    let item = of(|package| package.pacing = Pacing::FrontLoaded).unwrap();
    assert_eq!(field(&item, "goal"), r#"{"goalType":"LIFETIME","unitType":"IMPRESSIONS","units":"1000000"}"#);
    assert_eq!(field(&item, "rate"), r#"{"currencyCode":"USD","units":"12","nanos":500000000}"#);
    assert_eq!(field(&item, "deliveryRateType"), r#""FRONTLOADED""#);
    assert_eq!(field(&item, "lineItemType"), r#""STANDARD""#);
    assert_eq!(field(&item, "environmentType"), r#""BROWSER""#);
    assert_eq!(field(&item, "priority"), "null");
    assert_eq!(
        field(&item, "creativePlaceholders"),
        r#"[{"size":{"width":300,"height":250,"sizeType":"PIXEL"},"expectedCreativeCount":1},{"size":{"width":728,"height":90,"sizeType":"PIXEL"},"expectedCreativeCount":1}]"#
    );
    let smallest = of(|package| package.price.rate = 1).unwrap();
    assert_eq!(field(&smallest, "rate"), r#"{"currencyCode":"USD","units":"0","nanos":1000}"#);
}

#[test]
fn a_cap_over_several_packages_is_refused() {
    let mut one = package("news");
    one.targeting.frequency_cap = Some(FrequencyCap { suppress_minutes: 60, scope: CapScope::MediaBuy });
    let buy = buy(vec![one.clone(), package("sports")]);
    let mut problems = Problems::default();
    translate(&Platform::read(&context()).unwrap(), &buy, &one, &mut problems, &mut Vec::new()).unwrap();
    let failure = problems.check().unwrap_err();
    assert_eq!((failure.code.as_str(), failure.items[0].supported.len()), ("unsupported_frequency_cap", 1));
}

#[test]
fn what_ad_manager_cannot_do_is_refused_by_its_place() {
    let failure = of(|package| {
        package.daily_budget = Some(5_000_000);
        package.daily_impressions = Some(1000);
        package.price.model = PriceModel::Cpcv;
        package.pacing = Pacing::Other("backwards".to_owned());
    })
    .unwrap_err();
    let fields: Vec<&str> = failure.items.iter().map(|item| item.field.as_str()).collect();
    let at = |field: &str| format!("/packages/news/{field}");
    assert_eq!(fields, [at("daily_budget"), at("daily_video_completions"), at("cpcv"), at("pacing")]);
    assert_eq!(of(|package| package.impressions = 0).unwrap_err().code, "invalid_impressions");
    assert_eq!(of(|package| package.price.rate = 0).unwrap_err().code, "invalid_price");
}

#[test]
fn only_what_differs_is_changed() {
    let (before, after) = (of(|_| {}).unwrap(), of(|package| package.impressions = 5).unwrap());
    let changes = after.changes_from(&before);
    assert_eq!(changes.to_string(), r#"{"goal":{"goalType":"LIFETIME","unitType":"IMPRESSIONS","units":"5"}}"#);
    assert!(before.changes_from(&before).is_empty());
    let capped = of(|package| {
        package.targeting.frequency_cap = Some(FrequencyCap { suppress_minutes: 60, scope: CapScope::Package });
    });
    assert_eq!(before.changes_from(&capped.unwrap()).to_string(), r#"{"frequencyCaps":null}"#);
}

#[test]
fn a_video_says_how_long_and_where_and_display_does_not() {
    let video = |settings: &str| {
        let settings = settings.to_owned();
        of(move |package| {
            package.formats = vec![CreativeFormat::Video];
            package.product_settings = settings;
        })
    };
    let item = video(
        r#"{"placements": ["6502"], "video": {"max_duration_seconds": 30, "position": "pre_roll", "skippable": true}}"#,
    )
    .unwrap();
    assert_eq!(field(&item, "maxVideoCreativeDuration"), r#""30s""#);
    assert_eq!(field(&item, "skippableAdType"), r#""ENABLED""#);
    let targeting = field(&item, "targeting");
    assert!(targeting.contains(r#""requestPlatformTargeting":{"requestPlatforms":["VIDEO_PLAYER"]}"#), "{targeting}");
    assert!(targeting.contains(r#""videoPositions":[{"positionType":"PREROLL"}]"#), "{targeting}");
    assert_eq!(video(r#"{"placements": ["6502"]}"#).unwrap_err().code, "invalid_video_settings");
    let display = of(|package| {
        package.product_settings =
            r#"{"ad_units": [{"id": "6004"}], "video": {"max_duration_seconds": 30}}"#.to_owned();
    });
    assert_eq!(display.unwrap_err().code, "invalid_video_settings");
    let plain = of(|_| {}).unwrap();
    assert!(!plain.shown().to_string().contains("requestPlatform"), "it is read-only for display");
}

#[test]
fn the_settings_of_a_product_are_fields_of_its_line_items() {
    let item = of(|package| {
        package.product_settings = r#"{"ad_units": [{"id": "6004"}], "roadblocking": "ONLY_ONE", "label_ids": ["9001"],
            "custom_fields": {"8": true, "9": {"option_id": "91"}}, "notes": "n", "auto_extension_days": 3,
            "allow_overbook": true, "creative_rotation": "WEIGHTED"}"#
            .to_owned();
        package.targeting.custom = Some(r#"{"creative_weights": {"banner": 70}}"#.to_owned());
    })
    .unwrap();
    assert_eq!(field(&item, "roadblockingType"), r#""ONLY_ONE""#);
    assert_eq!(field(&item, "appliedLabels"), r#"[{"label":"networks/21700001/labels/9001"}]"#);
    assert_eq!(
        field(&item, "customFieldValues"),
        r#"[{"customField":"networks/21700001/customFields/8","value":{"toggleValue":true}},{"customField":"networks/21700001/customFields/9","value":{"dropdownValue":"91"}}]"#
    );
    assert_eq!(field(&item, "autoExtensionDays"), "3");
    assert_eq!(field(&item, "creativeWeights"), r#"{"banner":70}"#);
    assert_eq!(field(&item, "allowOverbook"), "null", "it is no field of the line item, but of each request");
    assert_eq!(item.created().get("allowOverbook"), Some(&Json::Bool(true)));
}

#[test]
fn a_priority_is_one_of_its_type() {
    let of = |settings: &str| {
        let settings = settings.to_owned();
        of(move |package| package.product_settings = settings)
    };
    let failure = of(r#"{"ad_units": [{"id": "6004"}], "priority": 12}"#).unwrap_err();
    assert_eq!((failure.code.as_str(), failure.items[0].value.as_str()), ("invalid_priority", "12"));
    of(r#"{"ad_units": [{"id": "6004"}], "priority": 12, "line_item_type": "BULK"}"#).unwrap();
}

#[test]
fn names_follow_their_template() {
    let package = package("news");
    let mut platform = Platform::read(&context()).unwrap();
    platform.line_item_name = Some(serde_json::from_str(r#""{po_number} {product} {start}""#).unwrap());
    let mut problems = Problems::default();
    let item = translate(&platform, &buy(vec![package.clone()]), &package, &mut problems, &mut Vec::new()).unwrap();
    assert_eq!(item.name, "PO-2024-001 news 2026-12-01");
}
