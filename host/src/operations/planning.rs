//! What a change will do on each platform, and the digest that an approval is bound to.

use std::collections::BTreeMap;

use serde_json::json;

use crate::{
    adapters::{AdapterChange, Adapters, Call},
    config::Config,
    domain::{
        digest,
        failure::{Failure, FailureKind},
        id::{OperationId, PackageId, PlatformName},
        media_buy::MediaBuy,
        operation::Change,
        plan::Plan,
        time::Timestamp,
    },
};

/// A change of a buy, with both sides of it.
#[derive(Debug, Clone, Copy)]
pub struct Intent<'a> {
    /// What is to change.
    pub change: &'a Change,
    /// The buy before.
    pub current: &'a MediaBuy,
    /// The buy after.
    pub desired: &'a MediaBuy,
}

impl<'a> Intent<'a> {
    /// What an adapter is told. `touched` must be [`Intent::touched`].
    pub fn for_adapter(self, touched: &'a [PackageId]) -> AdapterChange<'a> {
        match self.change {
            Change::Create => AdapterChange::Create(self.desired),
            Change::AddCreatives(assets) => AdapterChange::AddCreatives(self.current, assets),
            Change::Update(_) => AdapterChange::Update { current: self.current, desired: self.desired, touched },
            Change::PerformanceIndex(performance) => AdapterChange::PerformanceIndex(self.current, performance),
        }
    }

    /// The packages that an update goes through: those that the buyer named, in the buyer's order, then the rest, which a
    /// change of the whole buy may concern.
    pub fn touched(self) -> Vec<PackageId> {
        let Change::Update(patch) = self.change else {
            return self.desired.packages.iter().map(|package| package.id.clone()).collect();
        };
        let mut touched: Vec<PackageId> = patch.packages.iter().filter_map(|patch| patch.package.clone()).collect();
        for package in &self.desired.packages {
            if !touched.contains(&package.id) {
                touched.push(package.id.clone());
            }
        }
        touched
    }

    /// What a call about this change says of itself.
    ///
    /// # Errors
    /// The buyer has no advertiser on the platform.
    pub fn call(
        self,
        config: &Config,
        operation: &OperationId,
        platform: &PlatformName,
        deadline: Timestamp,
    ) -> Result<Call, Failure> {
        let advertiser_id = config.advertiser(&self.current.principal, platform).ok_or_else(|| {
            Failure::new(
                FailureKind::Invalid,
                "no_advertiser",
                format!("this buyer has no advertiser on {platform}: the publisher must map one"),
            )
        })?;
        Ok(Call {
            operation: operation.clone(),
            advertiser_id: advertiser_id.to_owned(),
            remote: self.current.remote_on(platform).to_vec(),
            deadline,
        })
    }
}

/// Plans a change on every platform that it touches, with the release that is active there or the one given.
///
/// # Errors
/// What each platform that can't do it says.
pub async fn plan(
    adapters: &Adapters,
    config: &Config,
    operation: &OperationId,
    intent: Intent<'_>,
    deadline: Timestamp,
) -> Result<Plan, Vec<(PlatformName, Failure)>> {
    let touched = intent.touched();
    let platforms = intent.change.platforms(intent.desired);
    let plans = platforms.iter().map(|platform| {
        let change = intent.for_adapter(&touched);
        async move {
            let call =
                intent.call(config, operation, platform, deadline).map_err(|failure| (platform.clone(), failure))?;
            adapters.plan(platform, None, &call, change).await.map_err(|failure| (platform.clone(), failure))
        }
    });
    let mut plan = Plan::default();
    let mut failures = Vec::new();
    for planned in futures::future::join_all(plans).await {
        match planned {
            Ok(part) => plan.platforms.push(part),
            Err(failure) => failures.push(failure),
        }
    }
    if failures.is_empty() { Ok(plan) } else { Err(failures) }
}

/// The releases that made a plan, by platform.
pub fn releases(plan: &Plan) -> BTreeMap<PlatformName, String> {
    plan.platforms.iter().map(|part| (part.platform.clone(), part.release.clone())).collect()
}

/// What an approval is bound to: the request, the plan with its releases, and the buy's revision.
pub fn digest(request: &serde_json::Value, plan: &Plan, revision: i64) -> String {
    digest::canonical(&json!({ "request": request, "plan": plan, "revision": revision }))
}
