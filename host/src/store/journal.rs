//! The journal of a running operation: its steps and the remote objects that they made.

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

/// What happened in an operation's journal on one platform since the last write; written together.
#[derive(Debug, Clone)]
pub struct JournalWrite {
    /// The worker's right.
    pub fence: Fence,
    /// Which buy the remote objects belong to.
    pub buy: MediaBuyId,
    /// Which platform.
    pub platform: PlatformName,
    /// When, by the caller's clock; where several replicas share the database, its own clock says
    /// since when a step is in doubt.
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

/// A step to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStep {
    /// Its name.
    pub name: String,
    /// The reference to use if it was never begun.
    pub reference: String,
    /// Whether the run may send something in it. If not, it only looks, and a step that is open
    /// stays as it is.
    pub sends: bool,
}

/// What a step finished with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedStep {
    /// Its name.
    pub name: String,
    /// What a later run gets.
    pub outcome: Vec<u8>,
    /// Whether a request of this run got no answer all the same: its objects are looked for again
    /// later.
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

/// A remote object that an adapter remembers or forgets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoteChange {
    /// It belongs to the buy.
    Remember(RemoteObject),
    /// It is gone.
    Forget(RemoteKind, String),
}

impl Store {
    /// Writes to the journal of an operation.
    ///
    /// If a step is begun, returns how it stood before: `Fresh` if it was never begun (at
    /// [`Timestamp::NEVER`] then) or is known not to have happened, `Open` if it may have happened,
    /// `Done` with its outcome.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if the worker's lease is gone.
    pub async fn journal(&self, write: JournalWrite) -> Result<Option<Step>, StoreError> {
        self.write(write, work!(journal)).await
    }

    /// Reads the steps of an operation, in the order in which they were first begun.
    pub async fn steps(&self, operation: &OperationId) -> Result<Vec<Step>, StoreError> {
        let mut asked = Statement::new("SELECT ");
        asked.push(COLUMNS).push(" FROM steps WHERE operation = ? ORDER BY seq LIMIT ?");
        let asked = asked.with(operation.as_str()).with(MOST_ROWS);
        self.read(asked).await?.iter().map(rows::step).collect()
    }
}

/// A step's columns.
pub(super) const COLUMNS: &str = "steps.operation, steps.platform, steps.name, steps.reference, steps.state, steps.outcome, \
                                  steps.begun_at, steps.sent_at, steps.lost";

/// Writes to the journal, in the order of the fields: a step may be finished and the next one begun
/// by one write.
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

/// An open step is done now. One that is done already stays so, if with the same outcome: the write
/// is repeated.
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
        // Repeated, it changes nothing.
        StepState::Fresh => update(script, "state IN ('open', 'fresh')", &mut |statement| {
            statement.push("state = 'fresh', sent_at = NULL");
        }),
        // It stays open, and the doubt begins now: until the call ended it may have sent something.
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

/// A request of a step got no answer: it may be under way from now on, and what it makes is looked
/// for again one day.
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

/// Ends an insert into the lookups: a step that is there already is looked for as if it were new.
const LOOK_ANEW: &str = ") ON CONFLICT (operation, platform, name) DO UPDATE SET due_at = excluded.due_at, round = 0";

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

/// Reads how the step stands, then opens it, unless it is done. One that is open is in doubt anew
/// from now on: a lookup that misses lets this run send again. If the run may only look, one that
/// is open stays as it is.
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
    // The reference is never replaced: an earlier run may have written it on a remote object.
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

/// An operation's open steps are in doubt anew: until now somebody may have sent something. Where a
/// run could send, a request may be under way.
pub(super) fn doubt_open(script: &mut Script, dialect: &Dialect, operation: &OperationId, now: Timestamp) {
    script
        .statement(
            "INSERT INTO lookups (operation, platform, name, due_at) SELECT operation, platform, name, ",
            Want::Any,
        )
        .push(dialect.moment)
        .push(
            " FROM steps WHERE operation = ? AND state = 'open' AND sending = 1
             ON CONFLICT (operation, platform, name) DO UPDATE SET due_at = excluded.due_at, round = 0",
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
