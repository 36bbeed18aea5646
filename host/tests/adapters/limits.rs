//! A hostile component fails alone, by name, while others go on.

use std::time::{Duration, Instant};

use flightdeck::{
    adapters::{PlatformConfig, RemoteBuy},
    domain::{
        failure::{Failure, FailureKind},
        purpose::Purpose,
    },
};

use super::{
    journal::MemoryJournal,
    server::Server,
    world::{World, buy, platform, soon, start},
};

/// Limits that are met quickly.
fn tight(mut config: PlatformConfig) -> PlatformConfig {
    config.limits.memory_bytes = 16 << 20;
    config.limits.cpu_ms = 1_000;
    config.limits.wall_ms = 5_000;
    config.limits.requests = 10;
    config.limits.request_bytes = 1 << 20;
    config.limits.response_bytes = 1 << 20;
    config.limits.handles = 100;
    config
}

/// Runs a plan of `bad` while plans of `good` succeed without a pause.
async fn while_good_goes_on(world: &World, bad: &str, plans: bool) -> Failure {
    let journal = MemoryJournal::new();
    let failing =
        async { if plans { world.plan(bad).await.map(|_| ()) } else { world.create(bad, &journal).await.map(|_| ()) } };
    tokio::pin!(failing);
    let mut good = 0_u32;
    let mut slowest = Duration::ZERO;
    loop {
        tokio::select! {
            biased;
            ended = &mut failing => {
                let failure = ended.expect_err("it should have failed");
                world.plan("good").await.expect("a good adapter is not disturbed");
                assert!(slowest < Duration::from_secs(2), "{bad} kept a good adapter waiting for {slowest:?} ({good} calls)");
                return failure;
            }
            planned = async { let began = Instant::now(); (world.plan("good").await, began.elapsed()) } => {
                planned.0.expect("a good adapter is not disturbed");
                slowest = slowest.max(planned.1);
                good += 1;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_hostile_behaviour_fails_alone_with_its_own_code() {
    let server = Server::start().await;
    let endpoint = server.endpoint();
    let cases = [
        ("spin", true, "cpu_limit"),
        ("hog", true, "memory_limit"),
        ("trap", true, "trap"),
        ("exit", true, "trap"),
        ("recurse", true, "trap"),
        ("oversize", true, "result_limit"),
        ("handles", true, "table_limit"),
        ("step-in-plan", true, "misuse"),
        ("fetch-in-plan", true, "misuse"),
        ("cache-in-plan", true, "misuse"),
        ("cache-without-key", false, "misuse"),
        ("cache-too-much", false, "misuse"),
        ("flood", false, "request_count_limit"),
        ("big-request", false, "request_size_limit"),
        ("big-response", false, "response_size_limit"),
        ("finish-wrong", false, "misuse"),
        ("begin-twice", false, "misuse"),
        ("name-twice", false, "misuse"),
        ("write-outside-step", false, "misuse"),
    ];
    let mut platforms = vec![platform("good", "good", &endpoint)];
    platforms.extend(cases.iter().map(|(behaviour, ..)| tight(platform(behaviour, behaviour, &endpoint))));
    // Building 20 MiB of text takes memory, which is not what this one is about.
    let oversize = platforms.iter_mut().find(|platform| platform.name.as_str() == "oversize").unwrap();
    oversize.limits.memory_bytes = 256 << 20;
    oversize.limits.result_bytes = 16 << 20;
    let world = start(platforms).await.unwrap();
    for (behaviour, plans, code) in cases {
        let failure = while_good_goes_on(&world, behaviour, plans).await;
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Fault, code), "{behaviour}: {failure}");
        assert!(failure.message.contains(behaviour), "{behaviour} is named: {failure}");
        for inside in ["wasmtime", "wasm backtrace", "0x", "/root", ".rs"] {
            assert!(!failure.message.contains(inside), "{failure}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_sleeps_ends_with_its_time() {
    let mut config = platform("acme", "sleep", "http://127.0.0.1:1");
    config.limits.wall_ms = 1_000;
    let world = start(vec![config]).await.unwrap();
    assert_eq!(world.plan("acme").await.unwrap_err().code, "time_limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chatty_guest_is_cut_short_and_does_its_work() {
    let mut config = platform("acme", "print", "http://127.0.0.1:1");
    // A busy machine takes long to print so much.
    config.limits.cpu_ms = 60_000;
    let world = start(vec![config]).await.unwrap();
    world.plan("acme").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adapter_that_keeps_failing_is_left_alone() {
    let world = start(vec![platform("acme", "trap", "http://127.0.0.1:1")]).await.unwrap();
    let journal = MemoryJournal::new();
    for _ in 0..5 {
        assert_eq!(world.create("acme", &journal).await.unwrap_err().code, "trap");
    }
    let failure = world.create("acme", &journal).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unavailable, "adapter_unavailable"));
    assert!(failure.retry_after_ms.is_some());
    let broken = |purpose| world.adapters.is_broken(&"acme".into(), purpose);
    assert_eq!(Purpose::ALL.iter().filter(|purpose| broken(**purpose)).count(), 1);
    assert!(broken(Purpose::Change));
    // Without a plan nothing could be accepted: it is asked always, and reads know nothing of changes.
    for _ in 0..6 {
        assert_eq!(world.plan("acme").await.unwrap_err().code, "trap");
    }
    let buy = buy("acme");
    let asked = [RemoteBuy { buy: &buy, advertiser_id: "7".to_owned() }];
    assert!(world.adapters.check_status(&"acme".into(), &asked, soon()).await.unwrap()[0].1.is_ok());
}
