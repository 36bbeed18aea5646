//! What the journal is told about requests, with real sockets.

use std::sync::{Arc, atomic::Ordering};

use flightdeck::domain::{
    failure::FailureKind,
    step::{SentRequest, StepState},
};

use super::{
    journal::MemoryJournal,
    server::{Server, Writes},
    world::{World, platform, start},
};

async fn world(endpoint: &str) -> World {
    let mut config = platform("acme", "good", endpoint);
    config.limits.first_byte_ms = 300;
    start(vec![config]).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_port_was_never_sent_to() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let (world, journal) = (world(&endpoint).await, MemoryJournal::new());
    let failure = world.create("acme", &journal).await.unwrap_err();
    journal.end_run();
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert_eq!(journal.requests(), [SentRequest::NeverSent]);
    assert_eq!(journal.state("order"), StepState::Fresh);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_nowhere_was_never_sent_to() {
    let (world, journal) = (world("http://nowhere.invalid:8080").await, MemoryJournal::new());
    world.create("acme", &journal).await.unwrap_err();
    assert_eq!(journal.requests(), [SentRequest::NeverSent]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_tls_handshake_was_never_sent() {
    let server = Server::start().await;
    let mut config = platform("acme", "good", &format!("https://127.0.0.1:{}", server.port));
    config.allow_private = vec!["127.0.0.1".parse().unwrap()];
    config.limits.first_byte_ms = 2_000;
    let world = start(vec![config]).await.unwrap();
    let journal = MemoryJournal::new();
    let creating = world.create("acme", &journal);
    // The server waits for the end of what it takes for a request; the handshake never ends by itself.
    let _ = creating.await.unwrap_err();
    assert!(matches!(journal.requests()[..], [SentRequest::NeverSent | SentRequest::Lost]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_counts_whatever_it_says() {
    let server = Server::start().await;
    let world = world(&server.endpoint()).await;
    for (status, state) in [(500, StepState::Open), (422, StepState::Fresh)] {
        server.answer_writes(Writes::Status(status, ""));
        let journal = MemoryJournal::new();
        world.create("acme", &journal).await.unwrap_err();
        journal.end_run();
        assert_eq!(journal.requests(), [SentRequest::Answered(status)]);
        assert_eq!(journal.state("order"), state);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_an_answer_is_lost_and_its_step_in_doubt() {
    let server = Server::start().await;
    let world = world(&server.endpoint()).await;
    for how in [Writes::CloseAfterReading, Writes::Stall] {
        server.answer_writes(how.clone());
        let before = server.received().len();
        let journal = MemoryJournal::new();
        let failure = world.create("acme", &journal).await.unwrap_err();
        journal.end_run();
        assert_eq!(failure.kind, FailureKind::Unavailable, "{how:?}");
        assert_eq!(journal.requests(), [SentRequest::Lost], "{how:?}");
        assert_eq!(journal.state("order"), StepState::Open, "{how:?}");
        assert_eq!(server.received().len(), before + 1, "{how:?}: nothing is sent twice");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_call_leaves_its_request_lost() {
    let server = Server::start().await;
    server.answer_writes(Writes::Stall);
    let world = start(vec![platform("acme", "good", &server.endpoint())]).await.unwrap();
    let journal = MemoryJournal::new();
    tokio::select! {
        _ = world.create("acme", &journal) => panic!("the server does not answer"),
        () = server.wait_for_request() => {}
    }
    journal.end_run();
    assert_eq!(journal.requests(), [SentRequest::Lost]);
    assert_eq!(journal.state("order"), StepState::Open);
    server.answer_writes(Writes::Status(200, ""));
    world.create("acme", &journal).await.unwrap();
    assert_eq!(journal.state("order"), StepState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_lease_interrupts_and_is_never_final() {
    let server = Server::start().await;
    let world = world(&server.endpoint()).await;
    let journal = MemoryJournal::new();
    journal.lost_lease.store(true, Ordering::SeqCst);
    let failure = world.create("acme", &journal).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unavailable, "interrupted"));
    assert!(server.received().is_empty());

    server.answer_writes(Writes::Stall);
    let journal = MemoryJournal::new();
    let watched = Arc::clone(&journal);
    let (ended, ()) = tokio::join!(world.create("acme", &journal), async {
        server.wait_for_request().await;
        watched.lost_lease.store(true, Ordering::SeqCst);
        server.answer_writes(Writes::Status(200, ""));
    });
    assert_eq!(ended.unwrap_err().kind, FailureKind::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_steps_of_one_name_never_share_an_outcome() {
    let server = Server::start().await;
    let world = start(vec![platform("acme", "name-twice", &server.endpoint())]).await.unwrap();
    let journal = MemoryJournal::new();
    // The second run finds the step done: the second package must not get its line then, either.
    for _ in 0..2 {
        let failure = world.create("acme", &journal).await.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Fault, "misuse"), "{failure}");
        assert!(failure.message.contains("`line` was begun a second time in one call"), "{failure}");
        assert!(failure.message.contains("give each step a name of its own"), "{failure}");
        journal.end_run();
    }
    let keys: Vec<String> = journal.objects().into_iter().map(|object| object.key).collect();
    assert!(!keys.contains(&"news".to_owned()), "{keys:?}");
    assert_eq!(server.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_outside_of_a_step() {
    let server = Server::start().await;
    let platforms = ["write-outside-step", "report"].map(|name| platform(name, name, &server.endpoint()));
    let world = start(platforms.to_vec()).await.unwrap();
    let journal = MemoryJournal::new();
    let failure = world.create("write-outside-step", &journal).await.unwrap_err();
    assert_eq!(failure.code, "misuse");
    assert!(failure.message.contains("outside of a step"), "{failure}");
    assert!(server.received().is_empty());

    world.create("report", &journal).await.unwrap();
    assert_eq!(server.received().len(), 1, "a declared read request needs no step");
    assert!(journal.requests().is_empty());
}
