//! Exchanges hints between the replicas on one database: there may be work, and an operation came
//! to rest.
//!
//! They are only hints: every waiting task also polls. With a single host, this does nothing.

use std::sync::Arc;

use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::{
    operations::{Rest, Signals},
    store::{Hint, Store},
};

/// Passes hints in both directions until `stop`.
pub async fn serve(store: Store, signals: Arc<Signals>, stop: CancellationToken) {
    let Some(mut heard) = store.hints() else { return };
    let mut rested = signals.listen();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            hint = heard.recv() => match hint {
                Ok(Hint::Work) => signals.work_here(),
                Ok(Hint::Rested(operation)) => signals.rested_elsewhere(&operation),
                // Some hints were missed. The runner looks for work in any case.
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
