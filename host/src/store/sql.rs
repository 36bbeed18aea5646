//! What the databases share: every statement is written once, and a [`Database`] says where its own differ.
//!
//! - `script`: statements, their parameters, and what must come of them.
//! - `rows`: rows and documents as the domain's values. `escape`: text with NUL, which PostgreSQL can't store.
//! - `record`, `audit`, `lease`, `journal`: what is written, inside a transaction. `webhooks`, `deliveries`, `replays`: endpoints, and
//!   what is sent to them.
//! - `retention`: what is forgotten.
//! - `read`, `tasks`, `tokens`: what is read. Each is one statement, and so sees one state.
//!
//! An aggregate is a JSON document beside the columns that are searched or constrained; both are written by one statement from
//! one value. A buy's remote objects are rows of their own, because workers write them while a request may be changing the buy.
//! Flags are 0 and 1 and documents are text in both databases, so that one text of a statement serves both.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::future::BoxFuture;
use tokio::sync::broadcast;

use self::{
    rows::Row,
    script::{Script, Statement},
};
use super::{
    AuditEntry, BuyFilter, Claim, DueLookup, DueTask, Fence, Hint, IdempotencyEntry, JournalWrite, Recording,
    Revocation, Store, StoreError, Stored, TaskFilter, TaskPage, TokenRecord,
    replicas::{Census, HoldKey, ReplicaStore},
    retention::RetentionStore,
    webhooks::{Attempt, DeliveryFilter, DueDelivery, Replay, Replayed, WebhookStore},
};
use crate::domain::{
    audit::{AuditLine, Head},
    event::Event,
    id::{EventId, MediaBuyId, OperationId, PlatformName, PrincipalId, TaskId, WebhookId},
    keys::Keyring,
    lane::Openings,
    media_buy::MediaBuy,
    operation::Operation,
    step::Step,
    task::{HistoryEntry, Task},
    time::Timestamp,
    webhook::{Delivery, Endpoint},
};
use crate::metrics::{STORE_ERRORS, WRITE_SECONDS, Watch};

/// A function over a transaction as [`SqlStore::write`] takes it.
macro_rules! work {
    ($function:path) => {
        |transaction, dialect, with| Box::pin(async move { $function(transaction, dialect, &with).await })
    };
}

mod audit;
mod deliveries;
pub(super) mod escape;
mod journal;
mod lease;
mod replicas;
#[cfg(test)]
pub(super) use lease::LANES;
mod lookups;
mod read;
mod record;
mod replays;
mod retention;
pub(super) mod rows;
pub(super) mod script;
mod tasks;
mod tokens;
mod webhooks;

/// Where the text of statements differs.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// Finds what may be claimed of a lane at a moment, and keeps others from claiming it until the transaction ends. Its parameters are the
    /// moment, whether the lane is one of switches, and the lane's key, [`Dialect::moments`] times.
    pub claimable: &'static str,
    /// Continues the condition of the statement that claims `mine`: nothing else of its buy runs by now, and it waits for none. Others may
    /// have committed something since it was found.
    pub still_claimable: &'static str,
    /// How often `claimable` names the moment and the lane.
    pub moments: usize,
    /// When the next operation is due, as `due`.
    pub next_due: &'static str,
    /// The same for one lane: twice, whether it is one of switches, and its key.
    pub next_due_in_lane: &'static str,
    /// Selects buys as `mine`, with `doc`, `version` and `remote`: a JSON array of arrays.
    pub buys: &'static str,
    /// The moment that a parameter says, or the database's own if it is NULL.
    pub moment: &'static str,
    /// As `moment`, where rows are looked for: one value for the whole statement, so that an index finds them.
    pub current: &'static str,
    /// Ends a SELECT whose rows nobody else may change until the transaction ends.
    pub locked: &'static str,
    /// Ends a SELECT of rows that others may be working on: those are left out, and nobody else gets the others.
    pub unlocked_only: &'static str,
    /// A random whole number below a parameter.
    pub random_below: &'static str,
    /// Follows the name of the table where earlier deliveries of the same buy are looked for: by which index, if the database must be told.
    pub earlier: &'static str,
    /// The same, where deliveries are looked for that are due to an endpoint.
    pub due: &'static str,
    /// Makes those who go on with the audit log wait for each other; `None` where there is one writer.
    pub audit_lock: Option<&'static str>,
    /// Whether leases and tasks are judged by the caller's clock and not by the database's.
    pub callers_clock: bool,
}

impl Dialect {
    /// The parameter for [`Dialect::moment`].
    fn at(&self, now: Timestamp) -> Option<i64> {
        self.callers_clock.then_some(now.as_micros())
    }
}

/// A connection that is inside a transaction.
#[async_trait]
pub trait Transaction: Send {
    /// The keys of the store that the transaction belongs to; `None`: what needs one can't be written in it.
    fn keys(&self) -> Option<Arc<Keyring>> {
        None
    }

    /// Runs a script; the rows that it keeps.
    ///
    /// # Errors
    /// The first refusal, or what the database says.
    async fn run(&mut self, script: Script) -> Result<Vec<Row>, StoreError>;
}

/// What is done inside a transaction. It may be done more than once, each time in a new one.
pub(super) type Work<T> =
    Arc<dyn for<'t> Fn(&'t mut (dyn Transaction + 't)) -> BoxFuture<'t, Result<T, StoreError>> + Send + Sync>;

/// A database of one kind.
#[async_trait]
pub trait Database: Send + Sync + std::fmt::Debug + 'static {
    /// Where its statements differ.
    fn dialect(&self) -> &'static Dialect;

    /// Does `work` in a transaction. It is committed when this returns `Ok`, and undone if `work` fails.
    async fn write<T: Send + 'static>(&self, work: Work<T>) -> Result<T, StoreError>;

    /// The rows of a statement that only reads.
    async fn read(&self, statement: Statement) -> Result<Vec<Row>, StoreError>;

    /// Whether it answers.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Passes a hint to others on the same database, if there may be any.
    async fn tell(&self, hint: Hint);

    /// Hints from others.
    fn hear(&self) -> Option<broadcast::Receiver<Hint>>;

    /// Finishes what is being written and closes it.
    async fn close(&self);
}

/// A transaction of a store, with the store's keys.
struct Keyed<'t> {
    transaction: &'t mut (dyn Transaction + 't),
    keys: Arc<Keyring>,
}

#[async_trait]
impl Transaction for Keyed<'_> {
    fn keys(&self) -> Option<Arc<Keyring>> {
        Some(self.keys.clone())
    }

    async fn run(&mut self, script: Script) -> Result<Vec<Row>, StoreError> {
        self.transaction.run(script).await
    }
}

/// A store in an SQL database.
#[derive(Debug)]
pub struct SqlStore<D> {
    pub(super) database: D,
    pub(super) keys: Arc<Keyring>,
}

impl<D: Database> SqlStore<D> {
    async fn write<T, F, W>(&self, with: W, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: Send + Sync + 'static,
        F: for<'t> Fn(&'t mut (dyn Transaction + 't), &'static Dialect, Arc<W>) -> BoxFuture<'t, Result<T, StoreError>>
            + Send
            + Sync
            + 'static,
    {
        let (dialect, watch) = (self.database.dialect(), Watch::start());
        let (work, with, keys) = (Arc::new(work), Arc::new(with), self.keys.clone());
        let keyed: Work<T> = Arc::new(move |transaction| {
            let (work, with, keys) = (work.clone(), with.clone(), keys.clone());
            Box::pin(async move { work(&mut Keyed { transaction, keys }, dialect, with).await })
        });
        let written = self.database.write(keyed).await;
        metrics::histogram!(WRITE_SECONDS).record(watch.seconds());
        let reason = match &written {
            Err(StoreError::Full) => "full",
            Err(StoreError::Unavailable(_)) => "unavailable",
            Err(StoreError::Unsure(_)) => "unsure",
            _ => return written,
        };
        metrics::counter!(STORE_ERRORS, "reason" => reason).increment(1);
        written
    }
}

#[async_trait]
impl<D: Database> Store for SqlStore<D> {
    async fn record(&self, recording: Recording) -> Result<(), StoreError> {
        self.write(recording, work!(record::record)).await
    }

    async fn record_answer(
        &self,
        principal: &PrincipalId,
        key: &str,
        answer: &serde_json::Value,
    ) -> Result<(), StoreError> {
        self.write((principal.clone(), key.to_owned(), answer.clone()), work!(record::record_answer)).await
    }

    async fn claim_within(
        &self,
        worker: &str,
        now: Timestamp,
        lease: Duration,
        openings: &Openings,
    ) -> Result<Option<Claim>, StoreError> {
        self.write((worker.to_owned(), now, lease, openings.clone()), work!(lease::claim)).await
    }

    async fn prolong(&self, fence: &Fence, now: Timestamp, lease: Duration) -> Result<(), StoreError> {
        self.write((fence.clone(), now, lease), work!(lease::prolong)).await
    }

    async fn next_due_within(&self, now: Timestamp, openings: &Openings) -> Result<Option<Duration>, StoreError> {
        lease::next_due(&self.database, now, openings).await
    }

    async fn journal(&self, write: JournalWrite) -> Result<Option<Step>, StoreError> {
        self.write(write, work!(journal::journal)).await
    }

    async fn clock(&self, now: Timestamp) -> Result<Timestamp, StoreError> {
        lease::clock(&self.database, now).await
    }

    async fn steps(&self, operation: &OperationId) -> Result<Vec<Step>, StoreError> {
        journal::steps(&self.database, operation).await
    }

    async fn lookup_is_due(&self, now: Timestamp) -> Result<bool, StoreError> {
        lookups::is_due(&self.database, now).await
    }

    async fn take_lookups(&self, now: Timestamp, hold: Duration, limit: u32) -> Result<Vec<DueLookup>, StoreError> {
        self.write((now, hold, limit), work!(lookups::take)).await
    }

    async fn buy(&self, id: &MediaBuyId) -> Result<Option<Stored<MediaBuy>>, StoreError> {
        read::buy(&self.database, id).await
    }

    async fn buys(&self, filter: &BuyFilter) -> Result<Vec<MediaBuy>, StoreError> {
        read::buys(&self.database, filter).await
    }

    async fn take_turns(
        &self,
        now: Timestamp,
        ended_since: Timestamp,
        every: Duration,
        settle: Duration,
        limit: u32,
    ) -> Result<Vec<MediaBuyId>, StoreError> {
        self.write((now, ended_since, every, settle, limit), work!(record::take_turns)).await
    }

    async fn operation(&self, id: &OperationId) -> Result<Option<Stored<Operation>>, StoreError> {
        read::operation(&self.database, id).await
    }

    async fn open_operations(&self, buy: &MediaBuyId) -> Result<Vec<Stored<Operation>>, StoreError> {
        read::open_operations(&self.database, buy).await
    }

    async fn creation(&self, buy: &MediaBuyId) -> Result<Option<Stored<Operation>>, StoreError> {
        read::creation(&self.database, buy).await
    }

    async fn task(&self, id: &TaskId) -> Result<Option<Stored<Task>>, StoreError> {
        tasks::task(&self.database, id).await
    }

    async fn tasks(&self, filter: &TaskFilter) -> Result<TaskPage, StoreError> {
        tasks::tasks(&self.database, filter).await
    }

    async fn tasks_due(&self, now: Timestamp, limit: u32) -> Result<Vec<DueTask>, StoreError> {
        tasks::tasks_due(&self.database, now, limit).await
    }

    async fn unlist_tasks(&self, closed_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write((closed_before, limit), work!(tasks::unlist)).await
    }

    async fn history(&self, task: &TaskId) -> Result<Vec<HistoryEntry>, StoreError> {
        read::history(&self.database, task).await
    }

    async fn idempotency(&self, principal: &PrincipalId, key: &str) -> Result<Option<IdempotencyEntry>, StoreError> {
        read::idempotency(&self.database, principal, key).await
    }

    async fn forget_keys(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write((now, limit), work!(record::forget_keys)).await
    }

    async fn events(&self, buy: &MediaBuyId, limit: u32) -> Result<Vec<Event>, StoreError> {
        read::events(&self.database, buy, limit).await
    }

    async fn audit(&self, after: i64, limit: u32) -> Result<Vec<AuditLine>, StoreError> {
        // Nothing is after the last number, and nothing before the first.
        let Some(from) = (if after == i64::MIN { Some(after) } else { after.checked_add(1) }) else {
            return Ok(Vec::new());
        };
        audit::lines(&self.database, from, limit).await
    }

    async fn audit_begins(&self) -> Result<Option<i64>, StoreError> {
        audit::begins(&self.database).await
    }

    async fn audit_head(&self) -> Result<Head, StoreError> {
        audit::head(&self.database).await
    }

    async fn last_audit(&self, subject: &str) -> Result<Option<AuditLine>, StoreError> {
        audit::last_about(&self.database, subject).await
    }

    async fn add_token(&self, token: &TokenRecord, line: AuditEntry) -> Result<(), StoreError> {
        self.write((token.clone(), line), work!(tokens::add)).await
    }

    async fn token(&self, sha256: &str) -> Result<Option<TokenRecord>, StoreError> {
        tokens::token(&self.database, sha256).await
    }

    async fn token_named(&self, name: &str) -> Result<Option<TokenRecord>, StoreError> {
        tokens::named(&self.database, name).await
    }

    async fn tokens(&self) -> Result<Vec<TokenRecord>, StoreError> {
        tokens::tokens(&self.database).await
    }

    async fn revoke_token(&self, name: &str, line: AuditEntry) -> Result<(), StoreError> {
        self.write((name.to_owned(), line), work!(tokens::revoke)).await
    }

    async fn revoke_digest(&self, revocation: &Revocation, line: AuditEntry) -> Result<(), StoreError> {
        self.write((revocation.clone(), line), work!(tokens::revoke_digest)).await
    }

    async fn restore_token(&self, sha256: &str, line: AuditEntry) -> Result<(), StoreError> {
        self.write((sha256.to_owned(), line), work!(tokens::restore)).await
    }

    async fn revocations(&self) -> Result<Vec<Revocation>, StoreError> {
        tokens::revocations(&self.database).await
    }

    async fn revoked_among(&self, tokens: &[String]) -> Result<Vec<String>, StoreError> {
        tokens::revoked_among(&self.database, tokens).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.database.ping().await
    }

    fn keys(&self) -> &Arc<Keyring> {
        &self.keys
    }

    async fn tell(&self, hint: Hint) {
        self.database.tell(hint).await;
    }

    fn hear(&self) -> Option<broadcast::Receiver<Hint>> {
        self.database.hear()
    }

    async fn close(&self) {
        self.database.close().await;
    }
}

#[async_trait]
impl<D: Database> WebhookStore for SqlStore<D> {
    async fn add_webhook(&self, endpoint: &Endpoint, most: u32, line: AuditEntry) -> Result<bool, StoreError> {
        self.write((endpoint.clone(), most, line), work!(webhooks::add)).await
    }

    async fn change_webhook(&self, stored: &Stored<Endpoint>, lines: Vec<AuditEntry>) -> Result<(), StoreError> {
        let id = stored.value.id.clone();
        // Before it is enabled again and after it is disabled: in between, nothing of it is sent.
        if stored.value.disabled.is_none() {
            while self.write(id.clone(), work!(webhooks::give_up)).await? {}
        }
        self.write((stored.clone(), lines), work!(webhooks::change)).await?;
        if stored.value.disabled.is_some() {
            while self.write(id.clone(), work!(webhooks::give_up)).await? {}
        }
        Ok(())
    }

    async fn remove_webhook(
        &self,
        stored: &Stored<Endpoint>,
        limit: u32,
        line: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.write((stored.clone(), limit, line), work!(webhooks::remove)).await
    }

    async fn webhook(&self, id: &WebhookId) -> Result<Option<Stored<Endpoint>>, StoreError> {
        webhooks::webhook(&self.database, id).await
    }

    async fn webhooks(&self, owner: Option<&PrincipalId>) -> Result<Vec<Endpoint>, StoreError> {
        webhooks::webhooks(&self.database, owner).await
    }

    async fn add_test_event(&self, webhook: &WebhookId, event: &Event) -> Result<(), StoreError> {
        self.write((webhook.clone(), event.clone()), work!(deliveries::add_test_event)).await
    }

    async fn claim_delivery(&self, now: Timestamp, lease: Duration) -> Result<Option<DueDelivery>, StoreError> {
        self.write((now, lease), work!(deliveries::claim)).await
    }

    async fn record_attempt(&self, attempt: Attempt) -> Result<Option<Timestamp>, StoreError> {
        self.write(attempt, work!(deliveries::record_attempt)).await
    }

    async fn replay(
        &self,
        webhook: &WebhookId,
        what: Replay,
        now: Timestamp,
        limit: u32,
        line: AuditEntry,
    ) -> Result<Replayed, StoreError> {
        self.send_again(webhook, what, now, limit, line).await
    }

    async fn delivery(&self, webhook: &WebhookId, event: &EventId) -> Result<Option<Delivery>, StoreError> {
        deliveries::delivery(&self.database, webhook, event).await
    }

    async fn deliveries(&self, webhook: &WebhookId, filter: &DeliveryFilter) -> Result<Vec<Delivery>, StoreError> {
        deliveries::deliveries(&self.database, webhook, filter).await
    }

    async fn forget_deliveries(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write((before, limit), work!(deliveries::forget)).await
    }
}

#[async_trait]
impl<D: Database> RetentionStore for SqlStore<D> {
    async fn forget_events(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write((before, limit), work!(retention::events)).await
    }

    async fn forget_tasks(&self, closed_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write((closed_before, limit), work!(retention::tasks)).await
    }

    async fn forget_operations(&self, ended_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write((ended_before, limit), work!(retention::operations)).await
    }
}

#[async_trait]
impl<D: Database> ReplicaStore for SqlStore<D> {
    async fn keep_component(&self, digest: &str, bytes: Vec<u8>, at: Timestamp) -> Result<(), StoreError> {
        self.write((digest.to_owned(), bytes, at), work!(replicas::keep)).await
    }

    async fn component(&self, digest: &str) -> Result<Option<Vec<u8>>, StoreError> {
        replicas::component(&self.database, digest).await
    }

    async fn activate_component(
        &self,
        platform: &PlatformName,
        digest: &str,
        line: AuditEntry,
    ) -> Result<(), StoreError> {
        self.write((platform.clone(), digest.to_owned(), line), work!(replicas::activate)).await
    }

    async fn active_components(&self) -> Result<Vec<(PlatformName, String)>, StoreError> {
        replicas::active(&self.database).await
    }

    async fn reserve(
        &self,
        key: &str,
        count: u32,
        interval: Duration,
        burst: Duration,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        self.write((key.to_owned(), count, interval, burst, now), work!(replicas::reserve)).await
    }

    async fn hold(&self, key: &HoldKey, time: Duration, now: Timestamp) -> Result<(), StoreError> {
        self.write((key.clone(), time, now), work!(replicas::hold)).await
    }

    async fn census(&self, now: Timestamp) -> Result<Census, StoreError> {
        replicas::census(&self.database, now).await
    }

    async fn mark(&self, name: &str, at: Timestamp, line: AuditEntry) -> Result<(), StoreError> {
        self.write((None, name.to_owned(), at, line), work!(replicas::mark)).await
    }

    async fn mark_instead(&self, of: &str, name: &str, at: Timestamp, line: AuditEntry) -> Result<(), StoreError> {
        self.write((Some(of.to_owned()), name.to_owned(), at, line), work!(replicas::mark)).await
    }

    async fn renew_mark(&self, name: &str, at: Timestamp) -> Result<(), StoreError> {
        self.write((name.to_owned(), at), work!(replicas::renew_mark)).await
    }

    async fn marked(&self, name: &str) -> Result<Option<Timestamp>, StoreError> {
        replicas::marked(&self.database, name).await
    }

    async fn holds(&self, now: Timestamp) -> Result<Vec<(HoldKey, Duration)>, StoreError> {
        replicas::holds(&self.database, now).await
    }
}
