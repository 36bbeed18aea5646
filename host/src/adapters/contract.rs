//! Conversions between the contract's types and the domain's, both ways. Everything that guests
//! return is checked here, once; nothing reaches the host unchecked.
//!
//! - [`outgoing`]: what adapters are given. A buy is narrowed to the packages of one platform.
//! - [`answers`]: plans and outcomes that adapters return.
//! - [`reads`]: statuses and delivery that adapters return.
//! - [`describe`]: an adapter's description of itself.
//! - [`account`]: products that adapters are given, and accounts that they return.
//! - [`check`]: limits on texts and lists.

pub(super) mod account;
mod answers;
mod check;
mod describe;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod outgoing;
mod reads;
mod words;

pub(crate) use answers::{creative_outcome, failure, made, outcome, performance_outcome, plan, update_outcome};
pub(crate) use describe::capabilities;
pub(crate) use outgoing::{Asked, Given, Outgoing, made_to_guest, remote_buy, remote_objects};
pub(crate) use reads::{Answers, deliveries, statuses};
pub(crate) use words::remote_from_guest;

/// What is wrong with an adapter's answer; the text completes the sentence "the adapter acme …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Bad(pub(crate) String);

impl Bad {
    fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// Returns from a conversion with a [`Bad`] built from a format string.
macro_rules! bad {
    ($($words:tt)*) => { return Err(crate::adapters::contract::Bad(format!($($words)*))) };
}
use bad;
