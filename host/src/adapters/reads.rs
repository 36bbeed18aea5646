//! The reads of many buys, asked in batches of the size that an adapter wants.

use flightdeck_bindings::v0_1::flightdeck::ad_server::types as wit;

use super::{
    Adapters, RemoteBuy,
    calls::{Calling, bad_result, count_call},
    contract::{self, Answers},
    egress::Mode,
};
use crate::{
    domain::{
        delivery::{BuyDelivery, RemoteBuyStatus},
        failure::Failure,
        id::{MediaBuyId, PlatformName},
        purpose::Purpose,
        time::{Day, Timestamp},
    },
    metrics::Watch,
};

/// What each buy of a batched read was answered with.
pub type Answered<T> = Vec<(MediaBuyId, Result<T, Failure>)>;

/// A function of the contract that is asked about many buys. A trait rather than a closure, so that its futures are known
/// to be `Send` for every lifetime.
trait BatchedRead: Sync {
    type Answer: Send;

    /// Asks about one batch.
    fn ask(
        &self,
        calling: Calling<'_>,
        platform: &PlatformName,
        asked: &[RemoteBuy<'_>],
        remote: Vec<wit::RemoteBuy>,
    ) -> impl Future<Output = Result<Answers<Self::Answer>, Failure>> + Send;
}

struct Statuses;

impl BatchedRead for Statuses {
    type Answer = RemoteBuyStatus;

    async fn ask(
        &self,
        calling: Calling<'_>,
        platform: &PlatformName,
        asked: &[RemoteBuy<'_>],
        remote: Vec<wit::RemoteBuy>,
    ) -> Result<Answers<RemoteBuyStatus>, Failure> {
        let context = calling.context(None);
        let answers = calling
            .run(move |store, adapter| {
                let guest = adapter.flightdeck_ad_server_ad_server();
                Box::pin(async move { guest.call_check_status(store, &context, &remote).await })
            })
            .await?
            .map_err(contract::failure)?;
        Ok(contract::statuses(platform, asked, answers))
    }
}

struct Deliveries {
    first: Day,
    last: Day,
}

impl BatchedRead for Deliveries {
    type Answer = BuyDelivery;

    async fn ask(
        &self,
        calling: Calling<'_>,
        platform: &PlatformName,
        asked: &[RemoteBuy<'_>],
        remote: Vec<wit::RemoteBuy>,
    ) -> Result<Answers<BuyDelivery>, Failure> {
        let context = calling.context(None);
        let range = wit::DateRange { first: self.first.to_string(), last: self.last.to_string() };
        let answers = calling
            .run(move |store, adapter| {
                let guest = adapter.flightdeck_ad_server_ad_server();
                Box::pin(async move { guest.call_get_delivery(store, &context, &remote, &range).await })
            })
            .await?
            .map_err(contract::failure)?;
        Ok(contract::deliveries(platform, asked, (self.first, self.last), answers))
    }
}

impl Adapters {
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
        self.in_batches(platform, buys, deadline, Statuses).await
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
        self.in_batches(platform, buys, deadline, Deliveries { first, last }).await
    }

    async fn in_batches<R: BatchedRead>(
        &self,
        platform: &PlatformName,
        buys: &[RemoteBuy<'_>],
        deadline: Timestamp,
        read: R,
    ) -> Result<Answered<R::Answer>, Failure> {
        let platform = self.platform(platform)?;
        let release = &*self.release(platform, None).await?;
        let size = usize::try_from(release.capabilities.batch_size).unwrap_or(1).max(1);
        let operation = format!("read_{}", uuid::Uuid::now_v7().simple());
        let mut answered: Answered<R::Answer> = Vec::with_capacity(buys.len());
        for asked in buys.chunks(size) {
            let remote = asked.iter().map(|buy| contract::remote_buy(&platform.name, buy)).collect();
            let batch = async {
                platform.egress.pace.may_begin()?;
                let permit = platform.breaker.permit(platform.name.as_str(), Purpose::Read)?;
                let calling = self.calling(platform, release, &operation, Mode::Read, deadline);
                let watch = Watch::start();
                let answers = read.ask(calling, &platform.name, asked, remote).await;
                count_call(platform, Purpose::Read, &watch, answers.as_ref().err());
                // A batch whose answers are partly nonsense is used as far as it goes, and counts as a fault.
                let nonsense = answers.as_ref().ok().and_then(|(_, wrong)| wrong.clone());
                let nonsense = nonsense.map(|bad| bad_result(platform, bad));
                let left_alone = permit.ended(answers.as_ref().err().or(nonsense.as_ref()));
                self.tell_broken(platform, Purpose::Read, left_alone);
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
