//! A host follows the decisions about releases in the database, and rolls back from a release on
//! probation that is unhealthy.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use super::recording::{activate, record};
use crate::{
    adapters::{Adapters, ReleaseInfo, Unhealthy},
    domain::{
        id::PlatformName,
        release::{Activation, ActivationKind, History},
    },
    operations::{events::ITSELF, now, setup::LiveSetup},
    store::{Store, StoreError},
};

/// How long a host waits before it looks again at which releases serve.
const LOOK: Duration = Duration::from_secs(1);

/// How long a release that could not be used is left alone, because each try costs a compilation.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// How often a decision is tried again that another host's decision came before.
const TRIES: u32 = 5;

/// Stores the releases that the configuration names, and makes them serve if nothing serves their
/// platform or they are new to it. Otherwise this host follows what serves.
///
/// # Errors
/// When the store can't be read or written.
pub async fn begin(store: &Store, adapters: &Arc<Adapters>) -> Result<(), StoreError> {
    for platform in adapters.platforms() {
        if let Some(release) = adapters.configured_release(&platform) {
            let read = async || {
                adapters.component(&release.digest).await.map_err(|error| {
                    StoreError::Unavailable(format!("the component of {platform} can't be read: {error}"))
                })
            };
            record(store, &platform, &release, read, ITSELF, None).await?;
            follow_configuration(store, &platform, &release).await?;
        }
    }
    catch_up(store, adapters).await
}

/// Returns the decision of a host that this release serves, to be made after those of `history`.
fn own_decision(
    platform: &PlatformName,
    history: &[Activation],
    digest: &str,
    kind: ActivationKind,
    reason: Option<String>,
) -> Activation {
    Activation {
        platform: platform.clone(),
        number: History(history).number() + 1,
        digest: digest.to_owned(),
        at: now(),
        actor: ITSELF.to_owned(),
        kind,
        reason,
        canary: None,
    }
}

/// Makes the configured release serve, if it may.
async fn follow_configuration(store: &Store, platform: &PlatformName, release: &ReleaseInfo) -> Result<(), StoreError> {
    let mut tries = 0;
    loop {
        let history = store.activations(platform).await?;
        if !History(&history).follows(&release.digest) {
            return Ok(());
        }
        let serving = History(&history).serving();
        let activation = own_decision(platform, &history, &release.digest, ActivationKind::Configuration, None);
        match activate(store, &activation, serving.map(|serving| serving.digest.clone()), false).await {
            // Another host has just decided.
            Err(StoreError::Stale(_)) if tries < TRIES => tries += 1,
            activated => return activated,
        }
    }
}

/// Follows what serves now.
///
/// # Errors
/// When the store can't be read.
pub async fn catch_up(store: &Store, adapters: &Adapters) -> Result<(), StoreError> {
    sync(store, adapters, &mut BTreeMap::new()).await
}

/// Follows what serves, and acts on unhealthy releases, until `stop`.
pub async fn serve(store: Store, live: LiveSetup, stop: CancellationToken) {
    let mut unusable = BTreeMap::new();
    let Some(mut reports) = live.current().adapters.take_reports() else { return };
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(report) = reports.recv() => {
                if let Err(error) = roll_back(&store, &live.current().adapters, &report).await {
                    tracing::error!(platform = %report.platform, %error, "could not roll back from an unhealthy release");
                }
                continue;
            }
            () = tokio::time::sleep(LOOK) => {}
        }
        // This may compile a release, which takes a while and is pointless once the host stops.
        let adapters = live.current().adapters;
        match stop.run_until_cancelled(sync(&store, &adapters, &mut unusable)).await {
            None => return,
            Some(Err(error)) => tracing::warn!(%error, "which releases serve is not known"),
            Some(Ok(())) => {}
        }
        if let Err(error) = promote(&store, &adapters).await {
            tracing::warn!(%error, "a release on trial could not be promoted");
        }
    }
}

/// Releases that could not be used, and when that was noticed.
type Unusable = BTreeMap<(PlatformName, String), Instant>;

async fn sync(store: &Store, adapters: &Adapters, unusable: &mut Unusable) -> Result<(), StoreError> {
    adapters.know_unhealthy(&store.unhealthy_releases().await?);
    let holding = store.serving().await?;
    for activation in &holding {
        let Activation { platform, digest, canary, kind, actor, .. } = activation;
        // Platforms that only other hosts have are ignored.
        if !adapters.has(platform) || is_followed(adapters, activation) {
            continue;
        }
        let key = (platform.clone(), digest.clone());
        if unusable.get(&key).is_some_and(|since| since.elapsed() < TRY_AGAIN) {
            continue;
        }
        let probation = !matches!(kind, ActivationKind::Rollback | ActivationKind::Automatic);
        let followed = match canary {
            Some(canary) => adapters.begin_trial(platform, digest, *canary).await,
            None => adapters.activate(platform, digest, probation).await,
        };
        match followed {
            Ok(()) => {
                let percent = canary.map(|canary| canary.percent);
                tracing::info!(%platform, release = digest, by = actor, percent, "another release serves");
            }
            Err(error) => {
                unusable.insert(key, Instant::now());
                tracing::error!(%platform, release = digest, %error, "the release that serves can't be used by this host");
            }
        }
    }
    for platform in adapters.platforms() {
        if !holding.iter().any(|activation| activation.platform == platform && activation.canary.is_some()) {
            adapters.end_trial(&platform);
        }
    }
    Ok(())
}

/// Whether this host serves as an activation says.
fn is_followed(adapters: &Adapters, activation: &Activation) -> bool {
    let Activation { platform, digest, canary, .. } = activation;
    match canary {
        Some(canary) => adapters.trial(platform).is_some_and(|trial| trial == (digest.clone(), *canary)),
        None => adapters.active_release(platform).is_some_and(|active| active == *digest),
    }
}

/// Has releases take over whose trial is at its end and went well on this host. One that has had too
/// few calls stays on trial.
async fn promote(store: &Store, adapters: &Adapters) -> Result<(), StoreError> {
    for platform in adapters.platforms() {
        let Some((digest, canary)) = adapters.trial(&platform) else { continue };
        if canary.promote_at > now() || !adapters.has_done_well(&platform, &digest) {
            continue;
        }
        let history = store.activations(&platform).await?;
        let (Some(tried), Some(serving)) = (History(&history).canary(), History(&history).serving()) else { continue };
        if tried.digest != digest {
            continue;
        }
        let reason = Some(format!("it did well with {} % of the media buys", canary.percent));
        let activation = own_decision(&platform, &history, &digest, ActivationKind::Promotion, reason);
        match activate(store, &activation, Some(serving.digest.clone()), false).await {
            // What was decided meanwhile holds.
            Ok(()) | Err(StoreError::Stale(_)) => {}
            Err(error) => return Err(error),
        }
        catch_up(store, adapters).await?;
    }
    Ok(())
}

/// Rolls back to the release before an unhealthy one, unless another host or a person has decided
/// since.
async fn roll_back(store: &Store, adapters: &Arc<Adapters>, report: &Unhealthy) -> Result<(), StoreError> {
    let Unhealthy { platform, digest, previous, words } = report;
    tracing::error!(%platform, release = digest, to = previous, words, "an unhealthy release is rolled back");
    let history = store.activations(platform).await?;
    let holding = History(&history).canary().or(History(&history).serving());
    if holding.is_some_and(|holding| holding.digest == *digest) {
        let reason = Some(format!("release {digest} is unhealthy: {words}"));
        let activation = own_decision(platform, &history, previous, ActivationKind::Automatic, reason);
        match activate(store, &activation, Some(digest.clone()), true).await {
            // What was decided meanwhile holds.
            Ok(()) | Err(StoreError::Stale(_)) => {}
            Err(error) => return Err(error),
        }
    }
    catch_up(store, adapters).await
}
