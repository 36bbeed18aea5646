//! News for open pages: something happened to a task or a media buy, on this host or another one.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::store::Store;

/// How often the database is asked while pages are open.
const LOOK: Duration = Duration::from_secs(1);

/// The number of the latest event, for whoever follows it.
#[derive(Debug)]
pub struct News {
    latest: watch::Sender<i64>,
}

impl Default for News {
    fn default() -> Self {
        Self { latest: watch::Sender::new(0) }
    }
}

impl News {
    /// Follows the number of the latest event. It changes at most once a second.
    pub fn follow(&self) -> watch::Receiver<i64> {
        self.latest.subscribe()
    }

    /// Asks the database for the latest event until `stop`, as long as somebody follows. One
    /// question serves all open pages of this host.
    pub async fn serve(self: Arc<Self>, store: Store, stop: CancellationToken) {
        let watch = async {
            loop {
                tokio::time::sleep(LOOK).await;
                if self.latest.receiver_count() == 0 {
                    continue;
                }
                match store.latest_event().await {
                    Ok(latest) => {
                        self.latest.send_if_modified(|known| std::mem::replace(known, latest) != latest);
                    }
                    Err(error) => tracing::warn!(%error, "open pages of the desk get no news"),
                }
            }
        };
        stop.run_until_cancelled(watch).await;
    }
}
