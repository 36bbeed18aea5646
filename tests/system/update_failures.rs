//! An update while the ad server loses answers, fails, stalls or refuses: what was asked for holds afterwards, once.

use flightdeck_emulators::{
    control::faults::{Action, Rule},
    platform::Platform,
};
use futures::{StreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{Answer, BUYER, House, day};

/// How many houses stand side by side.
const AT_ONCE: usize = 4;

/// The requests of an update that change something.
const WRITES: [(&str, &str); 2] = [("PUT", "/v1/flight"), ("POST", "*geotargeting*")];

fn action(text: Value) -> Action {
    serde_json::from_value(text).expect("an action")
}

/// A house in which calls of the adapter end early, and a buy of two packages in it.
async fn with_a_buy() -> (House, String) {
    let mut house = House::empty("").await;
    let path = house.dir().join("flightdeck.toml");
    let config = std::fs::read_to_string(&path).expect("the configuration");
    let short = "in_doubt_wait = \"200ms\"\nlimits = { wall_time = \"2s\" }";
    std::fs::write(&path, config.replace("in_doubt_wait = \"200ms\"", short)).expect("the configuration is written");
    house.start(&[]).await;
    let buy = house.created(json!(["premium_sports", "news"])).await;
    (house, buy)
}

async fn change(house: &House, buy: &str) -> Answer {
    let request = json!({
        "flight_end_date": day(60),
        "packages": [
            { "package_id": "news", "budget": 7_000, "targeting_overlay": { "geo_region_any_of": ["US-NY"] } },
            { "package_id": "premium_sports", "active": false },
        ],
    });
    let path = format!("/v1/media-buys/{buy}");
    let headers = [("Idempotency-Key", "the-update"), ("Prefer", "wait=50")];
    house.try_call(BUYER, Method::PATCH, &path, Some(&request), &headers).await.expect("an answer")
}

/// The flight of a package.
fn flight(house: &House, package: &str) -> Value {
    let flights = house.kevel.platform().objects("flights").expect("flights");
    let mut found =
        flights.into_iter().filter(|flight| flight["Name"].as_str().is_some_and(|name| name.contains(package)));
    let flight = found.next().unwrap_or_else(|| panic!("no flight of {package}"));
    assert!(found.next().is_none(), "{package} has two flights");
    flight
}

async fn assert_changed_once(rule: Rule) {
    let what = format!("{rule:?}");
    let (house, buy) = with_a_buy().await;
    house.kevel.controls().faults.add(rule);
    let answer = change(&house, &buy).await;
    assert_eq!(answer.body["status"], "accepted", "{what}: {:#}\n{}", answer.body, house.log());
    assert!(answer.body["implementation_date"].is_string(), "{what}: {:#}", answer.body);
    house.assert_faults_happened();
    assert_eq!(flight(&house, "news")["Impressions"], 1_120_000, "{what}");
    assert_eq!(flight(&house, "premium_sports")["IsActive"], false, "{what}");
    let count = |kind: &str| house.kevel.platform().count(kind);
    assert_eq!((count("campaigns"), count("flights"), count("geotargeting")), (1, 2, 1), "{what}");
}

async fn each(actions: Vec<Action>) {
    let rules =
        actions.into_iter().flat_map(|action| WRITES.map(|(method, path)| Rule::new(method, path, action.clone())));
    stream::iter(rules).for_each_concurrent(AT_ONCE, assert_changed_once).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_changes_nothing_twice() {
    each(vec![
        Action::DropAfterActing,
        Action::DropBeforeActing,
        action(json!({ "stall_after_acting": { "ms": 600_000 } })),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_that_pass_are_waited_for_before_and_after_acting() {
    let fail = |status: u16| action(json!({ "fail": { "status": status } }));
    let fail_after = action(json!({ "fail_after_acting": { "status": 500 } }));
    each(vec![fail(429), fail(500), fail(503), fail_after]).await;
}

#[tokio::test]
async fn the_first_refused_package_ends_the_update_and_is_named() {
    let (house, buy) = with_a_buy().await;
    let refuse = action(json!({ "fail": { "status": 400, "body": "this flight is locked" } }));
    let mut second = Rule::new("PUT", "/v1/flight", refuse);
    second.after = 1;
    house.kevel.controls().faults.add(second);
    let path = format!("/v1/media-buys/{buy}/packages");
    let request = json!({ "packages": [
        { "package_id": "news", "budget": 7_000 },
        { "package_id": "premium_sports", "budget": 1_250 },
    ]});
    let answer = house.patch(BUYER, &path, request).await;
    assert_eq!(answer.body["status"], "failed", "{:#}", answer.body);
    let reason = answer.text("/reason");
    assert!(reason.contains("premium_sports") && reason.contains("this flight is locked"), "{reason}");
    assert_eq!(answer.body["affected_packages"], json!(["news"]));
    assert_eq!(flight(&house, "news")["Impressions"], 1_120_000);
    assert_eq!(flight(&house, "premium_sports")["Impressions"], 400_000, "as it was bought");
    // What was changed is what the host knows, and what was refused is as before.
    let listed = house.get(BUYER, "/v1/media-buys").await;
    let packages = listed.body["media_buys"][0]["packages"].as_array().expect("packages").clone();
    let budget =
        |id: &str| packages.iter().find(|package| package["package_id"] == id).map(|package| package["budget"].clone());
    assert_eq!((budget("news"), budget("premium_sports")), (Some(json!(7000)), Some(json!(5000))), "{packages:#?}");
}
