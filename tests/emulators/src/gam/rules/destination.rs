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
/// The longest address, in characters.
const MOST: usize = 1024;

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
    match text(details, "destinationUrl").filter(|url| !url.is_empty()) {
        Some(url) if url.chars().count() > MOST => {
            let why = format!("at most {MOST} characters");
            Err(Refusal::invalid("TOO_LONG", &format!("{place}.destination_url"), why))
        }
        None if text(details, "destinationUrlType") != Some("NONE") => {
            Err(Refusal::required(&format!("{place}.destination_url")))
        }
        _ => Ok(()),
    }
}
