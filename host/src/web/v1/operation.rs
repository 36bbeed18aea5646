//! The parts of answers that describe an operation.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{
    creative::{AssetState, AssetStatus},
    id::{CreativeId, PlatformName, TaskId},
    operation::{Operation, OperationState},
};

/// Returns the task that an operation waits for, while it waits.
pub(in crate::web::v1) fn waiting_task(operation: &Operation) -> Option<&TaskId> {
    let waits = matches!(
        operation.state,
        OperationState::AwaitingApproval | OperationState::AwaitingPermission | OperationState::Parked
    );
    operation.task().filter(|_| waits)
}

/// The state of a creative on a platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AssetOnPlatform {
    /// The creative.
    pub creative_id: CreativeId,
    /// The platform.
    pub platform: PlatformName,
    /// Its status there.
    pub status: AssetState,
    /// Its id there.
    pub platform_id: Option<String>,
    /// Platform's feedback.
    pub review_feedback: Option<String>,
}

impl AssetOnPlatform {
    /// Converts a platform's status of a creative.
    pub fn new(platform: &PlatformName, asset: &AssetStatus) -> Self {
        Self {
            creative_id: asset.creative.clone(),
            platform: platform.clone(),
            status: asset.state,
            platform_id: asset.platform_id.clone(),
            review_feedback: asset.feedback.clone(),
        }
    }
}
