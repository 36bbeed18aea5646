//! Recordings: everything that one decision writes, in one transaction.

use super::{
    Store, StoreError, Stored, audit,
    events::{Formatted, append_events, formatted},
    idempotency::{IdempotencyEntry, insert_key},
    journal::{doubt_open, reset_open},
    leases::{Fence, check_fence},
    lookups::{self, NextLookup},
    media_buys::{insert_buy, read_status_soon, update_buy},
    operations::{insert_operation, update_operation},
    sql::{
        Dialect, Transaction,
        script::{Script, Want},
        work,
    },
    tasks::{append_history, insert_task, update_task},
};
use crate::domain::{
    audit::AuditEntry,
    event::Event,
    id::{MediaBuyId, OperationId, PlatformName, TaskId},
    media_buy::MediaBuy,
    operation::Operation,
    task::{HistoryEntry, Task},
    time::Timestamp,
};

/// Everything that one decision writes, in one transaction.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    by: Author,
    writes: Vec<Write>,
}

/// The author of a recording. The conditions that the author depends on are checked first, and
/// nothing is written if one of them fails.
#[derive(Debug, Clone, Default)]
pub enum Author {
    /// The host itself. Only the versions of the changed rows are checked.
    #[default]
    Host,
    /// A reviewer, whose decision only counts if it comes in time: otherwise
    /// [`StoreError::Expired`].
    Reviewer(DecisionWindow),
    /// A worker, whose fence must still hold: otherwise [`StoreError::Fenced`].
    Worker(Fence, LeaseAfter),
}

/// What happens to a worker's lease when the recording is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseAfter {
    /// The worker keeps it. An operation that is no longer running loses its lease regardless.
    Kept,
    /// The lease is released.
    Released,
    /// The run was interrupted at this moment and may have sent something until then. The lease is
    /// released, and open steps are in doubt anew as of that moment.
    CutOff(Timestamp),
}

/// The deadlines that a decision must meet. They are judged by the clock that decides when tasks
/// expire: the database's if several replicas share it, otherwise `at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionWindow {
    /// The task that must not have expired.
    pub task: Option<TaskId>,
    /// The media buy whose flight must not have ended.
    pub flight: Option<MediaBuyId>,
    /// The current time by the caller's clock.
    pub at: Timestamp,
}

/// The deadline that a decision missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expired {
    /// The time until which the task could be decided.
    Task,
    /// The end of the flight of the media buy that would be created.
    Flight,
}

impl std::fmt::Display for Expired {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Task => "the time in which the task could be decided",
            Self::Flight => "the flight of the media buy",
        })
    }
}

/// A single write of a recording. A changed row names the version at which it was read, and a
/// mismatch is a [`StoreError::Stale`].
#[derive(Debug, Clone)]
pub enum Write {
    /// A new idempotency key. [`StoreError::KeyTaken`] if it is in use.
    NewKey(IdempotencyEntry),
    /// A new buy. Its `remote` is not written here.
    NewBuy(MediaBuy),
    /// A changed buy. Its `remote` is not written here.
    Buy(Stored<MediaBuy>),
    /// Schedules a buy's status to be read from its ad servers as soon as possible, and once more
    /// after they have settled, because the buy was changed there or waits for something else. Does
    /// nothing for a buy that was not booked.
    ReadStatusSoon(MediaBuyId),
    /// A new operation.
    NewOperation(Operation),
    /// A changed operation.
    Operation(Stored<Operation>),
    /// Makes the open steps of an operation on a platform fresh, as if they had never happened,
    /// because a person looked and found nothing.
    ResetSteps(OperationId, PlatformName),
    /// A new task.
    NewTask(Task),
    /// A changed task. The version is the one that was read, not the task's own new one.
    Task(Stored<Task>),
    /// A new entry of a task's history.
    History(TaskId, HistoryEntry),
    /// The next lookup of a step, with its delay counted from this moment.
    Lookup(NextLookup, Timestamp),
    /// An event, together with its deliveries to the subscribed endpoints.
    Event(Event),
    /// A new line of the audit log.
    Audit(AuditEntry),
}

impl Write {
    /// Returns the position of the write in the global lock order. On a database that locks rows,
    /// every writer locks buys first, then operations by id, then tasks by id. The end of the audit
    /// log comes last.
    fn order(&self) -> (u8, &str) {
        match self {
            Self::NewKey(_) => (0, ""),
            Self::NewBuy(_) => (1, ""),
            Self::Buy(buy) => (2, buy.value.id.as_str()),
            Self::ReadStatusSoon(buy) => (3, buy.as_str()),
            Self::NewOperation(_) => (4, ""),
            Self::Operation(operation) => (5, operation.value.id.as_str()),
            Self::ResetSteps(..) => (6, ""),
            Self::NewTask(_) => (7, ""),
            Self::Task(task) => (8, task.value.id.as_str()),
            Self::History(..) => (9, ""),
            Self::Lookup(..) => (10, ""),
            Self::Event(_) => (11, ""),
            Self::Audit(_) => (12, ""),
        }
    }
}

impl Recording {
    /// Returns an empty recording by `author`.
    pub fn by(author: Author) -> Self {
        Self { by: author, writes: Vec::new() }
    }

    /// Appends a write.
    pub fn push(&mut self, write: Write) {
        self.writes.push(write);
    }

    /// Returns the recording with `write` appended.
    #[must_use]
    pub fn with(mut self, write: Write) -> Self {
        self.push(write);
        self
    }

    /// Returns the recording with a worker as its author.
    #[must_use]
    pub fn by_worker(self, fence: Fence, lease: LeaseAfter) -> Self {
        Self { by: Author::Worker(fence, lease), ..self }
    }

    /// Returns the writes in the order in which they were added.
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }
}

impl FromIterator<Write> for Recording {
    fn from_iter<T: IntoIterator<Item = Write>>(writes: T) -> Self {
        Self { by: Author::Host, writes: writes.into_iter().collect() }
    }
}

impl Extend<Write> for Recording {
    fn extend<T: IntoIterator<Item = Write>>(&mut self, writes: T) {
        self.writes.extend(writes);
    }
}

impl From<Write> for Recording {
    fn from(write: Write) -> Self {
        Self { by: Author::Host, writes: vec![write] }
    }
}

impl From<Vec<Write>> for Recording {
    fn from(writes: Vec<Write>) -> Self {
        Self { by: Author::Host, writes }
    }
}

impl<const N: usize> From<[Write; N]> for Recording {
    fn from(writes: [Write; N]) -> Self {
        Self { by: Author::Host, writes: writes.into() }
    }
}

impl Store {
    /// Writes everything in `recording`, or nothing.
    ///
    /// # Errors
    /// When a condition of the recording fails: its author's fence or deadline, an idempotency key,
    /// or a row's version.
    pub async fn record(&self, recording: impl Into<Recording> + Send) -> Result<(), StoreError> {
        let recording = recording.into();
        let events = recording.writes.iter().filter_map(|write| match write {
            Write::Event(event) => Some(event),
            _ => None,
        });
        let events = formatted(events, self.payload);
        self.write((recording, events), work!(record)).await
    }
}

/// Writes a whole recording after checking its author's conditions.
async fn record(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (recording, events): &(Recording, Vec<Formatted>),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    check_author(&mut script, dialect, recording);
    let mut writes: Vec<&Write> = recording.writes.iter().collect();
    writes.sort_by(|one, other| one.order().cmp(&other.order()));
    let (mut history, mut lines) = (Vec::new(), Vec::new());
    let mut lookups = Vec::new();
    for write in writes {
        match write {
            Write::NewKey(entry) => insert_key(&mut script, entry)?,
            Write::NewBuy(buy) => insert_buy(&mut script, buy)?,
            Write::Buy(buy) => update_buy(&mut script, buy)?,
            Write::ReadStatusSoon(buy) => read_status_soon(&mut script, buy),
            Write::NewOperation(operation) => insert_operation(&mut script, operation)?,
            Write::Operation(operation) => update_operation(&mut script, operation)?,
            Write::ResetSteps(operation, platform) => reset_open(&mut script, operation, platform),
            Write::NewTask(task) => insert_task(&mut script, task)?,
            Write::Task(task) => update_task(&mut script, task)?,
            Write::History(task, line) => history.push((task, line)),
            Write::Lookup(next, at) => lookups.push((next, *at)),
            // Written with their payloads, below.
            Write::Event(_) => {}
            Write::Audit(line) => lines.push(line),
        }
    }
    append_history(&mut script, &history)?;
    for (next, at) in lookups {
        lookups::put(&mut script, dialect, next, at)?;
    }
    append_events(&mut script, events)?;
    if let Author::Worker(fence, LeaseAfter::Released | LeaseAfter::CutOff(_)) = &recording.by {
        script
            .statement("UPDATE operations SET worker = NULL, lease_until = NULL WHERE id = ?", Want::Any)
            .bind(fence.operation.as_str());
    }
    transaction.run(script).await?;
    audit::append(transaction, dialect, &lines).await
}

/// Checks the author's conditions. A worker's buy is locked before its operation, following the
/// global lock order.
fn check_author(script: &mut Script, dialect: &Dialect, recording: &Recording) {
    let (fence, lease) = match &recording.by {
        Author::Host => return,
        Author::Reviewer(window) => return check_window(script, dialect, window),
        Author::Worker(fence, lease) => (fence, lease),
    };
    let buy = recording.writes.iter().find_map(|write| match write {
        Write::Buy(buy) => Some(&buy.value.id),
        Write::ReadStatusSoon(buy) => Some(buy),
        _ => None,
    });
    if let (Some(buy), false) = (buy, dialect.locked.is_empty()) {
        script
            .statement("SELECT 1 AS found FROM media_buys WHERE id = ?", Want::Any)
            .push(dialect.locked)
            .bind(buy.as_str());
    }
    check_fence(script, dialect, fence);
    if let LeaseAfter::CutOff(at) = lease {
        doubt_open(script, dialect, &fence.operation, *at);
    }
}

/// Checks the deadlines of a decision without locking anything. If the task is closed or the buy
/// changed meanwhile, its version changes, and nothing is written either.
fn check_window(script: &mut Script, dialect: &Dialect, window: &DecisionWindow) {
    let DecisionWindow { task, flight, at } = window;
    if let Some(task) = task {
        script
            .statement(
                "SELECT 1 AS found FROM tasks WHERE id = ? AND expires_at > ",
                Want::Row(StoreError::Expired(Expired::Task)),
            )
            .push(dialect.current)
            .bind(task.as_str())
            .bind(dialect.at(*at));
    }
    if let Some(buy) = flight {
        script
            .statement(
                "SELECT 1 AS found FROM media_buys WHERE id = ? AND ends_at > ",
                Want::Row(StoreError::Expired(Expired::Flight)),
            )
            .push(dialect.current)
            .bind(buy.as_str())
            .bind(dialect.at(*at));
    }
}
