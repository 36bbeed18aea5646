//! How buys stand on their ad servers: asked of many at once, merged with what the host knows, and
//! recorded.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use crate::{
    adapters::{Adapters, RemoteBuy},
    config::Config,
    domain::{
        absence::{self, Absence},
        delivery::{DeliveryState, RemoteBuyStatus},
        digest,
        failure::Failure,
        id::{MediaBuyId, PlatformName},
        media_buy::MediaBuy,
        operation::OperationState,
        status::{self, BuyStatus, Creation, Standing},
        time::Timestamp,
        told::Told,
    },
    metrics::MISSING_ALARM,
    operations::{
        Signals, decisions, events,
        status_cache::{Said, StatusCache},
    },
    store::{AuditEntry, Recording, Store, StoreError, Stored, Write},
};

/// Who asks ad servers how buys stand.
#[derive(Debug, Clone)]
pub struct Observer {
    /// Persistence.
    pub store: Store,
    /// The ad servers.
    pub adapters: Arc<Adapters>,
    /// What the operator configured.
    pub config: Arc<Config>,
    /// What they last said.
    pub status_cache: Arc<StatusCache>,
    /// Tells those who send webhooks, and is told when operations come to rest.
    pub signals: Arc<Signals>,
}

/// What the ad servers say of one buy.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// What each platform that answered says.
    pub statuses: Arc<Vec<RemoteBuyStatus>>,
    /// Why that is not all, in words, if it is not.
    pub silent: Option<Told>,
    /// The platforms that don't show the buy, and since when, if that is news.
    pub absent: Option<BTreeMap<PlatformName, Absence>>,
}

/// What a platform answered about buys; where it did not, why.
type Answers = HashMap<MediaBuyId, Result<RemoteBuyStatus, Failure>>;

impl Observer {
    /// Asks every platform of the buys about them, for `patience` at most: each platform about all
    /// of its buys together. Answers in the order of `buys`, and remembers for a moment those
    /// answers that are complete.
    ///
    /// What a platform misses is told as such only once that is certain; see
    /// [`crate::domain::absence`].
    ///
    /// # Errors
    /// The store's.
    pub async fn ask(&self, buys: &[&MediaBuy], at: Timestamp, patience: Duration) -> Result<Vec<Seen>, StoreError> {
        let mut platforms: Vec<PlatformName> = Vec::new();
        for platform in buys.iter().flat_map(|buy| buy.platforms()) {
            if !platforms.contains(&platform) {
                platforms.push(platform);
            }
        }
        let asked = platforms.iter().map(|platform| self.ask_platform(buys, platform, at.plus(patience)));
        let said = futures::future::join_all(asked).await;
        let mut answers: HashMap<PlatformName, (Answers, Option<Timestamp>)> = HashMap::new();
        for (platform, said) in platforms.into_iter().zip(said) {
            let said: Answers = said.into_iter().collect();
            let alarmed_at = self.alarm(buys, &platform, &said, at).await?;
            answers.insert(platform, (said, alarmed_at));
        }
        let mut seen = Vec::with_capacity(buys.len());
        for buy in buys {
            let one = self.seen(buy, &mut answers, at);
            if one.silent.is_none() {
                self.status_cache.put(&buy.id, Said { at, statuses: one.statuses.clone() });
            }
            seen.push(one);
        }
        Ok(seen)
    }

    /// What all platforms together say of one buy.
    fn seen(
        &self,
        buy: &MediaBuy,
        answers: &mut HashMap<PlatformName, (Answers, Option<Timestamp>)>,
        at: Timestamp,
    ) -> Seen {
        let mut statuses = Vec::new();
        let mut silent = None;
        let mut absent = buy.absent.clone();
        for platform in buy.platforms() {
            let Some((said, alarmed_at)) = answers.get_mut(&platform) else { continue };
            match said.remove(&buy.id) {
                Some(Ok(status)) if !misses_something(&status) => {
                    absent.remove(&platform);
                    statuses.push(status);
                }
                // A person made it there: what the host never knew is not gone. It is judged by
                // what the host knows of it.
                Some(Ok(_)) if buy.remote_on(&platform).is_empty() => {}
                Some(Ok(_)) if self.may_show_later(buy, &platform, at) => {
                    silent = Some(format!("{platform} does not show yet what was made there").into());
                }
                Some(Ok(status)) if is_known_as_gone(buy, &platform) => statuses.push(status),
                Some(Ok(status)) => {
                    let (known, apart) = (buy.absent.get(&platform).copied(), self.config.operations.missing_after);
                    let known = Absence::after_a_miss(known, *alarmed_at, at, apart);
                    if let Some(absence) = known {
                        absent.insert(platform.clone(), absence);
                    }
                    if known.is_some_and(|absence| absence.confirmed) {
                        statuses.push(status);
                    } else {
                        let words =
                            format!("{platform} does not show it now, and is asked again before it is taken for gone");
                        silent = Some(words.into());
                    }
                }
                Some(Err(failure)) => silent = Some(self.cannot_be_asked(&platform, Some(&failure), at)),
                None => silent = Some(self.cannot_be_asked(&platform, None, at)),
            }
        }
        let absent = (absent != buy.absent).then_some(absent);
        Seen { statuses: Arc::new(statuses), silent, absent }
    }

    /// What is said of a buy while a platform says nothing of it, and when that one is asked again
    /// at the latest.
    fn cannot_be_asked(&self, platform: &PlatformName, failure: Option<&Failure>, at: Timestamp) -> Told {
        let pause = failure.and_then(|failure| failure.retry_after_ms).map(Duration::from_millis);
        let again = at.plus(self.config.operations.status_refresh.max(pause.unwrap_or_default())).floor_second();
        let buyer = format!(
            "{platform} can't be asked now, which changes nothing about what is booked there; it is asked again by {again}"
        );
        let why = failure.map_or_else(|| "it said nothing about it".to_owned(), ToString::to_string);
        Told::apart(buyer, format!("{platform} can't be asked now ({why}); it is asked again by {again}"))
    }

    /// When so many buys were last missed at once on a platform that it was an alarm, by whichever
    /// host. If they are now, it is raised.
    async fn alarm(
        &self,
        buys: &[&MediaBuy],
        platform: &PlatformName,
        said: &Answers,
        at: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let counts = |buy: &&&MediaBuy| {
            !is_known_as_gone(buy, platform)
                && !buy.remote_on(platform).is_empty()
                && !self.may_show_later(buy, platform, at)
        };
        let told = |buy: &&MediaBuy| match said.get(&buy.id) {
            Some(Ok(status)) => Some((buy.id.clone(), misses_something(status))),
            _ => None,
        };
        let look: Vec<(MediaBuyId, bool)> = buys.iter().filter(counts).filter_map(told).collect();
        let misses = look.iter().any(|(_, missed)| *missed);
        let settings = &self.config.operations;
        let (asked, missed) = self.status_cache.shown(platform, look.into_iter(), at, settings.missing_after);
        let alarms = absence::is_alarm(asked, missed, settings.missing_alarm);
        // A look at few of many says nothing of an alarm that another one has raised.
        if alarms || missed == 0 || asked >= settings.missing_alarm {
            metrics::gauge!(MISSING_ALARM, "platform" => platform.to_string()).set(if alarms { 1.0 } else { 0.0 });
        }
        match (alarms, misses) {
            (_, false) => Ok(None),
            (false, true) => self.store.marked(&mark_of(platform)).await,
            (true, true) => self.raise_alarm(platform, (asked, missed), at).await.map(Some),
        }
    }

    /// Marks for all hosts that most buys are missed on a platform, and tells of it if that is new.
    /// Since when the mark holds.
    async fn raise_alarm(
        &self,
        platform: &PlatformName,
        (asked, missed): (usize, usize),
        at: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        let (name, holds_for) = (mark_of(platform), self.config.operations.missing_after);
        match self.store.marked(&name).await? {
            Some(last) if at < last.plus(holds_for / 2) => return Ok(last),
            Some(last) if at < last.plus(holds_for) => self.store.renew_mark(&name, at).await?,
            _ => {
                let words = format!(
                    "{missed} of {asked} media buys are not on {platform}: something is wrong there, and none of them is taken for gone"
                );
                tracing::error!(%platform, asked, missed, "{words}");
                let line = AuditEntry {
                    at,
                    actor: events::ITSELF.to_owned(),
                    action: "platform.missing_alarm".to_owned(),
                    subject: format!("platform:{platform}"),
                    digest: digest::sha256(words.as_bytes()),
                    reason: Some(words),
                };
                self.store.mark(&name, at, line).await?;
            }
        }
        Ok(at)
    }

    /// Records that platforms don't show a buy, or show it again. The buy as it is recorded then.
    ///
    /// # Errors
    /// The store's, but for one that can only be read, and for what somebody else has recorded
    /// meanwhile: the next look finds it again.
    pub async fn note_absence(&self, stored: Stored<MediaBuy>, seen: &Seen) -> Result<Stored<MediaBuy>, StoreError> {
        let Some(absent) = &seen.absent else { return Ok(stored) };
        let next = MediaBuy { absent: absent.clone(), ..stored.value.clone() };
        let buy = Stored { value: next.clone(), version: stored.version };
        match self.store.record(Write::Buy(buy)).await {
            Ok(()) => Ok(Stored { value: next, version: stored.version + 1 }),
            Err(StoreError::Stale(_) | StoreError::Full | StoreError::Unavailable(_) | StoreError::Unsure(_)) => {
                Ok(stored)
            }
            Err(error) => Err(error),
        }
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
    ) -> Vec<(MediaBuyId, Result<RemoteBuyStatus, Failure>)> {
        let mine: Vec<RemoteBuy<'_>> = buys
            .iter()
            .filter(|buy| buy.packages_on(platform).next().is_some())
            .map(|buy| RemoteBuy {
                buy,
                advertiser_id: self.config.advertiser(&buy.principal, platform).unwrap_or_default().to_owned(),
            })
            .collect();
        match self.adapters.check_status(platform, &mine, deadline).await {
            Ok(answers) => answers,
            Err(failure) => mine.iter().map(|asked| (asked.buy.id.clone(), Err(failure.clone()))).collect(),
        }
    }

    /// How a buy stands that was created, by what the ad servers say and what the host has under
    /// way for it.
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

    /// Records a status, its words and creatives that are others than the last. Somebody else's
    /// newer record wins. With a buy that was cancelled there ends what only waits for a person's
    /// word on it: but not with one that is only missed.
    ///
    /// # Errors
    /// The store's, but for one that can only be read: what was not recorded is recorded at the
    /// next question.
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
            events::become_status(&mut next, standing.clone(), at, &mut recording);
        }
        for status in said {
            events::creatives_said(&mut next, &status.platform, &status.assets, at, &mut recording);
        }
        if next == stored.value {
            return Ok(next);
        }
        let mut ended = Vec::new();
        let is_news = (next.status, &next.detail) != (stored.value.status, &stored.value.detail);
        if next.status == BuyStatus::Failed && is_news && status::is_cancelled(&next, said) {
            ended = decisions::end_with_buy(&self.store, &next, at, &mut recording).await?;
        }
        next.updated_at = at;
        recording.push(Write::Buy(Stored { value: next.clone(), version: stored.version }));
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

/// Under which name it is marked that a platform misses most buys.
fn mark_of(platform: &PlatformName) -> String {
    format!("missing:{platform}")
}

/// Whether a buy is taken for gone on a platform already: that it is missed there is no news.
fn is_known_as_gone(buy: &MediaBuy, platform: &PlatformName) -> bool {
    buy.status == BuyStatus::Failed || buy.absent.get(platform).is_some_and(|absence| absence.confirmed)
}

/// Whether a platform says of a buy, or of a part of it, that it is not there, and nothing else of
/// the whole that explains it.
fn misses_something(status: &RemoteBuyStatus) -> bool {
    match status.state {
        DeliveryState::Canceled | DeliveryState::Disapproved(_) => false,
        DeliveryState::Missing => true,
        _ => status.packages.iter().any(|package| package.state == DeliveryState::Missing),
    }
}
