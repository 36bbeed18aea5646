//! What an operation's journal says of steps that may have happened.

use std::{sync::Arc, time::Duration};

use flightdeck::{
    adapters::{Begun, StepJournal as _},
    domain::{
        operation::OperationState,
        step::{SentRequest, StepState},
        time::Timestamp,
    },
    operations::{journal::OperationJournal, lease::Lease},
    store::{Fence, JournalWrite, Recording},
};

use super::fixtures::{AnyStore, LEASE, accept, at, claim, journal, moved, platform};

/// Longer than any test: a heartbeat would tell the store another time than the tests'.
const NO_HEARTBEAT: Duration = Duration::from_secs(3_600);

/// A journal as a run has it, of the operation `op-b1`.
fn pages(store: &AnyStore, fence: &Fence, restored_at: Option<Timestamp>) -> OperationJournal {
    let asked_at = tokio::time::Instant::now();
    let lease = Arc::new(Lease::hold(store.clone(), fence.clone(), asked_at, LEASE, NO_HEARTBEAT));
    OperationJournal::new(store.clone(), lease, "b1".into(), platform("north"), "", restored_at)
}

/// Before today, in the seconds of the tests' time: journals tell the store the time of day.
const LONG_AGO: i64 = -100_000_000;

async fn since(store: &AnyStore) -> Vec<(String, StepState, Timestamp)> {
    let steps = store.steps(&"op-b1".into()).await.unwrap();
    steps.into_iter().map(|step| (step.name, step.state, step.begun_at)).collect()
}

async fn begin(store: &AnyStore, fence: &Fence, name: &str, seconds: i64) {
    let begin = Some((name.to_owned(), format!("reference of {name}")));
    store.journal(JournalWrite { begin, ..journal(fence, "b1", seconds) }).await.unwrap();
}

fn is_fresh(begun: &Begun) -> bool {
    matches!(begun, Begun::Fresh(_))
}

pub(crate) async fn whoever_takes_over_waits_from_then_on(store: AnyStore) {
    accept(&store, "b1").await;
    let first = claim(&store, 0).await.fence;
    for name in ["settled", "open"] {
        begin(&store, &first, name, 1).await;
    }
    let settled = Some(("settled".to_owned(), StepState::Fresh));
    store.journal(JournalWrite { settled, ..journal(&first, "b1", 2) }).await.unwrap();
    // Until its lease ran out the first worker may have sent something, long after the step was begun.
    let second = claim(&store, 50).await;
    let taken_over =
        vec![("settled".to_owned(), StepState::Fresh, at(1)), ("open".to_owned(), StepState::Open, at(50))];
    assert_eq!(since(&store).await, taken_over);
    // What was put off by its own worker waits no longer than that one said.
    let later = moved(&second.operation, OperationState::Queued, 51);
    store
        .record(Recording { fence: Some(second.fence), operations: vec![later], ..Recording::default() })
        .await
        .unwrap();
    claim(&store, 90).await;
    assert_eq!(since(&store).await, taken_over);
}

pub(crate) async fn a_run_that_was_cut_off_leaves_a_doubt_that_begins_then(store: AnyStore) {
    accept(&store, "b1").await;
    let claimed = claim(&store, 0).await;
    begin(&store, &claimed.fence, "open", 1).await;
    let queued = moved(&claimed.operation, OperationState::Queued, 9);
    let (fence, cut_off, operations) = (Some(claimed.fence), Some(at(9)), vec![queued]);
    store.record(Recording { fence, release: true, cut_off, operations, ..Recording::default() }).await.unwrap();
    assert_eq!(since(&store).await, [("open".to_owned(), StepState::Open, at(9))]);
}

pub(crate) async fn a_late_answer_says_nothing_of_another_step(store: AnyStore) {
    accept(&store, "b1").await;
    let fence = claim(&store, 0).await.fence;
    let pages = pages(&store, &fence, None);
    assert!(!pages.progressed());
    pages.begin("order").await.unwrap();
    let late = pages.sending();
    pages.finish("order", Vec::new()).await.unwrap();
    assert!(pages.progressed());
    pages.begin("flight").await.unwrap();
    pages.sending();
    // A request of the first step is refused at last. The one of the second step is still on its way.
    pages.sent(late, SentRequest::Answered(400));
    pages.close().await.unwrap();
    let states: Vec<StepState> =
        store.steps(&"op-b1".into()).await.unwrap().into_iter().map(|step| step.state).collect();
    assert_eq!(states, [StepState::Done, StepState::Open]);
}

pub(crate) async fn what_a_restored_copy_does_not_know_is_looked_up(store: AnyStore) {
    accept(&store, "b1").await;
    let first = claim(&store, 0).await.fence;
    begin(&store, &first, "refused", LONG_AGO).await;
    let settled = Some(("refused".to_owned(), StepState::Fresh));
    store.journal(JournalWrite { settled, ..journal(&first, "b1", 2) }).await.unwrap();
    let restored_at = Some(at(LONG_AGO + 10));
    let fence = claim(&store, 100).await.fence;
    for name in ["refused", "unknown"] {
        let pages = pages(&store, &fence, restored_at);
        assert!(!is_fresh(&pages.begin(name).await.unwrap()), "{name} may have been carried out after the copy");
        pages.close().await.unwrap();
    }
    // A person has looked and found nothing: that is known from after the copy.
    let reset_steps = vec![("op-b1".into(), platform("north"))];
    store.record(Recording { reset_steps, ..Recording::default() }).await.unwrap();
    let pages = pages(&store, &fence, restored_at);
    for name in ["refused", "unknown"] {
        assert!(is_fresh(&pages.begin(name).await.unwrap()), "{name}");
        pages.finish(name, Vec::new()).await.unwrap();
    }
}
