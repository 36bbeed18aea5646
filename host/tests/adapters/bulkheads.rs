//! A slow ad server, or an adapter that computes, hurts only itself.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use flightdeck::{
    adapters::{Adapters, EngineOptions, PlatformConfig},
    domain::{
        failure::{Failure, FailureKind},
        purpose::Purpose,
    },
};
use futures::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};

use super::{
    journal::MemoryJournal,
    server::{Server, Writes},
    world::{World, config, platform, start},
};

/// Calls of one purpose on a platform, those that run and those that wait.
fn calls(world: &World, platform: &str, purpose: Purpose) -> (usize, usize) {
    let kinds = world.adapters.slot_usage();
    let kind = kinds.iter().find(|kind| kind.platform.as_str() == platform && kind.purpose == purpose);
    kind.map_or((0, 0), |kind| (kind.calls, kind.waiting))
}

async fn with_engine(engine: EngineOptions, platforms: Vec<PlatformConfig>) -> World {
    let data_dir = tempfile::tempdir().unwrap();
    let mut config = config(data_dir.path(), platforms);
    config.engine = engine;
    World { adapters: Adapters::start(config).await.unwrap(), data_dir }
}

fn named(failure: &Failure) -> (FailureKind, &str) {
    (failure.kind, failure.code.as_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ad_server_that_takes_all_of_the_time_is_no_fault_of_its_adapter() {
    let server = Server::start().await;
    server.answer_writes(Writes::Stall);
    let mut config = platform("acme", "good", &server.endpoint());
    config.limits.wall_ms = 300;
    config.limits.first_byte_ms = 250;
    let world = start(vec![config]).await.unwrap();
    // More often than a breaker, or an operation, bears with faults.
    for _ in 0..7 {
        let failure = world.create("acme", &MemoryJournal::new()).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unavailable, "{failure}");
        assert_ne!(failure.code, "adapter_unavailable");
    }
    assert!(!world.adapters.is_broken(&"acme".into(), Purpose::Change));
    world.plan("acme").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_ends_with_its_request_on_the_way_names_the_ad_server() {
    let server = Server::start().await;
    let mut config = platform("acme", "hang", &server.endpoint());
    config.limits.wall_ms = 1_000;
    let world = start(vec![config]).await.unwrap();
    for _ in 0..7 {
        let failure = world.create("acme", &MemoryJournal::new()).await.unwrap_err();
        assert_eq!(named(&failure), (FailureKind::Unavailable, "ad_server_timeout"), "{failure}");
        assert!(failure.message.starts_with("the ad server of acme is too slow"), "{failure}");
    }
    assert!(!world.adapters.is_broken(&"acme".into(), Purpose::Change));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_sleeps_after_its_answer_came_is_at_fault_all_the_same() {
    let server = Server::start().await;
    let mut config = platform("acme", "doze", &server.endpoint());
    config.limits.wall_ms = 3_000;
    let world = start(vec![config]).await.unwrap();
    let failure = world.create("acme", &MemoryJournal::new()).await.unwrap_err();
    assert_eq!(named(&failure), (FailureKind::Fault, "time_limit"), "{failure}");
    assert_eq!(server.received().len(), 1, "it asked, and was answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_all_of_the_time_is_no_fault_of_the_adapter_either() {
    let server = Server::start().await;
    let mut config = platform("acme", "good", &server.endpoint());
    config.limits.wall_ms = 1_000;
    let world = start(vec![config]).await.unwrap();
    let journal = MemoryJournal::new();
    journal.hangs.store(true, Ordering::SeqCst);
    let failure = world.create("acme", &journal).await.unwrap_err();
    assert_eq!(named(&failure), (FailureKind::Unavailable, "host_busy"), "{failure}");
}

/// Sixteen slots, and three times as many changes on an ad server that answers none.
#[tokio::test(flavor = "multi_thread")]
async fn calls_that_hang_leave_room_for_other_platforms_and_for_plans() {
    let server = Server::start().await;
    let healthy = Server::start().await;
    let platforms = vec![platform("slow", "hang", &server.endpoint()), platform("good", "good", &healthy.endpoint())];
    let world = Arc::new(start(platforms).await.unwrap());
    let journals: Vec<_> = (0..48).map(|_| MemoryJournal::new()).collect();
    let mut hanging: FuturesUnordered<_> = journals.iter().map(|journal| world.create("slow", journal)).collect();
    let meanwhile = async {
        while calls(&world, "slow", Purpose::Change) != (8, 40) {
            tokio::task::yield_now().await;
        }
        for name in ["slow", "good"] {
            world.plan(name).await.unwrap();
        }
        world.create("good", &MemoryJournal::new()).await.unwrap();
        assert_eq!(calls(&world, "slow", Purpose::Change), (8, 40), "and all of that while they hang and wait");
    };
    tokio::pin!(meanwhile);
    tokio::select! {
        () = &mut meanwhile => {}
        ended = hanging.next() => panic!("{ended:?}"),
    }
    drop(hanging);
    while calls(&world, "slow", Purpose::Change) != (0, 0) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_together_use_no_more_bytes_than_they_may_and_who_waits_too_long_is_told_to_come_back() {
    let server = Server::start().await;
    let mut slow = platform("slow", "hang", &server.endpoint());
    slow.limits.memory_bytes = 64 << 20;
    let mut other = platform("other", "good", &server.endpoint());
    other.limits.memory_bytes = 64 << 20;
    other.limits.wall_ms = 1_000;
    let engine = EngineOptions { slots: 16, memory: Some(64 << 20), ..EngineOptions::default() };
    let world = with_engine(engine, vec![slow, other]).await;
    let journal = MemoryJournal::new();
    let mut alone = Box::pin(world.create("slow", &journal));
    while calls(&world, "slow", Purpose::Change) != (1, 0) {
        assert!((&mut alone).now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    let failure = world.plan("other").await.unwrap_err();
    assert_eq!(named(&failure), (FailureKind::Unavailable, "host_busy"), "{failure}");
    assert!(failure.retry_after_ms.is_some());
    drop(alone);
    while calls(&world, "slow", Purpose::Change) != (0, 0) {
        tokio::task::yield_now().await;
    }
    world.plan("other").await.unwrap();
}

/// One thread for all tasks of the host, as if it had one core, and many guests that compute. Were they polled there, each of the host's turns
/// would wait for all of them.
#[tokio::test]
async fn guests_that_compute_take_no_turn_of_the_hosts_own_tasks() {
    const GUESTS: usize = 24;
    let mut spin = platform("spin", "spin", "http://127.0.0.1:1");
    spin.limits.cpu_ms = 300;
    let engine = EngineOptions { slots: 100, memory: Some(64 << 30), threads: Some(1), ..EngineOptions::default() };
    let world = with_engine(engine, vec![spin]).await;
    let mut spinning: FuturesUnordered<_> = (0..GUESTS).map(|_| world.plan("spin")).collect();
    let turns = async {
        while calls(&world, "spin", Purpose::Plan) != (GUESTS, 0) {
            tokio::task::yield_now().await;
        }
        for _ in 0..500 {
            tokio::task::yield_now().await;
        }
    };
    tokio::pin!(turns);
    tokio::select! {
        () = &mut turns => {}
        ended = spinning.next() => panic!("the guests were faster than the host: {ended:?}"),
    }
    // They share their thread fairly, and end by their own limit: nobody is blamed for having waited for a turn.
    let ended: Vec<_> = tokio::time::timeout(Duration::from_secs(600), spinning.collect::<Vec<_>>()).await.unwrap();
    for failure in ended {
        assert_eq!(named(&failure.unwrap_err()), (FailureKind::Fault, "cpu_limit"));
    }
}
