//! Writes of which the database did not say whether they were made.
//!
//! A connection that is lost while the database commits leaves both possible, and even who looks at once can't know: the commit may be on its
//! way. So nobody is answered with an error for something that may still be recorded. The same write is made again instead: what it inserts is
//! unique, so that the database itself has it wait for the first one and then says which of both it was.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    domain::id::OperationId,
    store::{Recording, Store, StoreError},
};

/// How long to find out. PostgreSQL ends a session whose client is gone after 20 s, and with it the transaction that may still commit;
/// as long again for a server that restarts.
const FIND_OUT: Duration = Duration::from_secs(45);

/// How long to wait before the database is asked again that can't be used.
const PAUSE: Duration = Duration::from_millis(250);

/// Records a new operation with all that belongs to it. `Ok` if it is recorded, whichever of several tries did it.
///
/// # Errors
/// As [`Store::record`], and nothing was written; [`StoreError::Unsure`] only if the database could not be asked for 45 s.
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
                // The first one was committed meanwhile, and this is what it looks like from here; or somebody was faster than both.
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
