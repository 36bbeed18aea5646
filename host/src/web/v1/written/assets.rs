//! The answer of `add_creative_assets`.

use schemars::JsonSchema;
use serde::Serialize;

use super::{ChangeStatus, Outcome};
use crate::{
    app::WriteAnswer,
    domain::{
        creative::{AssetState, AssetStatus, Creative},
        id::{CreativeId, OperationId, PlatformName, TaskId},
        operation::{Change, OperationState},
    },
    web::v1::plan::{self, PlatformPlan},
};

/// What became of new creatives.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CreativesAnswer {
    /// Each creative of the request.
    pub asset_statuses: Vec<AssetLine>,
    /// `accepted`, `failed`, `pending_manual` or `pending_permission`, as for every change.
    pub status: ChangeStatus,
    /// What else there is to know; the task id for pending states, the reason for failed ones.
    pub detail: String,
    /// The operation, for `get_operation`. Left out for a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<OperationId>,
    /// The task that a person must work on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// What will change on the ad servers. Only for a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Vec<PlatformPlan>>,
    /// `true`: nothing was uploaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    /// `true`: the first answer to this idempotency key again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replayed: Option<bool>,
}

/// How a creative stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AssetLine {
    /// Your id of it.
    pub creative_id: CreativeId,
    /// `pending` until every platform has approved it, `rejected` if one refused it.
    pub status: AssetState,
    /// Its id on the platform, once there is one.
    pub platform_id: Option<String>,
    /// The platform's words.
    pub review_feedback: Option<String>,
    /// Platform by platform, for a creative that runs on several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by_platform: Vec<PlatformAsset>,
}

/// How a creative stands on one of several platforms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlatformAsset {
    /// The platform.
    pub platform: PlatformName,
    /// How it stands there.
    pub status: AssetState,
    /// Its id there.
    pub platform_id: Option<String>,
    /// The platform's words.
    pub review_feedback: Option<String>,
}

impl From<&WriteAnswer> for CreativesAnswer {
    fn from(answer: &WriteAnswer) -> Self {
        let mut outcome = Outcome::of(answer);
        if let Some(reason) = outcome.reason.take() {
            let rest = std::mem::replace(&mut outcome.detail, reason);
            super::append(&mut outcome.detail, &rest);
        }
        Self {
            asset_statuses: asset_lines(answer),
            status: outcome.status,
            detail: outcome.detail,
            operation_id: outcome.operation_id,
            task_id: outcome.task_id,
            plan: answer.dry_run.then(|| plan::shown(&answer.operation.plan)),
            dry_run: answer.dry_run.then_some(true),
            replayed: answer.replayed.then_some(true),
        }
    }
}

fn asset_lines(answer: &WriteAnswer) -> Vec<AssetLine> {
    let Change::AddCreatives(assets) = &answer.operation.change else { return Vec::new() };
    assets.iter().map(|asset| line(answer, asset)).collect()
}

fn line(answer: &WriteAnswer, asset: &Creative) -> AssetLine {
    let parts: Vec<PlatformAsset> = answer
        .buy
        .platforms()
        .into_iter()
        .filter(|platform| answer.buy.packages_on(platform).any(|package| asset.packages.contains(&package.id)))
        .map(|platform| on_platform(answer, asset, platform))
        .collect();
    let any = |state: AssetState| parts.iter().any(|part| part.status == state);
    let status = if any(AssetState::Rejected) {
        AssetState::Rejected
    } else if parts.is_empty() || any(AssetState::Pending) {
        AssetState::Pending
    } else {
        AssetState::Approved
    };
    let words: Vec<String> = match parts.as_slice() {
        [only] => only.review_feedback.iter().cloned().collect(),
        several => several
            .iter()
            .filter_map(|part| part.review_feedback.as_ref().map(|words| format!("{}: {words}", part.platform)))
            .collect(),
    };
    AssetLine {
        creative_id: asset.id.clone(),
        status,
        platform_id: parts.iter().find_map(|part| part.platform_id.clone()),
        review_feedback: (!words.is_empty()).then(|| words.join("; ")),
        by_platform: if parts.len() > 1 { parts } else { Vec::new() },
    }
}

/// What is known of a creative on a platform: what the buy records, else what this operation brought, else how it ended.
fn on_platform(answer: &WriteAnswer, asset: &Creative, platform: PlatformName) -> PlatformAsset {
    let is_it = |status: &&AssetStatus| status.creative == asset.id;
    let recorded = answer.buy.assets.get(&platform).and_then(|statuses| statuses.iter().find(is_it));
    let leg = answer.operation.legs.iter().find(|leg| leg.platform == platform);
    let brought = leg.and_then(|leg| leg.outcome.as_ref()).and_then(|outcome| outcome.assets.iter().find(is_it));
    match recorded.or(brought) {
        Some(status) => PlatformAsset {
            platform,
            status: status.state,
            platform_id: status.platform_id.clone(),
            review_feedback: status.feedback.clone(),
        },
        None => {
            let failed = answer.operation.state == OperationState::Failed;
            let reason = answer.operation.failure.as_ref().map(|failure| failure.reason.buyer().to_owned());
            PlatformAsset {
                platform,
                status: if failed { AssetState::Rejected } else { AssetState::Pending },
                platform_id: None,
                review_feedback: reason.filter(|_| failed),
            }
        }
    }
}
