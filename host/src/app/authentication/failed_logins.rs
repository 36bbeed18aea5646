//! Failed logins on their way to the audit log.
//!
//! They are written once a minute: one line per address, and one for all addresses beyond
//! [`MOST_ADDRESSES`]. A million attempts make no more lines than one.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
};

use crate::{
    domain::{digest, time::Timestamp},
    operations::{events::ITSELF, now},
    store::{AuditEntry, Recording, Store, StoreError, Write},
};

/// How many addresses get a line of their own in each flush. With the one for the others, a host
/// writes at most one line every three seconds.
const MOST_ADDRESSES: usize = 19;

/// How many reasons are listed per address. Only an address with tokens that were once valid has
/// more than two.
const MOST_REASONS: usize = 5;

/// Why a login failed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusedToken {
    /// No token was sent.
    NoToken,
    /// The token does not exist.
    Unknown,
    /// A token that was once valid: its name, and what became of it.
    NoLonger(String, &'static str),
    /// No token at all: somebody whom an OpenID provider vouched for, if it did, may not enter.
    SignOn(Option<String>),
}

impl std::fmt::Display for RefusedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoToken => f.write_str("no token"),
            Self::Unknown => f.write_str("an unknown token"),
            Self::NoLonger(name, why) => write!(f, "the token {name}, which {why}"),
            Self::SignOn(Some(name)) => write!(f, "a single sign-on of {name}, who may not enter"),
            Self::SignOn(None) => f.write_str("a single sign-on that does not hold"),
        }
    }
}

/// The failed logins of one address since the last flush.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Failed {
    since: Timestamp,
    until: Timestamp,
    times: u64,
    reasons: BTreeMap<RefusedToken, u64>,
}

impl Failed {
    fn new(at: Timestamp) -> Self {
        Self { since: at, until: at, times: 0, reasons: BTreeMap::new() }
    }

    fn add(&mut self, refused: RefusedToken, at: Timestamp) {
        self.times = self.times.saturating_add(1);
        self.until = self.until.max(at);
        if self.reasons.len() < MOST_REASONS || self.reasons.contains_key(&refused) {
            *self.reasons.entry(refused).or_default() += 1;
        }
    }

    fn merge(&mut self, other: Self) {
        self.times = self.times.saturating_add(other.times);
        self.since = self.since.min(other.since);
        self.until = self.until.max(other.until);
        for (refused, times) in other.reasons {
            if self.reasons.len() < MOST_REASONS || self.reasons.contains_key(&refused) {
                *self.reasons.entry(refused).or_default() += times;
            }
        }
    }

    fn line(&self, from: &str, at: Timestamp) -> AuditEntry {
        let mut reasons: Vec<String> =
            self.reasons.iter().map(|(refused, times)| format!("{times} with {refused}")).collect();
        let told: u64 = self.reasons.values().sum();
        if told < self.times {
            reasons.push(format!("{} with others", self.times - told));
        }
        AuditEntry {
            at,
            actor: ITSELF.to_owned(),
            action: "login.failed".to_owned(),
            subject: format!("address:{from}"),
            digest: digest::canonical(&serde_json::json!({
                "from": from, "since": self.since, "until": self.until, "times": self.times, "reasons": reasons,
            })),
            reason: Some(format!("from {} to {}: {}", self.since, self.until, reasons.join(", "))),
        }
    }
}

/// Stands for all other addresses in the audit log.
const OTHERS: &str = "others";

#[derive(Debug, Default)]
struct Failures {
    by_address: BTreeMap<String, Failed>,
    others: Option<Failed>,
}

impl Failures {
    /// Returns the counts of an address.
    fn of(&mut self, from: &str, at: Timestamp) -> &mut Failed {
        if from != OTHERS && (self.by_address.len() < MOST_ADDRESSES || self.by_address.contains_key(from)) {
            self.by_address.entry(from.to_owned()).or_insert_with(|| Failed::new(at))
        } else {
            self.others.get_or_insert_with(|| Failed::new(at))
        }
    }
}

/// The failed logins that are not yet in the audit log.
#[derive(Debug, Default)]
pub struct FailedLogins(Mutex<Failures>);

impl FailedLogins {
    /// Counts a failed login; `None` if its address is unknown.
    pub fn add(&self, from: Option<IpAddr>, refused: RefusedToken) {
        let (from, at) = (from.map_or_else(|| "unknown".to_owned(), counted_as), now());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).of(&from, at).add(refused, at);
    }

    /// Appends the failed logins to the audit log. If that fails, they are kept for the next flush.
    ///
    /// # Errors
    /// When the store can't be written.
    pub async fn flush(&self, store: &Store) -> Result<(), StoreError> {
        let mut failures = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let all = std::mem::take(&mut failures.by_address).into_iter();
        let all: Vec<_> = all.chain(failures.others.take().map(|others| (OTHERS.to_owned(), others))).collect();
        if all.is_empty() {
            return Ok(());
        }
        let at = now();
        let lines = all.iter().map(|(from, failed)| Write::Audit(failed.line(from, at)));
        let told = store.record(lines.collect::<Recording>()).await;
        if told.is_err() {
            let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for (from, failed) in all {
                failures.of(&from, failed.since).merge(failed);
            }
        }
        told
    }
}

/// Returns the name under which an address is counted. For IPv6 that is its /64 network, which
/// belongs to one customer.
fn counted_as(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            format!("{}/64", Ipv6Addr::from(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::{self, Options};

    async fn lines(store: &Store) -> Vec<AuditEntry> {
        let lines = store.audit(0, 500).await.unwrap();
        lines.iter().map(|line| serde_json::from_str(&line.text).unwrap()).collect()
    }

    #[tokio::test]
    async fn a_flood_of_failed_logins_is_some_lines_and_nothing_is_told_twice() {
        let folder = tempfile::tempdir().unwrap();
        let store = sqlite::open(folder.path().join("door.db"), Options::default()).await.unwrap();
        let logins = FailedLogins::default();
        for number in 0..200_000u32 {
            let address = Ipv6Addr::from(u128::from(number % 5_000) << 64 | u128::from(number));
            logins.add(Some(address.into()), RefusedToken::Unknown);
        }
        for number in 0..1_000 {
            let refused = RefusedToken::NoLonger(format!("token {number}"), "was revoked");
            logins.add(Some("::ffff:203.0.113.7".parse().unwrap()), refused);
        }
        logins.flush(&store).await.unwrap();
        logins.flush(&store).await.unwrap();
        let told = lines(&store).await;
        assert_eq!(told.len(), MOST_ADDRESSES + 1);
        assert!(told.iter().all(|line| line.action == "login.failed"));
        assert_eq!(told[0].subject, "address:0:0:0:10::/64");
        assert!(told[0].reason.as_ref().unwrap().ends_with(": 40 with an unknown token"), "{told:?}");
        let others = told.last().unwrap();
        assert_eq!(others.subject, "address:others");
        let reason = others.reason.as_ref().unwrap();
        assert!(reason.len() < 500 && reason.contains("the token token 0, which was revoked"), "{reason}");
        assert!(reason.contains(&format!("{} with an unknown token", 200_000 - 40 * MOST_ADDRESSES)), "{reason}");
        assert!(reason.ends_with(&format!("{} with others", 1_000 - (MOST_REASONS - 1))), "{reason}");
        store.close().await;
    }

    #[tokio::test]
    async fn what_could_not_be_told_is_told_the_next_time() {
        let folder = tempfile::tempdir().unwrap();
        let closed = sqlite::open(folder.path().join("closed.db"), Options::default()).await.unwrap();
        closed.close().await;
        let logins = FailedLogins::default();
        let address: IpAddr = "203.0.113.7".parse().unwrap();
        logins.add(Some(address), RefusedToken::NoToken);
        assert!(logins.flush(&closed).await.is_err());
        logins.add(Some(address), RefusedToken::Unknown);
        logins.add(None, RefusedToken::NoLonger("anna".to_owned(), "has expired"));
        let store = sqlite::open(folder.path().join("open.db"), Options::default()).await.unwrap();
        logins.flush(&store).await.unwrap();
        let told = lines(&store).await;
        let reason = |index: usize| told[index].reason.clone().unwrap();
        assert_eq!((told.len(), told[0].subject.as_str()), (2, "address:203.0.113.7"));
        assert!(reason(0).ends_with(": 1 with no token, 1 with an unknown token"), "{told:?}");
        assert!(reason(1).ends_with(": 1 with the token anna, which has expired"), "{told:?}");
        store.close().await;
    }
}
