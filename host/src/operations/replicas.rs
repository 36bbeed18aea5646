//! State that the replicas on one database share in addition to the work: which component serves
//! each platform, how fast ad servers may be called with one credential, and which adapters are
//! left alone.
//!
//! The host that started last determines which component serves a platform; the others follow
//! within a second. An operation ends on the component that it began on, on whichever host, because
//! the component's bytes are in the database.

use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::{
    adapters::{Adapters, Shared},
    domain::{id::PlatformName, purpose::Purpose},
    operations::{events::ITSELF, now},
    store::{AuditEntry, Store, StoreError, replicas::HoldKey},
};

/// How often a host reads the shared state.
const LOOK: Duration = Duration::from_secs(1);

/// How long a release that could not be used is left alone, because each try costs a compilation.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// The largest burst after a rest, as the time whose requests it comprises.
const BURST: Duration = Duration::from_secs(1);

/// Stores this host's components in the database and makes them serve their platforms.
///
/// # Errors
/// When the store can't be read or written.
pub async fn begin(store: &Store, adapters: &Arc<Adapters>) -> Result<(), StoreError> {
    adapters.join(&(Arc::new(SharedDatabase { store: store.clone() }) as Arc<dyn Shared>));
    for platform in adapters.platforms() {
        let Some(digest) = adapters.active_release(&platform) else { continue };
        if store.component(&digest).await?.is_none() {
            let bytes = adapters.component(&digest).await.map_err(|error| {
                StoreError::Unavailable(format!("the component of {platform} can't be read: {error}"))
            })?;
            store.keep_component(&digest, bytes, now()).await?;
        }
        let line = AuditEntry {
            at: now(),
            actor: ITSELF.to_owned(),
            action: "release.activated".to_owned(),
            subject: format!("platform:{platform}"),
            digest: digest.clone(),
            reason: None,
        };
        store.activate_component(&platform, &digest, line).await?;
    }
    Ok(())
}

/// Follows the other replicas until `stop`. Does nothing if the database can't have other replicas.
pub async fn serve(store: Store, adapters: Arc<Adapters>, stop: CancellationToken) {
    if store.hints().is_none() {
        return;
    }
    let mut unusable = BTreeMap::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        // This may compile a release, which takes a while and is pointless once the host stops.
        match stop.run_until_cancelled(sync(&store, &adapters, &mut unusable)).await {
            None => return,
            Some(Err(error)) => tracing::warn!(%error, "what other hosts say is not known"),
            Some(Ok(())) => {}
        }
    }
}

/// Releases that could not be used, and when that was noticed.
type Unusable = BTreeMap<(PlatformName, String), Instant>;

async fn sync(store: &Store, adapters: &Adapters, unusable: &mut Unusable) -> Result<(), StoreError> {
    for (platform, digest) in store.active_components().await? {
        // Platforms that only other replicas have are ignored.
        if adapters.active_release(&platform).is_none_or(|active| active == digest) {
            continue;
        }
        let key = (platform.clone(), digest.clone());
        if unusable.get(&key).is_some_and(|since| since.elapsed() < TRY_AGAIN) {
            continue;
        }
        match adapters.activate(&platform, &digest).await {
            Ok(()) => tracing::info!(%platform, release = digest, "another host activated a release"),
            Err(error) => {
                unusable.insert(key, Instant::now());
                tracing::error!(%platform, release = digest, %error, "the release that another host activated can't be used");
            }
        }
    }
    for (key, left) in store.holds(now()).await? {
        match key {
            HoldKey::Pause(credential) => adapters.pause(&credential, left),
            HoldKey::Breaker(platform, purpose) => adapters.leave_alone(&platform, purpose, left),
        }
    }
    Ok(())
}

/// The state shared through the database.
#[derive(Debug)]
struct SharedDatabase {
    store: Store,
}

impl SharedDatabase {
    /// Records a hold for the other replicas in the background.
    fn hold(&self, key: HoldKey, time: Duration) {
        if self.store.hints().is_none() {
            return;
        }
        let store = self.store.clone();
        tokio::spawn(async move {
            if let Err(error) = store.hold(&key, time, now()).await {
                tracing::warn!(%error, "other hosts were not told to leave something alone");
            }
        });
    }
}

#[async_trait]
impl Shared for SharedDatabase {
    fn name_of(&self, credential: &str) -> Option<String> {
        let hidden = self.store.keys().hide(credential);
        hidden.inspect_err(|error| tracing::error!(%error, "hosts can't share the limits of ad servers")).ok()
    }

    async fn reserve(&self, key: &str, count: u32, per_second: NonZeroU32) -> Option<i64> {
        self.store.hints()?;
        let interval = Duration::from_secs(1) / per_second.get();
        match self.store.reserve(key, count, interval, BURST, now()).await {
            Ok(wait) => Some(wait),
            Err(error) => {
                tracing::warn!(%error, "other hosts can't be asked whose turn it is");
                None
            }
        }
    }

    async fn component(&self, digest: &str) -> Option<Vec<u8>> {
        self.store.component(digest).await.ok().flatten()
    }

    fn paused(&self, key: &str, pause: Duration) {
        self.hold(HoldKey::Pause(key.to_owned()), pause);
    }

    fn broken(&self, platform: &PlatformName, purpose: Purpose, pause: Duration) {
        self.hold(HoldKey::Breaker(platform.clone(), purpose), pause);
    }
}
