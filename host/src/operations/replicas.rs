//! State that the replicas on one database share in addition to the work: how fast ad servers may be
//! called with one credential, and which adapters are left alone. Which release serves a platform is
//! in [`releases`](super::releases).

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::{
    adapters::{Adapters, Shared},
    domain::{id::PlatformName, purpose::Purpose},
    operations::{now, setup::LiveSetup},
    store::{Store, StoreError, replicas::HoldKey},
};

/// How often a host reads the shared state.
const LOOK: Duration = Duration::from_secs(1);

/// The largest burst after a rest, as the time whose requests it comprises.
const BURST: Duration = Duration::from_secs(1);

/// Lets the adapters use the state that the replicas share.
pub fn join(store: &Store, adapters: &Arc<Adapters>) {
    adapters.join(&(Arc::new(SharedDatabase { store: store.clone() }) as Arc<dyn Shared>));
}

/// Follows the other replicas until `stop`. Does nothing if the database can't have other replicas.
pub async fn serve(store: Store, live: LiveSetup, stop: CancellationToken) {
    if store.hints().is_none() {
        return;
    }
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        if let Err(error) = sync(&store, &live.current().adapters).await {
            tracing::warn!(%error, "what other hosts say is not known");
        }
    }
}

async fn sync(store: &Store, adapters: &Adapters) -> Result<(), StoreError> {
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
