//! Plans, changes and reads of a component that does as it should, and answers of one that does not.

use flightdeck::{
    adapters::RemoteBuy,
    domain::{
        change::{Change, ProposedChange},
        failure::FailureKind,
        media_buy::{MediaBuy, RemoteKind},
        step::SentRequest,
        targeting::{Dayparting, Targeting},
        time::Day,
        update::{BuyPatch, PackagePatch},
    },
};
use serde_json::json;

use super::{
    journal::MemoryJournal,
    server::Server,
    world::{buy, call, platform, soon, start},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_buy_is_planned_and_made_step_by_step() {
    let server = Server::start().await;
    let world = start(vec![platform("acme", "good", &server.endpoint())]).await.unwrap();
    let plan = world.plan("acme").await.unwrap();
    assert_eq!(plan.changes.len(), 3);
    assert_eq!(Some(&plan.release), world.adapters.active_release(&"acme".into()).as_ref());
    assert_eq!(plan, world.plan("acme").await.unwrap(), "equal input, equal plan");
    assert!(server.received().is_empty(), "a plan uses no network");

    let journal = MemoryJournal::new();
    world.create("acme", &journal).await.unwrap();
    let written = server.received();
    assert_eq!(written.len(), 3);
    assert_eq!(written[0].body, journal.reference("order"));
    assert_eq!(journal.requests(), [SentRequest::Answered(200); 3]);
    let kinds: Vec<RemoteKind> = journal.objects().iter().map(|object| object.kind).collect();
    assert_eq!(kinds, [RemoteKind::Order, RemoteKind::Package, RemoteKind::Package]);

    world.create("acme", &journal).await.unwrap();
    assert_eq!(server.received().len(), 3, "finished steps are not made again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adapter_sees_only_its_platforms_part_of_a_buy() {
    let world = start(vec![platform("acme", "good", "http://127.0.0.1:1")]).await.unwrap();
    let mut buy = buy("acme");
    buy.packages[1].platform = "zenith".into();
    buy.targeting = Targeting {
        dayparting: Some(Dayparting {
            timezone: "America/New_York".to_owned(),
            schedules: Vec::new(),
            presets: vec!["morning".to_owned()],
        }),
        custom: [("acme".to_owned(), json!({"zone": 7})), ("zenith".to_owned(), json!({"secret": 1}))].into(),
        ..Targeting::default()
    };
    let plan = world.adapters.plan(&"acme".into(), None, &call(), ProposedChange::create(&buy).into()).await.unwrap();
    assert_eq!(plan.changes.len(), 2);
    let fields: Vec<_> = plan.changes[1].fields.iter().map(|field| field.after.clone().unwrap()).collect();
    assert_eq!(fields, ["100000000", r#"Some("{\"zone\":7}")"#, "Some(1)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_asked_in_batches_and_answered_buy_by_buy() {
    let world = start(vec![platform("acme", "good", "http://127.0.0.1:1")]).await.unwrap();
    let buys: Vec<_> = (0..5)
        .map(|number| {
            let mut buy = buy("acme");
            buy.id = format!("acme_{number}").into();
            buy
        })
        .collect();
    let asked: Vec<_> = buys.iter().map(|buy| RemoteBuy { buy, advertiser_id: "7".to_owned() }).collect();
    let answered = world.adapters.check_status(&"acme".into(), &asked, soon()).await.unwrap();
    let details: Vec<_> = answered.iter().map(|(_, status)| status.as_ref().unwrap().detail.clone()).collect();
    assert_eq!(details, ["2 at once", "2 at once", "2 at once", "2 at once", "1 at once"]);
    let day = Day::parse("2026-12-01").unwrap();
    let answered = world.adapters.get_delivery(&"acme".into(), &asked, day, day, soon()).await.unwrap();
    assert_eq!(answered.len(), 5);
    assert_eq!(answered[4].1.as_ref().unwrap().rows[0].impressions, 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_buyers_are_never_in_one_call_of_a_read() {
    let world = start(vec![platform("acme", "tell-context", "http://127.0.0.1:1")]).await.unwrap();
    let buys: Vec<_> = (0..6)
        .map(|number| {
            let mut buy = buy("acme");
            buy.id = format!("acme_{number}").into();
            buy.principal = if number % 2 == 0 { "agency" } else { "other" }.into();
            buy
        })
        .collect();
    let advertiser = |buy: &MediaBuy| if buy.principal.as_str() == "agency" { "7" } else { "8" }.to_owned();
    let asked: Vec<_> = buys.iter().map(|buy| RemoteBuy { buy, advertiser_id: advertiser(buy) }).collect();
    let answered = world.adapters.check_status(&"acme".into(), &asked, soon()).await.unwrap();
    assert_eq!(answered.len(), 6);
    for ((id, status), buy) in answered.iter().zip(&buys) {
        assert_eq!(*id, buy.id, "in the order in which they were asked about");
        let detail = status.as_ref().unwrap().detail.clone();
        let advertiser = advertiser(buy);
        assert!(detail.starts_with(&format!("advertiser {advertiser} of {advertiser}")), "{detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_names_every_package_of_a_create_and_no_stranger() {
    let platforms = ["half", "strange"].map(|name| platform(name, &format!("plan-{name}"), "http://127.0.0.1:1"));
    let world = start(platforms.into()).await.unwrap();
    for (name, words) in [
        ("half", "planned a create without its package `sports`"),
        ("strange", "named the package `no-such-package`, which the media buy does not have on this platform"),
    ] {
        let failure = world.plan(name).await.unwrap_err();
        assert_eq!(failure.code, "bad_result");
        assert_eq!(failure.message, format!("the adapter {name} {words}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rubbish_is_a_fault_of_its_own() {
    let world = start(vec![platform("acme", "rubbish", "http://127.0.0.1:1")]).await.unwrap();
    let failure = world.plan("acme").await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Fault, "bad_result"));
    assert_eq!(failure.message, "the adapter acme returned a note of 100000 characters; at most 4000 are taken");

    let (one, mut two) = (buy("acme"), buy("acme"));
    two.id = "acme_2".into();
    let asked = [&one, &two].map(|buy| RemoteBuy { buy, advertiser_id: "7".to_owned() });
    let answered = world.adapters.check_status(&"acme".into(), &asked, soon()).await.unwrap();
    assert_eq!(answered.len(), 2, "the stranger's status is dropped");
    assert_eq!(answered[0].1.as_ref().unwrap_err().code, "bad_result", "nothing was said about the first");
    assert!(answered[1].1.is_ok());

    let day = Day::parse("2026-12-01").unwrap();
    let answered = world.adapters.get_delivery(&"acme".into(), &asked, day, day, soon()).await.unwrap();
    assert_eq!(answered[0].1.as_ref().unwrap_err().message, "the adapter acme returned -5 impressions");

    let release = world.adapters.active_release(&"acme".into()).unwrap();
    let sports = PackagePatch { package: Some("sports".into()), ..PackagePatch::default() };
    let update = Change::Update(BuyPatch { packages: vec![sports], ..BuyPatch::default() });
    let change = ProposedChange { change: &update, current: &one, desired: &one }.into();
    let failure =
        world.adapters.execute(&"acme".into(), &release, &call(), change, MemoryJournal::new()).await.unwrap_err();
    assert_eq!(failure.code, "bad_result");
    assert!(failure.message.contains("no-such-package"), "{failure}");
}

/// Each call has an instance of its own, and what the cache has outlives it.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_call_keeps_the_next_one_on_the_same_platform_finds_and_no_other_does() {
    let platforms = ["one", "other"].map(|name| platform(name, "cache-count", "http://127.0.0.1:1"));
    let world = start(platforms.into()).await.unwrap();
    let mut before = Vec::new();
    for name in ["one", "one", "other", "one"] {
        let journal = MemoryJournal::new();
        before.extend(world.create(name, &journal).await.unwrap().notes);
    }
    assert_eq!(before, ["0", "1", "0", "2"]);
}
