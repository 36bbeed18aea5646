//! Test scenarios that are the same for every ad server. Each test supplies what is specific to its
//! platform: paths, kinds and fields.

use flightdeck_adapter::{prelude::*, step::Remote, testing::run};

use crate::{Network, field};

/// A redirect with a page, as from a proxy in front of an ad server.
pub const REDIRECT: &str = r#"{"status":302,"headers":{"location":"https://login.example/"},"body":"<html><head><style>p{}</style></head><body><h1>Moved</h1></body></html>"}"#;
/// The message for a request that was redirected with it.
pub const REDIRECTED: &str = "It redirected the request (302) instead of answering it. It said: Moved";

/// Adds the regions and devices that the lifecycle document's requests name (`geography`,
/// `device_types`).
#[must_use]
pub fn documented(mut package: PackageOrder) -> PackageOrder {
    let rule = |dimension, values: &[&str]| TargetingRule {
        dimension,
        operator: Operator::AnyOf,
        values: values.iter().map(|&value| value.to_owned()).collect(),
    };
    package.targeting.rules =
        vec![rule(Dimension::GeoRegion, &["US-CA", "US-NY"]), rule(Dimension::DeviceType, &["mobile", "desktop"])];
    package
}

/// Returns the desired state of a buy after the lifecycle document's update: a later end, and more
/// budget and impressions for the first package.
#[must_use]
pub fn prolonged(current: &MediaBuy) -> MediaBuy {
    let mut desired = current.clone();
    desired.end = "2027-02-28T23:59:59Z".to_owned();
    for package in &mut desired.packages {
        package.end.clone_from(&desired.end);
    }
    desired.packages[0].budget = 15_000_000_000;
    desired.packages[0].impressions = 1_200_000;
    desired
}

/// Plans a creation twice, without network access. Returns the types of the planned objects, and
/// the plan.
pub fn planned<A: Adapter, E>(network: &Network<A, E>, buy: &MediaBuy) -> (Vec<String>, ChangePlan) {
    let plan = || network.run(|ctx| A::plan(ctx, Change::Create(buy.clone()))).unwrap();
    let (first, again) = (plan(), plan());
    assert_eq!(first, again);
    assert!(network.host.requests().is_empty(), "a plan uses no network");
    (first.changes.iter().map(|change| change.remote_type.clone()).collect(), first)
}

/// Returns the types of the objects planned for an upload.
pub fn planned_upload<A: Adapter, E>(network: &Network<A, E>, buy: &MediaBuy, assets: &[Creative]) -> Vec<String> {
    let batch = CreativeBatch { media_buy: buy.clone(), assets: assets.to_vec(), extensions: Vec::new() };
    let plan = network.run(|ctx| A::plan(ctx, Change::AddCreatives(batch))).unwrap();
    plan.changes.into_iter().map(|change| change.remote_type).collect()
}

/// Returns one line per planned change of an update: the action, the object (`#`: its id is known),
/// and the fields.
pub fn planned_update<A: Adapter, E>(network: &Network<A, E>, update: &MediaBuyUpdate) -> Vec<String> {
    let plan = network.run(|ctx| A::plan(ctx, Change::Update(update.clone()))).unwrap();
    let line = |change: &PlannedChange| {
        let fields: Vec<&str> = change.fields.iter().map(|field| field.field.as_str()).collect();
        let id = if change.remote_id.is_some() { "#" } else { "" };
        format!("{:?} {}{id} {}", change.action, change.remote_type, fields.join(" "))
    };
    plan.changes.iter().map(line).collect()
}

/// Asserts that an update without differences sends nothing.
pub fn nothing_to_change<A: Adapter, E>(network: &Network<A, E>, buy: &MediaBuy, creatives: &[Creative]) {
    let outcome = network.update(buy, buy, creatives);
    assert_eq!(outcome.affected_packages, [""; 0]);
    assert!(network.host.requests().is_empty());
}

/// Asserts that a creative for two packages is used if it was made although the request to a path
/// was redirected.
pub fn made_in_spite_of_a_redirect<A: Adapter, E>(
    network: &Network<A, E>,
    path: &str,
    buy: &MediaBuy,
    creative: &Creative,
) {
    network.create(buy);
    network.fault(&format!(r#"{{"method":"POST","path":"{path}","action":{{"fail_after_acting":{REDIRECT}}}}}"#));
    let status = network.upload(buy, std::slice::from_ref(creative)).remove(0);
    assert_eq!((status.state, network.count("creatives")), (AssetState::Approved, 1));
}

/// Uploads a creative for both packages of a buy, neither of which accepts it. Returns its status.
pub fn taken_nowhere<A: Adapter, E>(
    network: &Network<A, E>,
    (method, path): (&str, &str),
    buy: &MediaBuy,
    creative: &Creative,
) -> AssetStatus {
    network.create(buy);
    network.fault(&format!(r#"{{"method":"{method}","path":"{path}","times":2,"action":{{"fail":{REDIRECT}}}}}"#));
    let refused = network.upload(buy, std::slice::from_ref(creative)).remove(0);
    assert_eq!((&refused.state, refused.feedback.as_deref()), (&AssetState::Rejected, Some(REDIRECTED)));
    refused
}

/// Asserts that a busy ad server is retried after the delay that it asks for, and that the order is
/// then made exactly once. Returns the outcome.
pub fn busy<A: Adapter, E>(network: &Network<A, E>, path: &str, orders: &str, buy: &MediaBuy) -> Outcome {
    let busy = r#"{"fail":{"status":429,"headers":{"Retry-After":"7"}}}"#;
    network.fault(&format!(r#"{{"method":"POST","path":"{path}","action":{busy}}}"#));
    let failure = network.run(|ctx| A::create_media_buy(ctx, buy.clone())).unwrap_err();
    assert_eq!((failure.kind, failure.retry_after_ms), (FailureKind::Unavailable, Some(7_000)));
    let outcome = network.again(|ctx| A::create_media_buy(ctx, buy.clone())).unwrap();
    assert_eq!(network.count(orders), 1);
    outcome
}

/// Asserts that a create that the platform refuses fails with its words, and that what was made
/// before is known and can be undone. Returns the failure.
pub fn refused<A: Adapter, E>(network: &Network<A, E>, buy: &MediaBuy) -> Failure {
    let failure = network.run(|ctx| A::create_media_buy(ctx, buy.clone())).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Rejected);
    assert!(network.host.remote().order().is_some());
    network.run(|ctx| A::cancel_media_buy(ctx, buy.clone())).unwrap();
    failure
}

/// Asserts that a buy of which the host remembers nothing is found by its id and cancelled, and
/// that another buy whose id has the same prefix is not.
pub fn forgotten<A: Adapter, E>(network: &Network<A, E>, orders: &str, archived: &str, buy: &MediaBuy) {
    let longer = MediaBuy { media_buy_id: format!("{}6", buy.media_buy_id), ..buy.clone() };
    network.create(&longer);
    network.create(buy);
    let forgotten = Context { remote: Vec::new(), ..network.context() };
    network.run(|_| A::cancel_media_buy(forgotten, buy.clone())).unwrap();
    let archived: Vec<String> = network.objects(orders).iter().map(|order| field(order, archived)).collect();
    assert_eq!(archived, ["false", "true"], "the other buy's id only begins like it");
}

/// Cancels a buy, cancels it again, and cancels one that never existed. Returns the notes about the
/// last.
pub fn cancelled<A: Adapter, E>(network: &Network<A, E>, buy: &MediaBuy) -> Vec<String> {
    network.run(|ctx| A::cancel_media_buy(ctx, buy.clone())).unwrap();
    assert_eq!(network.status(buy).state, DeliveryState::Canceled);
    network.run(|ctx| A::cancel_media_buy(ctx, buy.clone())).unwrap();
    let other = MediaBuy { media_buy_id: "never_made".to_owned(), ..buy.clone() };
    let empty = Context { remote: Vec::new(), ..network.context() };
    network.run(|_| A::cancel_media_buy(empty, other)).unwrap().notes
}

/// Asserts that a cancelled buy delivers nothing more from a given day on.
pub fn delivers_no_more<A: Adapter, E>(network: &Network<A, E>, buy: &MediaBuy, later: &str) {
    let delivered = || network.delivery(buy, "2026-12-01", "2026-12-31").len();
    let before = delivered();
    network.at(later);
    assert_eq!(delivered(), before);
}

/// Asserts that every create that was cut off can be cancelled, and that all orders are archived
/// afterwards.
pub fn cancelled_wherever_it_was_cut_off<A: Adapter, E>(
    start: impl Fn() -> Network<A, E>,
    (orders, archived): (&str, &str),
    buy: &MediaBuy,
) {
    for cut in 1..40 {
        let network = start();
        network.host.cut_after(cut);
        let ctx = network.context();
        let survived = run(&network.host, || A::create_media_buy(ctx, buy.clone())).is_some();
        network.run(|ctx| A::cancel_media_buy(ctx, buy.clone())).unwrap();
        for order in network.objects(orders) {
            assert_eq!(field(&order, archived), "true", "cut after {cut}");
        }
        if survived {
            return;
        }
    }
    panic!("the operation never came to its end");
}

/// Asserts that a report that takes longer than the call is requested again later. Returns the
/// delay in milliseconds.
pub fn not_ready<A: Adapter, E>(network: &Network<A, E>, buy: &MediaBuy) -> Option<u64> {
    network.at("2026-12-10T00:00:00Z");
    let range = DateRange { first: "2026-12-01".to_owned(), last: "2026-12-31".to_owned() };
    let short = Context { deadline: "2026-12-10T00:02:00Z".to_owned(), ..network.context() };
    let failure = network.run(|_| A::get_delivery(short, vec![network.remote_buy(buy)], range)).unwrap_err();
    assert_eq!(failure.code, "report_not_ready");
    failure.retry_after_ms
}

/// Makes buys of one package each on one platform. Returns them in the form in which the host asks
/// about them.
pub fn many<A: Adapter, E>(network: &Network<A, E>, number: usize, buy: &MediaBuy) -> Vec<RemoteBuy> {
    let made = |number| {
        network.host.forget_all();
        let buy = MediaBuy { media_buy_id: format!("{}_{number}", buy.media_buy_id), ..buy.clone() };
        network.create(&buy);
        network.remote_buy(&buy)
    };
    (0..number).map(made).collect()
}
