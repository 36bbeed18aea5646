//! `check_media_buy_status`: asks the ad servers for the status of a media buy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{App, BuyStanding, caller::Caller, error::AppError},
    domain::{
        id::{MediaBuyId, OperationId, PackageId, PlatformName, TaskId},
        operation::{Operation, OperationKind, OperationState},
        status::BuyStatus,
        time::Timestamp,
    },
    web::{
        json::{Arguments, read, text::Id},
        tool::{Answer, Audience, Effect, Tool, Verb},
        v1::{
            change::waiting,
            decimal::Decimal,
            operation::{AssetOnPlatform, waiting_task},
        },
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "check_media_buy_status",
    title: "Check a media buy",
    description: "The status of a media buy and its packages, read from the ad servers now. pending_activation waits \
                  for creatives or for its start, pending_approval is under review by the ad server, pending_manual \
                  and pending_permission wait for a person at the publisher. pending_operations lists changes not \
                  carried out yet. creative_statuses shows each ad server's review of the creatives.",
    audience: Audience::Everybody,
    effect: Effect::Read,
    only_switches: None,
    verb: Verb::Get,
    path: "/v1/media-buys/{media_buy_id}/status",
    input: BuyQuery::json_schema,
    output: StatusAnswer::json_schema,
    example: r#"{"media_buy_id": "multi_12345"}"#,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: BuyQuery = read(arguments)?;
    let standing = app.check_media_buy_status(&caller, &MediaBuyId::new(request.media_buy_id.0)).await?;
    Answer::new(&StatusAnswer::from(&standing))
}

/// One media buy.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BuyQuery {
    /// The media buy.
    pub media_buy_id: Id,
}

/// Status of a media buy.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StatusAnswer {
    /// The media buy.
    pub media_buy_id: MediaBuyId,
    /// Its status. Pending ones are not errors; they may last for hours or days.
    pub status: BuyStatus,
    /// The reason, and the task id if a person must act.
    pub detail: String,
    /// When the ad servers were asked.
    pub last_updated: Timestamp,
    /// One per package.
    pub package_statuses: Vec<PackageStatus>,
    /// Each creative, as last reported by each ad server.
    pub creative_statuses: Vec<AssetOnPlatform>,
    /// The changes not carried out yet.
    pub pending_operations: Vec<PendingOperation>,
}

/// Status of a package.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PackageStatus {
    /// The package.
    pub package_id: PackageId,
    /// Its platform.
    pub platform: PlatformName,
    /// Its status.
    pub status: BuyStatus,
    /// Its progress: `on_track`, `ahead`, `behind`, `not_started`, `completed` or `unknown`.
    pub pacing: String,
    /// What was delivered as a percentage of its goal (impressions; clicks or video completions if it
    /// is sold by those), with 2 decimal places; `null` if not counted, or without a goal.
    pub delivery_percentage: Option<Decimal>,
}

/// A change not carried out yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PendingOperation {
    /// The operation.
    pub operation_id: OperationId,
    /// The tool that made it.
    pub operation: OperationKind,
    /// Its state.
    pub state: OperationState,
    /// The task that a person must act on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// When it was sent.
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

impl From<&BuyStanding> for StatusAnswer {
    fn from(standing: &BuyStanding) -> Self {
        let creation = standing.pending.iter().find(|operation| operation.kind == OperationKind::Create);
        Self {
            media_buy_id: standing.buy.id.clone(),
            status: standing.standing.status,
            detail: waiting(&standing.standing.detail, creation.and_then(waiting_task)),
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
