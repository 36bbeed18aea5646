//! Limits of failed logins.
//!
//! Every failed login is counted and logged with the address that it came from, never with the
//! token. After too many, further ones from the same address get `RATE_LIMITED`, without a query to
//! the database, until it has been quiet for a while. Valid tokens from that address are still
//! served, because nobody can tell which client behind a shared address is guessing.

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use tokio::sync::Mutex;

use crate::{
    app::{
        App,
        authentication::failed_logins::RefusedToken,
        error::{AppError, ErrorCode},
    },
    domain::time::Timestamp,
    metrics::FAILED_LOGINS,
    operations::{
        now,
        people::{self, Lapse},
    },
    store::{StoreError, TokenRecord},
};

/// How many addresses are tracked separately, in about ten megabytes. Further ones share the limit
/// of one.
const ADDRESSES: usize = 100_000;

/// How long the list of stored tokens is used. After that, a new token is also served from an
/// address from which too many bad ones came.
const LISTED_FOR: Duration = Duration::from_secs(1);

/// The largest list that can be complete, because the store lists no more tokens.
const LISTED: usize = 10_000;

/// Why a token was refused. The answer does not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// No token was sent.
    Missing,
    /// The token does not exist.
    Unknown,
    /// The token has expired.
    Expired,
    /// The token was revoked.
    Revoked,
    /// The token's principal or role no longer exists.
    Orphaned,
    /// Whoever came back from the OpenID provider may not enter.
    SignOn,
}

impl Refused {
    /// Returns the reason as metrics and logs name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Orphaned => "orphaned",
            Self::SignOn => "single_sign_on",
        }
    }
}

/// A call without a valid token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedLogin {
    /// The client's address, as given by a trusted proxy if there is one; `None` if it is unknown.
    pub address: Option<IpAddr>,
    /// Why the token was refused.
    pub refused: Refused,
    /// The name of the token, if it is known.
    pub token: Option<String>,
}

/// The address that failures are counted for. IPv6 addresses count by /64 network, because a single
/// machine has a whole one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Origin {
    Address(IpAddr),
    /// The addresses beyond those that are tracked separately.
    Others,
}

impl Origin {
    fn of(address: Option<IpAddr>) -> Self {
        address.map_or(Self::Others, |address| Self::Address(network_of(address)))
    }
}

/// Returns the address under which a client is counted: for IPv6, its /64 network.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(four) => IpAddr::V4(four),
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & (u128::MAX << 64))),
    }
}

/// The failed logins by address.
#[derive(Debug)]
pub struct LoginLimits {
    failures: DefaultKeyedRateLimiter<Origin>,
    /// Until when addresses get no further answers. The limiter itself can't be queried without
    /// counting.
    full: std::sync::Mutex<HashMap<Origin, Instant>>,
    stored: Mutex<Option<(Instant, Arc<Stored>)>>,
}

/// The digests of all valid stored tokens; `None` if there are too many to list.
type Stored = Option<HashSet<String>>;

impl LoginLimits {
    /// Returns limits that answer this many failures per minute for each address.
    pub fn new(per_minute: NonZeroU32) -> Self {
        let failures = RateLimiter::keyed(Quota::per_minute(per_minute));
        Self { failures, full: std::sync::Mutex::default(), stored: Mutex::default() }
    }

    /// Counts a failure from an address. If there were too many, returns how long until the next
    /// one is answered.
    fn count(&self, origin: Origin) -> Result<(), Duration> {
        let origin = if self.failures.len() < ADDRESSES {
            origin
        } else {
            self.failures.retain_recent();
            if self.failures.len() < ADDRESSES { origin } else { Origin::Others }
        };
        self.failures.check_key(&origin).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            let (mut full, now) = (self.full(), Instant::now());
            if full.len() >= ADDRESSES {
                full.retain(|_, until| *until > now);
            }
            if full.len() < ADDRESSES {
                full.insert(origin, now + wait);
            }
            wait
        })
    }

    fn full(&self) -> std::sync::MutexGuard<'_, HashMap<Origin, Instant>> {
        self.full.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether an address has so many failures that the next one is not answered.
    fn is_full(&self, origin: Origin) -> bool {
        let (mut full, now) = (self.full(), Instant::now());
        match full.get(&origin) {
            Some(until) if *until > now => true,
            Some(_) => {
                full.remove(&origin);
                false
            }
            None => false,
        }
    }
}

/// The result of counting a failure.
enum Counted {
    /// The failure is answered.
    Answered,
    /// There were too many; holds the seconds until the next one is answered.
    TooMany(u64),
}

impl App {
    /// Counts and logs a failed login, and returns the answer to it.
    pub(in crate::app) fn login_failed(&self, failed: FailedLogin) -> AppError {
        // Every failure goes to the audit log, once a minute.
        self.authentication.failed_logins.add(failed.address, audited(&failed));
        let counted = match self.callers.logins.count(Origin::of(failed.address)) {
            Ok(()) => Counted::Answered,
            Err(wait) => Counted::TooMany(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
        };
        match (counted, failed.refused) {
            (Counted::Answered, refused) => {
                metrics::counter!(FAILED_LOGINS, "reason" => refused.as_str()).increment(1);
                log(&failed);
                unknown()
            }
            // A request without a token is not a guess, and cost no query.
            (Counted::TooMany(_), Refused::Missing) => {
                metrics::counter!(FAILED_LOGINS, "reason" => Refused::Missing.as_str()).increment(1);
                unknown()
            }
            (Counted::TooMany(seconds), _) => {
                metrics::counter!(FAILED_LOGINS, "reason" => "throttled").increment(1);
                throttled(seconds)
            }
        }
    }

    /// Checks that there were not too many failures from an address, for a sign-in that costs
    /// requests to others before it is known whether it is good.
    ///
    /// # Errors
    /// `RATE_LIMITED` if there were too many.
    pub(in crate::app) fn not_too_many_failed(&self, address: Option<IpAddr>) -> Result<(), AppError> {
        let until = self.callers.logins.full().get(&Origin::of(address)).copied();
        let wait = until.map(|until| until.saturating_duration_since(Instant::now())).unwrap_or_default();
        if wait.is_zero() { Ok(()) } else { Err(throttled(wait.as_secs() + 1)) }
    }

    /// Returns whether a token is known to be bad without a query for it: too many bad ones came
    /// from its address, and it is not among the stored ones.
    ///
    /// # Errors
    /// When the store can't be read.
    pub(in crate::app) async fn is_known_to_be_bad(
        &self,
        address: Option<IpAddr>,
        sha256: &str,
    ) -> Result<bool, StoreError> {
        let logins = &self.callers.logins;
        if !logins.is_full(Origin::of(address)) {
            return Ok(false);
        }
        // One caller at a time, and each finds what the one before it read, so that the database is
        // queried once a second however many there are.
        let mut stored = logins.stored.lock().await;
        let fresh = stored.as_ref().filter(|(at, _)| at.elapsed() < LISTED_FOR).map(|(_, listed)| listed.clone());
        let listed = match fresh {
            Some(listed) => listed,
            None => {
                let all = self.store.tokens().await?;
                let (whole, now) = (all.len() < LISTED, now());
                let good = all.into_iter().filter(|token| lapsed(token, now).is_none()).map(|token| token.sha256);
                let listed = Arc::new(whole.then(|| good.collect()));
                *stored = Some((Instant::now(), listed.clone()));
                listed
            }
        };
        drop(stored);
        Ok(listed.as_ref().as_ref().is_some_and(|listed| !listed.contains(sha256)))
    }
}

/// Logs a failed login.
fn log(failed: &FailedLogin) {
    let address = failed.address.map(|address| address.to_string());
    tracing::warn!(
        address = address.as_deref().unwrap_or("unknown"),
        reason = failed.refused.as_str(),
        token = failed.token.as_deref(),
        "a call came with no token that is good"
    );
}

/// Returns a failed login in the form of the audit log.
fn audited(failed: &FailedLogin) -> RefusedToken {
    let named = |why| RefusedToken::NoLonger(failed.token.clone().unwrap_or_default(), why);
    match failed.refused {
        Refused::Missing => RefusedToken::NoToken,
        Refused::Unknown => RefusedToken::Unknown,
        Refused::Expired => named("has expired"),
        Refused::Revoked => named("was revoked"),
        Refused::Orphaned => named("is a principal's that the configuration has not"),
        Refused::SignOn => RefusedToken::SignOn(failed.token.clone()),
    }
}

/// Returns why a stored token is no longer valid; `None` if it is valid.
pub(in crate::app) fn lapsed(token: &TokenRecord, now: Timestamp) -> Option<Refused> {
    people::lapse_of_stored(token, now).map(|lapse| match lapse {
        Lapse::Revoked(_) => Refused::Revoked,
        Lapse::Expired(_) => Refused::Expired,
    })
}

/// Returns the answer to a call without a valid token. It does not say what is wrong with the
/// token.
fn unknown() -> AppError {
    AppError::new(
        ErrorCode::AuthenticationRequired,
        "a valid token is needed: send it as `Authorization: Bearer <token>`",
    )
}

fn throttled(seconds: u64) -> AppError {
    AppError::new(ErrorCode::RateLimited, "too many calls without a good token came from this address")
        .suggest("send a good token: it is served at once")
        .retry_after(seconds.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logins(per_minute: u32) -> LoginLimits {
        LoginLimits::new(NonZeroU32::new(per_minute).unwrap())
    }

    fn origin(text: &str) -> Origin {
        Origin::of(Some(text.parse().unwrap()))
    }

    #[test]
    fn failures_of_one_address_are_no_matter_to_another() {
        let logins = logins(3);
        for _ in 0..3 {
            assert!(logins.count(origin("192.0.2.1")).is_ok());
            assert!(!logins.is_full(origin("192.0.2.1")));
        }
        let wait = logins.count(origin("192.0.2.1")).unwrap_err();
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(20), "{wait:?}");
        assert!(logins.is_full(origin("192.0.2.1")) && !logins.is_full(origin("192.0.2.2")));
        assert!(logins.count(origin("192.0.2.2")).is_ok());
    }

    #[test]
    fn a_machine_with_many_addresses_is_one() {
        assert_eq!(origin("2001:db8:1:2::3"), origin("2001:db8:1:2:ffff::9"));
        assert_ne!(origin("2001:db8:1:2::3"), origin("2001:db8:1:3::3"));
        assert_eq!(origin("::ffff:192.0.2.1"), origin("192.0.2.1"));
    }

    #[test]
    fn no_more_addresses_are_told_apart_than_there_is_room_for() {
        let logins = logins(1);
        for address in 0..u32::try_from(ADDRESSES).unwrap() + 5 {
            let address = IpAddr::V4(std::net::Ipv4Addr::from_bits(address));
            let _ = logins.count(Origin::of(Some(address)));
        }
        assert!(logins.failures.len() <= ADDRESSES + 1);
        assert!(logins.full().len() <= ADDRESSES);
    }
}
