//! The calls that the rest of the host makes.

use std::collections::HashSet;

use flightdeck_bindings::v0_1::{Adapter, flightdeck::ad_server::types as wit};
use wasmtime::Store;

use super::{
    AdapterChange, Adapters, Call, Journal, RemoteBuy, clock,
    contract::{self, Outgoing},
    egress::Mode,
    registry::Platform,
    release::Release,
    sandbox::{CallSetup, CallState},
    verdict,
};
use crate::domain::{
    delivery::{BuyDelivery, RemoteBuyStatus},
    failure::{Failure, FailureKind},
    id::{MediaBuyId, PlatformName},
    operation::LegOutcome,
    plan::PlatformPlan,
    time::{Day, Timestamp},
};

/// What each buy of a batched read was answered with.
pub type Answered<T> = Vec<(MediaBuyId, Result<T, Failure>)>;

/// One call on its way: the platform, the release, and the call's name in logs.
struct Calling<'a> {
    adapters: &'a Adapters,
    platform: &'a Platform,
    release: &'a Release,
    operation: &'a str,
    mode: Mode,
    deadline: Timestamp,
}

impl Calling<'_> {
    async fn run<T>(
        self,
        function: impl AsyncFnOnce(&mut Store<CallState>, &Adapter) -> wasmtime::Result<T>,
    ) -> Result<T, Failure> {
        let setup = CallSetup {
            runtime: &self.adapters.library.runtime,
            pre: &self.release.pre,
            platform: &self.platform.egress,
            adapter: self.platform.name.as_str(),
            operation: self.operation,
            mode: self.mode,
            read_requests: self.release.read_requests.clone(),
            limits: &self.platform.limits,
            deadline: Some(self.deadline),
        };
        setup.run(function).await
    }

    fn context(&self, call: Option<&Call>) -> wit::Context {
        let platform = self.platform;
        contract::context(
            &platform.name,
            &platform.settings_text,
            &platform.endpoint,
            self.operation,
            call,
            self.deadline,
        )
    }
}

impl Adapters {
    /// What a change will do on a platform, or everything that makes it impossible.
    ///
    /// # Errors
    /// The adapter's refusal, or its fault.
    pub async fn plan(
        &self,
        platform: &PlatformName,
        release: Option<&str>,
        call: &Call,
        change: AdapterChange<'_>,
    ) -> Result<PlatformPlan, Failure> {
        let platform = self.platform(platform)?;
        let release = &*self.release(platform, release).await?;
        guarded(platform, async {
            let calling = self.calling(platform, release, call.operation.as_str(), Mode::Offline, call.deadline);
            let context = calling.context(Some(call));
            let outgoing = Outgoing { platform: &platform.name, capabilities: &release.capabilities };
            let change = outgoing.change(change);
            let planned = calling
                .run(async |store, adapter| {
                    adapter.flightdeck_ad_server_ad_server().call_plan(store, &context, &change).await
                })
                .await?;
            let plan = planned.map_err(contract::failure)?;
            contract::plan(&platform.name, &release.digest, plan).map_err(|bad| bad_result(platform, bad))
        })
        .await
    }

    /// Carries a change out, step by step. Run again with the same journal after anything at all, it goes on where it
    /// stopped.
    ///
    /// # Errors
    /// The ad server's refusal, the adapter's fault, or `unavailable`: run it again later.
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
        platform.egress.pace.may_begin()?;
        guarded(platform, async {
            let calling = self.calling(platform, release, call.operation.as_str(), Mode::Write(journal), call.deadline);
            let context = calling.context(Some(call));
            let outgoing = Outgoing { platform: &platform.name, capabilities: &release.capabilities };
            let done = match outgoing.change(change) {
                wit::Change::Create(buy) => calling
                    .run(async |store, adapter| {
                        adapter.flightdeck_ad_server_ad_server().call_create_media_buy(store, &context, &buy).await
                    })
                    .await?
                    .map(contract::outcome),
                wit::Change::Cancel(buy) => calling
                    .run(async |store, adapter| {
                        adapter.flightdeck_ad_server_ad_server().call_cancel_media_buy(store, &context, &buy).await
                    })
                    .await?
                    .map(contract::outcome),
                wit::Change::AddCreatives(batch) => {
                    let sent: HashSet<String> = batch.assets.iter().map(|asset| asset.creative_id.clone()).collect();
                    calling
                        .run(async |store, adapter| {
                            let guest = adapter.flightdeck_ad_server_ad_server();
                            guest.call_add_creative_assets(store, &context, &batch).await
                        })
                        .await?
                        .map(|outcome| contract::creative_outcome(&sent, outcome))
                }
                wit::Change::Update(update) => calling
                    .run(async |store, adapter| {
                        adapter.flightdeck_ad_server_ad_server().call_update_media_buy(store, &context, &update).await
                    })
                    .await?
                    .map(|outcome| contract::update_outcome(&platform.name, buy_of(change), outcome)),
                wit::Change::PerformanceIndex(update) => calling
                    .run(async |store, adapter| {
                        let guest = adapter.flightdeck_ad_server_ad_server();
                        guest.call_apply_performance_index(store, &context, &update).await
                    })
                    .await?
                    .map(|outcome| contract::performance_outcome(&platform.name, buy_of(change), outcome)),
            };
            done.map_err(contract::failure)?.map_err(|bad| bad_result(platform, bad))
        })
        .await
    }

    /// How buys stand, asked in batches of the size that the adapter wants.
    ///
    /// # Errors
    /// What failed before any buy was answered for; a failure after that stands with the buys that it left unanswered.
    pub async fn check_status(
        &self,
        platform: &PlatformName,
        buys: &[RemoteBuy<'_>],
        deadline: Timestamp,
    ) -> Result<Answered<RemoteBuyStatus>, Failure> {
        let platform = self.platform(platform)?;
        self.in_batches(platform, buys, deadline, async |calling, asked, remote| {
            let context = calling.context(None);
            let answers = calling
                .run(async |store, adapter| {
                    adapter.flightdeck_ad_server_ad_server().call_check_status(store, &context, &remote).await
                })
                .await?
                .map_err(contract::failure)?;
            Ok(contract::statuses(&platform.name, asked, answers))
        })
        .await
    }

    /// What buys delivered from `first` to `last`, asked in batches of the size that the adapter wants.
    ///
    /// # Errors
    /// As [`Adapters::check_status`].
    pub async fn get_delivery(
        &self,
        platform: &PlatformName,
        buys: &[RemoteBuy<'_>],
        first: Day,
        last: Day,
        deadline: Timestamp,
    ) -> Result<Answered<BuyDelivery>, Failure> {
        let platform = self.platform(platform)?;
        let range = wit::DateRange { first: first.to_string(), last: last.to_string() };
        self.in_batches(platform, buys, deadline, async |calling, asked, remote| {
            let context = calling.context(None);
            let answers = calling
                .run(async |store, adapter| {
                    let guest = adapter.flightdeck_ad_server_ad_server();
                    guest.call_get_delivery(store, &context, &remote, &range).await
                })
                .await?
                .map_err(contract::failure)?;
            Ok(contract::deliveries(&platform.name, asked, (first, last), answers))
        })
        .await
    }

    fn platform(&self, name: &PlatformName) -> Result<&Platform, Failure> {
        self.platforms.get(name).map(|platform| &**platform).ok_or_else(|| {
            let message = format!("the platform {name} is not configured; add it to the configuration");
            Failure::new(FailureKind::Unavailable, "no_platform", message)
        })
    }

    fn calling<'a>(
        &'a self,
        platform: &'a Platform,
        release: &'a Release,
        operation: &'a str,
        mode: Mode,
        deadline: Timestamp,
    ) -> Calling<'a> {
        // An adapter is told the earlier of both: the caller's deadline and its own time limit.
        let deadline = deadline.min(clock::now().plus(platform.limits.wall()));
        Calling { adapters: self, platform, release, operation, mode, deadline }
    }

    async fn in_batches<T>(
        &self,
        platform: &Platform,
        buys: &[RemoteBuy<'_>],
        deadline: Timestamp,
        ask: impl AsyncFn(Calling<'_>, &[RemoteBuy<'_>], Vec<wit::RemoteBuy>) -> Result<contract::Answers<T>, Failure>,
    ) -> Result<Answered<T>, Failure> {
        let release = &*self.release(platform, None).await?;
        let size = usize::try_from(release.capabilities.batch_size).unwrap_or(1).max(1);
        let operation = format!("read_{}", uuid::Uuid::now_v7().simple());
        let mut answered: Answered<T> = Vec::with_capacity(buys.len());
        for asked in buys.chunks(size) {
            let remote = asked.iter().map(|buy| contract::remote_buy(&platform.name, buy)).collect();
            let batch = async {
                platform.egress.pace.may_begin()?;
                let permit = platform.breaker.permit(platform.name.as_str())?;
                let calling = self.calling(platform, release, &operation, Mode::Read, deadline);
                let answers = ask(calling, asked, remote).await;
                // A batch whose answers are partly nonsense is used as far as it goes, and counts as a fault.
                let nonsense = answers.as_ref().ok().and_then(|(_, wrong)| wrong.clone());
                let nonsense = nonsense.map(|bad| bad_result(platform, bad));
                permit.ended(answers.as_ref().err().or(nonsense.as_ref()));
                answers.map(|(answers, _)| answers)
            };
            match batch.await {
                Ok(answers) => answered.extend(answers),
                Err(failure) if answered.is_empty() => return Err(failure),
                Err(failure) => {
                    // What was learned is kept; the rest is asked next time.
                    let rest = &buys[answered.len()..];
                    answered.extend(rest.iter().map(|buy| (buy.buy.id.clone(), Err(failure.clone()))));
                    return Ok(answered);
                }
            }
        }
        Ok(answered)
    }
}

/// Runs a call unless the breaker is open, and tells the breaker how it went.
async fn guarded<T>(platform: &Platform, call: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let permit = platform.breaker.permit(platform.name.as_str())?;
    let mut ended = call.await;
    permit.ended(ended.as_ref().err());
    // An adapter that met a 429 often does not say for how long; the host knows.
    if let Err(failure) = &mut ended
        && failure.kind == FailureKind::Unavailable
        && failure.retry_after_ms.is_none()
    {
        failure.retry_after_ms = platform.egress.pace.pause().and_then(|left| u64::try_from(left.as_millis()).ok());
    }
    ended
}

/// The buy that a change is about, as it is to be.
fn buy_of(change: AdapterChange<'_>) -> &crate::domain::media_buy::MediaBuy {
    match change {
        AdapterChange::Create(buy)
        | AdapterChange::AddCreatives(buy, _)
        | AdapterChange::Cancel(buy)
        | AdapterChange::PerformanceIndex(buy, _) => buy,
        AdapterChange::Update { desired, .. } => desired,
    }
}

fn bad_result(platform: &Platform, bad: contract::Bad) -> Failure {
    let failure = verdict::fault("bad_result", platform.name.as_str(), bad);
    tracing::error!(adapter = %platform.name, code = failure.code, "{}", failure.message);
    failure
}
