//! What replicas on one database tell each other: that there may be work, and that an operation
//! came to rest.
//!
//! Hints only: whoever waits looks by itself as well. Where there is one host, this does nothing.

use std::sync::Arc;

use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::{
    operations::{Rest, Signals},
    store::{Hint, Store},
};

/// Passes hints both ways until `stop`.
pub async fn serve(store: Store, signals: Arc<Signals>, stop: CancellationToken) {
    let Some(mut heard) = store.hints() else { return };
    let mut rested = signals.listen();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            hint = heard.recv() => match hint {
                Ok(Hint::Work) => signals.work_here(),
                Ok(Hint::Rested(operation)) => signals.rested_elsewhere(&operation),
                // Whoever missed some looks by itself.
                Err(RecvError::Lagged(_)) => signals.work_here(),
                Err(RecvError::Closed) => return,
            },
            told = rested.recv() => match told {
                Ok(Rest { operation, here: true }) => store.send_hint(Hint::Rested(operation)),
                Ok(Rest { here: false, .. }) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
            () = signals.wait_for_news() => store.send_hint(Hint::Work),
        }
    }
}
