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
        format!("The advertisers of this Triton account are billed in {currency}.")
    });
    let mut notes = Vec::new();
    campaign::check(platform, buy, problems);
    let translate = |package| flight::translate(platform, buy, package, problems, &mut notes);
    let items = buy.packages.iter().map(translate).collect::<Fallible<Vec<_>>>()?;
    let order = campaign::translate(platform, advertiser, buy);
    notes.dedup();
    Ok(Booking { order, items, notes })
}
