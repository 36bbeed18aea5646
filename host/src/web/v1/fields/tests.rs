use serde_json::json;

use super::*;
use crate::domain::error_code::ErrorCode;

/// Returns the pointers for fields that an adapter or the host named.
fn pointers(paths: impl IntoIterator<Item = FieldPath>, request: &Value) -> Vec<String> {
    let problems = paths.into_iter().map(|path| Problem::new(path, "no").value("v")).collect();
    let error = in_request(AppError::problems(ErrorCode::InvalidParameter, problems), request);
    error.problems.iter().map(|problem| pointer(&problem.field)).collect()
}

fn relocated(fields: &[&str], request: &Value) -> Vec<String> {
    pointers(fields.iter().map(|field| FieldPath::parse(field)), request)
}

#[test]
fn a_package_is_pointed_at_by_its_place_in_the_list() {
    let request =
        json!({"packages": ["a", {"package_id": "b", "targeting_overlay": {"os_any_of": ["x"]}, "pacing": "asap"}]});
    assert_eq!(relocated(&["/packages/b/pacing"], &request), ["/packages/1/pacing"]);
    assert_eq!(
        relocated(&["/packages/b/targeting_overlay/os_any_of"], &request),
        ["/packages/1/targeting_overlay/os_any_of"]
    );
}

#[test]
fn what_the_buys_overlay_asks_is_pointed_at_once_and_under_the_name_that_was_used() {
    let request =
        json!({"packages": ["a", "b"], "targeting_overlay": {"device_types": ["ctv"], "geography": ["US-CA"]}});
    let fields =
        ["/packages/a/targeting_overlay/device_type_any_of", "/packages/b/targeting_overlay/device_type_any_of"];
    assert_eq!(relocated(&fields, &request), ["/targeting_overlay/device_types"]);
    assert_eq!(
        relocated(&["/packages/a/targeting_overlay/geo_region_any_of"], &request),
        ["/targeting_overlay/geography"]
    );
}

#[test]
fn a_contradiction_is_told_in_the_words_of_the_request() {
    let rule = TargetingPart::Rule;
    let request = json!({"packages": ["a"], "targeting_overlay": {"geography": ["US-CA"], "geo_country_none_of": ["US"], "os_any_of": ["x"]}});
    let paths = [
        Subject::Buy.targeting(rule(Dimension::GeoRegion, Operator::AnyOf)),
        Subject::Buy.targeting(rule(Dimension::GeoCountry, Operator::NoneOf)),
        // A rule of the package itself that this request doesn't contain; it is not the buy's.
        Subject::Package(PackageRef::Named("b".into())).targeting(rule(Dimension::Os, Operator::AnyOf)),
    ];
    assert_eq!(
        pointers(paths, &request),
        [
            "/targeting_overlay/geography",
            "/targeting_overlay/geo_country_none_of",
            "/packages/b/targeting_overlay/os_any_of"
        ]
    );
}

#[test]
fn a_pointer_that_leads_nowhere_is_kept() {
    assert_eq!(relocated(&["/elsewhere/x"], &json!({})), ["/elsewhere/x"]);
    assert_eq!(relocated(&["/packages/z/budget"], &json!({"packages": ["z"]})), ["/packages/0/budget"]);
    assert_eq!(relocated(&["/packages/z/zone/x"], &json!({"packages": ["z"]})), ["/packages/0/zone/x"]);
}

#[test]
fn an_id_with_a_slash_is_found_and_escaped() {
    let request = json!({"packages": [{"package_id": "a", "cpm": 1}, {"package_id": "n/1", "cpm": 1}]});
    assert_eq!(relocated(&["/packages/n~11/cpm"], &request), ["/packages/1/cpm"]);
    assert_eq!(relocated(&["/packages/n~11/cpm"], &json!({})), ["/packages/n~11/cpm"]);
}

#[test]
fn the_message_has_the_word_of_the_request() {
    let request = json!({"packages": ["a"], "targeting_overlay": {"device_types": ["ctv"]}});
    let path = Subject::merged(&"a".into()).targeting(TargetingPart::Rule(Dimension::DeviceType, Operator::AnyOf));
    let problems = vec![Problem::new(path, "can't be").value("ctv")];
    let error = in_request(AppError::problems(ErrorCode::UnsupportedTargeting, problems), &request);
    assert_eq!(error.message, r#"device_types "ctv" can't be"#);
    assert_eq!(error.field, Some(FieldPath::text("/targeting_overlay/device_types")));
}

/// Adapters name fields as this version does, so that their texts can be shown unchanged where the
/// request is not available.
#[test]
fn version_1_and_the_adapter_contract_have_the_same_names() {
    let rules = Dimension::ALL.iter().flat_map(|dimension| {
        Operator::ALL.iter().map(|operator| Part::Targeting(TargetingPart::Rule(*dimension, *operator)))
    });
    let targeting = [
        TargetingPart::Whole,
        TargetingPart::Hours,
        TargetingPart::Presets,
        TargetingPart::Schedule(1),
        TargetingPart::Cap,
        TargetingPart::CapScope,
        TargetingPart::CapMinutes,
        TargetingPart::Custom("a/b".to_owned()),
    ];
    let parts = Field::ALL.iter().map(|field| Part::Field(*field)).chain(rules).chain(targeting.map(Part::Targeting));
    for part in parts {
        for subject in [Subject::Buy, Subject::listed(1), Subject::merged(&"a~b".into()), Subject::Performance(0)] {
            let path = subject.at(part.clone());
            assert_eq!(pointer(&path), path.to_string());
        }
    }
}
