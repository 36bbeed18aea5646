//! `get_operation`: the progress of an accepted change.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    app::{App, OperationView, caller::Caller, error::AppError},
    domain::{
        disclosure::Disclosure,
        failure::{Failure, FailureDetails},
        id::{MediaBuyId, OperationId, PackageId, PlatformName, TaskId},
        operation::{Leg, LegState, Operation, OperationKind, OperationState},
        redaction::without_addresses,
        step::StepState,
        time::Timestamp,
    },
    web::{
        json::{Arguments, read, text::Id},
        tool::{Answer, Audience, Effect, Tool, Verb},
        v1::{
            change::takes_effect,
            fields::Items,
            operation::{AssetOnPlatform, waiting_task},
            plan::{self, PlatformPlan},
            tools::update_media_buy_performance_index::{OptimizationAction, optimizations},
        },
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "get_operation",
    title: "Get an operation",
    description: "The progress of an accepted change: its state (succeeded and failed are final), its part on each \
                  platform, its steps, its result or error, and the task if it waits for a person. Poll it, with \
                  growing pauses, after an answer that says being carried out.",
    audience: Audience::Everybody,
    effect: Effect::Read,
    only_switches: None,
    verb: Verb::Get,
    path: "/v1/operations/{operation_id}",
    input: OperationQuery::json_schema,
    output: OperationAnswer::json_schema,
    example: r#"{"operation_id": "op_01993f5e8c5a7b7e9d6a4f3c2b1a0987"}"#,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: OperationQuery = read(arguments)?;
    let view = app.get_operation(&caller, &OperationId::new(request.operation_id.0)).await?;
    Answer::new(&OperationAnswer::from(&view))
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OperationQuery {
    /// The operation's id, from the answer to a change.
    pub operation_id: Id,
}

/// An operation: one accepted change, and its progress.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct OperationAnswer {
    /// The operation.
    pub operation_id: OperationId,
    /// The tool that made it.
    pub operation: OperationKind,
    /// The media buy.
    pub media_buy_id: MediaBuyId,
    /// Its state: `succeeded` and `failed` are final. `parked`: a person must find out whether a
    /// step happened.
    pub state: OperationState,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Number of transient failures, which were or will be retried.
    pub attempts: u32,
    /// The last transient failure.
    pub last_error: Option<String>,
    /// Its part on each platform.
    pub legs: Vec<LegLine>,
    /// The changes on the ad servers, recorded one by one.
    pub steps: Vec<StepLine>,
    /// Its result, once it succeeded.
    pub result: Option<OperationResult>,
    /// Why it failed.
    pub error: Option<OperationError>,
    /// The task that waits, or last waited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// Whether it waits for that task now.
    pub waits_for_task: bool,
    /// What will change on the ad servers.
    pub plan: Vec<PlatformPlan>,
}

/// An operation's part on one platform.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LegLine {
    /// The platform.
    pub platform: PlatformName,
    /// Its progress.
    pub state: LegState,
    /// Why it failed.
    pub error: Option<String>,
    /// The packages that were changed.
    pub affected_packages: Vec<PackageId>,
    /// Further information.
    pub notes: Vec<String>,
}

/// One change on the ad server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StepLine {
    /// The platform.
    pub platform: PlatformName,
    /// Its name.
    pub name: String,
    /// `fresh`: it did not happen. `open`: it may have happened. `done`: it happened.
    pub state: StepState,
    /// The text that marks the remote object for lookup.
    pub reference: String,
    /// When it last began.
    pub begun_at: Timestamp,
}

/// An operation's result.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct OperationResult {
    /// When the change takes effect.
    pub implementation_date: Option<Timestamp>,
    /// The packages that were changed.
    pub affected_packages: Vec<PackageId>,
    /// Status of creatives.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asset_statuses: Vec<AssetOnPlatform>,
    /// Actions taken or advised on performance.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub optimization_actions: Vec<OptimizationAction>,
}

/// Why an operation failed.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct OperationError {
    /// One of the interface's error codes, or what a person decided.
    pub code: String,
    /// Why, in words.
    pub message: String,
    /// Each problem, if there are several.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub details: Value,
}

impl From<&OperationView> for OperationAnswer {
    fn from(view: &OperationView) -> Self {
        let operation = &view.operation;
        Self {
            operation_id: operation.id.clone(),
            operation: operation.kind,
            media_buy_id: operation.buy.clone(),
            state: operation.state,
            created_at: operation.created_at,
            updated_at: operation.updated_at,
            ended_at: operation.ended_at,
            attempts: operation.attempts,
            last_error: operation.last_error.as_ref().map(|told| told.to(view.staff).to_owned()),
            legs: operation.legs.iter().map(|leg| LegLine::of(leg, view.staff)).collect(),
            steps: view
                .steps
                .iter()
                .map(|step| StepLine {
                    platform: step.platform.clone(),
                    name: step.name.clone(),
                    state: step.state,
                    reference: step.reference.clone(),
                    begun_at: step.begun_at,
                })
                .collect(),
            result: (operation.state == OperationState::Succeeded).then(|| result(operation)),
            error: operation.failure.as_ref().map(|failure| OperationError {
                code: failure.code.clone(),
                message: failure.reason.to(view.staff).to_owned(),
                details: match &failure.details {
                    FailureDetails::Items { items } => json!(Items::of(items)),
                    FailureDetails::Other(details) => details.clone(),
                },
            }),
            task_id: operation.task().cloned(),
            waits_for_task: waiting_task(operation).is_some(),
            plan: plan::shown(&operation.plan),
        }
    }
}

impl LegLine {
    fn of(leg: &Leg, staff: bool) -> Self {
        let outcome = leg.outcome.as_ref();
        let refused = outcome.and_then(|outcome| outcome.failed_package.as_ref());
        let words = |failure: &Failure| Disclosure::failure(&leg.platform, failure).to(staff).to_owned();
        let error = leg.failure.as_ref().map(words);
        let shown = |note: &String| if staff { note.clone() } else { without_addresses(note) };
        Self {
            platform: leg.platform.clone(),
            state: leg.state,
            error: error.or_else(|| refused.map(|(package, failure)| format!("{package}: {}", words(failure)))),
            affected_packages: outcome.map(|outcome| outcome.affected.clone()).unwrap_or_default(),
            notes: outcome.iter().flat_map(|outcome| outcome.notes.iter().map(shown)).collect(),
        }
    }
}

fn result(operation: &Operation) -> OperationResult {
    let mut asset_statuses = Vec::new();
    for leg in &operation.legs {
        let assets = leg.outcome.iter().flat_map(|outcome| &outcome.assets);
        asset_statuses.extend(assets.map(|asset| AssetOnPlatform::new(&leg.platform, asset)));
    }
    OperationResult {
        implementation_date: takes_effect(operation),
        affected_packages: operation.affected_packages(),
        asset_statuses,
        optimization_actions: optimizations(operation),
    }
}
