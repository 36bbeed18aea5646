//! What adapters see as `steps`, over a real store, when the lease is gone: nothing is begun, and nothing may be sent. What is learned
//! then is kept, and nothing comes of it.

use std::{sync::Arc, time::Duration};

use flightdeck::{
    adapters::{FoundStep, JournalError},
    domain::{
        media_buy::{RemoteKind, RemoteObject},
        step::{Patience, SentRequest, StepState},
    },
    operations::{
        journal::{Doubts, OperationJournal},
        late_results::{self, Journals, LATE_RESULT},
        lease::Lease,
        now,
    },
    store::Fence,
};
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    fixtures::{LEASE, Store, accept, at, claim, platform, stored_buy},
    pages::Pages,
};

/// Longer than any test.
const LONG: Duration = Duration::from_secs(3_600);

fn journal(store: &Store, lease: Lease) -> (Pages, Arc<Lease>) {
    let lease = Arc::new(lease);
    let patience = Patience { lag_ms: 1_000, processing_ms: 1_000 };
    let doubts = Doubts::new(&[], &platform("north"), patience, None, now());
    let (store, stop) = (store.clone(), CancellationToken::new());
    let journal = OperationJournal::new(store, lease.clone(), "b1".into(), platform("north"), "", doubts, stop);
    (Pages::of(journal), lease)
}

async fn held(store: &Store) -> Fence {
    accept(store, "b1").await;
    claim(store, 0).await.fence
}

fn was_interrupted<T: std::fmt::Debug>(outcome: Result<T, JournalError>) -> bool {
    matches!(outcome, Err(JournalError::Interrupted(ref why)) if why.contains("lease"))
}

pub(crate) async fn under_a_lease_that_ran_out_nothing_is_begun(store: Store) {
    let fence = held(&store).await;
    // Nobody has claimed it since, so that the store would still take the write.
    let (journal, lease) = journal(&store, Lease::keep(store.clone(), fence, Instant::now(), Duration::ZERO, LONG));
    assert!(!lease.holds());
    assert!(was_interrupted(journal.begin("order").await));
    assert!(store.steps(&"op-b1".into()).await.unwrap().is_empty(), "the step was begun");
}

pub(crate) async fn under_a_lease_that_was_lost_nothing_more_is_sent(store: Store) {
    let fence = held(&store).await;
    let beat = Duration::from_millis(20);
    let (journal, lease) = journal(&store, Lease::keep(store.clone(), fence, Instant::now(), LONG, beat));
    assert!(matches!(journal.may_write(Duration::ZERO), Err(JournalError::Misuse(_))), "no step is open");
    assert!(matches!(journal.begin("order").await, Ok(FoundStep::Fresh(_))));
    journal.may_write(Duration::ZERO).unwrap();
    assert!(was_interrupted(journal.may_write(LONG + LONG)), "it would leave under nobody's lease");
    // Somebody else claims it, long after everything that the heartbeat may have prolonged.
    let other = store.claim("other", at(1_000_000_000), LEASE).await.unwrap().expect("the lease ran out");
    assert_eq!(other.fence.number, 2);
    lease.lost().await;
    assert!(was_interrupted(journal.may_write(Duration::ZERO)), "it may still send");
    // What its call makes of that is not recorded either: to whoever has the operation now, the step is in doubt.
    journal.finish("order", b"made".to_vec()).await.unwrap();
    assert!(was_interrupted(journal.begin("item").await));
    let steps = store.steps(&"op-b1".into()).await.unwrap();
    assert!(matches!(steps.as_slice(), [step] if step.name == "order" && step.state == StepState::Open), "{steps:?}");
}

/// The lines of the audit log that tell of something learned too late.
async fn kept(store: &Store) -> Vec<Value> {
    let lines = store.audit(0, 100).await.unwrap();
    let lines = lines.iter().map(|line| serde_json::from_str::<Value>(&line.text).unwrap());
    lines.filter(|line| line["action"] == LATE_RESULT).collect()
}

pub(crate) async fn what_is_learned_too_late_is_kept_and_not_applied(store: Store) {
    let fence = held(&store).await;
    let begin = async || {
        let lease = Lease::keep(store.clone(), fence.clone(), Instant::now(), LONG, LONG);
        let ((journal, lease), journals) = (journal(&store, lease), Journals::default());
        journals.add(journal.journal.clone());
        journal.begin("order").await.unwrap();
        let request = journal.sending();
        (journal, journals, lease, request)
    };
    let stop = CancellationToken::new();
    let (lost, unanswered, lease, _) = begin().await;
    lost.leave();
    late_results::record(&store, lease.fence(), &unanswered, &stop).await;
    assert!(kept(&store).await.is_empty(), "nothing is known of a request that was not answered");
    let ((cut_off, answered, _, request), (ended, finished, ..)) = (begin().await, begin().await);
    store.claim("other", at(1_000_000_000), LEASE).await.unwrap().expect("the lease ran out");
    cut_off.sent(request, SentRequest::Answered(200));
    cut_off.leave();
    late_results::record(&store, lease.fence(), &answered, &stop).await;
    let made = RemoteObject { kind: RemoteKind::Order, key: String::new(), id: "77".to_owned() };
    ended.remember(made).await.unwrap();
    ended.finish("order", b"77".to_vec()).await.unwrap();
    assert!(was_interrupted(ended.begin("item").await));
    assert!(was_interrupted(ended.close().await));
    late_results::record(&store, lease.fence(), &finished, &stop).await;
    let kept = kept(&store).await;
    let words: Vec<&str> = kept.iter().map(|line| line["reason"].as_str().unwrap()).collect();
    let begin = "claim 1 came to its end without hearing that this was recorded: north: ";
    assert_eq!(
        words,
        [
            format!("{begin}step \"order\" was answered with 200 and not finished"),
            format!("{begin}step \"order\" was done: 77; north: order \"\" is 77"),
        ]
    );
    assert!(kept.iter().all(|line| line["subject"] == "op-b1"));
    let steps = store.steps(&"op-b1".into()).await.unwrap();
    assert!(matches!(steps.as_slice(), [step] if step.state == StepState::Open), "{steps:?}");
    assert!(stored_buy(&store, "b1").await.value.remote.is_empty());
}

pub(crate) async fn what_was_recorded_is_no_late_result(store: Store) {
    let fence = held(&store).await;
    let (journal, lease) = journal(&store, Lease::keep(store.clone(), fence, Instant::now(), LONG, LONG));
    let journals = Journals::default();
    journals.add(journal.journal.clone());
    for name in ["order", "item"] {
        journal.begin(name).await.unwrap();
        let request = journal.sending();
        journal.sent(request, SentRequest::Answered(200));
        journal.finish(name, name.as_bytes().to_vec()).await.unwrap();
    }
    journal.begin("refused").await.unwrap();
    let request = journal.sending();
    journal.sent(request, SentRequest::Answered(400));
    journal.close().await.unwrap();
    late_results::record(&store, lease.fence(), &journals, &CancellationToken::new()).await;
    assert!(kept(&store).await.is_empty(), "{:#?}", kept(&store).await);
}
