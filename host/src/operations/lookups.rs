//! Looks up again, after an operation has ended, what its lost requests may have made.
//!
//! However long the host waits before it believes that a request was never carried out, an ad
//! server can take longer. So each step with an unanswered request is looked up again: once its
//! operation has ended, and then after each of the times in `look_again`. An object that carries
//! the step's reference and is not the buy's own ([`lookup::sort`]) was made by a request that
//! nobody was waiting for any more. A person is notified in a `reconciliation` task, the object is
//! stopped on the ad server, and the series of lookups starts over.
//!
//! Due lookups are in the database, and a host that takes one holds it for a while, so that any
//! host can take over from another.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    adapters::{Adapters, Call},
    config::Config,
    domain::{
        disclosure::Disclosure,
        failure::{Failure, FailureKind},
        lookup::{self, Made, MadeObject},
        media_buy::MediaBuy,
        operation::Operation,
        step::UNDO,
        task::{Priority, TaskKind},
    },
    metrics::DUPLICATES,
    operations::{
        Signals, events, now, planning,
        tasks::{self, Question},
    },
    store::{AuditEntry, DueLookup, NextLookup, Recording, Store, StoreError, Stored, Write},
};

/// How often the host checks for due lookups. Lookups are minutes apart.
const POLL: Duration = Duration::from_secs(1);

/// The time limit of one lookup: a few requests on a healthy ad server, and as many that stop
/// something.
const LOOK_TIME: Duration = Duration::from_secs(120);

/// How long a lookup stays with its taker, longer than it may take. After that another replica
/// takes it.
const HOLD: Duration = Duration::from_secs(180);

/// How many steps are taken at a time and looked up one after the other. Lookups are requests like
/// any others, and nobody waits for them.
const AT_ONCE: u32 = 20;

/// The longest wait before a failed lookup is repeated, because the ad server is away.
const AGAIN: Duration = Duration::from_secs(60);

/// Like [`AGAIN`], for a lookup that was refused or failed through the adapter's fault: somebody
/// must fix something first.
const MUCH_LATER: Duration = Duration::from_secs(3_600);

/// Prefix of an entry about an object that could not be stopped, in the list of what a person was
/// notified of.
const NOT_STOPPED: &str = "not stopped: ";

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
    pub async fn serve(self, stop: CancellationToken) {
        loop {
            // An interrupted lookup is due again once its hold expires.
            let looked = tokio::select! {
                () = stop.cancelled() => return,
                looked = self.look(&stop) => looked,
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
        for due in self.store.take_lookups(now(), HOLD, AT_ONCE).await? {
            let (operation, step) = (due.step.operation.clone(), due.step.name.clone());
            let again = due.clone();
            match self.look_for(due, stop).await {
                Ok(()) => {}
                Err(LookError::Store(error)) => {
                    tracing::error!(%operation, step, %error, "a step could not be looked for again");
                }
                Err(LookError::Adapter(failure)) => {
                    tracing::warn!(%operation, step, %failure, "a step could not be looked for again and will be later");
                    let passes = failure.kind == FailureKind::Unavailable;
                    let times = &self.config.operations.look_again;
                    let (most, of_times) = if passes { (AGAIN, times.first()) } else { (MUCH_LATER, times.last()) };
                    let after = of_times.map_or(most, |time| most.min(*time));
                    self.put(next(&again, Some(after), again.round), Recording::default()).await?;
                }
            }
        }
        Ok(())
    }

    async fn look_for(&self, due: DueLookup, stop: &CancellationToken) -> Result<(), LookError> {
        let Some(mut subject) = self.subject(due).await? else { return Ok(()) };
        let due = &subject.due;
        let platform = due.step.platform.clone();
        if !subject.operation.value.state.is_final() {
            // The operation looks the step up itself, and nobody can tell yet which object will be
            // the buy's.
            let first = self.config.operations.look_again.first().copied();
            let next = next(due, first, 0);
            return Ok(self.put(next, Recording::default()).await?);
        }
        let found = self.adapters.find_made(&platform, &subject.release, &subject.call, &due.step).await;
        let made = lookup::sort(&due.step, subject.buy.remote_on(&platform), found.map_err(LookError::Adapter)?);
        let active: Vec<&MadeObject> = made.surplus.iter().filter(|made| made.active).collect();
        if active.is_empty() {
            return Ok(self.put(self.following(due), Recording::default()).await?);
        }
        self.tell(&mut subject, &made, &active).await?;
        for object in active {
            self.stop(&mut subject, object, stop).await?;
        }
        // Where there was one late object, there may be two.
        Ok(self
            .put(next(&subject.due, self.config.operations.look_again.first().copied(), 0), Recording::default())
            .await?)
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

    /// Notifies a person of second objects that nobody was notified of yet, before anything is done
    /// about them.
    async fn tell(&self, subject: &mut Subject, made: &Made, active: &[&MadeObject]) -> Result<(), StoreError> {
        let told = &subject.due.told;
        let news: Vec<&MadeObject> = active.iter().copied().filter(|made| !told.contains(&made.object.id)).collect();
        if news.is_empty() {
            return Ok(());
        }
        let platform = subject.due.step.platform.clone();
        let reason = format!(
            "on {platform}, {} of step {} came into being by a request that got no answer and was carried out after all: {}. {} It is being \
             stopped there. Look at what it delivered, remove it if it should go, then answer `completed`",
            if news.len() == 1 { "a second object" } else { "more objects" },
            subject.due.step.name,
            shown(&news),
            made.kept.as_ref().map_or_else(
                || "The media buy has none of its own.".to_owned(),
                |kept| format!("The media buy's own is {}.", shown(&[kept])),
            ),
        );
        let mut recording = Recording::default();
        events::duplicate_found(&subject.operation.value, &platform, &news, now(), &mut recording);
        subject.due.told.extend(news.iter().map(|made| made.object.id.clone()));
        tracing::error!(operation = %subject.operation.value.id, %platform, reason, "an ad server has a second object");
        metrics::counter!(DUPLICATES, "platform" => platform.to_string()).increment(news.len() as u64);
        self.ask(subject, reason.into(), recording).await
    }

    /// Records a task for a person, together with what the person was notified of.
    async fn ask(&self, subject: &mut Subject, reason: Disclosure, mut recording: Recording) -> Result<(), StoreError> {
        let at = now();
        let operation = &mut subject.operation.value;
        let question = Question {
            kind: TaskKind::Reconciliation,
            priority: Priority::Urgent,
            reason,
            due_in: tasks::DUE_IN,
            approvals_needed: 1,
            digest: planning::digest(&operation.request, &operation.plan, subject.buy.revision),
            plan: operation.plan.clone(),
        };
        tasks::ask(operation, &subject.buy, question, at, &mut recording);
        recording.push(Write::Operation(subject.operation.clone()));
        let next = next(&subject.due, Some(HOLD), subject.due.round);
        self.put(next, recording).await?;
        subject.operation.version += 1;
        self.signals.happened();
        Ok(())
    }

    /// Stops a second object. If it can't be stopped, a person has to do it.
    async fn stop(&self, subject: &mut Subject, made: &MadeObject, stop: &CancellationToken) -> Result<(), LookError> {
        let platform = subject.due.step.platform.clone();
        let stopped = self.adapters.stop_made(&platform, &subject.release, &subject.call, made, stop.clone()).await;
        let (action, reason) = match stopped {
            Ok(()) => ("operation.duplicate_stopped", shown(&[made])),
            Err(failure) if failure.kind == FailureKind::Unavailable => return Err(LookError::Adapter(failure)),
            Err(failure) => ("operation.duplicate_not_stopped", format!("{}: {failure}", shown(&[made]))),
        };
        let line = AuditEntry {
            at: now(),
            actor: events::ITSELF.to_owned(),
            action: action.to_owned(),
            subject: subject.operation.value.id.to_string(),
            digest: crate::domain::digest::canonical(&json!({ "platform": platform, "id": made.object.id })),
            reason: Some(reason.clone()),
        };
        let recording = Recording::from(Write::Audit(line));
        let entry = format!("{NOT_STOPPED}{}", made.object.id);
        if action == "operation.duplicate_stopped" {
            tracing::warn!(operation = %subject.operation.value.id, %platform, reason, "stopped a second object");
            return Ok(self.store.record(recording).await?);
        }
        if subject.due.told.contains(&entry) {
            return Ok(());
        }
        tracing::error!(operation = %subject.operation.value.id, %platform, reason, "a second object can't be stopped");
        subject.due.told.push(entry);
        let words = format!(
            "on {platform}, a second object could not be stopped and may deliver: {reason}. Stop it there by hand, then answer `completed`"
        );
        let buyer = format!(
            "on {platform}, a second object could not be stopped and may deliver; somebody at the publisher stops it"
        );
        Ok(self.ask(subject, Disclosure::apart(buyer, words), recording).await?)
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
    }
}

/// Lists objects the way a person looks for them on the ad server.
fn shown(made: &[&MadeObject]) -> String {
    let one = |made: &&MadeObject| format!("{} {} ({:?})", made.remote_type, made.object.id, made.name);
    made.iter().map(one).collect::<Vec<_>>().join(", ")
}
