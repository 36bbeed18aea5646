//! The click address of a creative: `destinationUrl` is required unless `destinationUrlType` is
//! NONE (types `ImageRedirectCreativeDetails`, `VastRedirectCreativeDetails`,
//! `ThirdPartyCreativeDetails`, `VastInfo` and the others that have the two fields).

use crate::gam::{
    refusal::Refusal,
    schema::{Object, inner, snake, text},
};

/// Kinds of creatives that have the two fields themselves.
const KINDS: [&str; 9] = [
    "aspectRatioImageCreative",
    "customCreative",
    "imageCreative",
    "imageOverlayCreative",
    "imageRedirectCreative",
    "imageRedirectOverlayCreative",
    "templateCreative",
    "thirdPartyCreative",
    "vastRedirectCreative",
];
/// The part that has them in the other kinds of video and audio.
const VAST: &str = "vastInfo";

/// Checks the details of a creative of a kind.
pub(in crate::gam) fn check(kind: &str, details: &Object) -> Result<(), Refusal> {
    if KINDS.contains(&kind) {
        return one(&format!("creative.{}", snake(kind)), details);
    }
    match inner(details, VAST) {
        Some(vast) => one(&format!("creative.{}.{}", snake(kind), snake(VAST)), vast),
        None => Ok(()),
    }
}

fn one(place: &str, details: &Object) -> Result<(), Refusal> {
    let given = text(details, "destinationUrl").is_some_and(|url| !url.is_empty());
    if given || text(details, "destinationUrlType") == Some("NONE") {
        return Ok(());
    }
    Err(Refusal::required(&format!("{place}.destination_url")))
}
