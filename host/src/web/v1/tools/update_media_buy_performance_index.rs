//! `update_media_buy_performance_index`: reports how well packages perform, by the buyer's own
//! measure.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{App, NewPerformance, WriteAnswer, caller::Caller, error::AppError},
    domain::{
        id::{MediaBuyId, PackageId},
        operation::Performance,
        terms,
    },
    web::{
        json::{
            self, Arguments, read, refuse,
            text::{Id, IdempotencyKey, Words},
            values::{Confidence, Index, List, MAX_PACKAGES},
        },
        tool::{Answer, Audience, CallOptions, Effect, Tool, Verb},
        v1::{
            change::{UpdateAnswer, answer, write_options},
            fields,
        },
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "update_media_buy_performance_index",
    title: "Report performance",
    description: "Reports how well packages perform by your own measure (1.0 is the baseline, 1.2 is 20 % better), \
                  so that delivery can be optimised. optimization_actions says what the platform did (applied) or \
                  what you can do with update_package (advised).",
    audience: Audience::Buyers,
    effect: Effect::Write,
    only_switches: None,
    verb: Verb::Put,
    path: "/v1/media-buys/{media_buy_id}/performance-index",
    input: UpdatePerformanceIndex::json_schema,
    output: PerformanceAnswer::json_schema,
    example: r#"{
  "media_buy_id": "multi_12345",
  "performance_data": [
    {"package_id": "premium_sports", "performance_index": 1.2, "confidence_score": 0.9},
    {"package_id": "news", "performance_index": 0.8, "feedback": "few conversions"}
  ]
}"#,
    may_be_pending: true,
    run: |app, caller, arguments, options| Box::pin(run(app, caller, arguments, options)),
};

async fn run(app: App, caller: Caller, arguments: Arguments, options: CallOptions) -> Result<Answer, AppError> {
    let request: UpdatePerformanceIndex = read(arguments.clone())?;
    let options = write_options(&arguments, request.idempotency_key.clone(), request.dry_run, options)?;
    let made = app
        .update_media_buy_performance_index(&caller, request.into_new()?, options)
        .await
        .map_err(|error| fields::in_request(error, &arguments.value))?;
    answer::<PerformanceAnswer>(&made)
}

/// How well packages perform, by your own measure.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdatePerformanceIndex {
    /// The media buy.
    pub media_buy_id: Id,
    /// The packages, each once.
    pub performance_data: List<PackagePerformance, 1, MAX_PACKAGES>,
    /// Your own key for this request; a repeat is carried out only once.
    pub idempotency_key: Option<IdempotencyKey>,
    /// `true`: check and plan only; nothing is sent to platforms. Default: `false`.
    pub dry_run: Option<bool>,
}

/// How well a package performs.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackagePerformance {
    /// The package.
    pub package_id: Id,
    /// 1.0 is the baseline, 1.2 is 20 % better, 0.8 is 20 % worse; at most 6 decimal places.
    pub performance_index: Index,
    /// Your confidence, from 0 to 1.
    pub confidence_score: Option<Confidence>,
    /// Any other comments.
    pub feedback: Option<Words>,
}

impl UpdatePerformanceIndex {
    /// Converts the request for the application core.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` when a package is named twice.
    pub fn into_new(self) -> Result<NewPerformance, AppError> {
        let mut problems = Vec::new();
        let mut seen = HashSet::new();
        let mut performance = Vec::new();
        for (index, told) in self.performance_data.0.into_iter().enumerate() {
            if !seen.insert(told.package_id.clone()) {
                let message = terms::NAMED_TWICE;
                problems.push(json::mistake(format!("/performance_data/{index}"), message).value(&told.package_id.0));
            }
            performance.push(Performance {
                package: PackageId::new(told.package_id.0),
                index: told.performance_index.0,
                confidence: told.confidence_score.map(|score| score.0),
                feedback: told.feedback.map(|words| words.0),
            });
        }
        refuse(&problems)?;
        Ok(NewPerformance { buy: MediaBuyId::new(self.media_buy_id.0), performance })
    }
}

/// The result of performance indices.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PerformanceAnswer {
    /// As for every change.
    #[serde(flatten)]
    pub update: UpdateAnswer,
    /// Actions taken or advised, by package.
    pub optimization_actions: Vec<OptimizationAction>,
}

/// An action taken or advised for a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OptimizationAction {
    /// The package.
    pub package_id: PackageId,
    /// `applied`: the platform does it. `advised`: you can do it with `update_package`. `none`:
    /// there is nothing to do.
    pub kind: String,
    /// The action's name.
    pub action: String,
    /// Why.
    pub reason: String,
}

impl From<&WriteAnswer> for PerformanceAnswer {
    fn from(answer: &WriteAnswer) -> Self {
        Self { update: answer.into(), optimization_actions: optimizations(&answer.operation) }
    }
}

/// Returns the optimisation actions of an operation.
pub(in crate::web::v1) fn optimizations(operation: &crate::domain::operation::Operation) -> Vec<OptimizationAction> {
    let outcomes = operation.legs.iter().filter_map(|leg| leg.outcome.as_ref());
    outcomes
        .flat_map(|outcome| &outcome.optimizations)
        .map(|action| OptimizationAction {
            package_id: action.package.clone(),
            kind: action.kind.clone(),
            action: action.action.clone(),
            reason: action.reason.clone(),
        })
        .collect()
}
