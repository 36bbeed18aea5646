//! An operation ends with what it began with: the configuration changes while it is in the middle of its steps.

use std::time::Duration;

use flightdeck_emulators::{
    control::faults::{Action, Rule},
    kevel::{Kevel, Options},
};
use serde_json::{Value, json};

use crate::{
    crash::lags,
    house::{BUYER, House, PATIENCE, REVIEWER, today},
};

/// A house whose host is stopped after the ad server has made the campaign of a create and has not answered; the create's task.
async fn stopped_in_the_middle() -> (House, String) {
    let mut house = House::empty("").await;
    house.start(&[]).await;
    lags(house.kevel.controls());
    house.kevel.controls().faults.add(Rule::new("POST", "/v1/campaign", Action::DropAfterActing));
    // Nothing after it goes on, until the host is started anew.
    let busy: Action = serde_json::from_value(json!({ "fail": { "status": 503 } })).expect("an action");
    let mut lookups = Rule::new("GET", "/v1/campaign", busy.clone());
    lookups.times = 1_000_000;
    house.kevel.controls().faults.add(lookups);
    let mut searches = Rule::new("POST", "/v1/campaign/search", busy);
    searches.times = 1_000_000;
    house.kevel.controls().faults.add(searches);
    let request = json!({ "packages": ["news"], "total_budget": 1_000, "flight_start_date": today() });
    let created = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    let task = created.text("/task_id");
    house.approve(&task).await.expect(200);
    let made = tokio::time::Instant::now() + PATIENCE;
    while house.kevel.platform().count("campaigns") == 0 {
        assert!(tokio::time::Instant::now() < made, "no campaign was made: {}", house.log());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    house.stop().await;
    house.kevel.controls().faults.clear();
    (house, task)
}

fn configure(house: &House, from: &str, to: &str) {
    let path = house.dir().join("flightdeck.toml");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    assert!(text.contains(from), "{text}");
    std::fs::write(&path, text.replace(from, to)).expect("the configuration is written");
}

/// The only campaign of the ad server, once its lists show it: what is archived is in a list of its own.
async fn campaign(house: &House, archived: bool) -> Value {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let list = format!("{}/v1/campaign?isArchived={archived}", house.kevel.url);
        let asked = house.client.get(list).header("X-Adzerk-ApiKey", "test-key");
        let list: Value = asked.send().await.expect("an answer").json().await.expect("JSON");
        if let Some([campaign]) = list["items"].as_array().map(Vec::as_slice) {
            return campaign.clone();
        }
        assert!(tokio::time::Instant::now() < until, "{list:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_create_ends_in_the_advertiser_in_which_it_began() {
    let (mut house, task) = stopped_in_the_middle().await;
    configure(&house, "advertiser_id = \"1001\"", "advertiser_id = \"1002\"");
    house.start(&[]).await;
    let closed = house.task_closed(&task).await;
    assert_eq!(closed.body["status"], "completed", "{:#}\n{}", closed.body, house.log());
    let counts = (house.kevel.platform().count("campaigns"), house.kevel.platform().count("flights"));
    assert_eq!(counts, (1, 1), "looked up and not made again\n{}", house.log());
    assert_eq!(campaign(&house, false).await["AdvertiserId"], 1001);
}

#[tokio::test]
async fn what_is_undone_is_undone_where_it_began() {
    let (mut house, task) = stopped_in_the_middle().await;
    configure(&house, "advertiser_id = \"1001\"", "advertiser_id = \"1002\"");
    let refusal: Action =
        serde_json::from_value(json!({ "fail": { "status": 400, "body": "no" } })).expect("an action");
    let mut flights = Rule::new("POST", "/v1/flight", refusal);
    flights.times = 1_000;
    house.kevel.controls().faults.add(flights);
    house.start(&[]).await;
    let closed = house.task_closed(&task).await;
    assert_eq!(closed.body["status"], "failed", "{:#}\n{}", closed.body, house.log());
    assert_eq!(house.kevel.platform().count("campaigns"), 1, "{}", house.log());
    let campaign = campaign(&house, true).await;
    assert_eq!((&campaign["AdvertiserId"], &campaign["IsActive"]), (&json!(1001), &json!(false)), "{campaign:#}");
}

#[tokio::test]
async fn a_create_that_began_on_another_ad_server_asks_a_person_and_goes_on_when_it_is_back() {
    let (mut house, task) = stopped_in_the_middle().await;
    let other =
        Kevel::start(Options { api_key: "test-key".to_owned(), ..Options::default() }).await.expect("another one");
    house.start(&[("KEVEL_ENDPOINT", other.url.as_str())]).await;
    let path = "/v1/tasks?task_type=reconciliation";
    let asked = house.until(REVIEWER, path, |answer| answer.body["total_count"] == 1).await;
    let reconciliation = asked.text("/tasks/0/task_id");
    let words = asked.body.to_string();
    assert!(words.contains(&house.kevel.url) && words.contains(&other.url), "both addresses are named: {words}");
    assert_eq!(other.platform().count("campaigns"), 0);
    house.stop().await;

    house.start(&[]).await;
    house.approve(&reconciliation).await.expect(200);
    let closed = house.task_closed(&task).await;
    assert_eq!(closed.body["status"], "completed", "{:#}\n{}", closed.body, house.log());
    let made = |counts: &dyn Fn(&str) -> usize| ["campaigns", "flights"].map(counts);
    assert_eq!(made(&|of| house.kevel.platform().count(of)), [1, 1]);
    assert_eq!(made(&|of| other.platform().count(of)), [0, 0]);
}
