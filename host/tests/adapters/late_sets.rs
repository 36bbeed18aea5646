//! Values that are set again after an operation has ended: nothing is created, and nothing else is recorded.

use flightdeck::domain::{
    failure::{Failure, FailureKind},
    media_buy::{RemoteKind, RemoteObject},
};
use tokio_util::sync::CancellationToken;

use super::{
    server::Server,
    world::{World, buy, call, platform, start},
};

async fn world(behaviour: &str, server: &Server) -> World {
    start(vec![platform("acme", behaviour, &server.endpoint())]).await.unwrap()
}

async fn set_again(world: &World, stop: CancellationToken) -> Result<(), Failure> {
    let (name, desired) = ("acme".into(), buy("acme"));
    let late = flightdeck::domain::media_buy::MediaBuy { active: false, ..desired.clone() };
    let order = RemoteObject { kind: RemoteKind::Order, key: String::new(), id: "7".to_owned() };
    let call = flightdeck::adapters::Call { remote: vec![order], ..call() };
    let release = world.adapters.active_release(&name).unwrap();
    world.adapters.set_again(&name, &release, &call, (&late, &desired), stop).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_is_in_doubt_and_made_once_more() {
    let server = Server::start().await;
    for _ in 0..2 {
        set_again(&world("set-in-update", &server).await, CancellationToken::new()).await.unwrap();
    }
    let paths: Vec<String> = server.received().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/set", "/set"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_made() {
    let server = Server::start().await;
    let failure = set_again(&world("absent-in-update", &server).await, CancellationToken::new()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unresolved, "not_as_recorded"), "{failure}");
    assert!(failure.message.contains("what `set` made is not on the ad server"), "{failure}");
    assert!(server.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_object_than_the_recorded_one_is_refused() {
    let server = Server::start().await;
    set_again(&world("remember-in-update:7", &server).await, CancellationToken::new()).await.unwrap();
    let failure = set_again(&world("remember-in-update:8", &server).await, CancellationToken::new()).await.unwrap_err();
    assert_eq!(failure.code, "not_as_recorded", "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stops_sends_nothing() {
    let (server, stop) = (Server::start().await, CancellationToken::new());
    stop.cancel();
    let failure = set_again(&world("set-in-update", &server).await, stop).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert!(server.received().is_empty());
}
