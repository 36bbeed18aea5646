//! Persistence: what is written together is written by one call, or not at all.
//!
//! - [`Store`]: what the rest of the host asks of it. Two databases stand behind it: [`sqlite`], which needs no set-up, and
//!   [`postgres`], for several hosts at once.
//! - [`Recording`]: everything that one decision writes: buy, operation, task, its history, events, audit, idempotency key.
//!   Each row that is changed names the version that the change was made on; if one of them is stale, nothing is written.
//! - [`Claim`] and [`Fence`]: who may carry an operation out. Every write of a worker names its fence, and a worker that lost
//!   its lease can record nothing.
//! - Steps and remote objects are written by the functions for them, while an operation runs.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::domain::{
    audit::{AuditLine, Head},
    event::Event,
    id::{MediaBuyId, OperationId, PlatformName, PrincipalId, TaskId},
    keys::{KeyError, Keyring},
    lane::Openings,
    media_buy::{MediaBuy, RemoteKind, RemoteObject},
    operation::Operation,
    person::Person,
    status::BuyStatus,
    step::{Step, StepState},
    task::{HistoryEntry, Priority, Task, TaskKind, TaskStatus},
    time::Timestamp,
};

pub use crate::domain::audit::AuditEntry;

pub mod moving;
pub mod postgres;
pub mod replicas;
pub mod retention;
mod sql;
pub mod sqlite;
pub mod statements;
mod tables;
pub mod webhooks;

/// Why the store did not do it. Nothing was written, but for [`StoreError::Unsure`].
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A row that was to be changed is not at the version that the change was made on: read it again and decide anew.
    #[error("{0} was changed by somebody else meanwhile")]
    Stale(&'static str),
    /// The worker's lease on the operation is gone. What it wanted to record must not be recorded.
    #[error("the lease on {0} was lost")]
    Fenced(OperationId),
    /// The idempotency key is in use; here is its entry.
    #[error("the idempotency key is in use")]
    KeyTaken(Box<IdempotencyEntry>),
    /// What was to be decided is over.
    #[error("{0} is over")]
    Late(Late),
    /// The disk is full: nothing can be written until there is room; reading works.
    #[error("the disk is full: free some space and try again")]
    Full,
    /// The database can't be used now.
    #[error("the database can't be used now: {0}")]
    Unavailable(String),
    /// The connection was lost while the database committed: the one error after which it may have been written. Who must know
    /// reads, and not before the database's own time limit has passed.
    #[error("the database did not answer whether it was written: {0}")]
    Unsure(String),
    /// The audit log can't be written, and so nothing that it tells of: there is no key to sign it with.
    #[error("the audit log can't be written: {0}")]
    NoKey(KeyError),
    /// A row can't be read as what it should be: a bug, or somebody edited the database.
    #[error("the database holds something that can't be read: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// Whether it is the database that can't be used now: it says nothing of what was to be written, and another try may succeed.
    pub const fn passes(&self) -> bool {
        matches!(self, Self::Full | Self::Unavailable(_) | Self::Unsure(_))
    }
}

/// A row and the version at which it was read, which rises with each write.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored<T> {
    /// What it says.
    pub value: T,
    /// The version to name when it is written again.
    pub version: i64,
}

/// An idempotency key, scoped to a principal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IdempotencyEntry {
    /// Whose key.
    pub principal: PrincipalId,
    /// The key as the caller gave it.
    pub key: String,
    /// Digest of tool and body: the same key with another body is refused.
    pub fingerprint: String,
    /// What was accepted under it.
    pub operation: OperationId,
    /// The first answer, once it was given.
    pub answer: Option<serde_json::Value>,
    /// When it was first used.
    pub created_at: Timestamp,
    /// When it may be forgotten.
    pub expires_at: Timestamp,
}

/// A worker's right to carry an operation out: it holds as long as nobody claimed the operation after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// Which operation.
    pub operation: OperationId,
    /// Rises with each claim of the operation.
    pub number: i64,
}

/// An operation that a worker now holds; its state is `running`.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The operation.
    pub operation: Stored<Operation>,
    /// The worker's right to it.
    pub fence: Fence,
}

/// What a decision may come too late for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// The time in which the task could be decided.
    Task,
    /// The flight of the media buy that would be made.
    Flight,
}

impl std::fmt::Display for Late {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Task => "the time in which the task could be decided",
            Self::Flight => "the flight of the media buy",
        })
    }
}

/// What must not be over when a decision is written, by the clock that judges when tasks expire: the database's where several hosts
/// share it, else `at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InTime {
    /// The task that must not have expired.
    pub task: Option<TaskId>,
    /// The media buy whose flight must not have ended.
    pub flight: Option<MediaBuyId>,
    /// Now, by the caller's clock.
    pub at: Timestamp,
}

/// Everything that one decision writes, together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// If set: a worker writes, and only if its fence still holds.
    pub fence: Option<Fence>,
    /// With `fence`: give the lease back in the same transaction.
    pub release: bool,
    /// With `fence`: the run was cut off at this moment, and may have sent something until then. Steps that are open are in doubt anew
    /// from then on.
    pub cut_off: Option<Timestamp>,
    /// A decision that counts only if it comes in time: if it does not, nothing is written: [`StoreError::Late`].
    pub in_time: Option<InTime>,
    /// A new key. If it is taken, nothing is written: [`StoreError::KeyTaken`].
    pub idempotency: Option<IdempotencyEntry>,
    /// A new buy. Its `remote` is not written here.
    pub new_buy: Option<MediaBuy>,
    /// A buy that changed. Its `remote` is not written here.
    pub buy: Option<Stored<MediaBuy>>,
    /// A buy whose ad servers are to be asked how it stands as soon as that can be, and once more when they have settled: it was
    /// changed there, or waits for something else. Nothing happens for one that was not booked.
    pub look: Option<MediaBuyId>,
    /// A new operation.
    pub new_operation: Option<Operation>,
    /// Operations that changed.
    pub operations: Vec<Stored<Operation>>,
    /// Operations whose open steps on a platform are fresh again, as if they had never happened: a person looked and found nothing.
    pub reset_steps: Vec<(OperationId, PlatformName)>,
    /// A new task.
    pub new_task: Option<Task>,
    /// Tasks that changed; the version is the one that was read, not the task's own new one.
    pub tasks: Vec<Stored<Task>>,
    /// New lines of tasks' histories.
    pub history: Vec<(TaskId, HistoryEntry)>,
    /// What happened. Deliveries to the endpoints that want to hear of it are written with it.
    pub events: Vec<Event>,
    /// New lines of the audit log.
    pub audit: Vec<AuditEntry>,
    /// When a step is looked for again, by the moment of this recording.
    pub lookup: Option<(NextLookup, Timestamp)>,
}

/// What a step finished with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedStep {
    /// Its name.
    pub name: String,
    /// What a later run gets.
    pub outcome: Vec<u8>,
    /// Whether a request of this run got no answer all the same: its objects are looked for again later.
    pub lost: bool,
}

/// What is known of a step that a call left open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledStep {
    /// Its name.
    pub name: String,
    /// `Fresh`: it never happened. `Open`: it may have.
    pub state: StepState,
    /// Whether a request of this run got no answer, and so may still be under way.
    pub lost: bool,
}

/// A step to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStep {
    /// Its name.
    pub name: String,
    /// The reference to use if it was never begun.
    pub reference: String,
    /// Whether the run may send something in it. If not, it only looks, and a step that is open stays as it is.
    pub sends: bool,
}

/// A step whose objects are to be looked for again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueLookup {
    /// The step.
    pub step: Step,
    /// How many looks were made since a request was last lost, or a second object was last found.
    pub round: u32,
    /// The remote ids that a person was told of.
    pub told: Vec<String>,
}

/// What becomes of a step that was looked for again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextLookup {
    /// The operation of the step.
    pub operation: OperationId,
    /// Its platform.
    pub platform: PlatformName,
    /// Its name.
    pub name: String,
    /// After how long it is looked for again; `None`: no more.
    pub after: Option<Duration>,
    /// As in [`DueLookup`], from now on.
    pub round: u32,
    /// As in [`DueLookup`], from now on.
    pub told: Vec<String>,
}

/// A remote object that an adapter remembers or forgets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoteChange {
    /// It belongs to the buy.
    Remember(RemoteObject),
    /// It is gone.
    Forget(RemoteKind, String),
}

/// What happened in an operation's journal on one platform since the last write; written together.
#[derive(Debug, Clone)]
pub struct JournalWrite {
    /// The worker's right.
    pub fence: Fence,
    /// Which buy the remote objects belong to.
    pub buy: MediaBuyId,
    /// Which platform.
    pub platform: PlatformName,
    /// When, by the caller's clock; where several hosts share the database, its own clock says since when a step is in doubt.
    pub at: Timestamp,
    /// Steps that were finished: they become `done`.
    pub finished: Vec<FinishedStep>,
    /// A step that was left open.
    pub settled: Option<SettledStep>,
    /// Remote objects.
    pub remote: Vec<RemoteChange>,
    /// A step to begin.
    pub begin: Option<NewStep>,
}

/// Which buys to list; newest first.
#[derive(Debug, Clone, Default)]
pub struct BuyFilter {
    /// Only this principal's; `None`: everybody's.
    pub principal: Option<PrincipalId>,
    /// Only in this status.
    pub status: Option<BuyStatus>,
    /// Only with a package on this platform.
    pub platform: Option<PlatformName>,
    /// Only with this purchase order number.
    pub po_number: Option<String>,
    /// Only those after this one in the list.
    pub after: Option<MediaBuyId>,
    /// At most so many.
    pub limit: u32,
}

/// Which tasks to list: the most urgent first, then the oldest.
#[derive(Debug, Clone, Default)]
pub struct TaskFilter {
    /// Only this principal's; `None`: everybody's.
    pub principal: Option<PrincipalId>,
    /// Only of this kind.
    pub kind: Option<TaskKind>,
    /// Only of this priority.
    pub priority: Option<Priority>,
    /// Only in this status.
    pub status: Option<TaskStatus>,
    /// Only about this buy.
    pub buy: Option<MediaBuyId>,
    /// `Some(false)`: leave out those that are past their due date.
    pub overdue: Option<bool>,
    /// Closed tasks are listed if they were closed after this; `None`: they are not listed.
    pub closed_since: Option<Timestamp>,
    /// Now, for what is overdue.
    pub now: Option<Timestamp>,
    /// Skip so many.
    pub offset: u32,
    /// At most so many.
    pub limit: u32,
}

/// A task that the clock must see to.
#[derive(Debug, Clone, PartialEq)]
pub struct DueTask {
    /// The task.
    pub task: Stored<Task>,
    /// Whether it expired; otherwise it is only late.
    pub expired: bool,
}

/// A page of tasks.
#[derive(Debug, Clone, Default)]
pub struct TaskPage {
    /// The page.
    pub tasks: Vec<Task>,
    /// How many there are in all pages; 10,000: or more, which are not listed.
    pub total: u64,
    /// How many of those are open and past their due date.
    pub overdue: u64,
}

/// A bearer token as it is stored: never its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenRecord {
    /// Its name, which is who acts; unique.
    pub name: String,
    /// Who stands behind it.
    pub person: Person,
    /// SHA-256 of its text, hexadecimal.
    pub sha256: String,
    /// `buyer`, `reviewer` or `operator`.
    pub role: String,
    /// For a buyer: whose.
    pub principal: Option<PrincipalId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// After this it is worth nothing.
    pub expires_at: Option<Timestamp>,
    /// Since when it is worth nothing.
    pub revoked_at: Option<Timestamp>,
}

/// A token that is refused from a moment on, whatever a configuration says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The name under which it was known then.
    pub name: String,
    /// SHA-256 of its text, hexadecimal: which token it is. Another one under the same name is good.
    pub sha256: String,
    /// Since when.
    pub at: Timestamp,
}

/// What one host tells the others, so that they look sooner than they would by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// There may be work to claim.
    Work,
    /// An operation came to rest.
    Rested(OperationId),
}

/// What the host asks of its database. Times are given by the caller, but for leases and late tasks on PostgreSQL: several hosts
/// share them, so that they are judged by its clock.
#[async_trait]
pub trait Store:
    webhooks::WebhookStore + replicas::ReplicaStore + retention::RetentionStore + Send + Sync + std::fmt::Debug + 'static
{
    /// Writes everything in `recording`, or nothing.
    async fn record(&self, recording: Recording) -> Result<(), StoreError>;

    /// Sets the first answer that was given under an idempotency key. The first one stays.
    async fn record_answer(
        &self,
        principal: &PrincipalId,
        key: &str,
        answer: &serde_json::Value,
    ) -> Result<(), StoreError>;

    /// Claims an operation for a worker: the oldest that is queued and due, or running under a lease that ran out, whose
    /// buy has no other operation running, and whose lane may begin by `openings`. It becomes `running`, its claims and its fence rise by
    /// one, and it is the worker's for `lease`. One that only stops or restarts delivery comes before all others.
    ///
    /// One that is queued also waits for others of its buy:
    /// - if it only stops or restarts delivery: for older queued ones that do only that;
    /// - if it has begun (it is frozen): for none;
    /// - otherwise for older queued ones, and for any that has begun and not ended, whatever that one waits for.
    ///
    /// One that ran waits for none of them: each would wait for the other. Its steps that are open are in doubt anew from the claim on:
    /// until then whoever ran it may have sent something.
    ///
    /// One that can't be read is put off and told of, so that it holds nobody else up.
    async fn claim_within(
        &self,
        worker: &str,
        now: Timestamp,
        lease: Duration,
        openings: &Openings,
    ) -> Result<Option<Claim>, StoreError>;

    /// As [`Store::claim_within`], whatever runs already.
    async fn claim(&self, worker: &str, now: Timestamp, lease: Duration) -> Result<Option<Claim>, StoreError> {
        self.claim_within(worker, now, lease, &Openings::default()).await
    }

    /// Prolongs a lease. [`StoreError::Fenced`] if it is no longer the worker's.
    async fn prolong(&self, fence: &Fence, now: Timestamp, lease: Duration) -> Result<(), StoreError>;

    /// How long until the next operation is due, or the next lease runs out, of those whose lane may begin by `openings`; `None` if nothing
    /// waits.
    async fn next_due_within(&self, now: Timestamp, openings: &Openings) -> Result<Option<Duration>, StoreError>;

    /// As [`Store::next_due_within`], whatever runs already.
    async fn next_due(&self, now: Timestamp) -> Result<Option<Duration>, StoreError> {
        self.next_due_within(now, &Openings::default()).await
    }

    /// Writes to the journal of an operation. If a step is begun, answers how it stood before: `Fresh` if it was never begun (at
    /// [`Timestamp::NEVER`] then) or is known not to have happened, `Open` if it may have happened, `Done` with its outcome.
    async fn journal(&self, write: JournalWrite) -> Result<Option<Step>, StoreError>;

    /// The moment by the clock by which leases and doubts are judged: the database's where several hosts share it, else the caller's,
    /// which is `now`.
    async fn clock(&self, now: Timestamp) -> Result<Timestamp, StoreError>;

    /// The steps of an operation, in the order in which they were begun.
    async fn steps(&self, operation: &OperationId) -> Result<Vec<Step>, StoreError>;

    /// Whether the time has come for any step whose objects are to be looked for again.
    async fn lookup_is_due(&self, now: Timestamp) -> Result<bool, StoreError>;

    /// Steps whose objects are to be looked for again and whose time has come, at most `limit`. They are the caller's for `hold`: nobody
    /// else is given them before that has passed.
    async fn take_lookups(&self, now: Timestamp, hold: Duration, limit: u32) -> Result<Vec<DueLookup>, StoreError>;

    /// A buy with its remote objects.
    async fn buy(&self, id: &MediaBuyId) -> Result<Option<Stored<MediaBuy>>, StoreError>;

    /// A page of buys.
    async fn buys(&self, filter: &BuyFilter) -> Result<Vec<MediaBuy>, StoreError>;

    /// Buys whose turn it is to be asked about: those that were booked or had their turn `every` ago, or that a recording wants
    /// looked at, and whose flight ended no earlier than `ended_since`; at most `limit`. Their next turn comes after half of
    /// `every` to all of it, so that a crowd spreads out, and no replica asks at the same time; that of those that a recording
    /// wanted looked at comes after `settle`, or all of `every` if that is shorter.
    async fn take_turns(
        &self,
        now: Timestamp,
        ended_since: Timestamp,
        every: Duration,
        settle: Duration,
        limit: u32,
    ) -> Result<Vec<MediaBuyId>, StoreError>;

    /// An operation.
    async fn operation(&self, id: &OperationId) -> Result<Option<Stored<Operation>>, StoreError>;

    /// The operations of a buy that have not ended, oldest first.
    async fn open_operations(&self, buy: &MediaBuyId) -> Result<Vec<Stored<Operation>>, StoreError>;

    /// The operation that creates a buy.
    async fn creation(&self, buy: &MediaBuyId) -> Result<Option<Stored<Operation>>, StoreError>;

    /// A task.
    async fn task(&self, id: &TaskId) -> Result<Option<Stored<Task>>, StoreError>;

    /// A page of the list of tasks, which has the first 10,000 that the filter fits.
    async fn tasks(&self, filter: &TaskFilter) -> Result<TaskPage, StoreError>;

    /// Open tasks that nobody has decided and that expired, or are overdue and not escalated yet; at most `limit`, those that expired
    /// first, and the longest due first. One that can't be read is passed over, and told to the log.
    async fn tasks_due(&self, now: Timestamp, limit: u32) -> Result<Vec<DueTask>, StoreError>;

    /// Takes tasks out of the list that were closed before a moment, at most `limit`; they are there by their id. How many.
    async fn unlist_tasks(&self, closed_before: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// A task's history, oldest first.
    async fn history(&self, task: &TaskId) -> Result<Vec<HistoryEntry>, StoreError>;

    /// The entry of an idempotency key.
    async fn idempotency(&self, principal: &PrincipalId, key: &str) -> Result<Option<IdempotencyEntry>, StoreError>;

    /// Forgets keys that expired, at most `limit`.
    async fn forget_keys(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// What happened to a buy, oldest first, at most `limit`.
    async fn events(&self, buy: &MediaBuyId, limit: u32) -> Result<Vec<Event>, StoreError>;

    /// Lines of the audit log after the one of that number, oldest first, at most `limit`. The first line is 1; `i64::MIN` also
    /// finds what somebody put before it.
    async fn audit(&self, after: i64, limit: u32) -> Result<Vec<AuditLine>, StoreError>;

    /// The first line of the audit log that must have a link; `None` if that is not recorded, which somebody took away then.
    async fn audit_begins(&self) -> Result<Option<i64>, StoreError>;

    /// Has a token that is not among [`Store::tokens`] be refused, and tells of it in the audit log. [`StoreError::Stale`] if it is already.
    async fn revoke_digest(&self, revocation: &Revocation, line: AuditEntry) -> Result<(), StoreError>;

    /// Takes the revocation of a token back, wherever it stands, and tells of it in the audit log. [`StoreError::Stale`] if there is none.
    async fn restore_token(&self, sha256: &str, line: AuditEntry) -> Result<(), StoreError>;

    /// The tokens that are refused, oldest revocation first: those that were made, and those that a configuration has or had.
    async fn revocations(&self) -> Result<Vec<Revocation>, StoreError>;

    /// Which of these tokens, by their SHA-256, are refused.
    async fn revoked_among(&self, tokens: &[String]) -> Result<Vec<String>, StoreError>;

    /// How far the audit log goes.
    async fn audit_head(&self) -> Result<Head, StoreError>;

    /// The last line of the audit log about a subject.
    async fn last_audit(&self, subject: &str) -> Result<Option<AuditLine>, StoreError>;

    /// Stores a token, and tells of it in the audit log. [`StoreError::Stale`] if the name is taken.
    async fn add_token(&self, token: &TokenRecord, line: AuditEntry) -> Result<(), StoreError>;

    /// The token of this name.
    async fn token_named(&self, name: &str) -> Result<Option<TokenRecord>, StoreError>;

    /// The token with this digest.
    async fn token(&self, sha256: &str) -> Result<Option<TokenRecord>, StoreError>;

    /// The tokens that were ever made, oldest first.
    async fn tokens(&self) -> Result<Vec<TokenRecord>, StoreError>;

    /// Has a token be refused from the line's moment on, and tells of it in the audit log. [`StoreError::Stale`] if there is none of
    /// this name that is not revoked.
    async fn revoke_token(&self, name: &str, line: AuditEntry) -> Result<(), StoreError>;

    /// The keys with which it signs the audit log, and under which secrets are given to it to keep.
    fn keys(&self) -> &Arc<Keyring>;

    /// Passes a hint to other hosts on the same database. It may get lost, and is never part of a transaction.
    async fn tell(&self, hint: Hint);

    /// Hints from other hosts on the same database; `None` where there can't be any.
    fn hear(&self) -> Option<broadcast::Receiver<Hint>>;

    /// Whether the database answers.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Finishes what is being written and closes the database.
    async fn close(&self);
}
