//! What a worker learned too late.
//!
//! A worker that lost its lease, or was interrupted, records nothing more about its operation. The
//! operation now belongs to another worker, which looks up what may have happened. But the first
//! worker may know an answer of its ad server that nobody else knows. That answer is kept as
//! evidence in the audit log, for a person who may have to find out what happened; it is never
//! applied. Some of it may have been recorded after all, if the database committed a write whose
//! acknowledgement was lost: the line only says that the worker got no confirmation.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use crate::{
    domain::digest,
    operations::{events::ITSELF, journal::OperationJournal, now},
    store::{AuditEntry, Fence, Recording, Store, StoreError, Write},
};

/// The action of these audit lines.
pub const LATE_RESULT: &str = "operation.late_result";

/// How often writing a line is tried while the database can't be used, and the wait between two
/// tries.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_secs(1);

/// The maximum length of a line, in characters.
const MOST_WORDS: usize = 2_000;

/// The journals of one run.
#[derive(Debug, Default)]
pub struct Journals(Mutex<Vec<Arc<OperationJournal>>>);

impl Journals {
    /// Adds a journal.
    pub fn add(&self, journal: Arc<OperationJournal>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(journal);
    }

    /// Returns in words what the journals know that was not recorded; `None` if there is nothing.
    fn unrecorded(&self) -> Option<String> {
        let journals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known: Vec<String> = journals.iter().flat_map(|journal| journal.unrecorded()).collect();
        (!known.is_empty()).then(|| known.join("; "))
    }
}

/// Keeps what a run learned but ended without recording, if there is anything. If it can't be kept,
/// it is logged.
pub async fn record(store: &Store, fence: &Fence, journals: &Journals, stop: &CancellationToken) {
    let Some(known) = journals.unrecorded() else { return };
    let line = line(fence, &known);
    for _ in 0..TRIES {
        let recording = Recording::from(Write::Audit(line.clone()));
        match store.record(recording).await {
            Ok(()) => {
                tracing::info!(operation = %fence.operation, fence = fence.number, "kept a late result in the audit log");
                return;
            }
            // It is unknown whether the line was written. Better twice than never.
            Err(error) if error.passes() => {
                tracing::debug!(operation = %fence.operation, %error, "can't keep a late result now")
            }
            Err(error) => return log_loss(fence, &known, &error),
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
    log_loss(fence, &known, &StoreError::Unavailable("it did not come back in time".to_owned()));
}

fn log_loss(fence: &Fence, known: &str, error: &StoreError) {
    tracing::warn!(operation = %fence.operation, fence = fence.number, known, %error, "could not keep a late result");
}

fn line(fence: &Fence, known: &str) -> AuditEntry {
    let mut words = format!("claim {} came to its end without hearing that this was recorded: ", fence.number);
    words.extend(known.chars().take(MOST_WORDS));
    if known.chars().nth(MOST_WORDS).is_some() {
        let _ = write!(words, " (and more, {} bytes in all)", known.len());
    }
    AuditEntry {
        at: now(),
        actor: ITSELF.to_owned(),
        action: LATE_RESULT.to_owned(),
        subject: fence.operation.to_string(),
        digest: digest::sha256(known.as_bytes()),
        reason: Some(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_no_longer_than_it_may_be_and_says_what_is_left_out() {
        let fence = Fence { operation: "op".into(), number: 3 };
        let short = line(&fence, "north: step \"order\" was done: 77");
        assert_eq!(
            short.reason.as_deref(),
            Some("claim 3 came to its end without hearing that this was recorded: north: step \"order\" was done: 77")
        );
        let long = "é".repeat(MOST_WORDS + 1);
        let words = line(&fence, &long).reason.unwrap();
        assert!(words.ends_with("é (and more, 4002 bytes in all)"), "{words}");
        assert_eq!(line(&fence, &long).digest, digest::sha256(long.as_bytes()));
    }
}
