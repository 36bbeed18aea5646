//! Reads the status of buys from their ad servers, many at once, merges it with what the host
//! knows, and records it.

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
        disclosure::Disclosure,
        failure::Failure,
        id::{MediaBuyId, PlatformName},
        media_buy::MediaBuy,
        operation::OperationState,
        status::{self, BuyStatus, Creation, Standing},
        time::Timestamp,
    },
    metrics::MISSING_ALARM,
    operations::{
        Signals, decisions, events,
        status_cache::{Said, StatusCache},
    },
    store::{AuditEntry, Recording, Store, StoreError, Stored, Write},
};

/// Reads the status of buys from their ad servers.
#[derive(Debug, Clone)]
pub struct Observer {
    /// The host's database.
    pub store: Store,
    /// The adapters of the ad servers.
    pub adapters: Arc<Adapters>,
    /// The host's configuration.
    pub config: Arc<Config>,
    /// The last answers of the ad servers.
    pub status_cache: Arc<StatusCache>,
    /// Wakes the dispatcher of webhooks, and callers that wait for an operation.
    pub signals: Arc<Signals>,
}

/// What the ad servers say about one buy.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The answers of the platforms that gave one.
    pub statuses: Arc<Vec<RemoteBuyStatus>>,
    /// Why the answers are incomplete, in words; `None` if they are complete.
    pub silent: Option<Disclosure>,
    /// The platforms that don't show the buy, and since when, if that differs from the record.
    pub absent: Option<BTreeMap<PlatformName, Absence>>,
}

/// A platform's answers about buys, or why it gave none.
type Answers = HashMap<MediaBuyId, Result<RemoteBuyStatus, Failure>>;

impl Observer {
    /// Asks every platform of the buys about all of its buys together, for at most `patience`.
    /// Returns the answers in the order of `buys`, and caches the complete ones for a moment.
    ///
    /// A buy is reported as missing from a platform only once that is certain; see
    /// [`crate::domain::absence`].
    ///
    /// # Errors
    /// When the store can't be read or written.
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

    /// Combines what all platforms say about one buy.
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
                // A person made it there: an object that the host never knew about can't be gone.
                // The buy is judged by what the host knows of it.
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

    /// Returns what is said of a buy while a platform does not answer about it, including by when
    /// that platform is asked again.
    fn cannot_be_asked(&self, platform: &PlatformName, failure: Option<&Failure>, at: Timestamp) -> Disclosure {
        let pause = failure.and_then(|failure| failure.retry_after_ms).map(Duration::from_millis);
        let again = at.plus(self.config.operations.status_refresh.max(pause.unwrap_or_default())).floor_second();
        let buyer = format!(
            "{platform} can't be asked now, which changes nothing about what is booked there; it is asked again by {again}"
        );
        let why = failure.map_or_else(|| "it said nothing about it".to_owned(), ToString::to_string);
        Disclosure::apart(buyer, format!("{platform} can't be asked now ({why}); it is asked again by {again}"))
    }

    /// Returns when the alarm about buys missing on a platform was last raised by any host, if a
    /// buy is missing now. Raises it if so many are missing now that it is an alarm.
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
        // A poll of a few of many buys says nothing about an alarm that another poll has raised.
        if alarms || missed == 0 || asked >= settings.missing_alarm {
            metrics::gauge!(MISSING_ALARM, "platform" => platform.to_string()).set(if alarms { 1.0 } else { 0.0 });
        }
        match (alarms, misses) {
            (_, false) => Ok(None),
            (false, true) => self.store.marked(&mark_of(platform)).await,
            (true, true) => self.raise_alarm(platform, (asked, missed), at).await.map(Some),
        }
    }

    /// Sets the mark that most buys are missing on a platform, for all hosts, and logs and audits
    /// it if it is new. Returns since when the mark holds.
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

    /// Records that platforms don't show a buy, or show it again. Returns the buy as recorded.
    ///
    /// # Errors
    /// When the store fails, except if it is only temporarily unwritable or somebody else has
    /// changed the buy meanwhile: the next poll finds the absence again.
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

    /// Returns whether a buy was made so recently that a platform's lookups may still miss it.
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

    /// Returns the standing of a buy that has been created, from what the ad servers say and the
    /// operations that the host has under way for it.
    ///
    /// # Errors
    /// When the store can't be read.
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

    /// Records a status, its detail and the state of creatives if they have changed. If somebody
    /// else recorded something newer, that wins. If the buy was cancelled on its ad servers, its
    /// operations that only wait for a person's approval end with it; if it is only missing, they
    /// don't.
    ///
    /// # Errors
    /// When the store fails, except if it is only temporarily unwritable: the next poll records
    /// what was not recorded.
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

/// Returns the name of the mark that a platform is missing most buys.
fn mark_of(platform: &PlatformName) -> String {
    format!("missing:{platform}")
}

/// Returns whether a buy is already considered gone on a platform, so that its absence there is not
/// news.
fn is_known_as_gone(buy: &MediaBuy, platform: &PlatformName) -> bool {
    buy.status == BuyStatus::Failed || buy.absent.get(platform).is_some_and(|absence| absence.confirmed)
}

/// Returns whether a platform reports a buy or a part of it as missing, and reports nothing about
/// the whole buy that explains it.
fn misses_something(status: &RemoteBuyStatus) -> bool {
    match status.state {
        DeliveryState::Canceled | DeliveryState::Disapproved(_) => false,
        DeliveryState::Missing => true,
        _ => status.packages.iter().any(|package| package.state == DeliveryState::Missing),
    }
}
