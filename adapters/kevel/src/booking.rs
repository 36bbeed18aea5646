//! A media buy on Kevel: one campaign, and one flight for each package.
//!
//! `POST /v2/campaign` could make the campaign and its flights in one request, but without places,
//! sites and day parts, and its refusal would not name the package. So each is made separately.

use flightdeck_adapter::{ad_server::Booking, prelude::*};

use crate::{
    campaign::{self, Campaign},
    flight::{self, Flight},
    settings::Platform,
};

/// What `asap` is on Kevel (guide, delivery basics).
pub const ASAP: &str = "asap is a percentage goal of 100 with a lifetime cap of the impressions. It is a weight in a \
     lottery among the flights of the same priority, not the first place: for that, a product names a priority of its \
     own, asap_priority_id.";

/// Translates a media buy, and collects what can't be translated.
///
/// # Errors
/// When the buy can't be parsed.
pub fn translate(
    platform: &Platform,
    advertiser: i64,
    buy: &MediaBuy,
    problems: &mut Problems,
) -> Fallible<Booking<Campaign, Flight>> {
    let mut notes = Vec::new();
    problems.check_currency(platform.currency.as_ref(), buy, |currency| {
        format!("This Kevel network counts in {currency}.")
    });
    let order = campaign::translate(platform, advertiser, buy, problems, &mut notes);
    let translate = |package| flight::translate(platform, buy, package, problems, &mut notes);
    let items = buy.packages.iter().map(translate).collect::<Fallible<Vec<_>>>()?;
    if buy.packages.iter().any(|package| package.pacing == Pacing::Asap) {
        notes.push(ASAP.to_owned());
    }
    Ok(Booking { order, items, notes })
}
