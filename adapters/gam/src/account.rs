//! The network's own currency and time zone, and whether what the settings name is there.
//!
//! - [`inspect`]: the contract's optional interface `account`.
//! - `named`: the ids and names that settings and products have, by kind.

mod inspect;
mod named;

use flightdeck_adapter::{ad_server::Booking, cache, prelude::*};
use serde::{Deserialize, Serialize};

use crate::{api::Network, line_item::LineItem, order::Order};

/// How long a network's currency and time zone are kept, in seconds. A network's currency can't be
/// changed, and its time zone seldom is.
const KEPT_SECONDS: u32 = 3_600;

/// What a network says of itself (type `Network`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Its name.
    #[serde(default)]
    pub display_name: String,
    /// Its primary currency, in which orders are (type `Order.currency_code`) and reports count.
    pub currency_code: String,
    /// The currencies that line items may have besides. The adapter uses the primary one only.
    #[serde(default)]
    pub secondary_currency_codes: Vec<String>,
    /// Its time zone, as IANA names it: of delivery and reports.
    pub time_zone: String,
    /// Whether it is a test network, which serves no ads to readers.
    #[serde(default)]
    pub test_network: bool,
}

/// Reads a network, at most once in an hour.
///
/// # Errors
/// When Ad Manager can't be reached, or has no such network.
pub fn read(network: &Network) -> Fallible<Account> {
    cache::kept(&key(network), KEPT_SECONDS, || fetch(network))
}

/// Reads a network now, for whoever wants to know what holds.
///
/// # Errors
/// As [`read`].
fn read_now(network: &Network) -> Fallible<Account> {
    let account = fetch(network)?;
    cache::keep(&key(network), KEPT_SECONDS, &account);
    Ok(account)
}

fn fetch(network: &Network) -> Fallible<Account> {
    network.get_named(&format!("networks/{}", network.platform.network_code)).fetch()
}

fn key(network: &Network) -> String {
    format!("network {}", network.platform.network_code)
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
