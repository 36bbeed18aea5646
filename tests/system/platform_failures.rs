//! The ad server acts and then drops the answer, answers 429 or 500, stalls, or refuses.

use std::time::Duration;

use flightdeck_emulators::control::{
    faults::{Action, Rule},
    settings::Change,
};
use serde_json::{Value, json};

use crate::{
    crash::lags,
    house::{BUYER, House, OTHER, REVIEWER, today},
    servers::Servers,
};

/// Creates a buy of two packages while the ad server misbehaves as `rules` say; the house and the closed task.
async fn create_under(rules: Vec<Rule>) -> (House, Value) {
    let house = House::new().await;
    lags(house.kevel.controls());
    for rule in rules {
        house.kevel.controls().faults.add(rule);
    }
    let request =
        json!({ "packages": ["premium_sports", "news"], "total_budget": 10_000, "flight_start_date": today() });
    let created = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    let task = created.text("/task_id");
    house.approve(&task).await.expect(200);
    let closed = house.task_closed(&task).await;
    (house, closed.body)
}

fn rule(path: &str, action: Action) -> Rule {
    Rule::new("POST", path, action)
}

async fn assert_created_once(rules: Vec<Rule>, what: &str) {
    let (house, task) = create_under(rules).await;
    assert_eq!(task["status"], "completed", "{what}: {task:#}");
    house.assert_faults_happened();
    let counts = (house.kevel.platform().count("campaigns"), house.kevel.platform().count("flights"));
    assert_eq!(counts, (1, 2), "{what}\n{}", house.log());
}

fn fail(status: u16) -> Action {
    serde_json::from_value(json!({ "fail": { "status": status } })).expect("an action")
}

fn fail_after_acting(status: u16) -> Action {
    serde_json::from_value(json!({ "fail_after_acting": { "status": status } })).expect("an action")
}

#[tokio::test]
async fn an_answer_that_is_dropped_after_acting_makes_nothing_twice() {
    for path in ["/v1/campaign", "/v1/flight"] {
        assert_created_once(vec![rule(path, Action::DropAfterActing)], path).await;
    }
}

#[tokio::test]
async fn a_connection_that_is_dropped_before_acting_is_tried_again() {
    for path in ["/v1/campaign", "/v1/flight"] {
        assert_created_once(vec![rule(path, Action::DropBeforeActing)], path).await;
    }
}

#[tokio::test]
async fn errors_that_pass_are_waited_for() {
    for status in [429, 500, 502, 503] {
        assert_created_once(vec![rule("/v1/flight", fail(status))], &format!("{status} before acting")).await;
        let what = format!("{status} after acting");
        if status != 429 {
            assert_created_once(vec![rule("/v1/flight", fail_after_acting(status))], &what).await;
        }
    }
}

#[tokio::test]
async fn every_answer_of_a_create_may_be_lost_at_once() {
    let mut campaign = rule("/v1/campaign", Action::DropAfterActing);
    campaign.times = 1;
    let mut flights = rule("/v1/flight", Action::DropAfterActing);
    flights.times = 2;
    assert_created_once(vec![campaign, flights], "all lost").await;
}

#[tokio::test]
async fn a_stall_past_the_deadline_makes_nothing_twice() {
    let stall = serde_json::from_value(json!({ "stall_after_acting": { "ms": 600_000 } })).expect("an action");
    let mut house = House::empty("").await;
    // The call's own limit is cut short, so that the test need not wait for the usual one.
    let config = std::fs::read_to_string(house.dir().join("flightdeck.toml")).expect("the configuration");
    let config =
        config.replace("in_doubt_wait = \"200ms\"", "in_doubt_wait = \"200ms\"\nlimits = { wall_time = \"2s\" }");
    std::fs::write(house.dir().join("flightdeck.toml"), config).expect("the configuration is written");
    house.start(&[]).await;
    lags(house.kevel.controls());
    house.kevel.controls().faults.add(rule("/v1/flight", stall));
    let request = json!({ "packages": ["premium_sports", "news"], "total_budget": 10_000 });
    let created = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    house.approve(&created.text("/task_id")).await.expect(200);
    let closed = house.task_closed(&created.text("/task_id")).await;
    assert_eq!(closed.body["status"], "completed", "{:#}\n{}", closed.body, house.log());
    assert_eq!(house.kevel.platform().count("flights"), 2);
}

#[tokio::test]
async fn a_refusal_fails_the_buy_in_the_platforms_words_and_undoes_what_was_made() {
    let refusal: Action = serde_json::from_value(json!({ "fail": { "status": 400, "body": "no such priority here" } }))
        .expect("an action");
    let mut second = rule("/v1/flight", refusal);
    second.after = 1;
    let (house, task) = create_under(vec![second]).await;
    assert_eq!(task["status"], "failed", "{task:#}");
    assert!(
        task["resolution_detail"].as_str().is_some_and(|words| words.contains("no such priority here")),
        "{task:#}"
    );
    let buy = task["media_buy_id"].as_str().expect("a buy");
    let status = house.get(BUYER, &format!("/v1/media-buys/{buy}/status")).await;
    assert_eq!(status.body["status"], "failed", "{:#}", status.body);
    assert!(status.text("/detail").contains("no such priority here"), "{:#}", status.body);
    use flightdeck_emulators::platform::Platform;
    for kind in ["campaigns", "flights"] {
        let objects = house.kevel.platform().objects(kind).expect("the kind");
        assert_eq!(objects.len(), 1, "{kind}");
        assert!(objects.iter().all(|object| object["IsActive"] == false), "{kind}: {objects:#?}");
    }
}

#[tokio::test]
async fn a_missing_permission_waits_for_a_person_and_goes_on_when_it_is_granted() {
    let house = House::new().await;
    let mut denied = rule("/v1/flight", fail(403));
    denied.times = 1;
    house.kevel.controls().faults.add(denied);
    let request = json!({ "packages": ["news"], "total_budget": 1_000 });
    let created = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    let buy = created.text("/media_buy_id");
    house.approve(&created.text("/task_id")).await.expect(200);
    let path = format!("/v1/tasks?task_type=permission_exception&media_buy_id={buy}");
    let tasks = house.until(REVIEWER, &path, |answer| answer.body["total_count"] == 1).await;
    let status = house.get(BUYER, &format!("/v1/media-buys/{buy}/status")).await;
    assert_eq!(status.body["status"], "pending_permission", "{:#}", status.body);
    let task = tasks.text("/tasks/0/task_id");
    house.approve(&task).await.expect(200);
    let closed = house.task_closed(&task).await;
    assert_eq!(closed.body["status"], "completed", "{:#}", closed.body);
    assert_eq!((house.kevel.platform().count("campaigns"), house.kevel.platform().count("flights")), (1, 1));
}

#[tokio::test]
async fn a_pause_is_not_kept_waiting_by_a_change_that_waits_for_approval() {
    let rules = "[[approvals]]\ngrows = true\n";
    let mut house = House::empty(rules).await;
    house.start(&[]).await;
    let buy = house.created(json!(["premium_sports"])).await;
    let change = json!({ "packages": [{ "package_id": "premium_sports", "budget": 20_000 }] });
    let waiting = house.patch(BUYER, &format!("/v1/media-buys/{buy}/packages"), change).await.expect(202);
    assert_eq!(waiting.text("/status"), "pending_manual");
    let paused = house.patch(BUYER, &format!("/v1/media-buys/{buy}"), json!({ "active": false })).await.expect(200);
    assert_eq!(paused.text("/status"), "accepted", "{:#}", paused.body);
    let status = house.get(BUYER, &format!("/v1/media-buys/{buy}/status")).await;
    assert_eq!(status.body["status"], "paused", "{:#}", status.body);
    // What was approved was another buy: it is asked again, with the words that say so.
    let task = waiting.text("/task_id");
    house.approve(&task).await.expect(200);
    let again = house.until(REVIEWER, &format!("/v1/tasks/{task}"), |answer| answer.body["status"] == "pending").await;
    assert!(again.body["changed"].as_str().is_some_and(|words| words.contains("changed")), "{:#}", again.body);
    house.approve(&task).await.expect(200);
    assert_eq!(house.task_closed(&task).await.body["status"], "completed");
    assert_eq!(house.get(OTHER, &format!("/v1/tasks/{task}")).await.status.as_u16(), 404);
}

#[tokio::test]
async fn a_host_that_is_killed_while_the_ad_server_stalls_finishes_after_its_restart() {
    let mut house = House::new().await;
    lags(house.kevel.controls());
    let stall = serde_json::from_value(json!({ "stall_after_acting": { "ms": 600_000 } })).expect("an action");
    house.kevel.controls().faults.add(rule("/v1/campaign", stall));
    let request = json!({ "packages": ["news"], "total_budget": 1_000 });
    let created = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    house.approve(&created.text("/task_id")).await.expect(200);
    let until = tokio::time::Instant::now() + crate::house::PATIENCE;
    while house.kevel.platform().count("campaigns") == 0 {
        assert!(tokio::time::Instant::now() < until, "the ad server never acted:\n{}", house.log());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    house.kill().await;
    house.start(&[]).await;
    let closed = house.task_closed(&created.text("/task_id")).await;
    assert_eq!(closed.body["status"], "completed", "{:#}", closed.body);
    assert_eq!((house.kevel.platform().count("campaigns"), house.kevel.platform().count("flights")), (1, 1));
}

#[tokio::test]
async fn a_buy_that_was_just_made_is_not_taken_for_gone_while_lists_lag() {
    let house = House::new().await;
    lags(house.kevel.controls());
    let buy = house.created(json!(["news"])).await;
    // Well within the three seconds that the adapter reckons with.
    let status = house.get(BUYER, &format!("/v1/media-buys/{buy}/status")).await.expect(200);
    assert_eq!(status.text("/status"), "pending_activation", "{:#}", status.body);
}

#[tokio::test]
async fn a_request_that_left_long_after_its_step_began_is_waited_for_by_whoever_takes_over() {
    let mut servers = Servers::empty().await;
    let triton = servers.server("triton");
    // Shown almost as late as its adapter reckons with, counted from the request.
    triton.controls.settings.change(Change { lookup_lag_ms: Some(2_900), ..Change::default() });
    // The step begins, and then its request waits for a token.
    let slow = serde_json::from_value(json!({ "stall": { "ms": 2_800 } })).expect("an action");
    triton.controls.faults.add(rule("/login", slow));
    let unheard = serde_json::from_value(json!({ "stall_after_acting": { "ms": 600_000 } })).expect("an action");
    triton.controls.faults.add(rule("/v1/campaigns", unheard));
    servers.house.start(&[]).await;
    let request = json!({ "packages": ["drive_time"], "total_budget": 1_000, "flight_start_date": today() });
    let created = servers.house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    servers.house.approve(&created.text("/task_id")).await.expect(200);
    let until = tokio::time::Instant::now() + crate::house::PATIENCE;
    while servers.server("triton").counts().0 == 0 {
        assert!(tokio::time::Instant::now() < until, "the ad server never acted:\n{}", servers.house.log());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    servers.house.kill().await;
    servers.house.start(&[]).await;
    let closed = servers.house.task_closed(&created.text("/task_id")).await;
    assert_eq!(closed.body["status"], "completed", "{:#}", closed.body);
    assert_eq!(servers.server("triton").counts(), (1, 1));
}
