//! The journal of a running operation: its steps and the remote objects that they created.

use crate::{
    domain::{
        id::{MediaBuyId, OperationId, PlatformName},
        media_buy::{RemoteKind, RemoteObject},
        step::{Step, StepState},
        time::Timestamp,
    },
    store::{
        Store, StoreError,
        leases::{Fence, check_fence},
        sql::{
            Dialect, MOST_ROWS, Transaction, rows,
            script::{Script, Statement, Want},
            work,
        },
    },
};

/// What happened in an operation's journal on one platform since the last write. Written in one
/// transaction.
#[derive(Debug, Clone)]
pub struct JournalWrite {
    /// The worker's fence.
    pub fence: Fence,
    /// The buy that the remote objects belong to.
    pub buy: MediaBuyId,
    /// The platform of the steps and remote objects.
    pub platform: PlatformName,
    /// The time by the caller's clock. If several replicas share the database, the database's clock
    /// decides since when a step is in doubt.
    pub at: Timestamp,
    /// Finished steps. They become `done`.
    pub finished: Vec<FinishedStep>,
    /// The step that a call left open, if any.
    pub settled: Option<SettledStep>,
    /// Remote objects to remember or forget.
    pub remote: Vec<RemoteChange>,
    /// The step to begin, if any.
    pub begin: Option<NewStep>,
}

/// A step to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStep {
    /// The step's name, unique within the operation and platform.
    pub name: String,
    /// The reference to use if the step was never begun.
    pub reference: String,
    /// Whether the run may send requests in this step. If not, the run only looks, and an open step
    /// stays as it is.
    pub sends: bool,
}

/// The outcome of a finished step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedStep {
    /// The step's name, unique within the operation and platform.
    pub name: String,
    /// The outcome, which later runs get back.
    pub outcome: Vec<u8>,
    /// Whether a request of this run still got no answer. The objects it may have made are looked
    /// up again later.
    pub lost: bool,
}

/// What is known of a step that a call left open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledStep {
    /// The step's name, unique within the operation and platform.
    pub name: String,
    /// `Fresh`: the step never happened. `Open`: it may have happened.
    pub state: StepState,
    /// Whether a request of this run got no answer and so may still be under way.
    pub lost: bool,
}

/// A remote object to record or to remove from the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoteChange {
    /// Record that the object belongs to the buy.
    Remember(RemoteObject),
    /// Remove the object, because it is gone.
    Forget(RemoteKind, String),
}

impl Store {
    /// Writes to the journal of an operation.
    ///
    /// If a step is begun, returns its previous state: `Fresh` if it was never begun (with
    /// `begun_at` [`Timestamp::NEVER`]) or is known not to have happened, `Open` if it may have
    /// happened, `Done` with its outcome.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if the worker has lost its lease.
    pub async fn journal(&self, write: JournalWrite) -> Result<Option<Step>, StoreError> {
        self.write(write, work!(journal)).await
    }

    /// Reads the steps of an operation in the order in which they were first begun.
    pub async fn steps(&self, operation: &OperationId) -> Result<Vec<Step>, StoreError> {
        let mut asked = Statement::new("SELECT ");
        asked.push(COLUMNS).push(" FROM steps WHERE operation = ? ORDER BY seq LIMIT ?");
        let asked = asked.with(operation.as_str()).with(MOST_ROWS);
        self.read(asked).await?.iter().map(rows::step).collect()
    }
}

/// The columns of a step.
pub(super) const COLUMNS: &str = "steps.operation, steps.platform, steps.name, steps.reference, steps.state, steps.outcome, \
                                  steps.begun_at, steps.sent_at, steps.lost";

/// Writes to the journal in the order of the fields, so that one write can finish a step and begin
/// the next one.
async fn journal(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    write: &JournalWrite,
) -> Result<Option<Step>, StoreError> {
    let mut script = Script::default();
    check_fence(&mut script, dialect, &write.fence);
    for step in &write.finished {
        finish(&mut script, dialect, write, step);
    }
    if let Some(step) = &write.settled {
        settle(&mut script, dialect, write, step)?;
    }
    for change in &write.remote {
        change_remote(&mut script, write, change);
    }
    if let Some(step) = &write.begin {
        begin(&mut script, dialect, write, step);
    }
    let found = transaction.run(script).await?;
    let Some(NewStep { name, reference, .. }) = write.begin.clone() else { return Ok(None) };
    match found.first() {
        Some(row) => rows::step(row).map(Some),
        None => Ok(Some(Step {
            operation: write.fence.operation.clone(),
            platform: write.platform.clone(),
            name,
            reference,
            state: StepState::Fresh,
            outcome: None,
            begun_at: Timestamp::NEVER,
            sent_at: None,
            lost: 0,
        })),
    }
}

/// Marks an open step as done. A step that is already done with the same outcome stays done, so
/// that the write can be repeated.
fn finish(script: &mut Script, dialect: &Dialect, write: &JournalWrite, step: &FinishedStep) {
    script
        .statement(
            "UPDATE steps SET state = 'done', outcome = ?, sending = 0 WHERE operation = ? AND platform = ? AND name = ?
             AND (state = 'open' OR (state = 'done' AND outcome = ?))",
            Want::Changes(1, StoreError::Stale("the step")),
        )
        .bind(step.outcome.as_slice())
        .bind(write.fence.operation.as_str())
        .bind(write.platform.as_str())
        .bind(step.name.as_str())
        .bind(step.outcome.as_slice());
    if step.lost {
        lose(script, dialect, write, &step.name);
    }
}

fn settle(script: &mut Script, dialect: &Dialect, write: &JournalWrite, step: &SettledStep) -> Result<(), StoreError> {
    let update = |script: &mut Script, known: &str, set: &mut dyn FnMut(&mut Statement)| {
        let statement =
            script.statement("UPDATE steps SET sending = 0, ", Want::Changes(1, StoreError::Stale("the step")));
        set(statement);
        statement
            .push(" WHERE operation = ? AND platform = ? AND name = ? AND ")
            .push(known)
            .bind(write.fence.operation.as_str())
            .bind(write.platform.as_str())
            .bind(step.name.as_str());
    };
    match step.state {
        // Idempotent.
        StepState::Fresh => update(script, "state IN ('open', 'fresh')", &mut |statement| {
            statement.push("state = 'fresh', sent_at = NULL");
        }),
        // The step stays open and its doubt starts now, because it may have sent something until
        // the call ended.
        StepState::Open => update(script, "state = 'open'", &mut |statement| {
            statement.push("begun_at = ").push(dialect.moment).bind(dialect.at(write.at));
        }),
        StepState::Done => {
            let name = &step.name;
            return Err(StoreError::Corrupt(format!("step {name:?} can't be done without an outcome: finish it")));
        }
    }
    if step.lost {
        lose(script, dialect, write, &step.name);
    }
    Ok(())
}

/// Records that a request of a step got no answer. It may be under way from now on, and the objects
/// it may have made are looked up again later.
fn lose(script: &mut Script, dialect: &Dialect, write: &JournalWrite, name: &str) {
    script
        .statement("UPDATE steps SET lost = lost + 1, sent_at = ", Want::Changes(1, StoreError::Stale("the step")))
        .push(dialect.moment)
        .push(" WHERE operation = ? AND platform = ? AND name = ?")
        .bind(dialect.at(write.at))
        .bind(write.fence.operation.as_str())
        .bind(write.platform.as_str())
        .bind(name);
    script
        .statement("INSERT INTO lookups (operation, platform, name, due_at) VALUES (?, ?, ?, ", Want::Any)
        .push(dialect.moment)
        .push(LOOK_ANEW)
        .bind(write.fence.operation.as_str())
        .bind(write.platform.as_str())
        .bind(name)
        .bind(dialect.at(write.at));
}

/// Ends an insert into the lookups. A lookup of the step that exists already starts over, and
/// whoever is looking it up now can't end it any more.
const LOOK_ANEW: &str = ") ON CONFLICT (operation, platform, name) DO UPDATE
     SET due_at = excluded.due_at, round = 0, fence = lookups.fence + 1";

fn change_remote(script: &mut Script, write: &JournalWrite, change: &RemoteChange) {
    match change {
        RemoteChange::Remember(object) => script
            .statement(
                "INSERT INTO remote_objects (buy, platform, kind, key, remote_id) VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT (buy, platform, kind, key) DO UPDATE SET remote_id = excluded.remote_id",
                Want::Any,
            )
            .bind(write.buy.as_str())
            .bind(write.platform.as_str())
            .bind(object.kind.as_str())
            .bind(object.key.as_str())
            .bind(object.id.as_str()),
        RemoteChange::Forget(kind, key) => script
            .statement("DELETE FROM remote_objects WHERE buy = ? AND platform = ? AND kind = ? AND key = ?", Want::Any)
            .bind(write.buy.as_str())
            .bind(write.platform.as_str())
            .bind(kind.as_str())
            .bind(key.as_str()),
    };
}

/// Reads the state of a step, then opens it unless it is done. An open step's doubt starts over,
/// because a lookup that finds nothing lets this run send again. If the run may only look, an open
/// step stays as it is.
fn begin(script: &mut Script, dialect: &Dialect, write: &JournalWrite, step: &NewStep) {
    script
        .statement("SELECT ", Want::Keep)
        .push(COLUMNS)
        .push(" FROM steps WHERE operation = ? AND platform = ? AND name = ?")
        .bind(write.fence.operation.as_str())
        .bind(write.platform.as_str())
        .bind(step.name.as_str());
    if !step.sends {
        return;
    }
    // The reference is never replaced, because an earlier run may have written it on a remote
    // object.
    script
        .statement(
            "INSERT INTO steps (operation, platform, name, reference, state, sending, begun_at) VALUES (?, ?, ?, ?, 'open', 1, ",
            Want::Any,
        )
        .push(dialect.moment)
        .push(
            ") ON CONFLICT (operation, platform, name)
             DO UPDATE SET state = 'open', begun_at = excluded.begun_at, sending = 1 WHERE steps.state IN ('fresh', 'open')",
        )
        .bind(write.fence.operation.as_str())
        .bind(write.platform.as_str())
        .bind(step.name.as_str())
        .bind(step.reference.as_str())
        .bind(dialect.at(write.at));
}

/// Restarts the doubt of an operation's open steps, because a worker may have sent something until
/// now. Where a run could send, a request may be under way.
pub(super) fn doubt_open(script: &mut Script, dialect: &Dialect, operation: &OperationId, now: Timestamp) {
    script
        .statement(
            "INSERT INTO lookups (operation, platform, name, due_at) SELECT operation, platform, name, ",
            Want::Any,
        )
        .push(dialect.moment)
        .push(
            " FROM steps WHERE operation = ? AND state = 'open' AND sending = 1
             ON CONFLICT (operation, platform, name) DO UPDATE
             SET due_at = excluded.due_at, round = 0, fence = lookups.fence + 1",
        )
        .bind(dialect.at(now))
        .bind(operation.as_str());
    script
        .statement("UPDATE steps SET sent_at = ", Want::Any)
        .push(dialect.moment)
        .push(", lost = lost + 1, sending = 0 WHERE operation = ? AND state = 'open' AND sending = 1")
        .bind(dialect.at(now))
        .bind(operation.as_str());
    script
        .statement("UPDATE steps SET begun_at = ", Want::Any)
        .push(dialect.moment)
        .push(" WHERE operation = ? AND state = 'open'")
        .bind(dialect.at(now))
        .bind(operation.as_str());
}

/// Makes an operation's open steps on a platform fresh.
pub(super) fn reset_open(script: &mut Script, operation: &OperationId, platform: &PlatformName) {
    script
        .statement(
            "UPDATE steps SET state = 'fresh', sent_at = NULL, sending = 0
             WHERE operation = ? AND platform = ? AND state = 'open'",
            Want::Any,
        )
        .bind(operation.as_str())
        .bind(platform.as_str());
}
