//! State other than the work itself that the replicas on one database share: request rates of ad
//! servers, and holds. If several replicas may share the database, time is judged by its clock.

use std::time::Duration;

use crate::{
    domain::{id::PlatformName, purpose::Purpose, time::Timestamp},
    store::{
        Store, StoreError,
        sql::{
            Dialect, MOST_ROWS, Transaction, micros,
            script::{Script, Statement, Want},
            work,
        },
    },
};

/// Something that every replica leaves alone for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldKey {
    /// Requests with one credential, because the ad server asked for a pause. The value is the
    /// keyed digest of the credential.
    Pause(String),
    /// Calls to a platform's adapter for one purpose, because its circuit breaker opened.
    Breaker(PlatformName, Purpose),
}

const PAUSE: &str = "pause ";

const BREAKER: &str = "adapter ";

impl HoldKey {
    /// Parses a stored key. Returns `None` if this version does not know its kind.
    pub fn parse(stored: &str) -> Option<Self> {
        if let Some(credential) = stored.strip_prefix(PAUSE) {
            return Some(Self::Pause(credential.to_owned()));
        }
        let (platform, purpose) = stored.strip_prefix(BREAKER)?.rsplit_once(' ')?;
        Some(Self::Breaker(PlatformName::new(platform), Purpose::parse(purpose)?))
    }
}

/// Formats the key as it is stored.
impl std::fmt::Display for HoldKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pause(credential) => write!(f, "{PAUSE}{credential}"),
            Self::Breaker(platform, purpose) => write!(f, "{BREAKER}{platform} {purpose}"),
        }
    }
}

impl Store {
    /// Reserves `count` consecutive requests, `interval` apart. After a rest, as many as fit into
    /// `burst` may be sent at once. Returns how long until the first of them, in microseconds; a
    /// negative value means that it could have been sent that long ago.
    pub async fn reserve(
        &self,
        key: &str,
        count: u32,
        interval: Duration,
        burst: Duration,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        self.write((key.to_owned(), count, interval, burst, now), work!(reserve)).await
    }

    /// Makes every replica leave something alone for `time`, or longer if an earlier hold lasts
    /// longer.
    pub async fn hold(&self, key: &HoldKey, time: Duration, now: Timestamp) -> Result<(), StoreError> {
        self.write((key.clone(), time, now), work!(hold)).await
    }

    /// Returns the current holds and how much longer each lasts. Kinds that this version does not
    /// know are left out.
    pub async fn holds(&self, now: Timestamp) -> Result<Vec<(HoldKey, Duration)>, StoreError> {
        let dialect = self.dialect();
        let mut asked = Statement::new("SELECT key, held_until - ");
        asked
            .push(dialect.moment)
            .push(" AS remaining FROM limits WHERE held_until > ")
            .push(dialect.moment)
            .push(" ORDER BY key LIMIT ?")
            .bind(dialect.at(now))
            .bind(dialect.at(now))
            .bind(MOST_ROWS);
        let found = self.read(asked).await?;
        let mut holds = Vec::new();
        for row in found {
            let remaining = Duration::from_micros(row.int("remaining")?.max(0).unsigned_abs());
            holds.extend(HoldKey::parse(&row.text("key")?).map(|key| (key, remaining)));
        }
        Ok(holds)
    }
}

async fn reserve(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (key, count, interval, burst, now): &(String, u32, Duration, Duration, Timestamp),
) -> Result<i64, StoreError> {
    let length = micros(*interval).saturating_mul(i64::from(*count));
    let mut script = Script::default();
    script.statement("INSERT INTO limits (key) VALUES (?) ON CONFLICT DO NOTHING", Want::Any).bind(key.as_str());
    script
        .statement("UPDATE limits SET next_at = CASE WHEN next_at > ", Want::Keep)
        .push(dialect.moment)
        .push(" - ? THEN next_at ELSE ")
        .push(dialect.moment)
        .push(" - ? END + ? WHERE key = ? RETURNING next_at - ? - ")
        .push(dialect.moment)
        .push(" AS wait")
        .bind(dialect.at(*now))
        .bind(micros(*burst))
        .bind(dialect.at(*now))
        .bind(micros(*burst))
        .bind(length)
        .bind(key.as_str())
        .bind(length)
        .bind(dialect.at(*now));
    let found = transaction.run(script).await?;
    found.first().ok_or_else(|| StoreError::Corrupt("a limit was written and not found".to_owned()))?.int("wait")
}

async fn hold(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (key, time, now): &(HoldKey, Duration, Timestamp),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    let key = key.to_string();
    script.statement("INSERT INTO limits (key) VALUES (?) ON CONFLICT DO NOTHING", Want::Any).bind(key.as_str());
    script
        .statement("UPDATE limits SET held_until = ", Want::Any)
        .push(dialect.moment)
        .push(" + ? WHERE key = ? AND held_until < ")
        .push(dialect.moment)
        .push(" + ?")
        .bind(dialect.at(*now))
        .bind(micros(*time))
        .bind(key.as_str())
        .bind(dialect.at(*now))
        .bind(micros(*time));
    transaction.run(script).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn stored_keys_are_read_back_and_keep_their_text() {
        let keys = [
            (HoldKey::Pause("0f3a of two words".to_owned()), "pause 0f3a of two words"),
            (HoldKey::Breaker(PlatformName::new("acme eu"), Purpose::Change), "adapter acme eu change"),
        ];
        for (key, stored) in keys {
            assert_eq!(key.to_string(), stored);
            assert_eq!(HoldKey::parse(stored), Some(key));
        }
        assert_eq!(HoldKey::parse("adapter acme never"), None);
        assert_eq!(HoldKey::parse("0f3a"), None, "the key of a reservation");
    }
}
