//! One media buy on two ad servers: one approval, one status, one report; and if one of them finally refuses, what the other
//! made is cancelled there.

use flightdeck_emulators::{
    Running,
    control::faults::{Action, Rule},
    kevel::{Kevel, Options},
    platform::Platform,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    crash::{at_every_point, closed, decisions, insist},
    house::{Answer, BUYER, House, REVIEWER, day, today},
};

/// A host with two ad servers. The packages `news` and `premium_sports` live on the first, `elsewhere` on the second.
struct Pair {
    house: House,
    second: Running<Kevel>,
}

impl Pair {
    async fn empty() -> Self {
        let options = Options { api_key: "test-key".to_owned(), ..Options::default() };
        let second = Kevel::start(options).await.expect("the second emulator starts");
        let url = second.url.clone();
        let house = House::with(&["second"], |_| second_platform(&url)).await;
        let path = house.dir().join("flightdeck.toml");
        let config = std::fs::read_to_string(&path).expect("the configuration");
        let config = config.replace("advertiser_id = \"7\"", "advertiser_id = \"1001\"");
        std::fs::write(&path, config).expect("the configuration is written");
        Self { house, second }
    }

    async fn new() -> Self {
        let mut pair = Self::empty().await;
        pair.house.start(&[]).await;
        pair
    }

    /// Campaigns and flights on the first and on the second, archived ones included.
    fn counts(&self) -> [(usize, usize); 2] {
        [self.house.kevel.platform(), self.second.platform()]
            .map(|server| (all(server, "campaigns").len(), all(server, "flights").len()))
    }

    /// What may still deliver.
    fn running(&self) -> Vec<Value> {
        let servers = [self.house.kevel.platform(), self.second.platform()];
        let campaigns = servers.into_iter().flat_map(|server| all(server, "campaigns"));
        campaigns.filter(|campaign| campaign["IsActive"] == true && campaign["IsArchived"] != true).collect()
    }
}

fn all(server: &Kevel, kind: &str) -> Vec<Value> {
    server.objects(kind).expect("the kind")
}

fn second_platform(url: &str) -> String {
    let adapter = flightdeck_test_support::component("flightdeck-adapter-kevel");
    format!(
        "[[platforms]]\nname = \"second\"\nadapter = \"{}\"\nendpoint = \"{url}\"\nallow_private = [\"127.0.0.0/8\"]\n\
         auth = {{ scheme = \"header\", name = \"X-Adzerk-ApiKey\", value = {{ env = \"KEVEL_API_KEY\" }} }}\n\
         in_doubt_wait = \"200ms\"\n\n\
         [[products]]\nid = \"elsewhere\"\nname = \"elsewhere\"\nplatform = \"second\"\nformats = [\"image\"]\ncpm = 10\n\
         settings = {{ priority_id = 3002 }}\n",
        adapter.display()
    )
}

fn refusal() -> Action {
    serde_json::from_value(json!({ "fail": { "status": 400, "body": "no such priority here" } })).expect("an action")
}

fn request() -> Value {
    json!({ "packages": ["news", "elsewhere"], "total_budget": 10_000, "flight_start_date": today() })
}

#[tokio::test]
async fn one_buy_on_two_ad_servers_has_one_approval_one_status_and_one_report() {
    let pair = Pair::new().await;
    let house = &pair.house;
    let created = house.post(BUYER, "/v1/media-buys", request()).await.expect(202);
    let (buy, task) = (created.text("/media_buy_id"), created.text("/task_id"));
    assert!(buy.starts_with("multi_"), "{buy}");
    let shown = house.get(REVIEWER, &format!("/v1/tasks/{task}")).await;
    assert_eq!(shown.body["plan"].as_array().map(Vec::len), Some(2), "{:#}", shown.body["plan"]);
    assert_eq!(pair.counts(), [(0, 0), (0, 0)], "nothing before the approval");
    house.approve(&task).await.expect(200);
    assert_eq!(house.task_closed(&task).await.text("/status"), "completed");
    assert_eq!(pair.counts(), [(1, 1), (1, 1)]);

    let assets = json!({ "assets": [{
        "creative_id": "b", "name": "b", "format": "image", "media_url": "https://cdn.example.com/b.jpg",
        "click_url": "https://example.com/", "width": 300, "height": 250, "package_assignments": ["news", "elsewhere"],
    }]});
    house.post(BUYER, &format!("/v1/media-buys/{buy}/creative-assets"), assets).await.expect(200);
    let path = format!("/v1/media-buys/{buy}/status");
    let active = house.until(BUYER, &path, |answer| answer.body["status"] == "active").await;
    assert_eq!(active.body["package_statuses"].as_array().map(Vec::len), Some(2), "{:#}", active.body);

    for clock in [&house.kevel.controls().clock, &pair.second.controls().clock] {
        clock.advance(std::time::Duration::from_secs(5 * 86_400));
    }
    let path = format!("/v1/media-buys/{buy}/delivery?start_date={}&end_date={}", today(), day(5));
    let delivery = house.get(BUYER, &path).await.expect(200);
    let by_package = delivery.body["by_package"].as_array().expect("packages").clone();
    let spend: f64 = by_package.iter().filter_map(|package| package["spend"].as_f64()).sum();
    assert!(by_package.iter().all(|package| package["impressions"].as_i64() > Some(0)), "{:#}", delivery.body);
    assert!((delivery.body["totals"]["spend"].as_f64().expect("a total") - spend).abs() < 1e-6);
}

#[tokio::test]
async fn an_update_reaches_just_the_ad_server_that_it_concerns() {
    let pair = Pair::new().await;
    let buy = pair.house.created(json!(["news", "elsewhere"])).await;
    pair.house.kevel.controls().log.clear();
    pair.second.controls().log.clear();
    let change = json!({ "packages": [{ "package_id": "elsewhere", "budget": 7_000 }] });
    let path = format!("/v1/media-buys/{buy}/packages");
    let updated = pair.house.patch(BUYER, &path, change).await.expect(200);
    assert_eq!(updated.body["affected_packages"], json!(["elsewhere"]));
    assert_eq!(pair.house.kevel.controls().log.summary().total, 0, "nothing of it lives there");
    assert_eq!(all(pair.second.platform(), "flights")[0]["Impressions"], 700_000);
    let paused = pair.house.patch(BUYER, &format!("/v1/media-buys/{buy}"), json!({ "active": false })).await;
    paused.expect(200);
    assert!(pair.running().is_empty(), "a change of the whole buy reaches both");
}

#[tokio::test]
async fn when_one_finally_refuses_what_the_other_made_is_cancelled_there() {
    let pair = Pair::new().await;
    pair.second.controls().faults.add(Rule::new("POST", "/v1/flight", refusal()));
    let created = pair.house.post(BUYER, "/v1/media-buys", request()).await.expect(202);
    let task = created.text("/task_id");
    pair.house.approve(&task).await.expect(200);
    let ended = pair.house.task_closed(&task).await;
    assert_eq!(ended.text("/status"), "failed");
    let reason = ended.text("/resolution_detail");
    assert!(reason.contains("second") && reason.contains("no such priority here"), "{reason}");
    assert_eq!(pair.counts(), [(1, 1), (1, 0)], "each was made once");
    assert!(pair.running().is_empty(), "{:#?}", pair.running());
    let path = format!("/v1/media-buys/{}/status", created.text("/media_buy_id"));
    assert_eq!(pair.house.get(BUYER, &path).await.text("/status"), "failed");
}

#[tokio::test]
async fn what_could_not_be_cancelled_is_a_persons_task() {
    let pair = Pair::new().await;
    pair.second.controls().faults.add(Rule::new("POST", "/v1/flight", refusal()));
    let mut locked = Rule::new("PUT", "/v1/campaign", refusal());
    locked.times = 0;
    pair.house.kevel.controls().faults.add(locked);
    let created = pair.house.post(BUYER, "/v1/media-buys", request()).await.expect(202);
    pair.house.approve(&created.text("/task_id")).await.expect(200);
    let path = "/v1/tasks?task_type=reconciliation";
    let tasks = pair.house.until(REVIEWER, path, |answer| answer.body["total_count"] == 1).await;
    let (task, reason) = (tasks.text("/tasks/0/task_id"), tasks.text("/tasks/0/error_detail"));
    assert!(reason.contains("kevel") && reason.contains("could not be cancelled"), "{reason}");
    // Somebody unlocks it there; then the host cancels by itself.
    pair.house.kevel.controls().faults.clear();
    pair.house.approve(&task).await.expect(200);
    let ended = pair.house.task_closed(&created.text("/task_id")).await;
    assert_eq!(ended.text("/status"), "failed");
    assert!(ended.text("/resolution_detail").contains("no such priority here"), "{:#}", ended.body);
    assert!(pair.running().is_empty(), "{:#?}", pair.running());
}

/// Approves a create on both ad servers while the host dies at a point; the closed task, and whether it died.
async fn approved(pair: &mut Pair, point: usize) -> (Answer, bool) {
    pair.house.start(&[("FLIGHTDECK_FAULT_AT", &point.to_string())]).await;
    let house = &mut pair.house;
    let (created, died_creating) = insist(house, BUYER, Method::POST, "/v1/media-buys", &request(), "create-1").await;
    let task = created.expect(202).text("/task_id");
    let path = format!("/v1/tasks/{task}/complete");
    let decision = json!({ "resolution": "approved" });
    let (decided, died_deciding) = insist(house, REVIEWER, Method::POST, &path, &decision, "decide-1").await;
    decided.expect(200);
    let (task, died_running) = closed(house, &task).await;
    assert_eq!(decisions(&task), 1, "died at point {point}: {:#}", task.body);
    (task, died_creating || died_deciding || died_running)
}

async fn create_and_die(point: usize) -> bool {
    let mut pair = Pair::empty().await;
    let (task, died) = approved(&mut pair, point).await;
    assert_eq!(task.body["status"], "completed", "died at point {point}: {:#}", task.body);
    assert_eq!(pair.counts(), [(1, 1), (1, 1)], "died at point {point}\n{}", pair.house.log());
    died
}

async fn refused_and_die(point: usize) -> bool {
    let mut pair = Pair::empty().await;
    let mut refused = Rule::new("POST", "/v1/flight", refusal());
    refused.times = 0;
    pair.second.controls().faults.add(refused);
    let (task, died) = approved(&mut pair, point).await;
    assert_eq!(task.body["status"], "failed", "died at point {point}: {:#}", task.body);
    assert_eq!(pair.counts(), [(1, 1), (1, 0)], "died at point {point}\n{}", pair.house.log());
    assert!(pair.running().is_empty(), "died at point {point}: {:#?}", pair.running());
    died
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_on_two_ad_servers_survives_death_at_every_point_and_happens_once_on_each() {
    let points = at_every_point(create_and_die).await;
    assert!(points > 25, "only {points} points: the faults are not where they should be");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_that_one_refuses_survives_death_at_every_point_and_leaves_nothing_running() {
    let points = at_every_point(refused_and_die).await;
    assert!(points > 25, "only {points} points: the faults are not where they should be");
}
