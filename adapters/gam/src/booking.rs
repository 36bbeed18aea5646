//! A media buy on Ad Manager: one order, and one line item for each package.
//!
//! `:batchCreate` could make many line items at once, but then one refusal refuses all of them. So
//! each is made separately, and a refusal names its package.

use flightdeck_adapter::{ad_server::Booking, prelude::*};

use crate::{
    line_item::{self, LineItem},
    order::{self, Order},
    settings::Platform,
};

/// Translates a media buy, and collects what can't be translated.
///
/// # Errors
/// When the buy can't be parsed.
pub fn translate(platform: &Platform, buy: &MediaBuy, problems: &mut Problems) -> Fallible<Booking<Order, LineItem>> {
    problems.check_currency(platform.currency.as_ref(), buy, |currency| {
        format!("This Ad Manager network counts in {currency}.")
    });
    let order = order::translate(platform, buy, problems);
    let mut notes = Vec::new();
    let translate = |package| line_item::translate(platform, buy, package, problems, &mut notes);
    let items = buy.packages.iter().map(translate).collect::<Fallible<Vec<_>>>()?;
    Ok(Booking { order, items, notes })
}
