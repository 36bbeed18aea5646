//! How accepted changes are carried out.

use std::time::Duration;

use super::{section::Section, values};

/// The time after which a dead worker is noticed. With a shorter lease, a slow disk would look like
/// a death.
const DEFAULT_LEASE: Duration = Duration::from_secs(30);
/// Two heartbeats may be missed before a lease expires.
const DEFAULT_HEARTBEAT: Duration = Duration::from_secs(10);
/// Operations mostly wait for ad servers, which accept only a handful of requests at a time.
const DEFAULT_WORKERS: usize = 8;
/// These workers are separate, so a pause never waits for a change. Each platform has its own.
const DEFAULT_SWITCH_WORKERS: usize = 4;
/// An operation that was claimed ten times and never ended does harm. A person should look at it.
const DEFAULT_MAX_CLAIMS: u32 = 10;
/// An ad server that is still down after a day won't recover soon.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(24 * 3_600);
/// A hiccup passes within a second.
const DEFAULT_BACKOFF_INITIAL: Duration = Duration::from_secs(1);
/// Often enough to be quick once an outage ends, and rare enough not to prolong it.
const DEFAULT_BACKOFF_MAX: Duration = Duration::from_secs(5 * 60);
/// Ad servers accept a handful of requests a second, and a disapproved buy loses little in five
/// minutes.
const DEFAULT_STATUS_REFRESH: Duration = Duration::from_secs(5 * 60);
/// An account changes seldom, and a reading takes some dozens of requests.
const DEFAULT_ACCOUNT_REFRESH: Duration = Duration::from_secs(24 * 3_600);
/// Long enough for lists that lag and for short maintenance of an ad server.
const DEFAULT_MISSING_AFTER: Duration = Duration::from_secs(5 * 60);
/// Nobody removes this many buys, and more than half of them, from an ad server by hand within
/// minutes.
const DEFAULT_MISSING_ALARM: usize = 10;

/// More buys than any publisher has open on one ad server.
const MOST_MISSING_ALARM: i64 = 1_000_000;

/// The intervals, from minutes to a day, after a request got no answer. Gateways that queue
/// requests during an outage of the ad server forward them within minutes once it is back, and an
/// outage rarely lasts for more than a day.
const DEFAULT_LOOK_AGAIN: [Duration; 5] = [
    Duration::from_secs(5 * 60),
    Duration::from_secs(20 * 60),
    Duration::from_secs(3_600),
    Duration::from_secs(6 * 3_600),
    Duration::from_secs(24 * 3_600),
];

/// `[operations]`: how accepted changes are carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operations {
    /// `lease`: how long a worker owns an operation without a heartbeat. Default `30s`.
    pub lease: Duration,
    /// `heartbeat`: the interval at which a lease is renewed; less than half of it. Default `10s`.
    pub heartbeat: Duration,
    /// `workers`: how many operations run at a time, 1 to 1000. One operation of each lane, and
    /// changes that only pause or resume delivery, run in addition to them. Default 8.
    pub workers: usize,
    /// `workers_per_platform`: how many of the workers may run on one platform. Default: half of
    /// them, or all of them if there is only one platform.
    pub workers_per_platform: Option<usize>,
    /// `switch_workers`: how many operations that only pause or resume delivery run at a time on
    /// one platform, 1 to 1000. Default 4.
    pub switch_workers: usize,
    /// `max_claims`: how often an operation may be claimed before a person must look at it, 1 to
    /// 1000. Default 10.
    pub max_claims: u32,
    /// `deadline`: how long an operation is retried after its first failure. Default `24h`.
    pub deadline: Duration,
    /// `backoff_initial`: the backoff after the first failure. It doubles with each further
    /// failure. Default `1s`.
    pub backoff_initial: Duration,
    /// `backoff_max`: the longest backoff. Default `5m`.
    pub backoff_max: Duration,
    /// `status_refresh`: the interval at which the host polls the status of buys, so that it
    /// notices changes on an ad server by itself. Default `5m`.
    pub status_refresh: Duration,
    /// `account_refresh`: the interval at which the host reads the account of each platform and
    /// everything that the configuration names there. Zero: never. Default `1d`.
    pub account_refresh: Duration,
    /// `look_again`: the successive waits between lookups for objects that a lost request may have
    /// made. Default `["5m", "20m", "1h", "6h", "1d"]`.
    pub look_again: Vec<Duration>,
    /// `missing_after`: the minimum time between the first poll that misses a buy on its ad server
    /// and the poll that confirms it is gone. Default `5m`.
    pub missing_after: Duration,
    /// `missing_alarm`: if at least this many buys, and more than half of them, are missing within
    /// that time, the host raises an alarm and does not treat any of them as gone. Default 10.
    pub missing_alarm: usize,
}

impl Operations {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let operations = Self {
            lease: section.or("lease", DEFAULT_LEASE, values::duration),
            heartbeat: section.or("heartbeat", DEFAULT_HEARTBEAT, values::duration),
            workers: section.or("workers", DEFAULT_WORKERS, |node| values::whole(node, 1, 1_000)),
            workers_per_platform: section.optional("workers_per_platform", |node| values::whole(node, 1, 1_000)),
            switch_workers: section.or("switch_workers", DEFAULT_SWITCH_WORKERS, |node| values::whole(node, 1, 1_000)),
            max_claims: section.or("max_claims", DEFAULT_MAX_CLAIMS, |node| values::whole(node, 1, 1_000)),
            deadline: section.or("deadline", DEFAULT_DEADLINE, values::duration),
            backoff_initial: section.or("backoff_initial", DEFAULT_BACKOFF_INITIAL, values::duration),
            backoff_max: section.or("backoff_max", DEFAULT_BACKOFF_MAX, values::duration),
            status_refresh: section.or("status_refresh", DEFAULT_STATUS_REFRESH, values::duration),
            account_refresh: section.or("account_refresh", DEFAULT_ACCOUNT_REFRESH, values::duration_or_none),
            look_again: section
                .some_of("look_again", "name at least one duration, like [\"5m\", \"1h\", \"1d\"]", values::duration)
                .unwrap_or_else(|| DEFAULT_LOOK_AGAIN.to_vec()),
            missing_after: section.or("missing_after", DEFAULT_MISSING_AFTER, values::duration),
            missing_alarm: section
                .or("missing_alarm", DEFAULT_MISSING_ALARM, |node| values::whole(node, 1, MOST_MISSING_ALARM)),
        };
        let Self { lease, heartbeat, deadline, backoff_initial, backoff_max, .. } = operations;
        if operations.workers_per_platform.is_some_and(|share| share > operations.workers) {
            let at = section.place_of("workers_per_platform");
            section.wrong(at, format!("`workers_per_platform` must be at most `workers` ({})", operations.workers));
        }
        let half = lease / 2;
        in_order(section, heartbeat < half, ("heartbeat", heartbeat), "less than half of", ("lease", lease));
        in_order(section, lease < deadline, ("lease", lease), "shorter than", ("deadline", deadline));
        in_order(
            section,
            backoff_initial <= backoff_max,
            ("backoff_initial", backoff_initial),
            "at most",
            ("backoff_max", backoff_max),
        );
        in_order(section, backoff_max < deadline, ("backoff_max", backoff_max), "shorter than", ("deadline", deadline));
        operations
    }
}

/// Records that two durations conflict, at the position of the one that is configured.
fn in_order(
    section: &Section<'_>,
    fine: bool,
    (smaller, short): (&'static str, Duration),
    relation: &str,
    (larger, long): (&'static str, Duration),
) {
    if !fine {
        let at = section.place_of(if section.get(smaller).is_some() { smaller } else { larger });
        let (short, long) = (values::written(short), values::written(long));
        section.wrong(at, format!("`{smaller}` ({short}) must be {relation} `{larger}` ({long})"));
    }
}
