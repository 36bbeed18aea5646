//! The options and the answer that all writes have in common.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    app::Moment,
    domain::{
        id::MediaBuyId, media_buy::MediaBuy, operation::Operation, status::BuyStatus, time::Timestamp, update::BuyPatch,
    },
};

/// The options of a write.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// The caller's idempotency key.
    pub idempotency_key: Option<String>,
    /// How long to wait for the outcome before answering.
    pub wait: Duration,
    /// Whether to plan only and change nothing.
    pub dry_run: bool,
    /// The request as received, without the idempotency key, for reviewers and for the fingerprint
    /// of the key.
    pub request: serde_json::Value,
}

/// The answer to a write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WriteAnswer {
    /// The buy as of the answer. For a dry run, as it would be.
    pub buy: MediaBuy,
    /// The buy's status as of the answer.
    pub standing_status: BuyStatus,
    /// The detail that explains the status.
    pub standing_detail: String,
    /// The operation. In a dry run it is never stored.
    pub operation: Operation,
    /// Whether this was a dry run, which stores nothing.
    pub dry_run: bool,
    /// Whether this is a repetition of the first answer.
    #[serde(default)]
    pub replayed: bool,
    /// When the answer was given.
    pub at: Timestamp,
    /// What the caller left out and the host filled in, in words, such as default dates.
    pub notes: Vec<String>,
}

/// A change of a buy. The patch's `end` stays `None`; the new end is given here in the caller's
/// form.
#[derive(Debug, Clone)]
pub struct ChangeMediaBuy {
    /// The buy to change.
    pub buy: MediaBuyId,
    /// The changes other than the end.
    pub patch: BuyPatch,
    /// The new end of the flight.
    pub end: Option<Moment>,
    /// Whether the request was an `update_package`.
    pub packages_only: bool,
}
