//! Writes that end well by the adapter's word and not by its steps, and calls that go on with what their operation began with.

use flightdeck::{
    adapters::{Adapters, Call, Journal},
    domain::{
        change::ProposedChange, failure::FailureKind, media_buy::RemoteKind, operation::FrozenPlatform, step::StepState,
    },
};
use serde_json::json;

use super::{
    journal::MemoryJournal,
    server::{Server, Writes},
    world::{World, buy, call, config, platform, start},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_remembers_nothing_is_no_success() {
    let world = start(vec![platform("acme", "idle", "http://127.0.0.1:1")]).await.unwrap();
    let failure = world.create("acme", &MemoryJournal::new()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Fault, "create_incomplete"));
    assert_eq!(
        failure.message,
        "the adapter acme answered that the media buy is made and did not remember the order, the package sports, the package news"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_forgets_its_packages_is_no_success_however_often_it_is_run() {
    let server = Server::start().await;
    let world = start(vec![platform("acme", "forget-packages", &server.endpoint())]).await.unwrap();
    let journal = MemoryJournal::new();
    for _ in 0..2 {
        let failure = world.create("acme", &journal).await.unwrap_err();
        assert_eq!(failure.code, "create_incomplete", "{failure}");
        assert!(failure.message.contains("did not remember the package sports, the package news"), "{failure}");
    }
    assert_eq!(server.received().len(), 3, "what was made is not made again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_run_remembered_counts() {
    let server = Server::start().await;
    let world = start(vec![platform("acme", "good", &server.endpoint())]).await.unwrap();
    let journal = MemoryJournal::new();
    world.create("acme", &journal).await.unwrap();
    assert_eq!(journal.objects().iter().filter(|object| object.kind == RemoteKind::Package).count(), 2);
    let idle = start(vec![platform("acme", "idle", &server.endpoint())]).await.unwrap();
    let known = Call { remote: journal.objects(), ..call() };
    run(&idle, &known, MemoryJournal::new()).await.unwrap();
}

async fn run(
    world: &World,
    call: &Call,
    journal: std::sync::Arc<MemoryJournal>,
) -> Result<flightdeck::domain::operation::LegOutcome, flightdeck::domain::failure::Failure> {
    let release = world.adapters.active_release(&"acme".into()).unwrap();
    let buy = buy("acme");
    world
        .adapters
        .execute(&"acme".into(), &release, call, ProposedChange::create(&buy).into(), journal as Journal)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_is_left_open_is_no_success_if_it_may_have_happened() {
    let server = Server::start().await;
    let world = start(vec![platform("acme", "leave-step-open", &server.endpoint())]).await.unwrap();
    let journal = MemoryJournal::new();
    let failure = world.create("acme", &journal).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Fault, "step_left_open"), "{failure}");
    journal.end_run();
    assert_eq!(journal.state("order"), StepState::Open, "it is looked up by the next run");

    server.answer_writes(Writes::Status(400, ""));
    let journal = MemoryJournal::new();
    world.create("acme", &journal).await.unwrap();
    journal.end_run();
    assert_eq!(journal.state("order"), StepState::Fresh, "the ad server refused it: there is nothing to look up");
}

/// What the adapter was told of itself: endpoint, advertiser, settings.
async fn told(
    world: &World,
    frozen: Option<FrozenPlatform>,
) -> Result<Vec<String>, flightdeck::domain::failure::Failure> {
    let advertiser_id = frozen.as_ref().map_or_else(|| "7".to_owned(), |frozen| frozen.advertiser_id.clone());
    let call = Call { frozen, advertiser_id, ..call() };
    run(world, &call, MemoryJournal::new()).await.map(|outcome| outcome.notes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_told_what_its_operation_began_with() {
    let mut config = platform("acme", "context", "http://127.0.0.1:1");
    config.endpoint = "http://127.0.0.1:1/v2".parse().unwrap();
    let world = start(vec![config]).await.unwrap();
    let configured = told(&world, None).await.unwrap();
    assert_eq!(configured, ["http://127.0.0.1:1/v2", "7", r#"{"behaviour":"context"}"#]);
    let frozen = FrozenPlatform {
        buyer: None,
        advertiser_id: "8".to_owned(),
        endpoint: "http://127.0.0.1:1/v1".to_owned(),
        settings: json!({ "behaviour": "context", "say": "as it was" }),
    };
    let began = told(&world, Some(frozen)).await.unwrap();
    assert_eq!(began, ["http://127.0.0.1:1/v1", "8", r#"{"behaviour":"context","say":"as it was"}"#]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_began_on_a_release_ends_on_it_although_the_settings_fit_another_one_by_now() {
    let server = Server::start().await;
    let world = start(vec![platform("acme", "context", &server.endpoint())]).await.unwrap();
    let release = world.adapters.active_release(&"acme".into()).unwrap();
    let frozen = world.adapters.frozen(&"acme".into(), "7", None).unwrap();

    let mut successor = platform("acme", "", &server.endpoint());
    successor.component = Some(flightdeck_test_support::component("flightdeck-adapter-kevel"));
    successor.settings = json!({ "priority_id": 3002 });
    let reads = ["POST /v1/campaign/search", "POST /v1/report/queue", "POST /v1/instantcounts/bulk"];
    successor.read_requests = reads.map(|pattern| pattern.parse().unwrap()).to_vec();
    let adapters = Adapters::start(config(world.data_dir.path(), vec![successor])).await.unwrap();
    let refused = adapters.activate(&"acme".into(), &release, true).await.unwrap_err();
    assert!(refused.to_string().contains("the settings don't fit the adapter"), "{refused}");
    let call = Call { frozen: Some(frozen), ..call() };
    let (buy, journal) = (buy("acme"), MemoryJournal::new());
    let ended =
        adapters.execute(&"acme".into(), &release, &call, ProposedChange::create(&buy).into(), journal).await.unwrap();
    assert_eq!(ended.notes[2], r#"{"behaviour":"context"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_began_on_another_ad_server_waits_for_a_person() {
    let (old, new) = (Server::start().await, Server::start().await);
    let mut config = platform("acme", "good", &new.endpoint());
    // Reached it may be, but credentials are for the endpoint alone.
    config.origins = [&new, &old].map(|server| server.endpoint().parse().unwrap()).to_vec();
    config.allow_private = vec!["127.0.0.1".parse().unwrap()];
    let world = start(vec![config]).await.unwrap();
    let frozen = FrozenPlatform {
        buyer: None,
        advertiser_id: "7".to_owned(),
        endpoint: old.endpoint(),
        settings: json!({ "behaviour": "good" }),
    };
    let failure = told(&world, Some(frozen)).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unresolved, "endpoint_changed"));
    assert!(failure.message.contains(&old.endpoint()) && failure.message.contains(&new.endpoint()), "{failure}");
    assert!(old.received().is_empty() && new.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_began_at_an_alias_of_the_ad_server_goes_on_at_its_endpoint() {
    let server = Server::start().await;
    let mut config = platform("acme", "context", &server.endpoint());
    config.endpoint_aliases = vec!["https://api.eu.acme.example/v1".parse().unwrap()];
    let world = start(vec![config]).await.unwrap();
    let began = |endpoint: &str| FrozenPlatform {
        buyer: None,
        advertiser_id: "7".to_owned(),
        endpoint: endpoint.to_owned(),
        settings: json!({ "behaviour": "context" }),
    };
    let told_of = told(&world, Some(began("https://api.eu.acme.example/v1"))).await.unwrap();
    assert_eq!(told_of[..2], [server.endpoint(), "7".to_owned()]);
    let other = told(&world, Some(began("https://api.us.acme.example/v1"))).await.unwrap_err();
    assert_eq!(other.code, "endpoint_changed");
    assert!(other.message.contains("endpoint_aliases"), "{other}");
}
