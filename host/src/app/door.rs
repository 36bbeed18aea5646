//! What this host knows at its door: which tokens of its configuration are refused by now, and who knocked in vain.
//!
//! Tokens of the configuration are known without the database, so that operators see the metrics of a host whose database is away. That some
//! of them were revoked stands in the database, and is read once a second.
//!
//! Failed logins are told to the audit log once a minute, a line for each address, and one for all that are more than that: whoever knocks
//! a million times writes as many lines as who knocks once.

use std::{
    collections::{BTreeMap, HashSet},
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    domain::{digest, time::Timestamp},
    operations::{events::ITSELF, now},
    store::{AuditEntry, Recording, Store, StoreError},
};

/// How often this host looks which tokens were revoked.
const LOOK: Duration = Duration::from_secs(1);

/// How often failed logins are told to the audit log.
const TELL: Duration = Duration::from_secs(60);

/// How many addresses have a line of their own each time. With the one for all others, a host writes a line every three seconds at most.
const MOST_ADDRESSES: usize = 19;

/// How many reasons are told of each address: only who has tokens that were good once has more than two.
const MOST_REASONS: usize = 5;

/// Why somebody was not let in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refused {
    /// No token was sent.
    NoToken,
    /// Nobody has that token.
    Unknown,
    /// A token that was good once, and what it is now.
    NoLonger(String, &'static str),
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoToken => f.write_str("no token"),
            Self::Unknown => f.write_str("an unknown token"),
            Self::NoLonger(name, why) => write!(f, "the token {name}, which {why}"),
        }
    }
}

/// What came from one address since it was last told.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Failed {
    since: Timestamp,
    until: Timestamp,
    times: u64,
    reasons: BTreeMap<Refused, u64>,
}

impl Failed {
    fn new(at: Timestamp) -> Self {
        Self { since: at, until: at, times: 0, reasons: BTreeMap::new() }
    }

    fn add(&mut self, refused: Refused, at: Timestamp) {
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

/// Where all others come from, as the audit log calls it.
const OTHERS: &str = "others";

#[derive(Debug, Default)]
struct Failures {
    by_address: BTreeMap<String, Failed>,
    others: Option<Failed>,
}

impl Failures {
    /// Where what comes from an address is counted.
    fn of(&mut self, from: &str, at: Timestamp) -> &mut Failed {
        if from != OTHERS && (self.by_address.len() < MOST_ADDRESSES || self.by_address.contains_key(from)) {
            self.by_address.entry(from.to_owned()).or_insert_with(|| Failed::new(at))
        } else {
            self.others.get_or_insert_with(|| Failed::new(at))
        }
    }
}

/// What this host knows at its door.
#[derive(Debug, Default)]
pub struct Door {
    revoked: RwLock<HashSet<String>>,
    failures: Mutex<Failures>,
}

impl Door {
    /// Whether a token of the configuration, by its SHA-256, is refused by now.
    pub fn is_revoked(&self, sha256: &str) -> bool {
        self.revoked.read().unwrap_or_else(PoisonError::into_inner).contains(sha256)
    }

    /// Notes that somebody was not let in; `None`: their address is not known.
    pub fn refuse(&self, from: Option<IpAddr>, refused: Refused) {
        let (from, at) = (from.map_or_else(|| "unknown".to_owned(), counted_as), now());
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).of(&from, at).add(refused, at);
    }

    /// Tells the audit log who was not let in since this was last told. What can't be told is told the next time.
    ///
    /// # Errors
    /// The store's.
    pub async fn tell(&self, store: &Store) -> Result<(), StoreError> {
        let mut failures = std::mem::take(&mut *self.failures.lock().unwrap_or_else(PoisonError::into_inner));
        let all = std::mem::take(&mut failures.by_address).into_iter();
        let all: Vec<_> = all.chain(failures.others.take().map(|others| (OTHERS.to_owned(), others))).collect();
        if all.is_empty() {
            return Ok(());
        }
        let at = now();
        let audit = all.iter().map(|(from, failed)| failed.line(from, at)).collect();
        let told = store.record(Recording { audit, ..Recording::default() }).await;
        if told.is_err() {
            let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
            for (from, failed) in all {
                failures.of(&from, failed.since).merge(failed);
            }
        }
        told
    }

    /// Reads which tokens of the configuration are refused.
    ///
    /// # Errors
    /// The store's; those that were refused still are.
    pub async fn look(&self, config: &Config, store: &Store) -> Result<(), StoreError> {
        let tokens: Vec<String> = config.tokens.iter().map(|token| token.sha256.clone()).collect();
        let revoked = store.revoked_among(&tokens).await?;
        *self.revoked.write().unwrap_or_else(PoisonError::into_inner) = revoked.into_iter().collect();
        Ok(())
    }
}

/// Follows what is revoked, and tells who was not let in, until `stop`. What is left then is told by [`tell`].
pub async fn serve(door: Arc<Door>, config: Arc<Config>, store: Store, stop: CancellationToken) {
    let mut told = tokio::time::Instant::now();
    let watch = async {
        loop {
            tokio::time::sleep(LOOK).await;
            if let Err(error) = door.look(&config, &store).await {
                tracing::warn!(%error, "it is not known which tokens were revoked since the last look");
            }
            if told.elapsed() >= TELL {
                told = tokio::time::Instant::now();
                tell(&door, &store).await;
            }
        }
    };
    // A database that does not answer keeps no host from stopping.
    stop.run_until_cancelled(watch).await;
}

/// As [`Door::tell`]; that it failed is told to the log.
pub async fn tell(door: &Door, store: &Store) {
    if let Err(error) = door.tell(store).await {
        tracing::warn!(%error, "failed logins could not be told to the audit log");
    }
}

/// Who an address is: a network of 64 bits is one customer's in IPv6, who has as many addresses in it as they like.
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
        let door = Door::default();
        for number in 0..200_000u32 {
            let address = Ipv6Addr::from(u128::from(number % 5_000) << 64 | u128::from(number));
            door.refuse(Some(address.into()), Refused::Unknown);
        }
        for number in 0..1_000 {
            let refused = Refused::NoLonger(format!("token {number}"), "was revoked");
            door.refuse(Some("::ffff:203.0.113.7".parse().unwrap()), refused);
        }
        door.tell(&store).await.unwrap();
        door.tell(&store).await.unwrap();
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
        let door = Door::default();
        let address: IpAddr = "203.0.113.7".parse().unwrap();
        door.refuse(Some(address), Refused::NoToken);
        assert!(door.tell(&closed).await.is_err());
        door.refuse(Some(address), Refused::Unknown);
        door.refuse(None, Refused::NoLonger("anna".to_owned(), "has expired"));
        let store = sqlite::open(folder.path().join("open.db"), Options::default()).await.unwrap();
        door.tell(&store).await.unwrap();
        let told = lines(&store).await;
        let reason = |index: usize| told[index].reason.clone().unwrap();
        assert_eq!((told.len(), told[0].subject.as_str()), (2, "address:203.0.113.7"));
        assert!(reason(0).ends_with(": 1 with no token, 1 with an unknown token"), "{told:?}");
        assert!(reason(1).ends_with(": 1 with the token anna, which has expired"), "{told:?}");
        store.close().await;
    }
}
