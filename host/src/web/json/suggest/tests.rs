//! Tests every field of every request with every slip of one key, and the names that others use.

use serde_json::Value;

use super::*;
use crate::web::{
    json::schema::{self, Side},
    v1::{
        targeting::{DaypartingRule, FrequencyCapRule, Schedule, TargetingOverlay},
        tools::{
            add_creative_assets::AddCreativeAssets,
            create_media_buy::{CreateMediaBuy, PackageRequest},
            update_media_buy::UpdateMediaBuy,
            update_package::PackageUpdate,
        },
    },
};

fn fields<T: schemars::JsonSchema>() -> Vec<String> {
    let schema = schema::of(&mut schema::complete(Side::Request), |generator| T::json_schema(generator));
    let properties = schema.get("properties").and_then(Value::as_object).expect("an object's schema");
    properties.keys().cloned().collect()
}

fn lists() -> Vec<Vec<String>> {
    vec![
        fields::<TargetingOverlay>(),
        fields::<CreateMediaBuy>(),
        fields::<PackageRequest>(),
        fields::<UpdateMediaBuy>(),
        fields::<PackageUpdate>(),
        fields::<AddCreativeAssets>(),
        fields::<DaypartingRule>(),
        fields::<Schedule>(),
        fields::<FrequencyCapRule>(),
    ]
}

/// Returns the variants of a name with one letter omitted, inserted or changed, or two swapped.
fn slips(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut all = Vec::new();
    for place in 0..=letters.len() {
        for letter in ['a', 'e', 'n', 'o', 's', 'y', '_'] {
            let mut longer = letters.clone();
            longer.insert(place, letter);
            all.push(longer);
            if place < letters.len() {
                let mut changed = letters.clone();
                changed[place] = letter;
                all.push(changed);
            }
        }
        if place < letters.len() {
            let mut shorter = letters.clone();
            shorter.remove(place);
            all.push(shorter);
        }
        if place + 1 < letters.len() {
            let mut swapped = letters.clone();
            swapped.swap(place, place + 1);
            all.push(swapped);
        }
    }
    all.into_iter().map(String::from_iter).collect()
}

#[test]
fn a_slip_leads_to_the_field_or_nowhere() {
    let (mut tried, mut found) = (0_u32, 0_u32);
    for known in lists() {
        for field in &known {
            let is_free = |slip: &String| !known.contains(slip) && !OTHER_NAMES.iter().any(|(other, _)| other == slip);
            for slip in slips(field).into_iter().filter(is_free) {
                let meant = meant(&slip, &known);
                assert!(meant.is_none_or(|meant| meant == field), "{slip}, a slip of {field}: {meant:?}");
                tried += 1;
                found += u32::from(meant.is_some());
            }
        }
    }
    assert!(f64::from(found) > 0.9 * f64::from(tried), "{found} of {tried}");
}

#[test]
fn what_others_call_it_is_known_and_nothing_is_turned_round() {
    let known = fields::<TargetingOverlay>();
    for (name, wanted) in [
        ("geo_countries", Some("geo_country_any_of")),
        ("geoCountries", Some("geo_country_any_of")),
        ("geo_countries_exclude", Some("geo_country_none_of")),
        ("geo_regions", Some("geo_region_any_of")),
        ("geo_regions_exclude", Some("geo_region_none_of")),
        ("geo_metros", Some("geo_metro_any_of")),
        ("geo_postal_areas", Some("geo_postal_any_of")),
        ("geo_postal_areas_exclude", Some("geo_postal_none_of")),
        ("geo_postal_codes", Some("geo_postal_any_of")),
        ("content_cat_any_of", Some("content_category_any_of")),
        ("content_cat_none_of", Some("content_category_none_of")),
        ("device_type", Some("device_type_any_of")),
        ("device_type_exclude", Some("device_type_none_of")),
        ("device_platform", Some("os_any_of")),
        ("browsers", Some("browser_any_of")),
        ("languages", Some("language_any_of")),
        ("audience_exclude", Some("audience_segment_none_of")),
        ("daypart_targets", Some("dayparting")),
        ("country", Some("geo_country_any_of")),
        ("country_not_in", Some("geo_country_none_of")),
        ("exclude_countries", Some("geo_country_none_of")),
        ("exclude_browser_any_of", Some("browser_none_of")),
        ("city_any_of", Some("geo_city_any_of")),
        ("keywords_any_of", None),
        ("keyword_targets", None),
        ("property_list", None),
        ("age_restriction", None),
        ("geo_any_of", None),
        ("geo_none_of", None),
        ("geo_city_one_of", None),
        ("content_any_of", None),
        ("geography_exclude", None),
        ("exclude_geography", None),
        ("surprise", None),
        ("", None),
    ] {
        assert_eq!(meant(name, &known), wanted, "{name}");
    }
    let known = fields::<PackageUpdate>();
    for (name, wanted) in [
        ("inactive", None),
        ("unactive", None),
        ("not_active", None),
        ("paused", None),
        ("is_active", Some("active")),
        ("product_id", Some("package_id")),
        ("targeting", Some("targeting_overlay")),
        ("budgett", Some("budget")),
        ("daily", None),
    ] {
        assert_eq!(meant(name, &known), wanted, "{name}");
    }
    let known = fields::<CreateMediaBuy>();
    for (name, wanted) in [
        ("total_budgett", Some("total_budget")),
        ("budget", Some("total_budget")),
        ("start_time", Some("flight_start_date")),
        ("end_date", Some("flight_end_date")),
        ("products", Some("packages")),
        ("date", None),
    ] {
        assert_eq!(meant(name, &known), wanted, "{name}");
    }
    // Names of an enum: `complete` means `completed`, not the end of `cannot_complete`.
    let known = ["approved", "rejected", "completed", "cannot_complete"].map(str::to_owned);
    assert_eq!(meant("complete", &known), Some("completed"));
    assert_eq!(meant("cannotcomplete", &known), Some("cannot_complete"));
    assert_eq!(meant("unapproved", &known), None);
}

#[test]
fn every_other_name_leads_to_a_field_that_there_is() {
    let known: Vec<String> = lists().concat();
    for (other, ours) in OTHER_NAMES {
        assert!(known.iter().any(|field| field == ours), "{ours}");
        let excludes = |name: &str| sense(name) == Sense::Excludes;
        assert_eq!(excludes(other), excludes(ours), "{other} for {ours}");
    }
}
