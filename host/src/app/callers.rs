//! What the host remembers about its callers: their rate limits, the addresses of failed logins,
//! and the ad server requests in flight, so that identical requests are sent once.
//!
//! - [`rate_limits`]: how many calls a caller may make.
//! - [`single_flight`]: shares one request between several callers.

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

/// A buy and the version at which it was read. A caller that asks after a change must not get an
/// answer from before it.
pub type AsRecorded = (MediaBuyId, i64);

/// The delivery of a buy as counted by the ad servers.
#[derive(Debug, Clone)]
pub struct Counted {
    /// The delivery by package and day.
    pub rows: Arc<Vec<DeliveryRow>>,
    /// The time up to which all of them had counted.
    pub as_of: Timestamp,
    /// What was delivered before this time is not corrected any more, if all of them say so.
    pub final_until: Option<Timestamp>,
    /// The time zone whose days they count. `None` if they differ.
    pub time_zone: Option<Arc<str>>,
    /// What a reader of these days must know.
    pub notes: Arc<[String]>,
}

/// What the host remembers about its callers.
#[derive(Debug)]
pub struct Callers {
    /// The rate limits of the callers.
    pub rates: RateLimits,
    /// The failed logins by address.
    pub logins: LoginLimits,
    /// The readiness check, shared because anybody may request it as often as they like.
    pub readiness: SingleFlight<(), Result<Vec<String>, Vec<String>>>,
    /// The status requests in flight.
    pub standings: SingleFlight<AsRecorded, Result<(Timestamp, Seen), AppError>>,
    /// The delivery reports in flight, and those of the last moments.
    pub deliveries: CachedFlight<(AsRecorded, Day, Day), Result<Counted, AppError>>,
}

impl Callers {
    /// Returns an empty memory.
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
