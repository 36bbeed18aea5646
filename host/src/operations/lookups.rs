//! Looks up again, after an operation has ended, what its lost requests may have made.
//!
//! However long the host waits before it believes that a request was never carried out, an ad
//! server can take longer. So each step with an unanswered request is looked up again: once its
//! operation has ended, and then after each of the times in `look_again`. An object that carries
//! the step's reference and is not the buy's own ([`lookup::sort`]) was made by a request that
//! nobody was waiting for any more. A person is notified in a `reconciliation` task, the object is
//! stopped on the ad server if it may deliver, and the series of lookups starts over.
//!
//! A request that sets values may also be carried out late, and put older values back. Those are set
//! again ([`late_sets`]).
//!
//! Due lookups are in the database. A host that takes some has a lease on them and extends it while
//! it works, so that another replica takes them over soon after the host dies. Each has a fencing
//! token: only its last taker records anything about it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use self::late_sets::Values;
use crate::{
    adapters::{Adapters, Call},
    config::Config,
    domain::{
        failure::{Failure, FailureKind},
        id::{OperationId, PlatformName},
        lookup::{self, MadeObject},
        media_buy::MediaBuy,
        operation::Operation,
        step::UNDO,
    },
    operations::{
        Signals, now,
        setup::{LiveSetup, Setup},
    },
    store::{DueLookup, NextLookup, Recording, Store, StoreError, Stored, Write},
};

mod duplicates;
mod late_sets;

/// How often the host checks for due lookups. Lookups are minutes apart.
const POLL: Duration = Duration::from_secs(1);

/// The time limit of one lookup: a few requests on a healthy ad server, and as many that stop
/// something.
const LOOK_TIME: Duration = Duration::from_secs(120);

/// How many steps are taken at a time and looked up one after the other. Lookups are requests like
/// any others, and nobody waits for them.
const AT_ONCE: u32 = 20;

/// The longest wait before a failed lookup is repeated, because the ad server is away.
const AGAIN: Duration = Duration::from_secs(60);

/// Like [`AGAIN`], for a lookup that was refused or failed through the adapter's fault: somebody
/// must fix something first.
const MUCH_LATER: Duration = Duration::from_secs(3_600);

/// The service that looks up steps again.
#[derive(Debug, Clone)]
pub struct Lookups {
    /// The host's database.
    pub store: Store,
    /// The adapters of the ad servers.
    pub adapters: Arc<Adapters>,
    /// The host's configuration.
    pub config: Arc<Config>,
    /// Wakes the dispatcher of webhooks.
    pub signals: Arc<Signals>,
}

/// Why a lookup was not made.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Adapter(Failure),
}

/// What is known of the step to look up.
struct Subject {
    due: DueLookup,
    operation: Stored<Operation>,
    buy: MediaBuy,
    /// The release on which the step was made.
    release: String,
    call: Call,
}

impl Lookups {
    /// Looks up due steps until `stop`.
    pub async fn serve(self, live: LiveSetup, stop: CancellationToken) {
        loop {
            let Setup { config, adapters } = live.current();
            let this = Self { config, adapters, ..self.clone() };
            // An interrupted lookup is due again once its hold expires.
            let looked = tokio::select! {
                () = stop.cancelled() => return,
                looked = this.look(&stop) => looked,
            };
            if let Err(error) = looked {
                tracing::error!(%error, "could not look for what lost requests may have made");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// Looks up the steps that are due now.
    ///
    /// # Errors
    /// When the store can't say which steps are due. A lookup that fails by itself is logged and
    /// repeated later.
    pub async fn look(&self, stop: &CancellationToken) -> Result<(), StoreError> {
        if !self.store.lookup_is_due(now()).await? {
            return Ok(());
        }
        let lease = self.config.operations.lease;
        let mut until = Instant::now() + lease;
        let held = self.store.take_lookups(now(), lease, AT_ONCE).await?;
        let mut set = BTreeSet::new();
        for (index, due) in held.iter().enumerate() {
            let (operation, step, again) = (&due.step.operation, &due.step.name, due);
            let looked = tokio::select! {
                biased;
                () = self.keep(&held[index..], &mut until) => {
                    tracing::warn!(%operation, step, "another replica looks for the step");
                    return Ok(());
                }
                looked = self.look_for(due.clone(), &mut set, stop) => looked,
            };
            match looked {
                Ok(()) => {}
                Err(LookError::Store(StoreError::Stale(what))) => {
                    tracing::info!(%operation, step, what, "the step is looked for by another replica, or anew");
                }
                Err(LookError::Store(error)) => {
                    tracing::error!(%operation, step, %error, "a step could not be looked for again");
                }
                Err(LookError::Adapter(failure)) => {
                    tracing::warn!(%operation, step, %failure, "a step could not be looked for again and will be later");
                    let passes = failure.kind == FailureKind::Unavailable;
                    let times = &self.config.operations.look_again;
                    let (most, of_times) = if passes { (AGAIN, times.first()) } else { (MUCH_LATER, times.last()) };
                    let after = of_times.map_or(most, |time| most.min(*time));
                    match self.put(next(again, Some(after), again.round), Recording::default()).await {
                        // Somebody else looks for it, or it was lost again.
                        Ok(()) | Err(StoreError::Stale(_)) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok(())
    }

    /// Extends the lease on `held` until another replica may have taken the first of them. `until`
    /// is the moment up to which nobody can have.
    async fn keep(&self, held: &[DueLookup], until: &mut Instant) {
        let (lease, heartbeat) = (self.config.operations.lease, self.config.operations.heartbeat);
        let asked = until.checked_sub(lease).unwrap_or_else(Instant::now);
        let mut beat = tokio::time::interval_at(asked + heartbeat, heartbeat);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = beat.tick() => {}
                () = tokio::time::sleep_until(*until) => return,
            }
            let asked = Instant::now();
            let prolonged = tokio::time::timeout_at(*until, self.store.prolong_lookups(held, now(), lease)).await;
            match prolonged {
                Ok(Ok(())) => *until = asked + lease,
                Err(_) | Ok(Err(StoreError::Stale(_))) => return,
                // The next heartbeat may get through.
                Ok(Err(error)) => tracing::warn!(%error, "could not prolong the lease on lookups"),
            }
        }
    }

    /// Looks up a step. `set` has the operations, by platform, whose values were set again already.
    async fn look_for(
        &self,
        due: DueLookup,
        set: &mut BTreeSet<(OperationId, PlatformName)>,
        stop: &CancellationToken,
    ) -> Result<(), LookError> {
        let Some(mut subject) = self.subject(due).await? else { return Ok(()) };
        let due = &subject.due;
        let platform = due.step.platform.clone();
        let first = self.config.operations.look_again.first().copied();
        if !subject.operation.value.state.is_final() {
            // The operation looks the step up itself, and nobody can tell yet which object will be
            // the buy's.
            let next = next(due, first, 0);
            return Ok(self.put(next, Recording::default()).await?);
        }
        let found = self.adapters.find_made(&platform, &subject.release, &subject.call, &due.step).await;
        let made = lookup::sort(&due.step, subject.buy.remote_on(&platform), found.map_err(LookError::Adapter)?);
        let active: Vec<&MadeObject> = made.surplus.iter().filter(|made| made.active).collect();
        let untold = made.untold(&due.told);
        if active.is_empty() && untold.is_empty() {
            let key = (due.step.operation.clone(), platform);
            let values = if set.contains(&key) { Values::Settled } else { self.set_again(&subject, stop).await? };
            let next = match values {
                Values::Settled => self.following(due),
                Values::Changing => next(due, first, due.round),
            };
            set.extend((values == Values::Settled).then_some(key));
            return Ok(self.put(next, Recording::default()).await?);
        }
        self.tell(&mut subject, &made, &untold).await?;
        for object in active {
            self.stop(&mut subject, object, stop).await?;
        }
        // Where there was one late object, there may be two.
        Ok(self.put(next(&subject.due, first, 0), Recording::default()).await?)
    }

    /// Returns what a lookup needs. If there is nothing to look for, ends the step's lookups and
    /// returns `None`.
    async fn subject(&self, due: DueLookup) -> Result<Option<Subject>, StoreError> {
        let (step, operation) = (&due.step, self.store.operation(&due.step.operation).await?);
        let found = match operation {
            Some(operation) if !step.name.starts_with(UNDO) => {
                let buy = self.store.buy(&operation.value.buy).await?;
                buy.map(|buy| (operation, buy.value))
            }
            _ => None,
        };
        let known = found.and_then(|(operation, buy)| {
            let began = operation.value.frozen.as_ref()?;
            let release = began.releases.get(&step.platform)?.clone();
            // A step is looked up with the settings that it began with.
            let frozen = began.platforms.get(&step.platform).cloned();
            let mapped = || self.config.advertiser(&operation.value.principal, &step.platform).map(str::to_owned);
            let advertiser_id = frozen.as_ref().map(|frozen| frozen.advertiser_id.clone()).or_else(mapped)?;
            let call = Call {
                operation: operation.value.id.clone(),
                advertiser_id,
                buyer: frozen.as_ref().and_then(|frozen| frozen.buyer.clone()),
                remote: buy.remote_on(&step.platform).to_vec(),
                deadline: now().plus(LOOK_TIME),
                frozen,
            };
            Some((operation, buy, release, call))
        });
        match known {
            Some((operation, buy, release, call)) => Ok(Some(Subject { due, operation, buy, release, call })),
            None => {
                self.put(next(&due, None, due.round), Recording::default()).await?;
                Ok(None)
            }
        }
    }

    /// Returns the next lookup after one that found nothing new.
    fn following(&self, due: &DueLookup) -> NextLookup {
        let times = &self.config.operations.look_again;
        let after = usize::try_from(due.round).ok().and_then(|round| times.get(round)).copied();
        next(due, after, due.round.saturating_add(1))
    }

    async fn put(&self, next: NextLookup, recording: Recording) -> Result<(), StoreError> {
        self.store.record(recording.with(Write::Lookup(next, now()))).await
    }
}

fn next(due: &DueLookup, after: Option<Duration>, round: u32) -> NextLookup {
    NextLookup {
        operation: due.step.operation.clone(),
        platform: due.step.platform.clone(),
        name: due.step.name.clone(),
        after,
        round,
        told: due.told.clone(),
        fence: due.fence,
        held: false,
    }
}
