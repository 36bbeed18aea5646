//! What replicas on one database have in common beside the work: which component serves each
//! platform, how fast ad servers may be asked with one credential, and which adapters are left
//! alone.
//!
//! The host that started last says which component serves a platform; the others follow within a
//! second. An operation that began on one ends on it, on whatever host: its bytes are in the
//! database.

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

/// How often a host looks at what the others said.
const LOOK: Duration = Duration::from_secs(1);

/// How long a release is left alone that could not be used: to try costs a compilation.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// How much may come at once after a rest: what a second allows.
const BURST: Duration = Duration::from_secs(1);

/// Keeps this host's components in the database and has them serve their platforms.
///
/// # Errors
/// The store's.
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

/// Follows what other replicas say until `stop`. Where there can't be any, it does nothing.
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
        // It may compile a release, which takes its time; nobody needs that any more when the host
        // ends.
        match stop.run_until_cancelled(sync(&store, &adapters, &mut unusable)).await {
            None => return,
            Some(Err(error)) => tracing::warn!(%error, "what other hosts say is not known"),
            Some(Ok(())) => {}
        }
    }
}

/// Releases that could not be used, and when that was found.
type Unusable = BTreeMap<(PlatformName, String), Instant>;

async fn sync(store: &Store, adapters: &Adapters, unusable: &mut Unusable) -> Result<(), StoreError> {
    for (platform, digest) in store.active_components().await? {
        // A platform that another replica has and this one has not is none of its business.
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

/// The database as what replicas have in common.
#[derive(Debug)]
struct SharedDatabase {
    store: Store,
}

impl SharedDatabase {
    /// Tells the others, without anybody waiting for it.
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
