//! Polls the status of open buys, so that a change on an ad server is noticed even if nobody asks.
//!
//! Each buy has its turn within the configured time, and at once after a change, because only the
//! ad servers can say what became of it, and the host never records a status that it has only
//! guessed. Buys whose turn it is are polled together, in the batches that the adapters want and at
//! the rate that the ad servers allow: ten thousand buys take some hundred requests.

use std::{collections::BTreeMap, time::Duration};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    domain::{
        delivery::RemoteBuyStatus,
        id::{MediaBuyId, PlatformName},
        media_buy::MediaBuy,
        time::Timestamp,
    },
    operations::{
        Signals, now,
        setup::{LiveSetup, Setup},
        status::Observer,
    },
    store::{StoreError, Stored},
};

/// How long the ad servers may take to answer about a batch: many requests, one after the other, at
/// the rate that they allow.
const ASK_FOR: Duration = Duration::from_secs(120);

/// How many polls there are in the time in which every buy has its turn: enough to spread the
/// requests, and few enough that many buys are polled together.
const LOOKS: u32 = 10;

/// How long a poll waits for ad servers before the next one may begin. Requests to a hanging ad
/// server continue in the background.
const WAITS_FOR: Duration = Duration::from_secs(5);

/// The maximum number of buys in one poll.
const AT_ONCE: u32 = 2_000;

/// How long the host waits after an operation before it polls the buy. Operations that end
/// meanwhile are included, so that many operations take few requests.
const GATHER: Duration = Duration::from_secs(1);

/// How long after a change a buy is polled once more, because an ad server shows changes some
/// seconds late.
const SETTLE: Duration = Duration::from_secs(10);

/// How long a buy is polled after its end, because ad servers count late.
const AFTER_END: Duration = Duration::from_secs(2 * 24 * 3_600);

/// Polls buys until `stop`: each at least once in `status_refresh` and whenever it was changed, as
/// far as the ad servers' request rates permit.
pub async fn serve(observer: Observer, live: LiveSetup, stop: CancellationToken) {
    let mut asking = JoinSet::new();
    loop {
        let Setup { config, adapters } = live.current();
        let every = config.operations.status_refresh;
        let observer = Observer { config, adapters, ..observer.clone() };
        let looked = tokio::select! {
            () = stop.cancelled() => return,
            looked = look(&observer, every, now(), &mut asking) => looked,
        };
        match looked {
            // There may be more buys whose turn it is.
            Ok(AT_ONCE) => continue,
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "could not look after open buys"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every / LOOKS) => {}
            () = changed(&observer.signals) => {}
        }
    }
}

/// Waits until buys were changed.
async fn changed(signals: &Signals) {
    signals.wait_for_changes().await;
    tokio::time::sleep(GATHER).await;
}

/// Polls the buys whose turn it is, records what changed, and returns how many there were. Buys on
/// the same platforms are polled together, separately from all others, so that a hanging ad server
/// does not delay news from another. Requests that take long are left in `asking`.
///
/// # Errors
/// When the store can't say whose turn it is. Those buys have their turn again later.
async fn look(
    observer: &Observer,
    every: Duration,
    at: Timestamp,
    asking: &mut JoinSet<()>,
) -> Result<u32, StoreError> {
    let ended_since = at.plus_millis(-i64::try_from(AFTER_END.as_millis()).unwrap_or(i64::MAX));
    let turns = observer.store.take_turns(at, ended_since, every, SETTLE, AT_ONCE).await?;
    let mut groups: BTreeMap<Vec<PlatformName>, Vec<Stored<MediaBuy>>> = BTreeMap::new();
    for id in &turns {
        match observer.store.buy(id).await {
            Ok(Some(buy)) => groups.entry(buy.value.platforms()).or_default().push(buy),
            Ok(None) => {}
            Err(error) => unread(id, &error),
        }
    }
    for (platforms, buys) in groups {
        for platform in platforms.into_iter().filter(|platform| observer.counts_totals(platform)) {
            let (observer, buys) = (observer.clone(), buys.clone());
            asking.spawn(async move { read_totals(&observer, &platform, &buys, at).await });
        }
        let observer = observer.clone();
        asking.spawn(async move { ask_about(&observer, buys, at).await });
    }
    let answered = async { while asking.join_next().await.is_some() {} };
    if tokio::time::timeout(WAITS_FOR, answered).await.is_err() {
        tracing::debug!(left = asking.len(), "ad servers take long to say how buys stand");
    }
    Ok(u32::try_from(turns.len()).unwrap_or(u32::MAX))
}

/// Reads the totals of buys. Apart from their status, because a report takes much longer.
async fn read_totals(observer: &Observer, platform: &PlatformName, buys: &[Stored<MediaBuy>], at: Timestamp) {
    let buys: Vec<&MediaBuy> = buys.iter().map(|buy| &buy.value).collect();
    if let Err(error) = observer.read_totals(platform, &buys, at, ASK_FOR).await {
        tracing::error!(%error, buys = buys.len(), "what open buys delivered could not be recorded");
    }
}

/// Polls buys on the same platforms, and records what changed.
async fn ask_about(observer: &Observer, buys: Vec<Stored<MediaBuy>>, at: Timestamp) {
    let asked: Vec<&MediaBuy> = buys.iter().map(|buy| &buy.value).collect();
    let seen = match observer.ask(&asked, at, ASK_FOR).await {
        Ok(seen) => seen,
        // They have their turn again later.
        Err(error) => {
            tracing::error!(%error, buys = asked.len(), "could not look after open buys");
            return;
        }
    };
    for (buy, seen) in buys.into_iter().zip(seen) {
        let id = buy.value.id.clone();
        let buy = match observer.note_absence(buy, &seen).await {
            Ok(buy) => buy,
            Err(error) => {
                unread(&id, &error);
                continue;
            }
        };
        if let Some(reason) = seen.silent {
            tracing::debug!(buy = %id, reason = reason.staff(), "nothing was said of a buy");
            continue;
        }
        if let Err(error) = record(observer, buy, &seen.statuses, at).await {
            unread(&id, &error);
        }
    }
}

async fn record(
    observer: &Observer,
    buy: Stored<MediaBuy>,
    said: &[RemoteBuyStatus],
    at: Timestamp,
) -> Result<(), StoreError> {
    let standing = observer.standing(&buy.value, said, at).await?;
    let buy = observer.record(buy, &standing, said, at).await?;
    observer.follow_up(&buy, said).await
}

/// Logs a buy that can't be read or written, which must not hold up the others.
fn unread(buy: &MediaBuyId, error: &StoreError) {
    tracing::error!(%buy, %error, "could not look after a buy");
}
