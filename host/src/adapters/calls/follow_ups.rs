//! The calls of the optional interface `follow-up`.

use flightdeck_bindings::{
    optional::exports::flightdeck::ad_server::follow_up, v1::flightdeck::ad_server::adapter_types as wit,
};

use serde_json::json;

use super::Calling;
use crate::{
    adapters::{Adapters, Function},
    domain::{
        failure::{Failure, FailureKind},
        id::PlatformName,
    },
};

impl Adapters {
    /// Whether the release that serves a platform follows up on what others change there.
    pub async fn follows_up(&self, platform: &PlatformName) -> bool {
        let Ok(platform) = self.platform(platform) else { return false };
        self.release(platform, None).await.is_ok_and(|release| release.linked.follows_up())
    }
}

/// Plans a follow-up.
pub(super) async fn plan(
    calling: Calling<'_>,
    context: wit::Context,
    work: follow_up::Work,
) -> Result<Result<wit::ChangePlan, wit::Failure>, Failure> {
    offered(&calling)?;
    calling
        .given(Function::PlanFollowUp, || json!({ "ctx": context, "work": work }))
        .run(move |store, adapter| {
            Box::pin(async move {
                let guest = adapter.follow_up(&mut *store)?;
                guest.call_plan_follow_up(store, &context, &work).await
            })
        })
        .await
}

/// Runs a follow-up, step by step.
pub(super) async fn run(
    calling: Calling<'_>,
    context: wit::Context,
    work: follow_up::Work,
) -> Result<Result<wit::Outcome, wit::Failure>, Failure> {
    offered(&calling)?;
    calling
        .given(Function::RunFollowUp, || json!({ "ctx": context, "work": work }))
        .run(move |store, adapter| {
            Box::pin(async move {
                let guest = adapter.follow_up(&mut *store)?;
                guest.call_run_follow_up(store, &context, &work).await
            })
        })
        .await
}

/// Refuses a release without the interface, such as an earlier one that was activated again since the
/// operation was accepted.
fn offered(calling: &Calling<'_>) -> Result<(), Failure> {
    if calling.release.linked.follows_up() {
        return Ok(());
    }
    let message = format!(
        "the release of the adapter that serves {} does not follow up on changes by others; activate one that does",
        calling.platform.name
    );
    Err(Failure::new(FailureKind::Rejected, "no_follow_up", message))
}
