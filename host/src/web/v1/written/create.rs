//! The answer of `create_media_buy`.

use schemars::JsonSchema;
use serde::Serialize;

use super::{append, open_task, waiting};
use crate::{
    app::WriteAnswer,
    domain::{
        id::{MediaBuyId, OperationId, PackageId, PlatformName, TaskId},
        media_buy::MediaBuy,
        money::Micros,
        operation::OperationState,
        status::BuyStatus,
        time::Timestamp,
    },
    web::v1::plan::{self, PlatformPlan},
};

/// What became of a new media buy.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CreateAnswer {
    /// Its id: `<platform>_…`, or `multi_…` if its packages live on several platforms. Left out for a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_buy_id: Option<MediaBuyId>,
    /// `pending_activation`: created, or (HTTP 202) being created; upload creatives. `pending_manual` and `pending_permission` are
    /// no errors: a person must act first. `failed`: see `detail`.
    pub status: BuyStatus,
    /// Until when creatives must be there.
    pub creative_deadline: Timestamp,
    /// What else there is to know: the task id for pending states, the reason for failed ones, dates that were filled in.
    pub detail: String,
    /// The operation, for `get_operation`. Left out for a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<OperationId>,
    /// The task that a person must work on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// The packages as they are bought.
    pub packages: Vec<PackageLine>,
    /// What to do next, in words.
    pub next_steps: Vec<String>,
    /// What will change on the ad servers. Only for a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Vec<PlatformPlan>>,
    /// `true`: nothing was bought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    /// `true`: the first answer to this idempotency key again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replayed: Option<bool>,
}

/// A package as it is bought.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PackageLine {
    /// The package.
    pub package_id: PackageId,
    /// Where it lives.
    pub platform: PlatformName,
    /// Its budget.
    pub budget: Micros,
    /// Its goal.
    pub impressions: i64,
    /// Price of a thousand impressions.
    pub cpm: Micros,
    /// When it begins.
    pub flight_start_date: Timestamp,
    /// Its last moment.
    pub flight_end_date: Timestamp,
}

/// The packages of a buy.
pub(super) fn package_lines(buy: &MediaBuy) -> Vec<PackageLine> {
    buy.packages
        .iter()
        .map(|package| PackageLine {
            package_id: package.id.clone(),
            platform: package.platform.clone(),
            budget: package.budget,
            impressions: package.impressions,
            cpm: package.cpm,
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
