//! The calls after an operation has ended, because one of its requests got no answer: they look for
//! the objects that a step made, stop unwanted ones, and set values again.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use flightdeck_bindings::v1::flightdeck::ad_server::adapter_types as wit;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    Adapters, Begun, Call, CallSteps, Journal, JournalError, StepJournal,
    by_hand::Function,
    calls::{bad_result, counted, guarded, may_go_on},
    contract,
    egress::Mode,
};
use crate::domain::{
    change::{Change, ProposedChange},
    failure::Failure,
    id::PlatformName,
    lookup::MadeObject,
    media_buy::{MediaBuy, RemoteObject},
    purpose::Purpose,
    step::{OpenStep, Step},
    update::BuyPatch,
};

impl Adapters {
    /// Finds every object on a platform that carries a step's reference.
    ///
    /// # Errors
    /// When the ad server or the adapter refuses.
    pub async fn find_made(
        &self,
        platform: &PlatformName,
        release: &str,
        call: &Call,
        step: &Step,
    ) -> Result<Vec<MadeObject>, Failure> {
        let platform = self.platform(platform)?;
        let release = &*self.release(platform, Some(release)).await?;
        may_go_on(platform, call)?;
        platform.egress.pace.may_begin(Purpose::Read)?;
        let step = wit::MadeStep { name: step.name.clone(), reference: step.reference.clone(), extensions: Vec::new() };
        let recorder = self.recorder(platform);
        // Nobody waits for this call, so no breaker is needed: if it fails, it is repeated after a
        // while.
        let found = counted(platform, release, Purpose::Read, async {
            let calling = self
                .calling(platform, release, call.operation.as_str(), Mode::Read, call.deadline)
                .frozen(call.frozen.as_ref())
                .recorded_by(recorder.as_ref());
            let context = calling.context(Some(call));
            let found = calling
                .given(Function::FindMade, || json!({ "ctx": context, "step": step }))
                .run(move |store, adapter| {
                    let guest = adapter.ad_server();
                    Box::pin(async move { guest.call_find_made(store, &context, &step).await })
                })
                .await?
                .map_err(contract::failure)?;
            contract::made(found).map_err(|bad| bad_result(platform, bad))
        })
        .await;
        Box::pin(self.keep_failed(platform, release, recorder, call.operation.as_str(), found.as_ref().err())).await;
        found
    }

    /// Sets the values in which two states of a buy differ to those of `desired`: a request that got
    /// no answer may have set the ones of `late`. Creates nothing, and can be repeated after any
    /// interruption. Nothing new is sent once `stop` is cancelled.
    ///
    /// # Errors
    /// When the ad server or the adapter refuses, or the ad server has not what is recorded. After
    /// `unavailable`, try again later.
    pub async fn set_again(
        &self,
        platform: &PlatformName,
        release: &str,
        call: &Call,
        (late, desired): (&MediaBuy, &MediaBuy),
        stop: CancellationToken,
    ) -> Result<(), Failure> {
        let journal = Arc::new(Repeatable { known: Some(call.remote.clone()), stop });
        let change = Change::Update(BuyPatch::default());
        let change = ProposedChange { change: &change, current: late, desired };
        let outcome = self.execute(platform, release, call, change.into(), journal).await?;
        match outcome.failed_package {
            Some((_, failure)) => Err(failure),
            None => Ok(()),
        }
    }

    /// Stops an object from delivering. Can be repeated after any interruption. Nothing new is sent
    /// once `stop` is cancelled.
    ///
    /// # Errors
    /// When the ad server or the adapter refuses. After `unavailable`, try again later.
    pub async fn stop_made(
        &self,
        platform: &PlatformName,
        release: &str,
        call: &Call,
        made: &MadeObject,
        stop: CancellationToken,
    ) -> Result<(), Failure> {
        let platform = self.platform(platform)?;
        let release = &*self.release(platform, Some(release)).await?;
        may_go_on(platform, call)?;
        platform.egress.pace.may_begin(Purpose::Change)?;
        let recorder = self.recorder(platform);
        let stopped = guarded(self, platform, release, async {
            let journal: Journal = Arc::new(Repeatable { known: None, stop });
            let journal = recorder.as_ref().map_or_else(|| Arc::clone(&journal), |it| it.beside(Arc::clone(&journal)));
            let mode = Mode::Write(CallSteps::new(journal, &call.remote));
            let calling = self
                .calling(platform, release, call.operation.as_str(), mode, call.deadline)
                .frozen(call.frozen.as_ref())
                .recorded_by(recorder.as_ref());
            let context = calling.context(Some(call));
            let object = contract::made_to_guest(made);
            let stopped = calling
                .given(Function::StopMade, || json!({ "ctx": context, "object": object }))
                .run(move |store, adapter| {
                    let guest = adapter.ad_server();
                    Box::pin(async move { guest.call_stop_made(store, &context, &object).await })
                })
                .await?;
            stopped.map(drop).map_err(contract::failure)
        })
        .await;
        Box::pin(self.keep_failed(platform, release, recorder, call.operation.as_str(), stopped.as_ref().err())).await;
        stopped
    }
}

/// The journal of a change that may be repeated any number of times. Its steps are not stored.
#[derive(Debug)]
struct Repeatable {
    /// The recorded objects of the buy, if the change sets values of them. Each step has happened
    /// then, so that nothing is created. Otherwise each step is fresh when it begins.
    known: Option<Vec<RemoteObject>>,
    /// Once it is cancelled, nothing more is sent.
    stop: CancellationToken,
}

#[async_trait]
impl StepJournal for Repeatable {
    async fn begin(&self, name: &str) -> Result<Begun, JournalError> {
        let step = OpenStep::fresh(name, name.to_owned());
        Ok(Begun::Open(if self.known.is_some() { step.repeated() } else { step }))
    }

    async fn finish(&self, _step: OpenStep, _outcome: Vec<u8>) -> Result<(), JournalError> {
        Ok(())
    }

    fn leave(&self, _step: OpenStep) {}

    async fn remember(&self, object: RemoteObject) -> Result<(), JournalError> {
        match &self.known {
            None => Err(JournalError::Misuse(format!("{} was remembered, which is not the media buy's", object.id))),
            Some(known) if known.contains(&object) => Ok(()),
            Some(_) => {
                let what = format!(
                    "the ad server has {} for {} {:?}, and the record another one",
                    object.id, object.kind, object.key
                );
                Err(JournalError::NotAsRecorded(what))
            }
        }
    }

    async fn forget(&self, _object: RemoteObject) -> Result<(), JournalError> {
        Ok(())
    }

    fn may_write(&self, _leaves_within: Duration) -> Result<(), JournalError> {
        if self.stop.is_cancelled() {
            return Err(JournalError::Unavailable("the host stops".to_owned()));
        }
        Ok(())
    }
}
