//! A media buy on Triton: one campaign, and one flight for each package.

use flightdeck_adapter::{ad_server::Booking, prelude::*};

use crate::{
    campaign::{self, Campaign},
    flight::{self, Flight},
    settings::Platform,
};

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
    problems.check_currency(platform.currency.as_ref(), buy, |currency| {
        format!("Campaigns on Triton are booked in {currency} here.")
    });
    let mut notes = Vec::new();
    campaign::check(buy, problems);
    let translate = |package| flight::translate(platform, buy, package, problems, &mut notes);
    let items = buy.packages.iter().map(translate).collect::<Fallible<Vec<_>>>()?;
    let order = campaign::translate(advertiser, buy, &items);
    notes.dedup();
    Ok(Booking { order, items, notes })
}
