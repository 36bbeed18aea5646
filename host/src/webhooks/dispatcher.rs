//! The dispatcher: claims due deliveries and attempts them until the host stops.

use std::{sync::Arc, time::Duration};

use rand::RngExt as _;
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::delivery::{DeliveryResult, Sender};
use crate::{
    domain::{
        time::Timestamp,
        webhook::{self, Disabled, Endpoint},
    },
    metrics::WEBHOOKS,
    operations::{Signals, events::ITSELF, now, setup::LiveSetup},
    store::{
        AuditEntry, Store, StoreError, Stored,
        webhooks::{Attempt, AttemptOutcome, DueDelivery},
    },
};

/// How many deliveries this host attempts at a time.
const SLOTS: usize = 32;

/// The longest wait before the dispatcher looks by itself: retries fall due, and other replicas
/// write events, too.
const POLL: Duration = Duration::from_secs(1);

/// How much longer a delivery's lease is than a request may take.
const MARGIN: Duration = Duration::from_secs(10);

/// How often disabling is tried if somebody keeps changing the endpoint at the same moment.
const TRIES: u32 = 5;

/// The HTTP status 410 Gone.
const GONE: u16 = 410;

/// Runs the dispatcher until `stop`. Attempts in flight are then finished, or repeated once their
/// lease has expired.
pub async fn serve(store: Store, live: LiveSetup, signals: Arc<Signals>, stop: CancellationToken) {
    let mut sender = Arc::new(Sender::new(live.current().config.webhooks.clone()));
    let slots = Arc::new(Semaphore::new(SLOTS));
    let trying = TaskTracker::new();
    loop {
        let slot = tokio::select! {
            () = stop.cancelled() => break,
            slot = slots.clone().acquire_owned() => slot,
        };
        let Ok(slot) = slot else { break };
        let config = live.current().config;
        if config.webhooks != *sender.policy() {
            sender = Arc::new(Sender::new(config.webhooks.clone()));
        }
        match store.claim_delivery(now(), config.webhooks.timeout + MARGIN).await {
            Ok(Some(due)) => {
                let (store, sender, signals) = (store.clone(), sender.clone(), signals.clone());
                trying.spawn(async move {
                    if let Err(error) = deliver(&store, &sender, &due).await {
                        tracing::warn!(webhook = %due.endpoint.id, event = %due.event, %error, "what came of a delivery was not recorded");
                    }
                    drop(slot);
                    // The next delivery of the same buy may have been waiting for this one.
                    signals.happened();
                });
            }
            Ok(None) => {
                drop(slot);
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = signals.wait_for_happenings() => {}
                    () = tokio::time::sleep(POLL) => {}
                }
            }
            Err(error) => {
                drop(slot);
                tracing::error!(%error, "could not look for deliveries");
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = tokio::time::sleep(POLL) => {}
                }
            }
        }
    }
    trying.close();
    trying.wait().await;
}

/// Attempts a delivery and records the result.
///
/// # Errors
/// When the result can't be recorded. The delivery is attempted again when its lease expires.
pub async fn deliver(store: &Store, sender: &Sender, due: &DueDelivery) -> Result<(), StoreError> {
    let sent = sender.send(due, store.keys(), now()).await;
    let counted = match &sent {
        DeliveryResult::Accepted(_) => "delivered",
        DeliveryResult::Gone => "gone",
        DeliveryResult::Failed { .. } => "failed",
    };
    metrics::counter!(WEBHOOKS, "outcome" => counted).increment(1);
    let at = now();
    let attempts = due.attempts.saturating_add(1);
    let (outcome, answered, error) = match &sent {
        DeliveryResult::Accepted(status) => (AttemptOutcome::Delivered, Some(*status), None),
        DeliveryResult::Gone => {
            (AttemptOutcome::DeadLetter, Some(GONE), Some("it answered 410: it wants nothing more".to_owned()))
        }
        DeliveryResult::Failed { answered, error, retry_after } => {
            let again = webhook::try_again(due.since, at, attempts, *retry_after, rand::rng().random());
            (again.map_or(AttemptOutcome::DeadLetter, AttemptOutcome::Retry), *answered, Some(error.clone()))
        }
    };
    let outcome = Attempt {
        webhook: due.endpoint.id.clone(),
        event: due.event.clone(),
        url: due.endpoint.url.clone(),
        fence: due.fence,
        at,
        outcome,
        answered,
        error,
    };
    let failing_since = match store.record_attempt(outcome).await {
        // Somebody replayed the delivery or disabled the endpoint, so the result of this attempt is
        // obsolete.
        Err(StoreError::Stale(_)) => return Ok(()),
        other => other?,
    };
    let fails = |since: Option<Timestamp>| since.is_some_and(|since| webhook::failed_for_too_long(since, at));
    if sent == DeliveryResult::Gone {
        let reason = "it answered 410 Gone: it wants nothing more";
        disable(store, &due.endpoint, reason, at, |_| true).await?;
    } else if fails(failing_since) {
        let reason = "nothing could be delivered for five days";
        disable(store, &due.endpoint, reason, at, |endpoint| fails(endpoint.failing_since)).await?;
    }
    Ok(())
}

/// Disables an endpoint, unless its url has changed since the attempt or the reason for disabling
/// it no longer holds.
async fn disable(
    store: &Store,
    tried: &Endpoint,
    reason: &str,
    at: Timestamp,
    still: impl Fn(&Endpoint) -> bool,
) -> Result<(), StoreError> {
    let id = &tried.id;
    let mut tries = 1;
    loop {
        let Some(Stored { value: mut endpoint, version }) = store.webhook(id).await? else { return Ok(()) };
        if endpoint.disabled.is_some() || endpoint.url != tried.url || !still(&endpoint) {
            return Ok(());
        }
        endpoint.disabled = Some(Disabled { at, by: ITSELF.to_owned(), reason: reason.to_owned() });
        let line = AuditEntry {
            at,
            actor: ITSELF.to_owned(),
            action: "webhook.disabled".to_owned(),
            subject: id.to_string(),
            digest: endpoint.digest(),
            reason: Some(reason.to_owned()),
        };
        match store.change_webhook(&Stored { value: endpoint, version }, vec![line]).await {
            Ok(()) => {
                tracing::warn!(webhook = %id, reason, "an endpoint of webhooks was disabled");
                return Ok(());
            }
            Err(StoreError::Stale(_)) if tries < TRIES => tries += 1,
            Err(error) => return Err(error),
        }
    }
}
