//! A media buy as it is on Ad Manager: one order, and one line item for each package.
//!
//! Line items could be made many at once (`:batchCreate`), but then one that is refused refuses them all. So each is made
//! by itself, and what is wrong is told of its package.

use flightdeck_adapter::{ad_server::Booking, prelude::*};

use crate::{
    line_item::{self, LineItem},
    order::{self, Order},
    settings::Platform,
};

/// Translates what can be, and gathers what can't.
///
/// # Errors
/// When the buy can't even be read.
pub fn translate(platform: &Platform, buy: &MediaBuy, problems: &mut Problems) -> Fallible<Booking<Order, LineItem>> {
    problems.check_currency(platform.currency.as_ref(), buy, |currency| {
        format!("This Ad Manager network counts in {currency}.")
    });
    let order = order::translate(buy, problems);
    let translate = |package| line_item::translate(platform, buy, package, problems);
    let items = buy.packages.iter().map(translate).collect::<Fallible<Vec<_>>>()?;
    Ok(Booking { order, items, notes: Vec::new() })
}
