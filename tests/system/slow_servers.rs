//! Ad servers that take longer than anybody waits: minutes, an hour, and act in the end. Times are scaled by settings: a host that waits a
//! second for an answer is to an ad server that takes three what one that waits a minute is to one that takes three.

use std::collections::BTreeMap;

use flightdeck_emulators::control::{
    faults::{Action, Rule},
    references::{self, Count},
    settings::Change,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    house::{BUYER, House, OPERATOR, PATIENCE, REVIEWER, today},
    servers::{Server, Servers},
};

/// Ad servers, and a host that gives up on an answer after a second, takes `bound` for the time that they may go on, and looks for what it
/// lost every second. It is not started yet.
pub(crate) async fn impatient(bound: &str) -> Servers {
    let servers = Servers::empty().await;
    let path = servers.house.dir().join("flightdeck.toml");
    let config = std::fs::read_to_string(&path).expect("the configuration");
    let looks = vec!["\"1s\""; 120].join(", ");
    let limits = "limits = { first_byte_time = \"1s\", wall_time = \"10s\" }";
    let config = config
        .replace("processing_bound = \"300ms\"", &format!("processing_bound = \"{bound}\"\n{limits}"))
        .replace("[operations]\n", &format!("[operations]\nlook_again = [{looks}]\n"));
    assert_eq!(config.matches(limits).count(), 3, "{config}");
    std::fs::write(&path, config).expect("it is written");
    servers
}

/// Has the ad server do this with every other write: with the first try of each, if each is tried twice.
fn first_tries(server: Server<'_>, action: &Action) {
    // A rule sees what no rule before it met: one second try for each of them.
    for after in 0..40 {
        let rule = Rule::every_write(action.clone());
        server.controls.faults.add(Rule { after, times: 1, ..rule });
    }
}

/// What carries each step's reference on an ad server.
fn carried(server: Server<'_>) -> BTreeMap<String, Count> {
    references::all(server.platform)
}

/// A buy of one package with a creative in it, carried out whatever the ad server does.
async fn bought(house: &House, server: Server<'_>) -> String {
    let request = json!({ "packages": [server.packages[0]], "total_budget": 1_000, "flight_start_date": today() });
    let created = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    house.approve(&created.text("/task_id")).await.expect(200);
    let closed = house.task_closed(&created.text("/task_id")).await;
    assert_eq!(closed.body["status"], "completed", "{:#}\n{}", closed.body, house.log());
    let buy = created.text("/media_buy_id");
    let mut creative = server.creative("first");
    creative["package_assignments"] = json!([server.packages[0]]);
    let path = format!("/v1/media-buys/{buy}/creative-assets");
    let assets = json!({ "assets": [creative] });
    let added =
        house.try_call(BUYER, Method::POST, &path, Some(&assets), &[("Prefer", "wait=0")]).await.expect("an answer");
    let operation = format!("/v1/operations/{}", added.expect(202).text("/operation_id"));
    let ended = |answer: &crate::house::Answer| matches!(answer.body["state"].as_str(), Some("succeeded" | "failed"));
    let operation = house.until(BUYER, &operation, ended).await;
    assert_eq!(operation.text("/state"), "succeeded", "{:#}\n{}", operation.body, house.log());
    buy
}

/// Waits until no reference is on more than one active object, and a person was told of each second one but `drafts`: those could never
/// deliver.
async fn until_one_is_active(house: &House, server: Server<'_>, drafts: usize) -> Vec<Value> {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let counts = carried(server);
        let second = counts.values().filter(|count| count.total > 1).count();
        let tasks = house.get(REVIEWER, "/v1/tasks?task_type=reconciliation").await.expect(200);
        let tasks = tasks.body["tasks"].as_array().cloned().unwrap_or_default();
        if counts.values().all(|count| count.active <= 1) && tasks.len() + drafts >= second {
            return tasks;
        }
        assert!(tokio::time::Instant::now() < until, "{counts:#?}\n{tasks:#?}\n{}", house.log());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// The first try of each write is held until everything has long ended, and then carried out.
async fn held_for_an_hour(name: &str) {
    let mut servers = impatient("500ms").await;
    servers.house.start(&[]).await;
    let (house, server) = (&servers.house, servers.server(name));
    first_tries(server, &Action::Hold { hang_up: false });
    let buy = bought(house, server).await;
    let before = carried(server);
    assert!(before.values().all(|count| count.total == 1), "{before:#?}");
    server.controls.faults.clear();
    let late = server.controls.held.release().await;
    assert!(late >= 3, "order, item and creative were held: {late}");
    let after = carried(server);
    assert!(after.values().any(|count| count.total > 1), "what came late made something: {after:#?}");
    // An order of Ad Manager that nobody submits stays a draft, and a creative of Triton that is in no flight is shown to nobody.
    let drafts = usize::from(name != "kevel");
    let tasks = until_one_is_active(house, server, drafts).await;
    // What the buy had before is what it has now, and it runs.
    for (reference, count) in carried(server) {
        assert_eq!(count.active, 1, "{reference} was stopped whole\n{}", house.log());
    }
    assert_eq!(server.running().len(), 1, "{:#?}", server.running());
    let status = house.get(BUYER, &format!("/v1/media-buys/{buy}/status")).await.expect(200);
    assert_ne!(status.body["status"], "failed", "{:#}", status.body);
    // Somebody has looked at what it delivered.
    for task in &tasks {
        assert!(task["error_detail"].as_str().is_some_and(|words| words.contains("got no answer")), "{task:#}");
        let path = format!("/v1/tasks/{}/complete", task["task_id"].as_str().expect("an id"));
        let seen = json!({ "resolution": "completed", "version": task["version"] });
        assert_eq!(house.post(REVIEWER, &path, seen).await.expect(200).text("/status"), "completed");
    }
    let audit = house.get(OPERATOR, "/v1/audit?limit=200").await.expect(200).body.to_string();
    assert!(audit.contains("operation.duplicate_found") && audit.contains("operation.duplicate_stopped"), "{audit}");
    let counted = house.get(OPERATOR, "/metrics").await.expect(200);
    let line = format!("flightdeck_duplicates_total{{platform=\"{name}\"}}");
    assert!(counted.body.as_str().is_some_and(|text| text.contains(&line)), "{line}");
}

#[tokio::test]
async fn what_kevel_holds_for_an_hour_is_stopped_when_it_comes() {
    held_for_an_hour("kevel").await;
}

#[tokio::test]
async fn what_ad_manager_holds_for_an_hour_is_stopped_when_it_comes() {
    held_for_an_hour("gam").await;
}

#[tokio::test]
async fn what_triton_holds_for_an_hour_is_stopped_when_it_comes() {
    held_for_an_hour("triton").await;
}

/// Every write takes longer than the host listens, and not longer than the bound: it is made once, and nothing needs to be stopped.
async fn slower_than_a_request(name: &str) {
    let mut servers = impatient("6s").await;
    servers.house.start(&[]).await;
    let (house, server) = (&servers.house, servers.server(name));
    server.controls.faults.add(Rule::every_write(Action::stall(2_500)));
    bought(house, server).await;
    let counts = carried(server);
    assert!(counts.len() >= 3 && counts.values().all(|count| *count == Count { total: 1, active: 1 }), "{counts:#?}");
    let tasks = house.get(REVIEWER, "/v1/tasks?task_type=reconciliation").await.expect(200);
    assert_eq!(tasks.body["total_count"], 0, "{:#}", tasks.body);
}

#[tokio::test]
async fn a_kevel_that_is_slower_than_any_request_makes_nothing_twice() {
    slower_than_a_request("kevel").await;
}

#[tokio::test]
async fn an_ad_manager_that_is_slower_than_any_request_makes_nothing_twice() {
    slower_than_a_request("gam").await;
}

#[tokio::test]
async fn a_triton_that_is_slower_than_any_request_makes_nothing_twice() {
    slower_than_a_request("triton").await;
}

/// Lists that lag longer than the adapter declares: within the bound nothing is made twice, and beyond it a second one is stopped.
async fn lists_that_lag(name: &str) {
    for (bound, is_waited_for) in [("4s", true), ("0s", false)] {
        let mut servers = impatient(bound).await;
        servers.house.start(&[]).await;
        let (house, server) = (&servers.house, servers.server(name));
        // Three are declared.
        server.controls.settings.change(Change { lookup_lag_ms: Some(5_000), ..Change::default() });
        let mut lost = Rule::new("POST", server.item_path, Action::DropAfterActing);
        lost.times = 1;
        server.controls.faults.add(lost);
        bought(house, server).await;
        until_one_is_active(house, server, 0).await;
        let counts = carried(server);
        assert!(counts.values().all(|count| count.active == 1), "{counts:#?}");
        assert_eq!(counts.values().all(|count| count.total == 1), is_waited_for, "{bound}: {counts:#?}");
    }
}

#[tokio::test]
async fn lists_of_kevel_may_lag_longer_than_declared() {
    lists_that_lag("kevel").await;
}

#[tokio::test]
async fn lists_of_ad_manager_may_lag_longer_than_declared() {
    lists_that_lag("gam").await;
}

#[tokio::test]
async fn lists_of_triton_may_lag_longer_than_declared() {
    lists_that_lag("triton").await;
}

#[tokio::test]
async fn a_host_that_is_stopped_or_killed_in_mid_request_leaves_one_object() {
    for stops in [true, false] {
        let mut servers = impatient("2s").await;
        servers.house.start(&[]).await;
        for server in servers.all() {
            first_tries(server, &Action::stall(2_500));
        }
        let mut tasks = Vec::new();
        for server in servers.all() {
            let request =
                json!({ "packages": [server.packages[0]], "total_budget": 500, "flight_start_date": today() });
            let created = servers.house.post(BUYER, "/v1/media-buys", request).await.expect(202);
            servers.house.approve(&created.text("/task_id")).await.expect(200);
            tasks.push(created.text("/task_id"));
        }
        // Each order is on its way.
        let until = tokio::time::Instant::now() + PATIENCE;
        while servers.all().iter().any(|server| server.controls.faults.list().iter().all(|rule| rule.fired == 0)) {
            assert!(tokio::time::Instant::now() < until, "nothing was sent:\n{}", servers.house.log());
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        if stops {
            servers.house.stop().await;
        } else {
            servers.house.kill().await;
        }
        servers.house.start(&[]).await;
        for task in &tasks {
            let closed = servers.house.task_closed(task).await;
            assert_eq!(closed.body["status"], "completed", "{:#}\n{}", closed.body, servers.house.log());
        }
        for server in servers.all() {
            until_one_is_active(&servers.house, server, 0).await;
            let counts = carried(server);
            assert!(
                counts.values().all(|count| *count == Count { total: 1, active: 1 }),
                "{}: {counts:#?}",
                server.name
            );
        }
    }
}

/// A change is on its way when the buy is paused, and arrives after the pause: the buy rests all the same.
async fn paused_while_a_change_is_under_way(name: &str) {
    let mut servers = impatient("4s").await;
    servers.house.start(&[]).await;
    let (house, server) = (&servers.house, servers.server(name));
    let buy = bought(house, server).await;
    servers.pass(std::time::Duration::from_secs(600));
    assert_eq!(server.running().len(), 1);
    let path = format!("/v1/media-buys/{buy}");
    server.controls.faults.add(Rule { times: 1, ..Rule::every_write(Action::Hold { hang_up: true }) });
    let longer = json!({ "flight_end_date": crate::house::day(45) });
    let change = house.try_call(BUYER, Method::PATCH, &path, Some(&longer), &[("Prefer", "wait=0")]).await;
    let change = change.expect("an answer").expect(202).text("/operation_id");
    let until = tokio::time::Instant::now() + PATIENCE;
    while server.controls.held.count() == 0 {
        assert!(tokio::time::Instant::now() < until, "nothing was held:\n{}", house.log());
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let paused = house.patch(BUYER, &path, json!({ "active": false })).await.expect(200);
    assert_eq!(paused.text("/status"), "accepted", "{:#}", paused.body);
    assert!(server.running().is_empty(), "the pause waits for nobody");
    assert_eq!(server.controls.held.release().await, 1);
    let ended = |answer: &crate::house::Answer| matches!(answer.body["state"].as_str(), Some("succeeded" | "failed"));
    let change = house.until(BUYER, &format!("/v1/operations/{change}"), ended).await;
    assert_eq!(change.text("/state"), "succeeded", "{:#}\n{}", change.body, house.log());
    assert!(server.running().is_empty(), "{:#?}\n{}", server.running(), house.log());
}

#[tokio::test]
async fn on_kevel_a_pause_holds_whatever_arrives_after_it() {
    paused_while_a_change_is_under_way("kevel").await;
}

#[tokio::test]
async fn on_ad_manager_a_pause_holds_whatever_arrives_after_it() {
    paused_while_a_change_is_under_way("gam").await;
}

#[tokio::test]
async fn on_triton_a_pause_holds_whatever_arrives_after_it() {
    paused_while_a_change_is_under_way("triton").await;
}

/// Triton keeps a flight's creatives as one list, which each change sends whole. A change that is carried out long after its bound
/// must not take from the list what the same upload has added since.
#[tokio::test]
async fn a_list_of_creatives_that_arrives_late_on_triton_takes_none_away() {
    let mut servers = impatient("500ms").await;
    servers.house.start(&[]).await;
    let (house, server) = (&servers.house, servers.server("triton"));
    let buy = house.created(json!([server.packages[0]])).await;
    server.controls.faults.add(Rule::new("PUT", "/v1/flights*", Action::Hold { hang_up: true }));
    let assets: Vec<Value> = ["first", "second"]
        .map(|id| {
            let mut creative = server.creative(id);
            creative["package_assignments"] = json!([server.packages[0]]);
            creative
        })
        .to_vec();
    let (path, assets) = (format!("/v1/media-buys/{buy}/creative-assets"), json!({ "assets": assets }));
    let uploaded = house.try_call(BUYER, Method::POST, &path, Some(&assets), &[("Prefer", "wait=0")]).await;
    let operation = uploaded.expect("an answer").expect(202).text("/operation_id");
    let ended = |answer: &crate::house::Answer| matches!(answer.body["state"].as_str(), Some("succeeded" | "failed"));
    let operation = house.until(BUYER, &format!("/v1/operations/{operation}"), ended).await;
    assert_eq!(operation.text("/state"), "succeeded", "{:#}\n{}", operation.body, house.log());
    assert_eq!(server.associations().len(), 2);
    assert_eq!(server.controls.held.release().await, 1);
    assert_eq!(server.associations().len(), 2, "the late list took one away");
}
