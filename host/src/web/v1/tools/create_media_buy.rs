//! `create_media_buy`: buys packages.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{App, NewMediaBuy, WriteAnswer, caller::Caller, error::AppError},
    domain::{
        field::Subject,
        id::{MediaBuyId, OperationId, PackageId, PlatformName, TaskId},
        media_buy::{MediaBuy, Pacing},
        money::Micros,
        operation::OperationState,
        problem::Problem,
        status::BuyStatus,
        targeting::Targeting,
        terms,
        time::Timestamp,
    },
    web::{
        json::{
            self, Arguments, read_and, refuse,
            text::{Currency, IdempotencyKey, Line, MAX_PO_NUMBER},
            values::{Amount, List, MAX_PACKAGES, When},
        },
        tool::{Answer, Audience, CallOptions, Effect, Tool, Verb},
        v1::{
            change::{answer, append, open_task, waiting, write_options},
            fields,
            plan::{self, PlatformPlan},
            price::{GoalLine, PriceLine},
            targeting::{self, TargetingOverlay},
        },
    },
};

mod package;

use package::new_package;
pub use package::{PackageItem, PackageRequest};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "create_media_buy",
    title: "Create a media buy",
    description: "Buys one or more packages, on one or several ad servers, for a flight and a budget. Find package \
                  ids with list_products. Returns the new media_buy_id at once. A status of pending_manual or \
                  pending_permission is normal, not an error: a person at the publisher must act, so keep task_id \
                  and poll get_pending_tasks. Impossible requests (unknown package, unsupported targeting, price \
                  below the floor) are refused before anything is stored, naming every problem. Set dry_run to see \
                  the plan without buying; set idempotency_key so that a repeated request buys once.",
    audience: Audience::Buyers,
    effect: Effect::Write,
    only_switches: None,
    verb: Verb::Post,
    path: "/v1/media-buys",
    input: CreateMediaBuy::json_schema,
    output: CreateAnswer::json_schema,
    example: r#"{
  "packages": ["premium_sports", "drive_time_audio"],
  "po_number": "PO-2024-001",
  "total_budget": 50000,
  "targeting_overlay": {
    "geography": ["US-CA", "US-NY"],
    "device_types": ["mobile", "desktop"]
  }
}"#,
    may_be_pending: true,
    run: |app, caller, arguments, options| Box::pin(run(app, caller, arguments, options)),
};

async fn run(app: App, caller: Caller, arguments: Arguments, options: CallOptions) -> Result<Answer, AppError> {
    let made = write(app, caller, arguments, options).await?;
    let location = (!made.dry_run).then(|| format!("/v1/media-buys/{}/status", made.buy.id));
    Ok(Answer { location, ..answer::<CreateAnswer>(&made)? })
}

/// Carries out the tool, or plans it only.
///
/// # Errors
/// When the request is refused.
pub(in crate::web) async fn write(
    app: App,
    caller: Caller,
    arguments: Arguments,
    options: CallOptions,
) -> Result<WriteAnswer, AppError> {
    let request: CreateMediaBuy = read_and(arguments.clone(), |arguments| {
        let mut problems = targeting::impossible(arguments);
        let named = arguments.value["packages"].as_array().into_iter().flatten().enumerate();
        problems.extend(named.filter_map(|(index, package)| {
            let id = package.as_str().or_else(|| package["package_id"].as_str())?;
            app.not_for_sale(&caller, id, Subject::listed(index).whole()).map(fields::pointed)
        }));
        problems
    })?;
    let options = write_options(&arguments, request.idempotency_key.clone(), request.dry_run, options)?;
    app.create_media_buy(&caller, request.into_new()?, options)
        .await
        .map_err(|error| fields::in_request(error, &arguments.value))
}

/// A new media buy: one or more packages, a budget, a flight, and whom to reach.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateMediaBuy {
    /// The packages to buy, each once: package ids from `list_products`, or objects if a package
    /// needs a budget, price, pacing or targeting of its own. They may be on several platforms.
    pub packages: List<PackageItem, 1, MAX_PACKAGES>,
    /// Budget of the whole buy in its currency, a decimal number with at most 6 decimal places.
    /// Packages without a budget of their own share the remainder equally.
    pub total_budget: Amount,
    /// Your purchase order number, at most 63 characters.
    pub po_number: Option<Line<MAX_PO_NUMBER>>,
    /// Targeting for all packages; a package's own overlay refines it.
    pub targeting_overlay: Option<TargetingOverlay>,
    /// First day (`2026-12-01`, from 00:00 UTC) or first moment (`2026-12-01T09:00:00Z`). Default:
    /// the first midnight UTC after now plus 24 hours plus the packages' longest review lead time,
    /// so that `creative_deadline` is a day away.
    pub flight_start_date: Option<When>,
    /// Last day (to its last second, UTC) or last moment. Default: 30 days after the start.
    pub flight_end_date: Option<When>,
    /// How impressions are spread over the flight. Default: `even`.
    pub pacing: Option<Pacing>,
    /// The buy's maximum spend per day.
    pub daily_budget: Option<Amount>,
    /// ISO 4217 code. Default: the currency the packages are sold in.
    pub currency: Option<Currency>,
    /// Your own key for this request. If you send the same key and body again, you get the first
    /// answer and nothing is bought twice.
    pub idempotency_key: Option<IdempotencyKey>,
    /// `true`: check and plan only. Nothing is stored or bought, and the answer shows the plan.
    /// Default: `false`.
    pub dry_run: Option<bool>,
}

impl CreateMediaBuy {
    /// Converts the request for the application core.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` when a package is named twice or the targeting is impossible.
    pub fn into_new(self) -> Result<NewMediaBuy, AppError> {
        let mut problems = Vec::new();
        let mut seen = HashSet::new();
        for (index, package) in self.packages.0.iter().enumerate() {
            if !seen.insert(package.id()) {
                let field = format!("/packages/{index}");
                problems.push(json::mistake(field, terms::NAMED_TWICE).value(package.id()));
            }
        }
        let targeting = overlay(self.targeting_overlay, "", &mut problems);
        let packages = self
            .packages
            .0
            .into_iter()
            .enumerate()
            .map(|(index, package)| new_package(package, &format!("/packages/{index}"), &mut problems))
            .collect();
        refuse(&problems)?;
        Ok(NewMediaBuy {
            packages,
            total_budget: self.total_budget.0,
            po_number: self.po_number.map(|number| number.0),
            targeting,
            start: self.flight_start_date.map(|when| when.0),
            end: self.flight_end_date.map(|when| when.0),
            pacing: self.pacing,
            daily_budget: self.daily_budget.map(|amount| amount.0),
            currency: self.currency.map(|currency| currency.0),
        })
    }
}

/// Converts an overlay to targeting. No overlay means no restriction.
pub(in crate::web::v1) fn overlay(
    overlay: Option<TargetingOverlay>,
    at: &str,
    problems: &mut Vec<Problem>,
) -> Targeting {
    overlay.map(|overlay| overlay.into_targeting(&format!("{at}/targeting_overlay"), problems)).unwrap_or_default()
}

/// The result for a new media buy.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CreateAnswer {
    /// Its id: `<platform>_…`, or `multi_…` if its packages are on several platforms. Absent for a
    /// dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_buy_id: Option<MediaBuyId>,
    /// `pending_activation`: created, or (HTTP 202) in creation; upload creatives. `pending_manual`
    /// and `pending_permission` are not errors: a person must act first. `failed`: see `detail`.
    pub status: BuyStatus,
    /// When creatives are due.
    pub creative_deadline: Timestamp,
    /// Further information: the task id for pending states, the reason for failed ones, dates
    /// filled in by default.
    pub detail: String,
    /// The operation, for `get_operation`. Absent for a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<OperationId>,
    /// The task that a person must act on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// The packages bought.
    pub packages: Vec<PackageLine>,
    /// What to do next, in words.
    pub next_steps: Vec<String>,
    /// What will change on the ad servers. Only for a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Vec<PlatformPlan>>,
    /// `true`: nothing was bought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    /// `true`: repeats the first answer to this key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replayed: Option<bool>,
}

/// A package bought.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PackageLine {
    /// The package.
    pub package_id: PackageId,
    /// Its platform.
    pub platform: PlatformName,
    /// Its budget.
    pub budget: Micros,
    /// Its goal.
    #[serde(flatten)]
    pub goal: GoalLine,
    /// Its price.
    #[serde(flatten)]
    pub price: PriceLine,
    /// Its start.
    pub flight_start_date: Timestamp,
    /// Its last moment.
    pub flight_end_date: Timestamp,
}

/// Returns the packages of a buy as answers show them.
pub(in crate::web::v1) fn package_lines(buy: &MediaBuy) -> Vec<PackageLine> {
    buy.packages
        .iter()
        .map(|package| PackageLine {
            package_id: package.id.clone(),
            platform: package.platform.clone(),
            budget: package.budget,
            goal: package.into(),
            price: package.price.into(),
            flight_start_date: buy.start,
            flight_end_date: buy.end,
        })
        .collect()
}

impl From<&WriteAnswer> for CreateAnswer {
    fn from(answer: &WriteAnswer) -> Self {
        let creative_deadline = answer.buy.creative_deadline(answer.at);
        let stored = !answer.dry_run;
        Self {
            media_buy_id: stored.then(|| answer.buy.id.clone()),
            status: answer.standing_status,
            creative_deadline,
            detail: detail(answer),
            operation_id: stored.then(|| answer.operation.id.clone()),
            task_id: open_task(answer),
            packages: package_lines(&answer.buy),
            next_steps: next_steps(answer, creative_deadline),
            plan: answer.dry_run.then(|| plan::shown(&answer.operation.plan)),
            dry_run: answer.dry_run.then_some(true),
            replayed: answer.replayed.then_some(true),
        }
    }
}

fn detail(answer: &WriteAnswer) -> String {
    let mut detail = waiting(&answer.standing_detail, open_task(answer).as_ref());
    if answer.dry_run {
        detail = format!("dry run: nothing was bought; as it would be: {}", answer.standing_detail);
    }
    for note in &answer.notes {
        append(&mut detail, note);
    }
    detail
}

fn next_steps(answer: &WriteAnswer, deadline: Timestamp) -> Vec<String> {
    if answer.dry_run {
        return vec!["send the same request without dry_run to buy it".to_owned()];
    }
    let upload = format!("upload creatives with add_creative_assets before {deadline}");
    let poll =
        "poll get_pending_tasks (once a minute, with growing pauses) until the task is completed or failed".to_owned();
    match (answer.operation.state, answer.standing_status) {
        (OperationState::Failed, _) | (_, BuyStatus::Failed) => {
            vec!["read detail, correct the request and create a new media buy".to_owned()]
        }
        (OperationState::AwaitingApproval | OperationState::AwaitingPermission | OperationState::Parked, _) => {
            vec![poll, format!("once it is completed, {upload}")]
        }
        (OperationState::Queued | OperationState::Running, _) => {
            vec!["ask get_operation until the operation has ended".to_owned(), format!("once it succeeded, {upload}")]
        }
        (OperationState::Succeeded, _) => {
            vec![upload, "ask check_media_buy_status for how it stands".to_owned()]
        }
    }
}
