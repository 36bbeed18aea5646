//! What adapters see as `steps`, over a real store, when the lease is gone: nothing is begun, and nothing may be sent.

use std::{sync::Arc, time::Duration};

use flightdeck::{
    adapters::{Begun, JournalError, StepJournal as _},
    domain::step::StepState,
    operations::{journal::OperationJournal, lease::Lease},
    store::Fence,
};
use tokio::time::Instant;

use super::fixtures::{AnyStore, LEASE, accept, at, claim, platform};

/// Longer than any test.
const LONG: Duration = Duration::from_secs(3_600);

fn journal(store: &AnyStore, lease: Lease) -> (OperationJournal, Arc<Lease>) {
    let lease = Arc::new(lease);
    (OperationJournal::new(store.clone(), lease.clone(), "b1".into(), platform("north"), "", None), lease)
}

async fn held(store: &AnyStore) -> Fence {
    accept(store, "b1").await;
    claim(store, 0).await.fence
}

fn was_interrupted<T: std::fmt::Debug>(outcome: Result<T, JournalError>) -> bool {
    matches!(outcome, Err(JournalError::Interrupted(ref why)) if why.contains("lease"))
}

pub(crate) async fn under_a_lease_that_ran_out_nothing_is_begun(store: AnyStore) {
    let fence = held(&store).await;
    // Nobody has claimed it since, so that the store would still take the write.
    let (journal, lease) = journal(&store, Lease::hold(store.clone(), fence, Instant::now(), Duration::ZERO, LONG));
    assert!(!lease.holds());
    assert!(was_interrupted(journal.begin("order").await));
    assert!(store.steps(&"op-b1".into()).await.unwrap().is_empty(), "the step was begun");
}

pub(crate) async fn under_a_lease_that_was_lost_nothing_more_is_sent(store: AnyStore) {
    let fence = held(&store).await;
    let beat = Duration::from_millis(20);
    let (journal, lease) = journal(&store, Lease::hold(store.clone(), fence, Instant::now(), LONG, beat));
    assert!(matches!(journal.may_write(), Err(JournalError::Misuse(_))), "no step is open");
    assert!(matches!(journal.begin("order").await, Ok(Begun::Fresh(_))));
    journal.may_write().unwrap();
    // Somebody else claims it, long after everything that the heartbeat may have prolonged.
    let other = store.claim("other", at(1_000_000_000), LEASE).await.unwrap().expect("the lease ran out");
    assert_eq!(other.fence.number, 2);
    lease.lost().await;
    assert!(was_interrupted(journal.may_write()), "it may still send");
    // What its call makes of that is not recorded either: to whoever has the operation now, the step is in doubt.
    journal.finish("order", b"made".to_vec()).await.unwrap();
    assert!(was_interrupted(journal.begin("item").await));
    let steps = store.steps(&"op-b1".into()).await.unwrap();
    assert!(matches!(steps.as_slice(), [step] if step.name == "order" && step.state == StepState::Open), "{steps:?}");
}
