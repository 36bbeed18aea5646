//! The journal of a running operation: steps and remote objects.

use super::{
    Database, Dialect, Transaction,
    read::MOST_ROWS,
    record::check_fence,
    rows,
    script::{Script, Statement, Want},
};
use crate::{
    domain::{
        id::{OperationId, PlatformName},
        step::{Step, StepState},
        time::Timestamp,
    },
    store::{FinishedStep, JournalWrite, RemoteChange, StoreError},
};

/// Writes to the journal, in the order of the fields: a step may be finished and the next one begun by one write.
pub(super) async fn journal(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    write: &JournalWrite,
) -> Result<Option<Step>, StoreError> {
    let mut script = Script::default();
    check_fence(&mut script, dialect, &write.fence);
    for step in &write.finished {
        finish(&mut script, write, step);
    }
    if let Some((name, state)) = &write.settled {
        settle(&mut script, dialect, write, name, *state)?;
    }
    for change in &write.remote {
        change_remote(&mut script, write, change);
    }
    if let Some((name, reference)) = &write.begin {
        begin(&mut script, dialect, write, name, reference);
    }
    let found = transaction.run(script).await?;
    let Some((name, reference)) = write.begin.clone() else { return Ok(None) };
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
        })),
    }
}

/// An open step is done now. One that is done already stays so, if with the same outcome: the write is repeated.
fn finish(script: &mut Script, write: &JournalWrite, step: &FinishedStep) {
    script
        .statement(
            "UPDATE steps SET state = 'done', outcome = ? WHERE operation = ? AND platform = ? AND name = ?
             AND (state = 'open' OR (state = 'done' AND outcome = ?))",
            Want::Changes(1, StoreError::Stale("the step")),
        )
        .bind(step.outcome.as_slice())
        .bind(write.fence.operation.as_str())
        .bind(write.platform.as_str())
        .bind(step.name.as_str())
        .bind(step.outcome.as_slice());
}

fn settle(
    script: &mut Script,
    dialect: &Dialect,
    write: &JournalWrite,
    name: &str,
    state: StepState,
) -> Result<(), StoreError> {
    let (set, known) = match state {
        // Repeated, it changes nothing.
        StepState::Fresh => ("state = 'fresh'", "state IN ('open', 'fresh')"),
        // It stays open, and the doubt begins now: until the call ended it may have sent something.
        StepState::Open => ("begun_at = ", "state = 'open'"),
        StepState::Done => {
            return Err(StoreError::Corrupt(format!("step {name:?} can't be done without an outcome: finish it")));
        }
    };
    let statement = script.statement("UPDATE steps SET ", Want::Changes(1, StoreError::Stale("the step"))).push(set);
    if state == StepState::Open {
        statement.push(dialect.moment).bind(dialect.at(write.at));
    }
    statement
        .push(" WHERE operation = ? AND platform = ? AND name = ? AND ")
        .push(known)
        .bind(write.fence.operation.as_str())
        .bind(write.platform.as_str())
        .bind(name);
    Ok(())
}

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

/// Reads how the step stands, then opens it, unless it is done. One that is open is in doubt anew from now on: a lookup
/// that misses lets this run send again.
fn begin(script: &mut Script, dialect: &Dialect, write: &JournalWrite, name: &str, reference: &str) {
    script
        .statement(
            "SELECT operation, platform, name, reference, state, outcome, begun_at FROM steps
             WHERE operation = ? AND platform = ? AND name = ?",
            Want::Keep,
        )
        .bind(write.fence.operation.as_str())
        .bind(write.platform.as_str())
        .bind(name);
    // The reference is never replaced: an earlier run may have written it on a remote object.
    script
        .statement(
            "INSERT INTO steps (operation, platform, name, reference, state, begun_at) VALUES (?, ?, ?, ?, 'open', ",
            Want::Any,
        )
        .push(dialect.moment)
        .push(
            ") ON CONFLICT (operation, platform, name)
             DO UPDATE SET state = 'open', begun_at = excluded.begun_at WHERE steps.state IN ('fresh', 'open')",
        )
        .bind(write.fence.operation.as_str())
        .bind(write.platform.as_str())
        .bind(name)
        .bind(reference)
        .bind(dialect.at(write.at));
}

/// An operation's open steps are in doubt anew: until now somebody may have sent something.
pub(super) fn doubt_open(script: &mut Script, dialect: &Dialect, operation: &OperationId, now: Timestamp) {
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
            "UPDATE steps SET state = 'fresh' WHERE operation = ? AND platform = ? AND state = 'open'",
            Want::Any,
        )
        .bind(operation.as_str())
        .bind(platform.as_str());
}

/// The steps of an operation in the order in which they were first begun.
pub(super) async fn steps(database: &impl Database, operation: &OperationId) -> Result<Vec<Step>, StoreError> {
    let asked = Statement::new(
        "SELECT operation, platform, name, reference, state, outcome, begun_at FROM steps
         WHERE operation = ? ORDER BY seq LIMIT ?",
    )
    .with(operation.as_str())
    .with(MOST_ROWS);
    database.read(asked).await?.iter().map(rows::step).collect()
}
