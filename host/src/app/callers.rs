//! What the host remembers of its callers: how much each has asked of late, which addresses came with tokens that are worth nothing,
//! and what is being asked of ad servers at this moment, so that the same question is asked once.
//!
//! - [`rate_limits`]: how much a caller may ask.
//! - [`single_flight`]: questions that several callers have at the same time.

use std::sync::Arc;

use self::{
    rate_limits::RateLimits,
    single_flight::{CachedFlight, SingleFlight},
};
use crate::{
    app::{authentication::login_limits::LoginLimits, error::AppError},
    config::Config,
    domain::{
        delivery::DeliveryRow,
        id::MediaBuyId,
        time::{Day, Timestamp},
    },
    operations::status::Seen,
};

pub mod rate_limits;
pub mod single_flight;

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
    pub rates: RateLimits,
    /// How many logins failed, by address.
    pub logins: LoginLimits,
    /// Whether the host can serve: anybody may ask that, as often as they like.
    pub readiness: SingleFlight<(), Result<(), Vec<String>>>,
    /// How buys stand: what is being asked.
    pub standings: SingleFlight<AsRecorded, Result<(Timestamp, Seen), AppError>>,
    /// What buys delivered: what is being asked, and what was answered a moment ago.
    pub deliveries: CachedFlight<(AsRecorded, Day, Day), Result<Counted, AppError>>,
}

impl Callers {
    /// With nothing to remember yet.
    pub fn new(config: &Config) -> Self {
        Self {
            rates: RateLimits::default(),
            logins: LoginLimits::new(config.callers.failed_logins_per_minute),
            readiness: SingleFlight::default(),
            standings: SingleFlight::default(),
            deliveries: CachedFlight::new(config.callers.delivery_cache),
        }
    }
}
