//! What the host remembers of its callers: how much each has asked of late, which addresses came with tokens that are worth nothing,
//! and what is being asked of ad servers at this moment, so that the same question is asked once.
//!
//! - [`rates`]: how much a caller may ask.
//! - [`logins`]: tokens that are worth nothing.
//! - [`questions`]: questions that several callers have at the same time.

use std::sync::Arc;

use self::{
    logins::Logins,
    questions::{Asked, Together},
    rates::Rates,
};
use crate::{
    app::error::AppError,
    config::Config,
    domain::{
        delivery::DeliveryRow,
        id::MediaBuyId,
        time::{Day, Timestamp},
    },
    operations::status::Seen,
};

pub mod logins;
pub mod questions;
pub mod rates;

/// A buy, as it was recorded when somebody asked about it: an answer from before a change is no answer to who asks after it.
pub type AsRecorded = (MediaBuyId, i64);

/// What the ad servers counted of a buy, and up to when.
#[derive(Debug, Clone)]
pub struct Counted {
    /// Package by package and day by day.
    pub rows: Arc<Vec<DeliveryRow>>,
    /// Up to when they had counted.
    pub as_of: Timestamp,
}

/// What the host remembers of its callers.
#[derive(Debug)]
pub struct Callers {
    /// How much each may ask.
    pub rates: Rates,
    /// Who came with tokens that are worth nothing.
    pub logins: Logins,
    /// Whether the host can serve: anybody may ask that, as often as they like.
    pub readiness: Together<(), Result<(), Vec<String>>>,
    /// How buys stand: what is being asked.
    pub standings: Together<AsRecorded, Result<(Timestamp, Seen), AppError>>,
    /// What buys delivered: what is being asked, and what was answered a moment ago.
    pub deliveries: Asked<(AsRecorded, Day, Day), Result<Counted, AppError>>,
}

impl Callers {
    /// With nothing to remember yet.
    pub fn new(config: &Config) -> Self {
        Self {
            rates: Rates::default(),
            logins: Logins::new(config.callers.failed_logins_per_minute),
            readiness: Together::default(),
            standings: Together::default(),
            deliveries: Asked::new(config.callers.delivery_cache),
        }
    }
}
