//! What all writes have in common: idempotency, plan, approval, one transaction, and the wait for
//! the outcome.

use std::time::Duration;

use serde_json::json;

use crate::{
    app::{
        App, WriteAnswer, WriteOptions,
        caller::Caller,
        commit_retry::record_new,
        error::{AppError, ErrorCode},
    },
    domain::{
        approval::ApprovalQuestion,
        change::ProposedChange,
        digest,
        failure::Failure,
        id::{OperationId, PlatformName, PrincipalId},
        media_buy::MediaBuy,
        operation::{Change, Operation, OperationKind, OperationState},
        plan::Plan,
        status::{BuyStatus, Standing},
        time::Timestamp,
        weight,
    },
    fault,
    operations::{
        Waiter, events, now, planning,
        tasks::{self, Question},
    },
    store::{IdempotencyEntry, Recording, StoreError, Write},
};

/// How long an idempotency key is kept.
const KEY_KEPT_FOR: Duration = Duration::from_secs(48 * 3_600);

/// How long to wait before checking the store for an operation that came to rest without a signal:
/// with several hosts a hint may get lost. Waiters are normally woken; each check costs two reads,
/// and thousands may be waiting.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// A change that is possible as far as the host can tell.
#[derive(Debug)]
pub(super) struct Draft {
    /// The kind of operation.
    pub(super) kind: OperationKind,
    /// The change to make.
    pub(super) change: Change,
    /// The buy before the change; for a new one, the buy itself.
    pub(super) current: MediaBuy,
    /// The buy after the change.
    pub(super) desired: MediaBuy,
    /// When the change was requested; see [`App::next_word`].
    pub(super) asked: Timestamp,
    /// The values that the host filled in, in words.
    pub(super) notes: Vec<String>,
}

impl Draft {
    /// Returns the change together with the buy before and after it.
    fn proposed(&self) -> ProposedChange<'_> {
        ProposedChange { change: &self.change, current: &self.current, desired: &self.desired }
    }
}

impl App {
    /// Returns the answer that was given for the caller's idempotency key, if the key was used
    /// before.
    pub(super) async fn replay(
        &self,
        principal: &PrincipalId,
        options: &WriteOptions,
        kind: OperationKind,
    ) -> Result<Option<WriteAnswer>, AppError> {
        let Some(key) = options.idempotency_key.as_deref().filter(|_| !options.dry_run) else { return Ok(None) };
        match self.store.idempotency(principal, key).await? {
            Some(entry) => self.answer_again(&entry, kind, options).await.map(Some),
            None => Ok(None),
        }
    }

    async fn answer_again(
        &self,
        entry: &IdempotencyEntry,
        kind: OperationKind,
        options: &WriteOptions,
    ) -> Result<WriteAnswer, AppError> {
        if !digest::is_of(&entry.fingerprint, &asked(kind, options)) {
            return Err(AppError::new(
                ErrorCode::IdempotencyConflict,
                "this idempotency key was used with another request: use a new key for a new request",
            )
            .details(json!({ "operation_id": entry.operation })));
        }
        if let Some(answer) = &entry.answer {
            let mut answer: WriteAnswer = serde_json::from_value(answer.clone())
                .map_err(|error| AppError::from(StoreError::Corrupt(error.to_string())))?;
            answer.replayed = true;
            return Ok(answer);
        }
        // Accepted, but not answered yet: the first request is still waiting, or the host stopped
        // before it could answer.
        let (buy, operation) = self.as_it_stands(&entry.operation).await?;
        if matches!(operation.state, OperationState::Queued | OperationState::Running) {
            return Err(AppError::new(
                ErrorCode::OperationInProgress,
                format!("the first request under this key is still being carried out as {}", operation.id),
            )
            .details(json!({ "operation_id": operation.id }))
            .retry_after(1));
        }
        let mut answer = self.answer(buy, operation, Vec::new());
        self.remember_answer(entry, &answer).await;
        answer.replayed = true;
        Ok(answer)
    }

    /// Keeps an answer for repeated requests. If that fails, they get the operation's state at that
    /// time.
    async fn remember_answer(&self, entry: &IdempotencyEntry, answer: &WriteAnswer) {
        let kept = match serde_json::to_value(answer) {
            Ok(value) => self.store.record_answer(&entry.principal, &entry.key, &value).await,
            Err(error) => Err(StoreError::Corrupt(error.to_string())),
        };
        if let Err(error) = kept {
            tracing::warn!(operation = %entry.operation, %error, "could not keep an answer");
        }
    }

    /// Plans a change, requests approval if a rule requires it, records all of it in one
    /// transaction, and waits for the outcome as long as the caller wants.
    pub(super) async fn accept(
        &self,
        caller: &Caller,
        draft: Draft,
        options: WriteOptions,
    ) -> Result<WriteAnswer, AppError> {
        let at = now();
        if let Some(problem) = weight::check(&draft.desired) {
            return Err(AppError::problems(ErrorCode::InvalidParameter, vec![problem]));
        }
        let mut operation = new_operation(caller, &draft, &options, at, self.config.operations.deadline);
        let plan = self.plan(&draft, &operation.id).await?;
        operation.plan = plan;
        let mut recording = Recording::default();
        let mut buy = draft.desired.clone();
        if draft.kind != OperationKind::Create {
            buy = draft.current.clone();
        }
        self.ask_if_needed(&draft, &mut operation, &mut buy, at, &mut recording).await?;
        if options.dry_run {
            let mut answer = self.answer(draft.desired, operation, draft.notes);
            answer.standing_status = buy.status;
            answer.standing_detail = buy.detail;
            answer.dry_run = true;
            return Ok(answer);
        }
        let entry = options.idempotency_key.as_ref().map(|key| IdempotencyEntry {
            principal: draft.current.principal.clone(),
            key: key.clone(),
            fingerprint: digest::canonical(&asked(draft.kind, &options)),
            operation: operation.id.clone(),
            answer: None,
            created_at: at,
            expires_at: at.plus(KEY_KEPT_FOR),
        });
        recording.extend(entry.clone().map(Write::NewKey));
        if draft.kind == OperationKind::Create {
            recording.push(Write::Event(events::status_event(&buy, None, at)));
            recording.push(Write::NewBuy(buy.clone()));
        }
        recording.push(Write::Audit(events::accepted(&operation, &caller.signature(), at)));
        recording.push(Write::NewOperation(operation.clone()));
        let rested = self.signals.wait_for(&operation.id);
        fault::point("accept.before");
        match record_new(&self.store, &operation.id, recording).await {
            Ok(()) => {}
            Err(StoreError::KeyTaken(taken)) => {
                return self.answer_again(&taken, draft.kind, &options).await;
            }
            Err(error) => return Err(error.into()),
        }
        fault::point("accept.after");
        self.signals.work();
        match self.wait(&operation.id, options.wait, rested, &draft.notes).await {
            Ok(answer) => {
                if let Some(entry) = &entry {
                    self.remember_answer(entry, &answer).await;
                }
                Ok(answer)
            }
            // The change is accepted and will be carried out. An error would make the buyer request
            // it again.
            Err(error) => {
                tracing::error!(operation = %operation.id, %error, "can't see how an accepted operation stands");
                Ok(self.answer(buy, operation, draft.notes))
            }
        }
    }

    /// Plans on every platform. Whatever one of them can't do is reported at once, by field.
    async fn plan(&self, draft: &Draft, operation: &OperationId) -> Result<Plan, AppError> {
        let made = async || {
            let planned = planning::plan(
                &self.adapters,
                &self.config,
                operation,
                draft.proposed(),
                now().plus(planning::PLAN_TIME),
            );
            planned.await.map_err(|unplannable| impossible(unplannable.into_failures()))
        };
        let plan = made().await?;
        // An approval is bound to the plan. If an adapter makes another one each time, no approval would
        // ever hold, and its reviewers would be asked again and again.
        // A second plan that can't be made, on a busy machine for instance, says nothing about the first.
        let Ok(second) = made().await else { return Ok(plan) };
        match plan.difference(&second) {
            None => Ok(plan),
            Some((platform, what)) => {
                tracing::error!(%platform, what, "an adapter plans one change differently each time");
                let message = format!(
                    "the adapter of {platform} plans this change differently each time ({what}), so that no approval of it \
                     could hold; nothing was accepted"
                );
                let cure =
                    "the publisher activates a release of the adapter whose plans depend on nothing but the request";
                Err(AppError::new(ErrorCode::AdapterFault, message).suggest(cure))
            }
        }
    }

    async fn ask_if_needed(
        &self,
        draft: &Draft,
        operation: &mut Operation,
        buy: &mut MediaBuy,
        at: Timestamp,
        recording: &mut Recording,
    ) -> Result<(), AppError> {
        let nothing_booked = self.config.asks_for_first_buys()
            && !self.store.has_booked(&draft.current.principal, &draft.current.id).await?;
        let asked = ApprovalQuestion::about(draft.kind, draft.proposed(), nothing_booked);
        let Some(needed) = self.config.approvals_needed(&asked) else { return Ok(()) };
        operation.state = OperationState::AwaitingApproval;
        let plan = operation.plan.clone();
        // The digest of a new buy uses the revision that a run will read, which is the one it has
        // now.
        let digest = planning::digest(&operation.request, &plan, draft.current.revision);
        let question = Question::for_approval(needed, asked.reason().into(), plan, digest);
        tasks::ask(operation, &draft.desired, question, at, recording);
        if draft.kind == OperationKind::Create {
            buy.status = BuyStatus::PendingManual;
            buy.detail = "waits for approval by the publisher".to_owned();
        }
        Ok(())
    }

    /// Waits at most `wait` until an operation comes to rest, or until the host stops, and returns
    /// its current state.
    async fn wait(
        &self,
        id: &OperationId,
        wait: Duration,
        rested: Waiter,
        notes: &[String],
    ) -> Result<WriteAnswer, AppError> {
        let mut until = tokio::time::Instant::now() + wait;
        loop {
            // Subscribed before the read, so that an operation that comes to rest after it is
            // noticed.
            let heard = rested.rested();
            let (buy, operation) = self.as_it_stands(id).await?;
            let at_rest = !matches!(operation.state, OperationState::Queued | OperationState::Running);
            if at_rest || tokio::time::Instant::now() >= until {
                return Ok(self.answer(buy, operation, notes.to_vec()));
            }
            let look_again = (tokio::time::Instant::now() + LOOK_AGAIN).min(until);
            tokio::select! {
                () = heard => {}
                () = tokio::time::sleep_until(look_again) => {}
                () = self.signals.stopped() => until = tokio::time::Instant::now(),
            }
        }
    }

    async fn as_it_stands(&self, id: &OperationId) -> Result<(MediaBuy, Operation), AppError> {
        let operation = self.store.operation(id).await?.ok_or_else(|| AppError::not_found("operation"))?.value;
        let buy = self.store.buy(&operation.buy).await?.ok_or_else(|| AppError::not_found("media buy"))?.value;
        Ok((buy, operation))
    }

    fn answer(&self, buy: MediaBuy, operation: Operation, notes: Vec<String>) -> WriteAnswer {
        let in_progress = operation.kind == OperationKind::Create
            && matches!(operation.state, OperationState::Queued | OperationState::Running);
        let standing = if in_progress {
            Standing { status: BuyStatus::PendingActivation, detail: "being created on the ad server".to_owned() }
        } else {
            Standing { status: buy.status, detail: buy.detail.clone() }
        };
        WriteAnswer {
            standing_status: standing.status,
            standing_detail: standing.detail,
            buy,
            operation,
            dry_run: false,
            replayed: false,
            at: now(),
            notes,
        }
    }
}

/// Returns the error for an impossible request, with every item of every platform.
fn impossible(failures: Vec<(PlatformName, Failure)>) -> AppError {
    let mut merged: Option<(PlatformName, Failure)> = None;
    for (platform, failure) in failures {
        merged = Some(match merged {
            None => (platform, failure),
            Some((first_platform, mut first)) => {
                first.items.extend(failure.items);
                (first_platform, first)
            }
        });
    }
    merged.map_or_else(
        || AppError::new(ErrorCode::Internal, "no reason was given"),
        |(platform, failure)| {
            if !failure.kind.is_refusal() {
                tracing::warn!(%platform, code = failure.code, error = %failure, "a change can't be planned");
            }
            AppError::from_failure(&platform, &failure)
        },
    )
}

/// Returns what the fingerprint of an idempotency key covers.
fn asked(kind: OperationKind, options: &WriteOptions) -> serde_json::Value {
    json!({ "operation": kind, "request": options.request })
}

fn new_operation(
    caller: &Caller,
    draft: &Draft,
    options: &WriteOptions,
    at: Timestamp,
    deadline: Duration,
) -> Operation {
    Operation {
        request: options.request.clone(),
        requested_by: caller.name.clone(),
        requested_by_person: Some(caller.person.clone()),
        created_at: draft.asked,
        deadline: at.plus(deadline),
        ..Operation::new(OperationId::mint(), draft.current.id_and_owner(), draft.kind, draft.change.clone(), at)
    }
}
