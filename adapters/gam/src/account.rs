//! The network's own currency and time zone, read once in a call that needs them.

use flightdeck_adapter::{ad_server::Booking, prelude::*};
use serde::Deserialize;

use crate::{api::Network, line_item::LineItem, order::Order};

/// What a network says of itself (type `Network`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Its primary currency, in which orders are (type `Order.currency_code`) and reports count.
    pub currency_code: String,
    /// Its time zone, as IANA names it: of delivery and reports.
    pub time_zone: String,
}

/// Reads a network.
///
/// # Errors
/// When Ad Manager can't be reached, or has no such network.
pub fn read(network: &Network) -> Fallible<Account> {
    network.get_named(&format!("networks/{}", network.platform.network_code)).fetch()
}

/// Refuses a media buy in another currency than the network's, before anything of it is made. A
/// plan can't: it uses no network. It knows the currency from the settings, if they name it.
///
/// # Errors
/// `unsupported`, with both currencies. When Ad Manager can't be reached.
pub fn check(network: &Network, booking: &Booking<Order, LineItem>) -> Fallible<()> {
    let account = read(network)?;
    let Some(item) = booking.items.iter().find(|item| item.currency != account.currency_code) else { return Ok(()) };
    let mut problems = Problems::default();
    let message = format!(
        "The media buy is in {}, and the Ad Manager network {} counts in {}: it takes no other.{}",
        item.currency,
        network.platform.network_code,
        account.currency_code,
        match &network.platform.currency {
            Some(said) if *said != account.currency_code =>
                format!(" Correct the platform's setting currency, {said}."),
            _ => String::new(),
        }
    );
    problems.unsupported("unsupported_currency", "/currency", &item.currency, message, &[&account.currency_code]);
    problems.check()
}
