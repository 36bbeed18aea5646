//! How buys stand on their ad servers: asked of many at once, merged with what the host knows, and recorded.

use std::{collections::HashMap, sync::Arc, time::Duration};

use crate::{
    adapters::{Adapters, RemoteBuy},
    config::Config,
    domain::{
        delivery::{DeliveryState, RemoteBuyStatus},
        id::{MediaBuyId, OperationId, PlatformName},
        media_buy::MediaBuy,
        operation::OperationState,
        status::{self, BuyStatus, Creation, Standing},
        time::Timestamp,
    },
    operations::{
        Signals,
        live::{LiveCache, Said},
        tell, waiting,
    },
    store::{Recording, Store, StoreError, Stored},
};

/// Who asks ad servers how buys stand.
#[derive(Debug, Clone)]
pub struct Observer {
    /// Persistence.
    pub store: Arc<dyn Store>,
    /// The ad servers.
    pub adapters: Arc<Adapters>,
    /// What the operator configured.
    pub config: Arc<Config>,
    /// What they last said.
    pub live: Arc<LiveCache>,
    /// Tells those who send webhooks, and is told when operations come to rest.
    pub signals: Arc<Signals>,
}

/// What the ad servers say of one buy.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// What each platform that answered says.
    pub statuses: Arc<Vec<RemoteBuyStatus>>,
    /// Why one did not answer, if one did not.
    pub silent: Option<String>,
}

impl Observer {
    /// Asks every platform of the buys about them, for `patience` at most: each platform about all of its buys together. Answers
    /// in the order of `buys`, and remembers for a moment those answers that are complete.
    pub async fn ask(&self, buys: &[&MediaBuy], at: Timestamp, patience: Duration) -> Vec<Seen> {
        let mut platforms: Vec<PlatformName> = Vec::new();
        for platform in buys.iter().flat_map(|buy| buy.platforms()) {
            if !platforms.contains(&platform) {
                platforms.push(platform);
            }
        }
        let asked = platforms.iter().map(|platform| self.ask_platform(buys, platform, at.plus(patience)));
        let mut answers: HashMap<(PlatformName, MediaBuyId), Result<RemoteBuyStatus, String>> = HashMap::new();
        for (platform, said) in platforms.iter().zip(futures::future::join_all(asked).await) {
            answers.extend(said.into_iter().map(|(buy, answer)| ((platform.clone(), buy), answer)));
        }
        let mut seen = Vec::with_capacity(buys.len());
        for buy in buys {
            let mut statuses = Vec::new();
            let mut silent = None;
            for platform in buy.platforms() {
                match answers.remove(&(platform.clone(), buy.id.clone())) {
                    // A person made it there: what the host never knew is not gone. It is judged by what the host knows of it.
                    Some(Ok(status)) if misses_something(&status) && buy.remote_on(&platform).is_empty() => {}
                    Some(Ok(status)) if misses_something(&status) && self.may_show_later(buy, &platform, at) => {
                        silent = Some(format!("{platform} does not show yet what was made there"));
                    }
                    Some(Ok(status)) => statuses.push(status),
                    Some(Err(reason)) => silent = Some(reason),
                    None => silent = Some(format!("{platform} said nothing about it")),
                }
            }
            let statuses = Arc::new(statuses);
            if silent.is_none() {
                self.live.put(&buy.id, Said { at, statuses: statuses.clone() });
            }
            seen.push(Seen { statuses, silent });
        }
        seen
    }

    /// Whether a buy was made so shortly ago that a platform's lookups may still come too early.
    fn may_show_later(&self, buy: &MediaBuy, platform: &PlatformName, at: Timestamp) -> bool {
        let lag = i64::from(self.adapters.lookup_lag_ms(platform));
        buy.booked_at.is_some_and(|booked| at < booked.plus_millis(lag))
    }

    async fn ask_platform(
        &self,
        buys: &[&MediaBuy],
        platform: &PlatformName,
        deadline: Timestamp,
    ) -> Vec<(MediaBuyId, Result<RemoteBuyStatus, String>)> {
        let mine: Vec<RemoteBuy<'_>> = buys
            .iter()
            .filter(|buy| buy.packages_on(platform).next().is_some())
            .map(|buy| RemoteBuy {
                buy,
                advertiser_id: self.config.advertiser(&buy.principal, platform).unwrap_or_default().to_owned(),
            })
            .collect();
        match self.adapters.check_status(platform, &mine, deadline).await {
            Ok(answers) => {
                answers.into_iter().map(|(buy, answer)| (buy, answer.map_err(|failure| failure.to_string()))).collect()
            }
            Err(failure) => mine.iter().map(|asked| (asked.buy.id.clone(), Err(failure.to_string()))).collect(),
        }
    }

    /// How a buy stands that was created, by what the ad servers say and what the host has under way for it.
    ///
    /// # Errors
    /// The store's.
    pub async fn standing(
        &self,
        buy: &MediaBuy,
        said: &[RemoteBuyStatus],
        at: Timestamp,
    ) -> Result<Standing, StoreError> {
        let standing = status::derive(buy, &Creation::Done, said, at);
        if !matches!(standing.status, BuyStatus::PendingActivation | BuyStatus::PendingApproval) {
            return Ok(standing);
        }
        let open = self.store.open_operations(&buy.id).await?;
        let held_up = open.iter().any(|operation| operation.value.state == OperationState::AwaitingPermission);
        Ok(if held_up { standing.held_up() } else { standing })
    }

    /// Records a status, its words and creatives that are others than the last. Somebody else's newer record wins. With a buy that
    /// is gone ends what only waits for a person's word on it.
    ///
    /// # Errors
    /// The store's, but for one that can only be read: what was not recorded is recorded at the next question.
    pub async fn record(
        &self,
        stored: Stored<MediaBuy>,
        standing: &Standing,
        said: &[RemoteBuyStatus],
        at: Timestamp,
    ) -> Result<MediaBuy, StoreError> {
        let mut recording = Recording::default();
        let mut next = stored.value.clone();
        if (next.status, &next.detail) != (standing.status, &standing.detail) {
            tell::become_status(&mut next, standing.clone(), at, &mut recording);
        }
        for status in said {
            tell::creatives_said(&mut next, &status.platform, &status.assets, at, &mut recording);
        }
        if next == stored.value {
            return Ok(next);
        }
        if next.status == BuyStatus::Failed && stored.value.status != BuyStatus::Failed && status::is_gone(&next, said)
        {
            waiting::end_with_buy(self.store.as_ref(), &next, at, &mut recording).await?;
        }
        let ended: Vec<OperationId> = recording.operations.iter().map(|ended| ended.value.id.clone()).collect();
        next.updated_at = at;
        recording.buy = Some(Stored { value: next.clone(), version: stored.version });
        match self.store.record(recording).await {
            Ok(()) => {
                self.signals.happened();
                ended.iter().for_each(|operation| self.signals.rested(operation));
                Ok(next)
            }
            Err(StoreError::Stale(_)) => {
                let fresh = self.store.buy(&next.id).await?;
                Ok(fresh.map_or(next, |fresh| fresh.value))
            }
            Err(StoreError::Full | StoreError::Unavailable(_) | StoreError::Unsure(_)) => Ok(next),
            Err(error) => Err(error),
        }
    }
}

/// Whether a platform says of a buy, or of a part of it, that it is not there.
fn misses_something(status: &RemoteBuyStatus) -> bool {
    let missing = |state: &DeliveryState| *state == DeliveryState::Missing;
    missing(&status.state) || status.packages.iter().any(|package| missing(&package.state))
}
