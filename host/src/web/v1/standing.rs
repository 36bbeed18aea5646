//! The answer of `check_media_buy_status`.

use schemars::JsonSchema;
use serde::Serialize;

use super::{delivered::Decimal, operation::AssetOnPlatform, written};
use crate::{
    app::BuyStanding,
    domain::{
        id::{MediaBuyId, OperationId, PackageId, PlatformName, TaskId},
        operation::{Operation, OperationKind, OperationState},
        status::BuyStatus,
        time::Timestamp,
    },
};

/// How a media buy stands.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StatusAnswer {
    /// The media buy.
    pub media_buy_id: MediaBuyId,
    /// Its status. The pending ones are no errors; they may last for hours or days.
    pub status: BuyStatus,
    /// Why, in words; the task id where a person must act.
    pub detail: String,
    /// When the ad servers were asked.
    pub last_updated: Timestamp,
    /// Package by package.
    pub package_statuses: Vec<PackageStatus>,
    /// Creative by creative, as each ad server last told of it.
    pub creative_statuses: Vec<AssetOnPlatform>,
    /// The changes that are not carried out yet.
    pub pending_operations: Vec<PendingOperation>,
}

/// How a package stands.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PackageStatus {
    /// The package.
    pub package_id: PackageId,
    /// Where it lives.
    pub platform: PlatformName,
    /// Its status.
    pub status: BuyStatus,
    /// How it keeps up: `on_track`, `ahead`, `behind`, `not_started`, `completed` or `unknown`.
    pub pacing: String,
    /// Delivered impressions in per cent of its goal, with 2 decimal places; `null` if the platform does not count.
    pub delivery_percentage: Option<Decimal>,
}

/// A change that is not carried out yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PendingOperation {
    /// The operation.
    pub operation_id: OperationId,
    /// The tool that asked for it.
    pub operation: OperationKind,
    /// Where it stands.
    pub state: OperationState,
    /// The task that a person must work on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// When it was asked for.
    pub created_at: Timestamp,
}

impl From<&Operation> for PendingOperation {
    fn from(operation: &Operation) -> Self {
        Self {
            operation_id: operation.id.clone(),
            operation: operation.kind,
            state: operation.state,
            task_id: waiting_task(operation).cloned(),
            created_at: operation.created_at,
        }
    }
}

/// The task that an operation waits for, while it waits.
pub(super) fn waiting_task(operation: &Operation) -> Option<&TaskId> {
    let waits = matches!(
        operation.state,
        OperationState::AwaitingApproval | OperationState::AwaitingPermission | OperationState::Parked
    );
    operation.task().filter(|_| waits)
}

impl From<&BuyStanding> for StatusAnswer {
    fn from(standing: &BuyStanding) -> Self {
        let creation = standing.pending.iter().find(|operation| operation.kind == OperationKind::Create);
        Self {
            media_buy_id: standing.buy.id.clone(),
            status: standing.standing.status,
            detail: written::waiting(&standing.standing.detail, creation.and_then(waiting_task)),
            last_updated: standing.last_updated,
            package_statuses: standing
                .packages
                .iter()
                .map(|package| PackageStatus {
                    package_id: package.package.clone(),
                    platform: package.platform.clone(),
                    status: package.status,
                    pacing: package.pacing.to_owned(),
                    delivery_percentage: package.delivered_millionths.map(Decimal::percentage),
                })
                .collect(),
            creative_statuses: standing
                .buy
                .assets
                .iter()
                .flat_map(|(platform, assets)| assets.iter().map(|asset| AssetOnPlatform::new(platform, asset)))
                .collect(),
            pending_operations: standing.pending.iter().map(PendingOperation::from).collect(),
        }
    }
}
