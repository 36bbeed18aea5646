//! What an operation's journal says of steps that may have happened.

use std::{sync::Arc, time::Duration};

use flightdeck::{
    adapters::{FoundStep, JournalError},
    domain::{
        operation::OperationState,
        step::{Patience, SentRequest, Step, StepState},
        time::Timestamp,
    },
    operations::{
        journal::{Doubts, OperationJournal},
        lease::Lease,
        now,
    },
    store::{Author, Fence, JournalWrite, LeaseAfter, Recording, SettledStep, Write},
};

use tokio_util::sync::CancellationToken;

use super::{
    fixtures::{LEASE, Store, accept, at, begins, claim, journal, moved, platform, settles},
    pages::Pages,
};

/// Longer than any test: a heartbeat would tell the store another time than the tests'.
const NO_HEARTBEAT: Duration = Duration::from_secs(3_600);

/// A journal as a run has it, of the operation `op-b1`.
fn pages(store: &Store, fence: &Fence, steps: &[Step], restored_at: Option<Timestamp>) -> Pages {
    let asked_at = tokio::time::Instant::now();
    let lease = Arc::new(Lease::keep(store.clone(), fence.clone(), asked_at, LEASE, NO_HEARTBEAT));
    let doubts = Doubts::new(steps, &platform("north"), PATIENCE, restored_at, now());
    let stop = CancellationToken::new();
    Pages::of(OperationJournal::new(store.clone(), lease, "b1".into(), platform("north"), "", doubts, stop))
}

/// What a platform of these tests is waited for.
const PATIENCE: Patience = Patience { lag_ms: 1_000, processing_ms: 60_000 };

/// Before today, in the seconds of the tests' time: journals tell the store the time of day.
const LONG_AGO: i64 = -100_000_000;

async fn since(store: &Store) -> Vec<(String, StepState, Timestamp)> {
    let steps = store.steps(&"op-b1".into()).await.unwrap();
    steps.into_iter().map(|step| (step.name, step.state, step.begun_at)).collect()
}

async fn begin(store: &Store, fence: &Fence, name: &str, seconds: i64) {
    let begin = begins(name, &format!("reference of {name}"));
    store.journal(JournalWrite { begin, ..journal(fence, "b1", seconds) }).await.unwrap();
}

fn is_fresh(found: &FoundStep) -> bool {
    matches!(found, FoundStep::Fresh(_))
}

pub(crate) async fn whoever_takes_over_waits_from_then_on(store: Store) {
    accept(&store, "b1").await;
    let first = claim(&store, 0).await.fence;
    for name in ["settled", "open"] {
        begin(&store, &first, name, 1).await;
    }
    let settled = settles("settled", StepState::Fresh);
    store.journal(JournalWrite { settled, ..journal(&first, "b1", 2) }).await.unwrap();
    // Until its lease ran out the first worker may have sent something, long after the step was begun.
    let second = claim(&store, 50).await;
    let taken_over =
        vec![("settled".to_owned(), StepState::Fresh, at(1)), ("open".to_owned(), StepState::Open, at(50))];
    assert_eq!(since(&store).await, taken_over);
    // What was put off by its own worker waits no longer than that one said.
    let later = moved(&second.operation, OperationState::Queued, 51);
    store
        .record(Recording::by(Author::Worker(second.fence, LeaseAfter::Kept)).with(Write::Operation(later)))
        .await
        .unwrap();
    claim(&store, 90).await;
    assert_eq!(since(&store).await, taken_over);
}

pub(crate) async fn a_run_that_was_cut_off_leaves_a_doubt_that_begins_then(store: Store) {
    accept(&store, "b1").await;
    let claimed = claim(&store, 0).await;
    begin(&store, &claimed.fence, "open", 1).await;
    let queued = moved(&claimed.operation, OperationState::Queued, 9);
    let cut_off = Author::Worker(claimed.fence, LeaseAfter::CutOff(at(9)));
    store.record(Recording::by(cut_off).with(Write::Operation(queued))).await.unwrap();
    assert_eq!(since(&store).await, [("open".to_owned(), StepState::Open, at(9))]);
}

pub(crate) async fn a_late_answer_says_nothing_of_another_step(store: Store) {
    accept(&store, "b1").await;
    let fence = claim(&store, 0).await.fence;
    let pages = pages(&store, &fence, &[], None);
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

pub(crate) async fn what_a_restored_copy_does_not_know_is_looked_up(store: Store) {
    accept(&store, "b1").await;
    let first = claim(&store, 0).await.fence;
    begin(&store, &first, "refused", LONG_AGO).await;
    let settled = settles("refused", StepState::Fresh);
    store.journal(JournalWrite { settled, ..journal(&first, "b1", 2) }).await.unwrap();
    let restored_at = Some(at(LONG_AGO + 10));
    let fence = claim(&store, 100).await.fence;
    for name in ["refused", "unknown"] {
        let pages = pages(&store, &fence, &[], restored_at);
        assert!(!is_fresh(&pages.begin(name).await.unwrap()), "{name} may have been carried out after the copy");
        pages.close().await.unwrap();
    }
    // A person has looked and found nothing: that is known from after the copy.
    store.record(Write::ResetSteps("op-b1".into(), platform("north"))).await.unwrap();
    let pages = pages(&store, &fence, &[], restored_at);
    for name in ["refused", "unknown"] {
        assert!(is_fresh(&pages.begin(name).await.unwrap()), "{name}");
        pages.finish(name, Vec::new()).await.unwrap();
    }
}

/// The step `order` as it is left by a run that lost a request `ago`.
async fn lost(store: &Store, fence: &Fence, ago: i64) -> Vec<Step> {
    begin(store, fence, "order", 1).await;
    let settled = settles("order", StepState::Open).map(|step| SettledStep { lost: true, ..step });
    let at = now().plus_millis(-ago);
    store.journal(JournalWrite { settled, at, ..journal(fence, "b1", 2) }).await.unwrap();
    store.steps(&"op-b1".into()).await.unwrap()
}

pub(crate) async fn what_may_be_under_way_is_looked_for_and_never_sent_again(store: Store) {
    accept(&store, "b1").await;
    let fence = claim(&store, 0).await.fence;
    let steps = lost(&store, &fence, 10_000).await;
    // Not believed to be absent, and not sent again without a look.
    for gives_up in ["absent", "write"] {
        let pages = pages(&store, &fence, &steps, None);
        assert!(matches!(pages.begin("order").await, Ok(FoundStep::InDoubt(_))));
        let refused = match gives_up {
            "absent" => pages.absent("order"),
            _ => pages.may_write(Duration::ZERO),
        };
        assert_eq!(refused, Err(JournalError::UnderWay), "{gives_up}");
        // As long again as it has been under way, which is ten seconds; and not before the lag.
        pages.leave();
        let again = pages.journal.look_again(Duration::from_secs(1)).expect("it waits for something");
        let in_ms = (again.as_micros() - now().as_micros()) / 1_000;
        assert!((8_000..=10_500).contains(&in_ms), "{in_ms}");
        pages.close().await.unwrap();
        assert_eq!(store.steps(&"op-b1".into()).await.unwrap(), steps, "a look changes nothing");
    }
    // What is found is taken.
    let pages = pages(&store, &fence, &steps, None);
    pages.begin("order").await.unwrap();
    pages.finish("order", b"77".to_vec()).await.unwrap();
    pages.close().await.unwrap();
    assert_eq!(store.steps(&"op-b1".into()).await.unwrap()[0].state, StepState::Done);
}

pub(crate) async fn what_can_no_longer_be_under_way_is_made_again_if_it_is_absent(store: Store) {
    accept(&store, "b1").await;
    let fence = claim(&store, 0).await.fence;
    let steps = lost(&store, &fence, 61_001).await;
    let pages = pages(&store, &fence, &steps, None);
    assert!(matches!(pages.begin("order").await, Ok(FoundStep::InDoubt(_))));
    pages.absent("order").unwrap();
    pages.may_write(Duration::ZERO).unwrap();
    let sent = pages.sending();
    pages.sent(sent, SentRequest::Lost);
    pages.close().await.unwrap();
    // Lost twice, it is waited for twice as long.
    let after = store.steps(&"op-b1".into()).await.unwrap();
    assert_eq!(after[0].lost, 2);
    let waits = after[0].believed_from(PATIENCE).unwrap().as_micros() - after[0].sent_at.unwrap().as_micros();
    assert_eq!(waits, 121_000_000);
}

pub(crate) async fn a_host_that_stops_sends_nothing_more_and_hears_what_was_sent(store: Store) {
    accept(&store, "b1").await;
    let fence = claim(&store, 0).await.fence;
    let lease = Lease::keep(store.clone(), fence.clone(), tokio::time::Instant::now(), LEASE, NO_HEARTBEAT);
    let (doubts, stop) = (Doubts::new(&[], &platform("north"), PATIENCE, None, now()), CancellationToken::new());
    let (lease, north) = (Arc::new(lease), platform("north"));
    let pages = Pages::of(OperationJournal::new(store.clone(), lease, "b1".into(), north, "", doubts, stop.clone()));
    pages.begin("order").await.unwrap();
    pages.may_write(Duration::ZERO).unwrap();
    let sent = pages.sending();
    stop.cancel();
    pages.sent(sent, SentRequest::Answered(200));
    pages.finish("order", b"77".to_vec()).await.unwrap();
    assert!(!pages.journal.was_stopped());
    pages.begin("flight").await.unwrap();
    assert!(matches!(pages.may_write(Duration::ZERO), Err(JournalError::Unavailable(_))));
    assert!(pages.journal.was_stopped());
    pages.close().await.unwrap();
    let steps = store.steps(&"op-b1".into()).await.unwrap();
    let known: Vec<_> = steps.iter().map(|step| (step.name.as_str(), step.state, step.lost)).collect();
    assert_eq!(known, [("order", StepState::Done, 0), ("flight", StepState::Fresh, 0)]);
}
