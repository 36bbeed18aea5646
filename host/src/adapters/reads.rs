//! Reads about many buys, in batches of the size that an adapter declares. Each batch belongs to
//! one buyer: an adapter never sees two buyers in one instance.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use flightdeck_bindings::v1::flightdeck::ad_server::adapter_types as wit;
use serde_json::json;

use super::{
    Adapters, RemoteBuy,
    by_hand::Function,
    calling::Calling,
    calls::{bad_result, count_call},
    contract::{self, Answers},
    egress::Mode,
    failures,
    registry::Platform,
    release::Release,
};
use crate::{
    domain::{
        delivery::{BuyDelivery, RemoteBuyStatus},
        failure::Failure,
        id::{MediaBuyId, PlatformName, PrincipalId},
        purpose::Purpose,
        time::{Day, Timestamp},
    },
    metrics::Watch,
};

mod single;

/// The result of a batched read for each buy.
pub type Answered<T> = Vec<(MediaBuyId, Result<T, Failure>)>;

/// Concurrent batches of one read. Each buyer's buys need a call of their own, so with many buyers,
/// sequential calls would wait for that many answers of the ad server in turn. More concurrency
/// would take the platform's requests away from changes.
const AT_ONCE: usize = 4;

/// After this many consecutive failed batches the rest is not attempted: the ad server or the
/// adapter is failing, not a single buyer's data.
const FAILURES: u32 = 3;

/// Buys of one buyer that are read together.
struct Batch<'a> {
    /// Never empty.
    buys: Vec<&'a RemoteBuy<'a>>,
}

impl Batch<'_> {
    /// Returns the advertiser of the batch's buyer.
    fn advertiser_id(&self) -> &str {
        self.buys.first().map_or("", |asked| &asked.advertiser_id)
    }
}

/// A function of the contract that reads about many buys. A trait rather than a closure, so that
/// its futures are known to be `Send` for every lifetime.
trait BatchedRead: Sync {
    type Answer: Send;

    /// Reads one batch.
    fn ask(
        &self,
        calling: Calling<'_>,
        platform: &PlatformName,
        batch: &Batch<'_>,
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
        batch: &Batch<'_>,
        remote: Vec<wit::RemoteBuy>,
    ) -> Result<Answers<RemoteBuyStatus>, Failure> {
        let context = calling.context_of_read(batch.advertiser_id());
        let answers = calling
            .given(Function::CheckStatus, || json!({ "ctx": context, "buys": remote }))
            .run(move |store, adapter| {
                let guest = adapter.ad_server();
                Box::pin(async move { guest.call_check_status(store, &context, &remote).await })
            })
            .await?
            .map_err(contract::failure)?;
        Ok(contract::statuses(platform, &batch.buys, answers))
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
        batch: &Batch<'_>,
        remote: Vec<wit::RemoteBuy>,
    ) -> Result<Answers<BuyDelivery>, Failure> {
        let context = calling.context_of_read(batch.advertiser_id());
        let counting = calling.counting();
        let range = wit::DateRange { first: self.first.to_string(), last: self.last.to_string() };
        let answers = calling
            .given(Function::GetDelivery, || json!({ "ctx": context, "buys": remote, "range": range }))
            .run(move |store, adapter| {
                let guest = adapter.ad_server();
                Box::pin(async move { guest.call_get_delivery(store, &context, &remote, &range).await })
            })
            .await?
            .map_err(contract::failure)?;
        Ok(contract::deliveries(platform, &batch.buys, (self.first, self.last), counting, answers))
    }
}

impl Adapters {
    /// Reads the statuses of buys, in batches of the size that the adapter declares.
    ///
    /// # Errors
    /// When a failure occurs before any buy was answered. A later failure is returned for the buys
    /// that it left unanswered.
    pub async fn check_status(
        &self,
        platform: &PlatformName,
        buys: &[RemoteBuy<'_>],
        deadline: Timestamp,
    ) -> Result<Answered<RemoteBuyStatus>, Failure> {
        self.in_batches(platform, buys, deadline, Statuses).await
    }

    /// Reads the delivery of buys from `first` to `last`, in batches of the size that the adapter
    /// declares.
    ///
    /// # Errors
    /// As for [`Adapters::check_status`].
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
        let reading = Reading::new(self, (platform, release), batches(buys, size), deadline, read);
        futures::future::join_all((0..AT_ONCE).map(|_| reading.ask_in_turn())).await;
        reading.ended(buys)
    }
}

/// A batch and its result.
type Asked<'a, T> = (Batch<'a>, Result<Answered<T>, Failure>);

/// The batches of one read, and their results so far.
struct Reading<'a, R: BatchedRead> {
    adapters: &'a Adapters,
    platform: &'a Platform,
    release: &'a Release,
    operation: String,
    deadline: Timestamp,
    batches: Mutex<VecDeque<Batch<'a>>>,
    answered: Mutex<Vec<Asked<'a, R::Answer>>>,
    failed_in_a_row: AtomicU32,
    read: R,
}

impl<'a, R: BatchedRead> Reading<'a, R> {
    fn new(
        adapters: &'a Adapters,
        (platform, release): (&'a Platform, &'a Release),
        batches: VecDeque<Batch<'a>>,
        deadline: Timestamp,
        read: R,
    ) -> Self {
        Self {
            adapters,
            platform,
            release,
            operation: format!("read_{}", uuid::Uuid::now_v7().simple()),
            deadline,
            batches: Mutex::new(batches),
            answered: Mutex::default(),
            failed_in_a_row: AtomicU32::new(0),
            read,
        }
    }

    /// Reads batch after batch until none is left or further attempts are pointless.
    async fn ask_in_turn(&self) {
        while self.failed_in_a_row.load(Ordering::Relaxed) < FAILURES {
            let Some(batch) = lock(&self.batches).pop_front() else { return };
            let answer = self.ask(&batch).await;
            match &answer {
                Ok(_) => self.failed_in_a_row.store(0, Ordering::Relaxed),
                Err(_) => drop(self.failed_in_a_row.fetch_add(1, Ordering::Relaxed)),
            }
            lock(&self.answered).push((batch, answer));
        }
    }

    async fn ask(&self, batch: &Batch<'_>) -> Result<Answered<R::Answer>, Failure> {
        let platform = self.platform;
        platform.egress.pace.may_begin(Purpose::Read)?;
        let permit = platform.breaker.permit(platform.name.as_str(), Purpose::Read)?;
        let canary = batch.buys.first().and_then(|asked| platform.canary_for(asked.buy.id.as_str()));
        // A batch has the size that the release that serves declares.
        let takes =
            |can: &Release| usize::try_from(can.capabilities.batch_size).is_ok_and(|most| batch.buys.len() <= most);
        let canary = canary.filter(|canary| takes(canary));
        let release = canary.as_deref().unwrap_or(self.release);
        let mut answers = self.ask_release(release, batch).await;
        if let Err(failure) = &answers
            && let Some(other) = platform.fallback(release, failure)
        {
            answers = self.ask_release(&other, batch).await;
        }
        // The valid answers of a partly invalid batch are used, and the batch counts as a fault.
        let nonsense = answers.as_ref().ok().and_then(|(_, wrong)| wrong.clone());
        let nonsense = nonsense.map(|bad| bad_result(platform, bad));
        let left_alone = permit.ended(answers.as_ref().err().or(nonsense.as_ref()));
        self.adapters.announce_open_breaker(platform, Purpose::Read, left_alone);
        answers.map(|(answers, _)| answers)
    }

    async fn ask_release(&self, release: &Release, batch: &Batch<'_>) -> Result<Answers<R::Answer>, Failure> {
        let platform = self.platform;
        let remote = batch.buys.iter().map(|buy| contract::remote_buy(&platform.name, buy)).collect();
        let recorder = self.adapters.recorder(platform);
        let calling = self.adapters.calling(platform, release, &self.operation, Mode::Read, self.deadline);
        let calling = calling.recorded_by(recorder.as_ref());
        let watch = Watch::start();
        let answers = self.read.ask(calling, &platform.name, batch, remote).await;
        count_call(platform, release, Purpose::Read, &watch, answers.as_ref().err());
        let nonsense = answers.as_ref().ok().and_then(|(_, wrong)| wrong.as_ref());
        let nonsense = nonsense.map(|bad| failures::fault("bad_result", platform.name.as_str(), bad));
        let failure = answers.as_ref().err().or(nonsense.as_ref());
        Box::pin(self.adapters.keep_failed(platform, release, recorder, &self.operation, failure)).await;
        answers
    }

    /// Returns the result for each buy, in order. Buys that were never asked about get the last
    /// failure.
    fn ended(self, buys: &[RemoteBuy<'_>]) -> Result<Answered<R::Answer>, Failure> {
        let answered = self.answered.into_inner().unwrap_or_else(PoisonError::into_inner);
        let failure = answered.iter().rev().find_map(|(_, answer)| answer.as_ref().err().cloned());
        let nothing_was_said = answered.iter().all(|(_, answer)| answer.is_err());
        let mut by_buy: HashMap<MediaBuyId, Result<R::Answer, Failure>> = HashMap::with_capacity(buys.len());
        for (batch, answer) in answered {
            match answer {
                Ok(answers) => by_buy.extend(answers),
                Err(failed) => {
                    by_buy.extend(batch.buys.iter().map(|asked| (asked.buy.id.clone(), Err(failed.clone()))));
                }
            }
        }
        match failure {
            Some(failure) if nothing_was_said => Err(failure),
            failure => Ok(buys
                .iter()
                .filter_map(|asked| {
                    let id = &asked.buy.id;
                    let answer = by_buy.remove(id).or_else(|| failure.clone().map(Err))?;
                    Some((id.clone(), answer))
                })
                .collect()),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it holds one of these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Divides buys into batches of one buyer each. Buyers take turns, so that one with many buys
/// doesn't hold up the others.
fn batches<'a>(buys: &'a [RemoteBuy<'a>], size: usize) -> VecDeque<Batch<'a>> {
    let mut buyers: Vec<Vec<&RemoteBuy<'_>>> = Vec::new();
    let mut places: HashMap<(&PrincipalId, &str), usize> = HashMap::new();
    for asked in buys {
        let place = *places.entry((&asked.buy.principal, &asked.advertiser_id)).or_insert_with(|| {
            buyers.push(Vec::new());
            buyers.len() - 1
        });
        buyers[place].push(asked);
    }
    let rounds = buyers.iter().map(|mine| mine.len().div_ceil(size)).max().unwrap_or(0);
    let of_round = |round: usize| {
        buyers.iter().filter_map(move |mine| mine.chunks(size).nth(round)).map(|chunk| Batch { buys: chunk.to_vec() })
    };
    (0..rounds).flat_map(of_round).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{media_buy::MediaBuy, testing};

    proptest! {
        #[test]
        fn a_batch_is_one_buyers_and_none_waits_for_the_second_batch_of_another(
            owners in prop::collection::vec((0u8..5, 0u8..2), 0..60),
            size in 1usize..8,
        ) {
            let buys: Vec<(MediaBuy, String)> = owners
                .iter()
                .enumerate()
                .map(|(number, (principal, advertiser))| {
                    let mut buy = testing::buy(1);
                    buy.id = format!("acme_{number}").into();
                    buy.principal = format!("buyer_{principal}").into();
                    (buy, advertiser.to_string())
                })
                .collect();
            let asked: Vec<RemoteBuy<'_>> =
                buys.iter().map(|(buy, advertiser)| RemoteBuy { buy, advertiser_id: advertiser.clone() }).collect();
            let batches = batches(&asked, size);
            let mut seen: Vec<&str> = Vec::new();
            let mut rounds: HashMap<(&str, &str), usize> = HashMap::new();
            let mut last_round = 0;
            for batch in &batches {
                prop_assert!((1..=size).contains(&batch.buys.len()));
                let owner = |asked: &RemoteBuy<'_>| (asked.buy.principal.clone(), asked.advertiser_id.clone());
                prop_assert!(batch.buys.iter().all(|asked| owner(asked) == owner(batch.buys[0])));
                seen.extend(batch.buys.iter().map(|asked| asked.buy.id.as_str()));
                let round = rounds.entry((batch.buys[0].buy.principal.as_str(), &batch.buys[0].advertiser_id)).or_default();
                prop_assert!(*round >= last_round, "the buyers take turns");
                last_round = *round;
                *round += 1;
            }
            let mut all: Vec<&str> = buys.iter().map(|(buy, _)| buy.id.as_str()).collect();
            all.sort_unstable();
            seen.sort_unstable();
            prop_assert_eq!(seen, all, "each buy once");
        }
    }
}
