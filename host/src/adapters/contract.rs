//! Between the contract's types and the domain's, both ways. What guests return is checked here, once: nothing that an
//! adapter says reaches the host unread.
//!
//! - [`outgoing`]: what adapters are given. A buy is narrowed to the packages of one platform.
//! - [`answers`]: plans and outcomes that come back.
//! - [`reads`]: statuses and delivery that come back.
//! - [`describe`]: what an adapter says that it is.
//! - [`check`]: the bounds of texts and lists.

mod answers;
mod check;
mod describe;
mod outgoing;
mod reads;
mod words;

pub(crate) use answers::{creative_outcome, failure, made, outcome, performance_outcome, plan, update_outcome};
pub(crate) use describe::capabilities;
pub(crate) use outgoing::{Given, Outgoing, made_to_guest, remote_buy, remote_objects};
pub(crate) use reads::{Answers, deliveries, statuses};
pub(crate) use words::remote_from_guest;

/// What is wrong with what an adapter returned: the end of the sentence "the adapter acme …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Bad(pub(crate) String);

impl Bad {
    fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// Ends a conversion with a sentence.
macro_rules! bad {
    ($($words:tt)*) => { return Err(crate::adapters::contract::Bad(format!($($words)*))) };
}
use bad;
