//! The host looks after open buys by itself.

use flightdeck_emulators::{control::faults::Rule, platform::Platform};
use futures::{StreamExt, stream};
use serde_json::{Value, json};

use crate::{
    house::{Answer, BUYER, House, REVIEWER, day, today},
    receiver::Receiver,
    servers::{Endpoints, Servers},
};

/// How many buys there are.
const BUYS: usize = 60;

/// A configuration that lets webhooks be sent to this machine.
pub(crate) const WEBHOOKS: &str = "[webhooks]\nallow_http = true\nallow_private = [\"127.0.0.0/8\"]\n";

/// Somebody pauses a campaign on the ad server.
async fn pause_by_hand(house: &House, campaign: &Value) {
    switch_by_hand(house, campaign, false).await;
}

async fn switch_by_hand(house: &House, campaign: &Value, active: bool) {
    let mut campaign = campaign.clone();
    campaign["IsActive"] = json!(active);
    let url = format!("{}/v1/campaign/{}", house.kevel.url, campaign["Id"]);
    let answer = house.client.put(url).header("X-Adzerk-ApiKey", "test-key").json(&campaign).send().await;
    let answer = answer.expect("the ad server answers");
    assert!(answer.status().is_success(), "{} {:?}", answer.status(), answer.text().await);
}

fn in_status(answer: &Answer, status: &str) -> usize {
    let buys = answer.body["media_buys"].as_array().cloned().unwrap_or_default();
    buys.iter().filter(|buy| buy["status"] == status).count()
}

#[tokio::test]
async fn what_changes_on_the_ad_server_is_noticed_though_nobody_asks_and_in_few_questions() {
    let mut house = House::empty("approvals = []\n").await;
    let path = house.dir().join("flightdeck.toml");
    let config = std::fs::read_to_string(&path).expect("the configuration").replace("approvals = []\n", "");
    let config = config.replace("lease = \"1s\"", "lease = \"1s\"\nstatus_refresh = \"2s\"");
    std::fs::write(&path, format!("approvals = []\n{config}")).expect("the configuration is written");
    house.start(&[]).await;
    let request = json!({ "packages": ["news"], "total_budget": 1_000 });
    stream::iter(0..BUYS)
        .for_each_concurrent(8, |_| async {
            house.post(BUYER, "/v1/media-buys", request.clone()).await.expect(200);
        })
        .await;
    let campaigns: Vec<Value> = house.kevel.platform().objects("campaigns").expect("campaigns");
    assert_eq!(campaigns.len(), BUYS);
    for campaign in &campaigns {
        pause_by_hand(&house, campaign).await;
    }
    let asked = || house.kevel.controls().log.summary().total;
    let (before, since) = (asked(), tokio::time::Instant::now());
    let all_paused = |answer: &Answer| in_status(answer, "paused") == BUYS;
    house.until(BUYER, "/v1/media-buys?limit=200", all_paused).await;
    // A round takes two seconds, and has far fewer requests than buys, however slow this machine is.
    let rounds = since.elapsed().as_secs() / 2 + 2;
    let questions = asked() - before;
    assert!(questions < rounds * BUYS as u64, "{questions} requests in {rounds} rounds");
}

/// A receiver of what is told of buys' statuses.
pub(crate) async fn listening(house: &House) -> Receiver {
    let receiver = Receiver::start().await;
    let body = json!({ "url": receiver.url, "events": ["media_buy.status_changed"] });
    house.post(BUYER, "/v1/webhooks", body).await.expect(200);
    receiver
}

/// Waits until the flight of the only buy has begun: one that starts today begins with the next full second.
pub(crate) async fn begun(house: &House) {
    let start = house.get(BUYER, "/v1/media-buys").await.text("/media_buys/0/flight_start_date");
    let start = time::OffsetDateTime::parse(&start, &time::format_description::well_known::Rfc3339).expect("a moment");
    while time::OffsetDateTime::now_utc() <= start {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// The statuses that were told of, in order, once so many were.
pub(crate) async fn told(receiver: &Receiver, count: usize) -> Vec<String> {
    let hooks = receiver.until(|hooks| hooks.len() >= count).await;
    hooks.iter().map(|hook| hook.json()["data"]["status"].as_str().expect("a status").to_owned()).collect()
}

#[tokio::test]
async fn a_change_of_a_buy_that_was_paused_by_hand_tells_of_no_status_that_it_never_had() {
    let mut house = House::empty(WEBHOOKS).await;
    house.start(&[]).await;
    let receiver = listening(&house).await;
    let buy = house.created(json!(["news"])).await;
    let status = format!("/v1/media-buys/{buy}/status");
    let campaign = || house.kevel.platform().objects("campaigns").expect("campaigns")[0].clone();
    let is = |wanted: &'static str| move |answer: &Answer| answer.body["status"] == wanted;
    pause_by_hand(&house, &campaign()).await;
    house.until(BUYER, &status, is("paused")).await;
    let raise = json!({ "total_budget": 12_000 });
    house.patch(BUYER, &format!("/v1/media-buys/{buy}"), raise).await.expect(200);
    let listed = house.get(BUYER, "/v1/media-buys").await;
    assert_eq!(listed.text("/media_buys/0/status"), "paused", "{:#}", listed.body);
    assert_eq!(house.get(BUYER, &status).await.text("/status"), "paused");
    switch_by_hand(&house, &campaign(), true).await;
    house.until(BUYER, &status, is("pending_activation")).await;
    assert_eq!(told(&receiver, 4).await, ["pending_manual", "pending_activation", "paused", "pending_activation"]);
}

#[tokio::test]
async fn what_a_change_made_of_a_buy_is_asked_at_once_though_nobody_asks() {
    let mut house = House::empty(WEBHOOKS).await;
    house.start(&[]).await;
    let receiver = listening(&house).await;
    let buy = house.created(json!(["news"])).await;
    let path = format!("/v1/media-buys/{buy}");
    house.patch(BUYER, &path, json!({ "active": false })).await.expect(200);
    let listed = house.get(BUYER, "/v1/media-buys").await;
    assert_eq!(listed.text("/media_buys/0/status"), "paused", "the host knows that by itself: {:#}", listed.body);
    house.patch(BUYER, &path, json!({ "active": true })).await.expect(200);
    assert_eq!(told(&receiver, 4).await, ["pending_manual", "pending_activation", "paused", "pending_activation"]);
    begun(&house).await;
    let assets = json!({ "assets": [{
        "creative_id": "b", "name": "b", "format": "image", "media_url": "https://cdn.example.com/b.jpg",
        "click_url": "https://example.com/", "width": 300, "height": 250, "package_assignments": ["news"],
    }]});
    house.post(BUYER, &format!("{path}/creative-assets"), assets).await.expect(200);
    assert_eq!(told(&receiver, 5).await.last().map(String::as_str), Some("active"));
    house.until(BUYER, "/v1/media-buys", |answer| in_status(answer, "active") == 1).await;
}

#[tokio::test]
async fn an_upload_that_the_ad_server_reviews_is_not_told_as_active() {
    let mut servers = Servers::with(WEBHOOKS, |gam, triton| Endpoints {
        gam: format!("\"{gam}\""),
        triton: format!("\"{triton}\""),
        login: format!("\"{triton}/login\""),
    })
    .await;
    // A trafficker approves orders there, whenever that is.
    let path = servers.house.dir().join("flightdeck.toml");
    let line = "trafficker_id = \"5001\"";
    let config = std::fs::read_to_string(&path).expect("the configuration");
    assert!(config.contains(line));
    let config = config.replace(line, &format!("{line}, approve_orders = false"));
    std::fs::write(&path, config).expect("the configuration is written");
    servers.house.start(&[]).await;
    let (house, server) = (&servers.house, servers.server("gam"));
    let receiver = listening(house).await;
    let request = json!({
        "packages": server.packages, "total_budget": 10_000, "flight_start_date": today(), "flight_end_date": day(30),
    });
    let created = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    let buy = created.text("/media_buy_id");
    house.approve(&created.text("/task_id")).await.expect(200);
    assert_eq!(house.task_closed(&created.text("/task_id")).await.text("/status"), "completed");
    begun(house).await;
    let assets = json!({ "assets": [server.creative("first")] });
    house.post(BUYER, &format!("/v1/media-buys/{buy}/creative-assets"), assets).await.expect(200);
    assert_eq!(told(&receiver, 3).await, ["pending_manual", "pending_activation", "pending_approval"]);
}

#[tokio::test]
async fn a_buy_that_is_held_up_by_a_permission_is_known_as_such_at_once() {
    let mut house = House::empty(WEBHOOKS).await;
    house.start(&[]).await;
    let receiver = listening(&house).await;
    let buy = house.created(json!(["news"])).await;
    let forbidden = serde_json::from_value(json!({ "fail": { "status": 403 } })).expect("an action");
    house.kevel.controls().faults.add(Rule::new("PUT", "/v1/flight", forbidden));
    let raise = json!({ "packages": [{ "package_id": "news", "budget": 12_000 }] });
    let waiting = house.patch(BUYER, &format!("/v1/media-buys/{buy}"), raise).await.expect(202);
    let path = "/v1/tasks?task_type=permission_exception";
    let tasks = house.until(REVIEWER, path, |answer| answer.body["total_count"] == 1).await;
    let statuses = ["pending_manual", "pending_activation", "pending_permission", "pending_activation"];
    assert_eq!(told(&receiver, 3).await, statuses[..3], "{:#}", waiting.body);
    house.approve(&tasks.text("/tasks/0/task_id")).await.expect(200);
    assert_eq!(told(&receiver, 4).await, statuses);
}
