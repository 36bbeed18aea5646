//! The calls that plan and carry out changes.

use std::{collections::HashSet, sync::Arc, time::Duration};

use flightdeck_bindings::v1::flightdeck::ad_server::adapter_types as wit;
use serde_json::json;

use super::{
    AdapterChange, Adapters, Call, CallSteps, Journal,
    by_hand::Function as By,
    calling::Calling,
    completeness,
    contract::{self, Asked, Outgoing},
    egress::{CallSeen, Mode},
    failures,
    registry::Platform,
    release::Release,
    sandbox::ClockShift,
};
use crate::{
    domain::{
        failure::{Failure, FailureKind},
        id::PlatformName,
        operation::{FrozenPlatform, LegOutcome},
        plan::PlatformPlan,
        purpose::Purpose,
    },
    metrics::{ADAPTER_CALLS, ADAPTER_SECONDS, Watch},
    network::base_url::BaseUrl,
};

mod ahead;
mod follow_ups;
mod recorded;

impl Adapters {
    /// Plans a change on a platform: returns what it will do, or everything that makes it
    /// impossible.
    ///
    /// # Errors
    /// When the adapter refuses the change or fails.
    pub async fn plan(
        &self,
        platform: &PlatformName,
        release: Option<&str>,
        call: &Call,
        change: AdapterChange<'_>,
    ) -> Result<PlatformPlan, Failure> {
        let platform = self.platform(platform)?;
        let named = release.is_some();
        let release = match platform.canary_for(change.buy().id.as_str()).filter(|_| !named) {
            Some(canary) => canary,
            None => self.release(platform, release).await?,
        };
        let planned = self.plan_with(platform, &release, call, change, ClockShift::NONE).await;
        let fault = planned.as_ref().err().filter(|_| !named);
        match fault.and_then(|fault| platform.fallback(&release, fault)) {
            Some(other) => self.plan_with(platform, &other, call, change, ClockShift::NONE).await,
            None => planned,
        }
    }

    async fn plan_with(
        &self,
        platform: &Platform,
        release: &Release,
        call: &Call,
        change: AdapterChange<'_>,
        clock: ClockShift,
    ) -> Result<PlatformPlan, Failure> {
        let recorder = self.recorder(platform);
        // No breaker: nothing can be accepted without a plan, and what a plan may use is bounded.
        let planned = counted(platform, release, Purpose::Plan, async {
            let calling = self.calling(platform, release, call.operation.as_str(), Mode::Offline, call.deadline);
            let calling = Calling { clock, ..calling }.recorded_by(recorder.as_ref());
            let context = calling.context(Some(call));
            let outgoing = Outgoing { platform: &platform.name, capabilities: &release.capabilities };
            let planned = match outgoing.asked(change) {
                Asked::Change(asked) => {
                    calling
                        .given(By::Plan, || json!({ "ctx": context, "change": asked }))
                        .run(move |store, adapter| {
                            let guest = adapter.ad_server();
                            Box::pin(async move { guest.call_plan(store, &context, &asked).await })
                        })
                        .await?
                }
                Asked::FollowUp(work) => follow_ups::plan(calling, context, work).await?,
            };
            let plan = planned.map_err(contract::failure)?;
            contract::plan(&platform.name, &release.digest, change, plan).map_err(|bad| bad_result(platform, bad))
        })
        .await;
        // Most plans that fail are refused for what a buyer asked.
        let fault = planned.as_ref().err().filter(|failure| failure.kind == FailureKind::Fault);
        Box::pin(self.keep_failed(platform, release, recorder, call.operation.as_str(), fault)).await;
        planned
    }

    /// Carries out a change step by step. Run again with the same journal, after any interruption,
    /// it continues where it stopped.
    ///
    /// # Errors
    /// When the ad server refuses the change, or the adapter fails. After `unavailable`, run it
    /// again later.
    pub async fn execute(
        &self,
        platform: &PlatformName,
        release: &str,
        call: &Call,
        change: AdapterChange<'_>,
        journal: Journal,
    ) -> Result<LegOutcome, Failure> {
        let platform = self.platform(platform)?;
        let release = &*self.release(platform, Some(release)).await?;
        may_go_on(platform, call)?;
        platform.egress.pace.may_begin(Purpose::Change)?;
        let recorder = self.recorder(platform);
        let journal =
            recorder.as_ref().map_or_else(|| Arc::clone(&journal), |recorder| recorder.beside(journal.clone()));
        let steps = CallSteps::new(journal, &call.remote);
        let _leaves = steps.leave_on_drop();
        let mode = Mode::Write(Arc::clone(&steps));
        let executed = async {
            let calling = self
                .calling(platform, release, call.operation.as_str(), mode, call.deadline)
                .frozen(call.frozen.as_ref())
                .recorded_by(recorder.as_ref());
            let context = calling.context(Some(call));
            let outgoing = Outgoing { platform: &platform.name, capabilities: &release.capabilities };
            let asked = match outgoing.asked(change) {
                Asked::Change(asked) => asked,
                Asked::FollowUp(work) => {
                    let done = follow_ups::run(calling, context, work).await?.map_err(contract::failure)?;
                    let outcome = contract::outcome(done).map_err(|bad| bad_result(platform, bad))?;
                    completeness::no_step_is_open(&steps, &platform.name)?;
                    return Ok(outcome);
                }
            };
            let done = match asked {
                wit::Change::Create(buy) => calling
                    .given(By::CreateMediaBuy, || json!({ "ctx": context, "buy": buy }))
                    .run(move |store, adapter| {
                        let guest = adapter.ad_server();
                        Box::pin(async move { guest.call_create_media_buy(store, &context, &buy).await })
                    })
                    .await?
                    .map(contract::outcome),
                wit::Change::Cancel(buy) => calling
                    .given(By::CancelMediaBuy, || json!({ "ctx": context, "buy": buy }))
                    .run(move |store, adapter| {
                        let guest = adapter.ad_server();
                        Box::pin(async move { guest.call_cancel_media_buy(store, &context, &buy).await })
                    })
                    .await?
                    .map(contract::outcome),
                wit::Change::AddCreatives(batch) => {
                    let sent: HashSet<String> = batch.assets.iter().map(|asset| asset.creative_id.clone()).collect();
                    calling
                        .given(By::AddCreativeAssets, || json!({ "ctx": context, "batch": batch }))
                        .run(move |store, adapter| {
                            let guest = adapter.ad_server();
                            Box::pin(async move { guest.call_add_creative_assets(store, &context, &batch).await })
                        })
                        .await?
                        .map(|outcome| contract::creative_outcome(&sent, outcome))
                }
                wit::Change::Update(update) => calling
                    .given(By::UpdateMediaBuy, || json!({ "ctx": context, "update": update }))
                    .run(move |store, adapter| {
                        let guest = adapter.ad_server();
                        Box::pin(async move { guest.call_update_media_buy(store, &context, &update).await })
                    })
                    .await?
                    .map(|outcome| contract::update_outcome(&platform.name, change.buy(), outcome)),
                wit::Change::PerformanceIndex(update) => calling
                    .given(By::ApplyPerformanceIndex, || json!({ "ctx": context, "update": update }))
                    .run(move |store, adapter| {
                        let guest = adapter.ad_server();
                        Box::pin(async move { guest.call_apply_performance_index(store, &context, &update).await })
                    })
                    .await?
                    .map(|outcome| contract::performance_outcome(&platform.name, change.buy(), outcome)),
            };
            let outcome = done.map_err(contract::failure)?.map_err(|bad| bad_result(platform, bad))?;
            if let Some(buy) = change.created() {
                completeness::all_is_remembered(&steps, &platform.name, buy)?;
            }
            // An outcome that stopped half-way says so, and may leave its step open.
            if outcome.failed_package.is_none() {
                completeness::no_step_is_open(&steps, &platform.name)?;
            }
            Ok(outcome)
        };
        let ended = guarded(self, platform, release, async {
            // A change that needs more requests, or more time at the ad server's pace, than one
            // call may have is carried out in several calls.
            executed.await.map_err(|failure| if steps.progressed() { failures::in_parts(failure) } else { failure })
        })
        .await;
        let failure = match &ended {
            Ok(outcome) => outcome.failed_package.as_ref().map(|(_, failure)| failure),
            Err(failure) => Some(failure),
        };
        Box::pin(self.keep_failed(platform, release, recorder, call.operation.as_str(), failure)).await;
        ended
    }

    pub(super) fn platform(&self, name: &PlatformName) -> Result<&Platform, Failure> {
        self.platforms.get(name).map(|platform| &**platform).ok_or_else(|| {
            let message = format!("the platform {name} is not configured; add it to the configuration");
            Failure::new(FailureKind::Unavailable, "no_platform", message)
        })
    }

    /// Returns the settings with which an operation that begins now on a platform is carried out to
    /// its end, or `None` if there is no such platform.
    pub fn frozen(&self, platform: &PlatformName, advertiser_id: &str, buyer: Option<&str>) -> Option<FrozenPlatform> {
        let platform = self.platforms.get(platform)?;
        Some(FrozenPlatform {
            advertiser_id: advertiser_id.to_owned(),
            buyer: buyer.map(str::to_owned),
            endpoint: platform.endpoint.to_string(),
            settings: platform.settings.clone(),
        })
    }
}

/// Checks that an operation may continue on the platform it began on. Credentials come from the
/// current configuration and are meant only for the ad server it names by endpoint or alias. If the
/// operation began on another ad server, a person decides.
pub(super) fn may_go_on(platform: &Platform, call: &Call) -> Result<(), Failure> {
    let Some(frozen) = &call.frozen else { return Ok(()) };
    let egress = &platform.egress;
    let began = frozen.endpoint.parse::<BaseUrl>();
    if began.is_ok_and(|began| egress.is_endpoint(began.url()) || egress.is_alias(began.url())) {
        return Ok(());
    }
    let (began, now, name) = (&frozen.endpoint, &platform.endpoint, &platform.name);
    let message = format!(
        "this change began on {began}, and the configuration has {now} for the platform {name} by now, so nothing more is sent: put \
         endpoint = \"{began}\" back until it has ended, and have it go on; or, if both are the same ad server, add \"{began}\" to \
         endpoint_aliases; or look on {began} and bring it to its end by hand"
    );
    Err(Failure::new(FailureKind::Unresolved, "endpoint_changed", message))
}

/// Runs a change unless the breaker is open, and records the result in the breaker.
pub(super) async fn guarded<T>(
    adapters: &Adapters,
    platform: &Platform,
    release: &Release,
    call: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let permit = platform.breaker.permit(platform.name.as_str(), Purpose::Change)?;
    let mut ended = counted(platform, release, Purpose::Change, call).await;
    adapters.announce_open_breaker(platform, Purpose::Change, permit.ended(ended.as_ref().err()));
    // An adapter that got a 429 often doesn't say how long to wait; the host knows.
    if let Err(failure) = &mut ended
        && failure.kind == FailureKind::Unavailable
        && failure.retry_after_ms.is_none()
    {
        failure.retry_after_ms =
            platform.egress.pace.pause(Purpose::Change).and_then(|left| u64::try_from(left.as_millis()).ok());
    }
    ended
}

/// Runs a call of a release, and records its metrics and how the release does.
pub(super) async fn counted<T>(
    platform: &Platform,
    release: &Release,
    purpose: Purpose,
    call: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let watch = Watch::start();
    let ended = call.await;
    count_call(platform, release, purpose, &watch, ended.as_ref().err());
    ended
}

/// Records a call's metrics, and how its release does.
pub(super) fn count_call(
    platform: &Platform,
    release: &Release,
    purpose: Purpose,
    watch: &Watch,
    failure: Option<&Failure>,
) {
    platform.probation.ended(&platform.name, &release.digest, failure);
    if let Some(tap) = platform.egress.tap.get() {
        tap.called(CallSeen {
            purpose,
            release: release.digest.clone(),
            failure: failure.cloned(),
            took: Duration::from_secs_f64(watch.seconds()),
        });
    }
    let (name, purpose) = (platform.name.to_string(), purpose.as_str());
    let outcome = failure.map_or("ok", |failure| failure.kind.as_str());
    metrics::counter!(ADAPTER_CALLS, "platform" => name.clone(), "purpose" => purpose, "outcome" => outcome)
        .increment(1);
    metrics::histogram!(ADAPTER_SECONDS, "platform" => name, "purpose" => purpose).record(watch.seconds());
}

pub(super) fn bad_result(platform: &Platform, bad: contract::Bad) -> Failure {
    let failure = failures::fault("bad_result", platform.name.as_str(), bad);
    tracing::error!(adapter = %platform.name, code = failure.code, "{}", failure.message);
    failure
}
