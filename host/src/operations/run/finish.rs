//! How a run ends for good: the operation succeeds, or fails after what was made has been
//! cancelled.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Interruption, Run, TRIES, prepared::Prepared};
use crate::{
    domain::{
        disclosure::{self, Disclosure},
        error_code::ErrorCode,
        failure::{Failure, FailureDetails},
        id::PlatformName,
        operation::{Operation, OperationFailure, OperationKind, OperationState},
        problem::{self, Problem},
        step,
        time::Timestamp,
    },
    operations::{events, now, outcome, tasks},
    store::{LeaseAfter, Recording, StoreError, Stored, Write},
};

/// Converts the failure of one call to a failure of the whole operation.
pub(super) fn operation_failure(platform: &PlatformName, failure: &Failure) -> OperationFailure {
    OperationFailure {
        code: ErrorCode::of(failure).to_string(),
        reason: Disclosure::failure(platform, failure),
        details: disclosure::details_for_buyers(failure),
    }
}

/// Returns the failure of an operation whose request has become impossible.
pub(super) fn failure_of(problems: &[Problem]) -> OperationFailure {
    OperationFailure {
        code: ErrorCode::InvalidParameter.to_string(),
        reason: problem::summary(problems).into(),
        details: FailureDetails::Items { items: problems.to_vec() },
    }
}

/// Returns the failures of an operation's legs, by platform.
fn leg_failures(operation: &Operation) -> BTreeMap<&PlatformName, &Failure> {
    operation.legs.iter().filter_map(|leg| leg.failure.as_ref().map(|failure| (&leg.platform, failure))).collect()
}

impl Run<'_> {
    /// Ends an operation whose legs are all settled: succeeds, fails, or begins to undo.
    pub(super) async fn conclude(mut self, prepared: &Prepared) -> Result<(), Interruption> {
        let Some(failure) = self.failure_of_legs() else {
            return self.end(OperationState::Succeeded).await;
        };
        if self.operation.value.kind != OperationKind::Create {
            return self.fail(failure).await;
        }
        let buy = self.buy().await?;
        let steps = self.deps.store.steps(&self.operation.value.id).await?;
        if step::traces(&buy.value, &steps).is_empty() {
            return self.fail(failure).await;
        }
        self.operation.value.undoing = Some(failure.clone());
        self.operation.value.updated_at = now();
        self.write(Recording::default(), LeaseAfter::Kept).await?;
        self.undo(prepared, failure, buy, &steps).await
    }

    fn failure_of_legs(&self) -> Option<OperationFailure> {
        let operation = &self.operation.value;
        let failures = leg_failures(operation);
        let (platform, first) = failures.iter().next()?;
        let mut failure = operation_failure(platform, first);
        let failed_package = operation.legs.iter().find_map(|leg| {
            let (package, cause) = leg.outcome.as_ref()?.failed_package.as_ref()?;
            Some((&leg.platform, package, cause))
        });
        if let Some((platform, package, cause)) = failed_package {
            failure.reason = Disclosure::failure(platform, cause).within(|words| format!("package {package}: {words}"));
        } else if operation.legs.len() > 1 {
            failure.reason = Disclosure::apart(failure.reason.buyer(), format!("{platform}: {first}"));
        }
        if operation.legs.len() > 1 {
            let outcomes: Vec<_> = operation
                .legs
                .iter()
                .map(|leg| {
                    let failure = leg.failure.as_ref().map(|failure| {
                        let words = Disclosure::failure(&leg.platform, failure).buyer().to_owned();
                        json!({ "kind": failure.kind, "code": failure.code, "message": words })
                    });
                    json!({ "platform": leg.platform, "state": leg.state, "failure": failure })
                })
                .collect();
            failure.details = FailureDetails::Other(json!({ "platforms": outcomes }));
        }
        Some(failure)
    }

    /// Fails the operation. A buy that was to be created fails with it; what an update has already
    /// changed stays changed.
    pub(super) async fn fail(&mut self, failure: OperationFailure) -> Result<(), Interruption> {
        self.operation.value.failure = Some(failure);
        self.end(OperationState::Failed).await
    }

    /// Writes the end of the operation: state, buy, tasks and events together. If somebody else
    /// records the buy's status or comments on a task at the same time, their write is read and
    /// this one is repeated on top of it.
    async fn end(&mut self, state: OperationState) -> Result<(), Interruption> {
        let at = now();
        self.become_state(state, at)?;
        let mut tries = 0;
        loop {
            let recording = self.last_write(at).await?;
            match self.write(recording, LeaseAfter::Released).await {
                Err(Interruption::Store(StoreError::Stale(_))) if tries < TRIES => tries += 1,
                written => break written?,
            }
        }
        self.deps.status_cache.forget(&self.operation.value.buy);
        Ok(())
    }

    async fn last_write(&self, at: Timestamp) -> Result<Recording, Interruption> {
        let operation = &self.operation.value;
        let buy = self.buy().await?;
        let mut recording = Recording::default();
        let next = outcome::of(operation, &buy.value, at, &mut recording);
        events::operation_ended(operation, &next, at, &mut recording);
        let mut tasks = Vec::new();
        for id in &operation.tasks {
            tasks.extend(self.deps.store.task(id).await?);
        }
        tasks::close(tasks, operation, at, &mut recording);
        if next != buy.value {
            recording.push(Write::Buy(Stored { value: next, version: buy.version }));
        }
        Ok(recording)
    }
}
