//! What narrows a flight beyond the contract's targeting, as it arrives on Triton.

use flightdeck_adapter::prelude::*;

use crate::{
    network::{field, with_settings},
    samples,
};

#[test]
fn markets_tags_ages_caps_and_external_ids_are_taken() {
    let network = with_settings(
        r#"{"team_id": 31, "content_types": ["live"], "positions": ["mid"],
            "campaign_external_id": "{media_buy_id}", "flight_external_id": "{media_buy_id}/{product}"}"#,
    );
    let mut drive = samples::package("drive");
    drive.product_settings = r#"{"markets": ["New York"], "station_tags": ["fm"], "once_per": "break"}"#.to_owned();
    drive.targeting.rules = vec![samples::rule(Dimension::AudienceSegment, Operator::NoneOf, &["1204"])];
    drive.targeting.custom =
        Some(r#"{"content_tags": ["finance"], "age": {"min": 18}, "genders": ["female"]}"#.to_owned());
    let current = samples::buy(vec![drive]);
    network.create(&current);
    let flight = &network.objects("flights")[0];
    let targeting = field(flight, "targeting");
    for dimension in ["market", "station-tag", "content-tag", "age", "gender", "segment"] {
        assert!(targeting.contains(&format!(r#""dimension":"{dimension}""#)), "{dimension}: {targeting}");
    }
    assert!(field(flight, "frequencyCap").contains("BREAK"), "{flight}");
    assert_eq!(field(flight, "externalId"), r#""triton_12345/drive""#);
    assert_eq!(field(&network.objects("campaigns")[0], "externalId"), r#""triton_12345""#);

    let mut desired = current.clone();
    desired.packages[0].targeting.custom = Some(r#"{"once_per": "lifetime"}"#.to_owned());
    assert_eq!(network.update(&current, &desired, &[]).failed, None);
    assert!(field(&network.objects("flights")[0], "frequencyCap").contains("LIFETIME"));
}
