//! Recordings: everything that one decision writes, together or not at all.

use crate::{
    domain::{
        audit::AuditEntry,
        event::Event,
        id::{MediaBuyId, OperationId, PlatformName, TaskId},
        media_buy::MediaBuy,
        operation::Operation,
        task::{HistoryEntry, Task},
        time::Timestamp,
    },
    store::{
        Store, StoreError, Stored, audit,
        events::append_events,
        idempotency::{IdempotencyEntry, insert_key},
        journal::{doubt_open, reset_open},
        leases::{Fence, check_fence},
        lookups::{self, NextLookup},
        media_buys::{LOOK_NOW, insert_buy, update_buy},
        operations::{insert_operation, update_operation},
        sql::{
            Dialect, Transaction,
            script::{Script, Want},
            work,
        },
        tasks::{append_history, insert_task, update_task},
    },
};

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

impl Store {
    /// Writes everything in `recording`, or nothing.
    ///
    /// # Errors
    /// What the recording rests on does not hold: a fence, a key, a version, a time limit.
    pub async fn record(&self, recording: Recording) -> Result<(), StoreError> {
        self.write(recording, work!(record)).await
    }
}

/// Writes all of a recording. What it rests on is checked first: the fence, then the key.
///
/// Rows are locked in one order by everybody, where the database locks rows: buy, operations, tasks, the end of the audit log.
async fn record(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    recording: &Recording,
) -> Result<(), StoreError> {
    let mut script = Script::default();
    if let Some(fence) = &recording.fence {
        let buy = recording.buy.as_ref().map(|buy| &buy.value.id).or(recording.look.as_ref());
        if let (Some(buy), false) = (buy, dialect.locked.is_empty()) {
            script
                .statement("SELECT 1 AS found FROM media_buys WHERE id = ?", Want::Any)
                .push(dialect.locked)
                .bind(buy.as_str());
        }
        check_fence(&mut script, dialect, fence);
        if let Some(at) = recording.cut_off {
            doubt_open(&mut script, dialect, &fence.operation, at);
        }
    }
    if let Some(in_time) = &recording.in_time {
        check_in_time(&mut script, dialect, in_time);
    }
    if let Some(entry) = &recording.idempotency {
        insert_key(&mut script, entry)?;
    }
    if let Some(buy) = &recording.new_buy {
        insert_buy(&mut script, buy)?;
    }
    if let Some(buy) = &recording.buy {
        update_buy(&mut script, buy)?;
    }
    if let Some(buy) = &recording.look {
        script
            .statement("UPDATE media_buys SET asked_at = ? WHERE id = ? AND asked_at IS NOT NULL", Want::Any)
            .bind(LOOK_NOW)
            .bind(buy.as_str());
    }
    if let Some(operation) = &recording.new_operation {
        insert_operation(&mut script, operation)?;
    }
    let mut operations: Vec<_> = recording.operations.iter().collect();
    operations.sort_by(|one, other| one.value.id.cmp(&other.value.id));
    for operation in operations {
        update_operation(&mut script, operation)?;
    }
    for (operation, platform) in &recording.reset_steps {
        reset_open(&mut script, operation, platform);
    }
    if let Some(task) = &recording.new_task {
        insert_task(&mut script, task)?;
    }
    let mut tasks: Vec<_> = recording.tasks.iter().collect();
    tasks.sort_by(|one, other| one.value.id.cmp(&other.value.id));
    for task in tasks {
        update_task(&mut script, task)?;
    }
    append_history(&mut script, &recording.history)?;
    if let Some((next, at)) = &recording.lookup {
        lookups::put(&mut script, dialect, next, *at)?;
    }
    append_events(&mut script, &recording.events)?;
    if let (Some(fence), true) = (&recording.fence, recording.release) {
        script
            .statement("UPDATE operations SET worker = NULL, lease_until = NULL WHERE id = ?", Want::Any)
            .bind(fence.operation.as_str());
    }
    transaction.run(script).await?;
    audit::append(transaction, dialect, &recording.audit).await
}

/// Nothing is locked for it: who closes the task or changes the buy meanwhile changes its version, and then nothing is written either.
fn check_in_time(script: &mut Script, dialect: &Dialect, in_time: &InTime) {
    let InTime { task, flight, at } = in_time;
    if let Some(task) = task {
        script
            .statement(
                "SELECT 1 AS found FROM tasks WHERE id = ? AND expires_at > ",
                Want::Row(StoreError::Late(Late::Task)),
            )
            .push(dialect.current)
            .bind(task.as_str())
            .bind(dialect.at(*at));
    }
    if let Some(buy) = flight {
        script
            .statement(
                "SELECT 1 AS found FROM media_buys WHERE id = ? AND ends_at > ",
                Want::Row(StoreError::Late(Late::Flight)),
            )
            .push(dialect.current)
            .bind(buy.as_str())
            .bind(dialect.at(*at));
    }
}
