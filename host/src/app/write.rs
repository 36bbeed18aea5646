//! What all writes are given, and what they answer.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    app::Moment,
    domain::{
        id::MediaBuyId, media_buy::MediaBuy, operation::Operation, status::BuyStatus, time::Timestamp, update::BuyPatch,
    },
};

/// How a write is to be accepted.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// The caller's idempotency key.
    pub idempotency_key: Option<String>,
    /// How long to wait for the outcome before answering.
    pub wait: Duration,
    /// Plan only; change nothing.
    pub dry_run: bool,
    /// The request as it came, for reviewers and for the fingerprint of the idempotency key. Without the key itself.
    pub request: serde_json::Value,
}

/// The answer to a write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WriteAnswer {
    /// The buy as it stands when the answer is given. For a dry run: as it would be.
    pub buy: MediaBuy,
    /// The buy's status as it stands.
    pub standing_status: BuyStatus,
    /// The words that explain it.
    pub standing_detail: String,
    /// The operation. For a dry run it was not stored and never will be.
    pub operation: Operation,
    /// Whether nothing was stored.
    pub dry_run: bool,
    /// Whether this is the first answer again.
    #[serde(default)]
    pub replayed: bool,
    /// When it was given.
    pub at: Timestamp,
    /// What the caller left out and the host filled in, in words: default dates.
    pub notes: Vec<String>,
}

/// A change of a buy. The patch's `end` is left `None` and given here as the caller gave it.
#[derive(Debug, Clone)]
pub struct ChangeMediaBuy {
    /// Which buy.
    pub buy: MediaBuyId,
    /// What changes.
    pub patch: BuyPatch,
    /// A new end.
    pub end: Option<Moment>,
    /// Whether it came as `update_package`.
    pub packages_only: bool,
}
