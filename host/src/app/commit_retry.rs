//! Writes whose commit the database did not acknowledge.
//!
//! If the connection is lost during the commit, the write may or may not have been made, and even
//! an immediate read can't tell, because the commit may still be in progress. So no caller gets an
//! error for something that may still be recorded. The same write is made again instead: its rows
//! are unique, so the database itself makes it wait for the first one, and then tells which of the
//! two was recorded.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    domain::id::OperationId,
    store::{Recording, Store, StoreError},
};

/// How long to keep trying. PostgreSQL ends a session whose client is gone after 20 s, and with it
/// the transaction that may still commit; the same time again is for a server that restarts.
const FIND_OUT: Duration = Duration::from_secs(45);

/// The wait between two tries while the database can't be used.
const PAUSE: Duration = Duration::from_millis(250);

/// Records a new operation with everything that belongs to it. Returns `Ok` if it is recorded,
/// whichever of several tries did it.
///
/// # Errors
/// As [`Store::record`], in which case nothing was written; [`StoreError::Unsure`] only if the
/// database was unavailable for 45 s.
pub(super) async fn record_new(store: &Store, operation: &OperationId, recording: Recording) -> Result<(), StoreError> {
    let mut failed = match store.record(recording.clone()).await {
        Err(error @ StoreError::Unsure(_)) => error,
        recorded => return recorded,
    };
    let until = Instant::now() + FIND_OUT;
    while Instant::now() < until {
        match store.operation(operation).await {
            Ok(Some(_)) => return Ok(()),
            Err(error) if error.passes() => {}
            Err(error) => return Err(error),
            Ok(None) => match store.record(recording.clone()).await {
                Ok(()) => return Ok(()),
                Err(error) if error.passes() => failed = error,
                // Either the first write has been committed meanwhile, or somebody else was faster
                // than both.
                Err(error) => {
                    return match store.operation(operation).await? {
                        Some(_) => Ok(()),
                        None => Err(error),
                    };
                }
            },
        }
        tokio::time::sleep(PAUSE).await;
    }
    tracing::error!(%operation, %failed, "the database did not say in time whether an operation was recorded");
    Err(StoreError::Unsure("it could not be asked in time".to_owned()))
}
