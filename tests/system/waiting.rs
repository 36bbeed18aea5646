//! An operation that waits for a person while the world goes on: what was done meanwhile is kept, what may have been made
//! is never made again, and what is given up is not left running.

use flightdeck_emulators::{
    control::faults::{Action, Rule},
    platform::Platform,
};
use serde_json::{Value, json};

use crate::{
    house::{Answer, BUYER, House, REVIEWER, REVIEWER_2},
    watching::{WEBHOOKS, listening, told},
};

fn action(text: Value) -> Action {
    serde_json::from_value(text).expect("an action")
}

fn fail(status: u16) -> Action {
    action(json!({ "fail": { "status": status } }))
}

/// A house that gives up after two seconds what it can't do, serving.
async fn impatient(more: &str) -> House {
    const LEASE: &str = "lease = \"1s\"";
    let mut house = House::empty(more).await;
    let path = house.dir().join("flightdeck.toml");
    let config = std::fs::read_to_string(&path).expect("the configuration");
    assert!(config.contains(LEASE), "{config}");
    let config = config.replace(LEASE, &format!("{LEASE}\ndeadline = \"2s\""));
    std::fs::write(&path, config).expect("the configuration is written");
    house.start(&[]).await;
    house
}

/// A house with two platforms, `kevel` and `second`, both of them the same network, and a product of the second.
async fn with_two_platforms() -> House {
    let mut house = House::with(&[("second", "1001")], |url| {
        let adapter = flightdeck_test_support::component("flightdeck-adapter-kevel");
        format!(
            "[[platforms]]\nname = \"second\"\nadapter = \"{}\"\nendpoint = \"{url}\"\nallow_private = [\"127.0.0.0/8\"]\n\
             auth = {{ scheme = \"header\", name = \"X-Adzerk-ApiKey\", value = {{ env = \"KEVEL_API_KEY\" }} }}\n\
             read_requests = [\"POST /v1/campaign/search\", \"POST /v1/report/queue\", \"POST /v1/instantcounts/bulk\"]\n\
             in_doubt_wait = \"200ms\"\nprocessing_bound = \"300ms\"\n\n\
             [[products]]\nid = \"elsewhere\"\nname = \"elsewhere\"\nplatform = \"second\"\nformats = [\"image\"]\ncpm = 10\n\
             settings = {{ priority_id = 3002 }}\n",
            adapter.display()
        )
    })
    .await;
    house.start(&[]).await;
    house
}

/// The task of this kind, once there is one that is undecided.
async fn task_of(house: &House, kind: &str) -> String {
    let path = format!("/v1/tasks?task_type={kind}");
    let undecided = |answer: &Answer| open_tasks(answer).len() == 1;
    let answer = house.until(REVIEWER, &path, undecided).await;
    open_tasks(&answer).remove(0)
}

fn open_tasks(answer: &Answer) -> Vec<String> {
    let tasks = answer.body["tasks"].as_array().cloned().unwrap_or_default();
    let undecided =
        |task: &&Value| task["decision"].is_null() && !matches!(task["status"].as_str(), Some("completed" | "failed"));
    tasks.iter().filter(undecided).filter_map(|task| task["task_id"].as_str().map(str::to_owned)).collect()
}

async fn decide(house: &House, token: &str, task: &str, resolution: &str) -> Answer {
    let body = json!({ "resolution": resolution, "resolution_detail": "looked at it" });
    house.post(token, &format!("/v1/tasks/{task}/complete"), body).await
}

async fn update(house: &House, buy: &str, change: Value) -> Answer {
    house.patch(BUYER, &format!("/v1/media-buys/{buy}"), change).await
}

/// A package as the buyer sees it in the list of buys.
async fn package(house: &House, buy: &str, package: &str) -> Value {
    let listed = house.get(BUYER, "/v1/media-buys").await.expect(200);
    let buys = listed.body["media_buys"].as_array().expect("buys").clone();
    let found = buys.iter().find(|listed| listed["media_buy_id"] == buy).expect("the buy");
    let packages = found["packages"].as_array().expect("packages").clone();
    packages.into_iter().find(|listed| listed["package_id"] == package).expect("the package")
}

fn count(house: &House, kind: &str) -> usize {
    house.kevel.platform().count(kind)
}

fn campaigns(house: &House) -> Vec<Value> {
    house.kevel.platform().objects("campaigns").expect("campaigns")
}

/// A create that waits for a person to find out what happened.
struct Parked {
    buy: String,
    task: String,
}

/// A create whose campaign was made while the answer was lost, at an ad server that can't be asked since, until its faults are cleared.
/// The house is impatient.
async fn parked_create(house: &House) -> Parked {
    let faults = &house.kevel.controls().faults;
    faults.add(Rule::new("POST", "/v1/campaign", Action::DropAfterActing));
    let mut down = Rule::new("", "/v1/campaign*", fail(503));
    (down.method, down.times) = (None, 0);
    faults.add(down);
    let request = json!({ "packages": ["news"], "total_budget": 1_000 });
    let created = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    house.approve(&created.text("/task_id")).await.expect(200);
    let task = task_of(house, "reconciliation").await;
    Parked { buy: created.text("/media_buy_id"), task }
}

#[tokio::test]
async fn what_may_have_been_made_is_looked_up_when_a_parked_operation_goes_on() {
    let house = impatient("").await;
    let parked = parked_create(&house).await.task;
    assert_eq!(count(&house, "campaigns"), 1, "it was made and its answer was lost");
    house.kevel.controls().faults.clear();
    decide(&house, REVIEWER, &parked, "approved").await.expect(200);
    let closed = house.task_closed(&parked).await;
    assert_eq!(closed.body["status"], "completed", "{:#}\n{}", closed.body, house.log());
    assert_eq!((count(&house, "campaigns"), count(&house, "flights")), (1, 1));
}

#[tokio::test]
async fn a_buy_that_was_approved_is_known_as_being_created_while_the_ad_server_is_down() {
    let mut house = House::empty(WEBHOOKS).await;
    house.start(&[]).await;
    let receiver = listening(&house).await;
    let mut down = Rule::new("", "/v1/*", fail(503));
    (down.method, down.times) = (None, 0);
    house.kevel.controls().faults.add(down);
    let request = json!({ "packages": ["news"], "total_budget": 1_000 });
    let created = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    house.approve(&created.text("/task_id")).await.expect(200);
    assert_eq!(told(&receiver, 2).await, ["pending_manual", "pending_activation"]);
    let listed = house.get(BUYER, "/v1/media-buys").await;
    let status = house.get(BUYER, &format!("/v1/media-buys/{}/status", created.text("/media_buy_id"))).await;
    for (standing, words) in [
        (listed.text("/media_buys/0/status"), listed.text("/media_buys/0/detail")),
        (status.text("/status"), status.text("/detail")),
    ] {
        assert_eq!((standing.as_str(), words.as_str()), ("pending_activation", "being created on the ad server"));
    }
}

#[tokio::test]
async fn a_creation_that_is_parked_and_goes_on_is_told_both_times() {
    let house = impatient(WEBHOOKS).await;
    let receiver = listening(&house).await;
    let parked = parked_create(&house).await.task;
    let statuses = ["pending_manual", "pending_activation", "pending_manual", "pending_activation"];
    assert_eq!(told(&receiver, 3).await, statuses[..3]);
    house.kevel.controls().faults.clear();
    decide(&house, REVIEWER, &parked, "approved").await.expect(200);
    assert_eq!(house.task_closed(&parked).await.text("/status"), "completed");
    assert_eq!(told(&receiver, 4).await, statuses);
}

#[tokio::test]
async fn a_buy_that_a_person_made_by_hand_is_not_taken_for_gone() {
    let house = impatient("").await;
    let Parked { buy, task: parked } = parked_create(&house).await;
    house.kevel.controls().faults.clear();
    decide(&house, REVIEWER, &parked, "completed").await.expect(200);
    assert_eq!(house.task_closed(&parked).await.text("/status"), "completed");
    let status = house.get(BUYER, &format!("/v1/media-buys/{buy}/status")).await;
    assert_eq!(status.text("/status"), "pending_activation", "the host knows no part of it there: {:#}", status.body);
    // It is remembered so as well.
    assert_eq!(house.get(BUYER, "/v1/media-buys").await.text("/media_buys/0/status"), "pending_activation");
}

#[tokio::test]
async fn a_pause_during_a_wait_for_a_permission_is_kept() {
    let house = House::new().await;
    let buy = house.created(json!(["news"])).await;
    house.kevel.controls().faults.add(Rule::new("PUT", "/v1/flight", fail(403)));
    let raise = json!({ "packages": [{ "package_id": "news", "budget": 12_000 }] });
    let waiting = update(&house, &buy, raise).await.expect(202);
    assert_eq!(waiting.text("/status"), "pending_permission");
    let paused = update(&house, &buy, json!({ "active": false })).await.expect(200);
    assert_eq!(paused.text("/status"), "accepted");
    let task = task_of(&house, "permission_exception").await;
    decide(&house, REVIEWER, &task, "completed").await.expect(200);
    let closed = house.task_closed(&task).await;
    assert_eq!((closed.text("/status"), closed.text("/resolution")), ("completed".into(), "completed".into()));
    assert_eq!(package(&house, &buy, "news").await["budget"], 12_000, "what waited was done");
    let status = house.get(BUYER, &format!("/v1/media-buys/{buy}/status")).await;
    assert_eq!(status.text("/status"), "paused", "{:#}", status.body);
    assert_eq!(campaigns(&house)[0]["IsActive"], false);
    update(&house, &buy, json!({ "active": true })).await.expect(200);
    assert_eq!(campaigns(&house)[0]["IsActive"], true, "it can be resumed");
}

#[tokio::test]
async fn what_was_approved_is_asked_again_if_the_buy_changed_before_its_first_step() {
    let rules = "[[approvals]]\ngrows = true\n";
    let mut house = House::empty(rules).await;
    house.start(&[]).await;
    let buy = house.created(json!(["news"])).await;
    house.kevel.controls().faults.add(Rule::new("PUT", "/v1/flight", fail(403)));
    let raise = json!({ "packages": [{ "package_id": "news", "budget": 12_000 }] });
    let waiting = house.patch(BUYER, &format!("/v1/media-buys/{buy}/packages"), raise).await.expect(202);
    let approval = waiting.text("/task_id");
    house.approve(&approval).await.expect(200);
    let permission = task_of(&house, "permission_exception").await;
    update(&house, &buy, json!({ "active": false })).await.expect(200);
    house.approve(&permission).await.expect(200);
    let path = format!("/v1/tasks/{approval}");
    let again = house.until(REVIEWER, &path, |answer| answer.body["status"] == "pending").await;
    assert!(again.text("/changed").contains("media buy was changed"), "{:#}", again.body);
    assert_eq!(package(&house, &buy, "news").await["budget"], 10_000, "nothing was done yet");
    house.approve(&approval).await.expect(200);
    assert_eq!(house.task_closed(&approval).await.text("/status"), "completed");
    assert_eq!(package(&house, &buy, "news").await["budget"], 12_000);
}

#[tokio::test]
async fn a_change_that_has_begun_keeps_later_ones_waiting_but_for_a_pause() {
    let house = House::new().await;
    let buy = house.created(json!(["news", "premium_sports"])).await;
    let mut second = Rule::new("PUT", "/v1/flight", fail(403));
    second.after = 1;
    house.kevel.controls().faults.add(second);
    let raise = json!({ "packages": [
        { "package_id": "news", "budget": 6_000 }, { "package_id": "premium_sports", "budget": 6_000 },
    ]});
    update(&house, &buy, raise).await.expect(202);
    let task = task_of(&house, "permission_exception").await;
    let path = format!("/v1/media-buys/{buy}");
    let raise = json!({ "packages": [{ "package_id": "news", "budget": 7_000 }] });
    let at_once = [("Prefer", "wait=0")];
    let later = house.try_call(BUYER, reqwest::Method::PATCH, &path, Some(&raise), &at_once).await.expect("an answer");
    let later = later.expect(202).text("/operation_id");
    update(&house, &buy, json!({ "active": false })).await.expect(200);
    let stands = house.get(BUYER, &format!("/v1/operations/{later}")).await;
    assert_eq!(stands.text("/state"), "queued", "{:#}", stands.body);
    decide(&house, REVIEWER, &task, "approved").await.expect(200);
    house.until(BUYER, &format!("/v1/operations/{later}"), |answer| answer.body["state"] == "succeeded").await;
    assert_eq!(house.task_closed(&task).await.text("/status"), "completed");
    let budgets = (package(&house, &buy, "news").await, package(&house, &buy, "premium_sports").await);
    assert_eq!((&budgets.0["budget"], &budgets.1["budget"]), (&json!(7_000), &json!(6_000)));
    assert_eq!(campaigns(&house)[0]["IsActive"], false, "the pause overtook both and holds");
}

#[tokio::test]
async fn a_change_that_waited_for_another_one_has_as_long_to_be_tried_again_as_one_that_did_not() {
    let house = impatient("").await;
    let buy = house.created(json!(["news"])).await;
    let faults = &house.kevel.controls().faults;
    faults.add(Rule::new("PUT", "/v1/flight", fail(403)));
    let raise = |budget: u32| json!({ "packages": [{ "package_id": "news", "budget": budget }] });
    update(&house, &buy, raise(12_000)).await.expect(202);
    let task = task_of(&house, "permission_exception").await;
    let path = format!("/v1/media-buys/{buy}");
    let at_once = [("Prefer", "wait=0")];
    let later = house.try_call(BUYER, reqwest::Method::PATCH, &path, Some(&raise(13_000)), &at_once).await;
    let later = format!("/v1/operations/{}", later.expect("an answer").expect(202).text("/operation_id"));
    // Longer than a change is tried again there.
    let accepted = tokio::time::Instant::now();
    house.until(BUYER, &later, |_| accepted.elapsed() > std::time::Duration::from_millis(2_500)).await;
    faults.add(Rule { after: 1, ..Rule::new("PUT", "/v1/flight", fail(503)) });
    decide(&house, REVIEWER, &task, "approved").await.expect(200);
    let ended = house
        .until(BUYER, &later, |answer| matches!(answer.body["state"].as_str(), Some("succeeded" | "failed")))
        .await;
    assert_eq!(ended.text("/state"), "succeeded", "{:#}", ended.body);
    house.assert_faults_happened();
    assert_eq!(package(&house, &buy, "news").await["budget"], 13_000);
}

#[tokio::test]
async fn the_buyers_latest_word_on_delivery_holds_whatever_is_carried_out_later() {
    let rules = "[[approvals]]\ngrows = true\n";
    let mut house = House::empty(rules).await;
    house.start(&[]).await;
    let buy = house.created(json!(["news", "premium_sports"])).await;
    let packages = format!("/v1/media-buys/{buy}/packages");
    let change = json!({ "packages": [
        { "package_id": "news", "budget": 6_000, "active": true }, { "package_id": "premium_sports", "active": false },
    ]});
    let waiting = house.patch(BUYER, &packages, change).await.expect(202);
    update(&house, &buy, json!({ "packages": [{ "package_id": "news", "active": false }] })).await.expect(200);
    let task = waiting.text("/task_id");
    house.approve(&task).await.expect(200);
    house.until(REVIEWER, &format!("/v1/tasks/{task}"), |answer| answer.body["status"] == "pending").await;
    house.approve(&task).await.expect(200);
    assert_eq!(house.task_closed(&task).await.text("/status"), "completed");
    let (news, sports) = (package(&house, &buy, "news").await, package(&house, &buy, "premium_sports").await);
    assert_eq!((&news["budget"], &news["active"]), (&json!(6_000), &json!(false)), "paused after it was asked for");
    assert_eq!(sports["active"], false, "nobody said anything else since");
}

#[tokio::test]
async fn a_change_that_has_become_larger_needs_as_many_reviewers_as_its_new_size() {
    let rules =
        "[[approvals]]\noperations = [\"update_package\"]\n\n[[approvals]]\nabove_budget = 12_000\nreviewers = 2\n";
    let mut house = House::empty(rules).await;
    house.start(&[]).await;
    let request = json!({ "packages": ["premium_sports", "news"], "total_budget": 10_000 });
    let buy = house.post(BUYER, "/v1/media-buys", request).await.expect(200).text("/media_buy_id");
    let path = format!("/v1/media-buys/{buy}/packages");
    let raise = |package: &str| json!({ "packages": [{ "package_id": package, "budget": 6_500 }] });
    let first = house.patch(BUYER, &path, raise("news")).await.expect(202).text("/task_id");
    let second = house.patch(BUYER, &path, raise("premium_sports")).await.expect(202).text("/task_id");
    house.approve(&first).await.expect(200);
    assert_eq!(house.task_closed(&first).await.text("/status"), "completed");
    house.approve(&second).await.expect(200);
    house.until(REVIEWER, &format!("/v1/tasks/{second}"), |answer| answer.body["status"] == "pending").await;
    let one = house.approve(&second).await.expect(200);
    assert!(one.body["decision"].is_null(), "13,000 needs two: {:#}", one.body);
    assert_eq!(package(&house, &buy, "premium_sports").await["budget"], 5_000);
    let body = json!({ "resolution": "approved", "version": one.body["version"] });
    house.post(REVIEWER_2, &format!("/v1/tasks/{second}/complete"), body).await.expect(200);
    assert_eq!(house.task_closed(&second).await.text("/status"), "completed");
    assert_eq!(package(&house, &buy, "premium_sports").await["budget"], 6_500);
}

#[tokio::test]
async fn a_rejected_wait_leaves_nothing_that_could_have_been_made() {
    let house = impatient("").await;
    let parked = parked_create(&house).await.task;
    house.kevel.controls().faults.clear();
    // Nothing is recorded of the campaign: only its step says that it may be there.
    decide(&house, REVIEWER, &parked, "rejected").await.expect(200);
    assert_eq!(house.task_closed(&parked).await.text("/status"), "failed");
    let left: Vec<Value> = campaigns(&house).into_iter().filter(|campaign| campaign["IsActive"] == true).collect();
    assert!(left.is_empty(), "{left:#?}\n{}", house.log());
}

#[tokio::test]
async fn a_buy_on_two_platforms_that_one_of_them_paused_is_known_as_such() {
    let house = with_two_platforms().await;
    let buy = house.created(json!(["news", "elsewhere"])).await;
    assert_eq!(count(&house, "campaigns"), 2);
    let refuse = action(json!({ "fail": { "status": 400, "body": "locked" } }));
    house.kevel.controls().faults.add(Rule::new("PUT", "/v1/campaign", refuse));
    let answer = update(&house, &buy, json!({ "active": false })).await;
    assert_eq!(answer.text("/status"), "failed", "{:#}", answer.body);
    let active = [package(&house, &buy, "news").await, package(&house, &buy, "elsewhere").await]
        .map(|package| package["active"].as_bool().expect("active"));
    assert!(active[0] != active[1], "one of the two is paused and the host knows which: {active:?}");
    let delivering = campaigns(&house).iter().filter(|campaign| campaign["IsActive"] == true).count();
    assert_eq!(delivering, 1);
    update(&house, &buy, json!({ "active": false })).await.expect(200);
    assert!(campaigns(&house).iter().all(|campaign| campaign["IsActive"] == false));
    let status = house.get(BUYER, &format!("/v1/media-buys/{buy}/status")).await;
    assert_eq!(status.text("/status"), "paused", "{:#}", status.body);
}

#[tokio::test]
async fn a_daily_budget_of_a_buy_on_two_platforms_is_refused() {
    let house = with_two_platforms().await;
    let request = json!({ "packages": ["news", "elsewhere"], "total_budget": 10_000, "daily_budget": 100 });
    let refused = house.post(BUYER, "/v1/media-buys", request).await.expect(400);
    assert_eq!(refused.error(), ("INVALID_PARAMETER".into(), Some("/daily_budget".into())));
    let buy = house.created(json!(["news", "elsewhere"])).await;
    let refused = update(&house, &buy, json!({ "daily_budget": 100 })).await.expect(400);
    assert_eq!(refused.error().1.as_deref(), Some("/daily_budget"));
}

#[tokio::test]
async fn a_buy_that_was_missing_for_a_moment_can_still_be_paused() {
    let mut house = House::empty("").await;
    house.configure("lease = \"1s\"\n", "lease = \"1s\"\nmissing_after = \"1s\"\n");
    house.start(&[]).await;
    let buy = house.created(json!(["news"])).await;
    let path = format!("/v1/media-buys/{buy}/status");
    let mut gone = Rule::new("GET", "/v1/*", fail(404));
    gone.times = 0;
    house.kevel.controls().faults.add(gone);
    house.until(BUYER, &path, |answer| answer.body["status"] == "failed").await;
    let paused = update(&house, &buy, json!({ "active": false })).await;
    assert_ne!(paused.error_code(), Some("INVALID_STATE".to_owned()), "{:#}", paused.body);
    house.kevel.controls().faults.clear();
    house.until(BUYER, &path, |answer| answer.body["status"] == "pending_activation").await;
    update(&house, &buy, json!({ "active": false })).await.expect(200);
}

#[tokio::test]
async fn polling_while_a_create_runs_does_not_interrupt_it() {
    let house = House::new().await;
    let stall = action(json!({ "stall": { "ms": 700 } }));
    house.kevel.controls().faults.add(Rule::new("POST", "/v1/flight", stall));
    let request = json!({ "packages": ["news"], "total_budget": 1_000 });
    let created = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    let (buy, task) = (created.text("/media_buy_id"), created.text("/task_id"));
    house.approve(&task).await.expect(200);
    house.post(REVIEWER, &format!("/v1/tasks/{task}/comment"), json!({ "text": "on its way" })).await;
    while !matches!(house.get(REVIEWER, &format!("/v1/tasks/{task}")).await.text("/status").as_str(), "completed") {
        house.get(BUYER, &format!("/v1/media-buys/{buy}/status")).await.expect(200);
    }
    assert!(!house.log().contains("interrupted"), "{}", house.log());
}

#[tokio::test]
async fn with_a_buy_that_was_cancelled_there_ends_what_only_waits_for_a_word_on_it() {
    let rules = "[[approvals]]\ngrows = true\n";
    let mut house = House::empty(rules).await;
    house.start(&[]).await;
    let buy = house.created(json!(["news"])).await;
    let raise = json!({ "packages": [{ "package_id": "news", "budget": 12_000 }] });
    let waiting = house.patch(BUYER, &format!("/v1/media-buys/{buy}/packages"), raise).await.expect(202);
    // Another change has begun, which needed nobody's word: the ad server may hold half of it.
    house.kevel.controls().faults.add(Rule::new("PUT", "/v1/flight", fail(403)));
    let lower = json!({ "packages": [{ "package_id": "news", "budget": 9_000 }] });
    update(&house, &buy, lower).await.expect(202);
    let begun = task_of(&house, "permission_exception").await;
    // Somebody cancels it on the ad server. That is said, and not only missed: it is news at once.
    let mut campaign = campaigns(&house).remove(0);
    (campaign["IsArchived"], campaign["IsActive"]) = (json!(true), json!(false));
    let url = format!("{}/v1/campaign/{}", house.kevel.url, campaign["Id"]);
    let sent = house.client.put(url).header("X-Adzerk-ApiKey", "test-key").json(&campaign).send().await;
    assert!(sent.expect("the ad server answers").status().is_success());
    house.until(BUYER, &format!("/v1/media-buys/{buy}/status"), |answer| answer.body["status"] == "failed").await;
    let closed = house.get(REVIEWER, &format!("/v1/tasks/{}", waiting.text("/task_id"))).await;
    assert_eq!(closed.text("/status"), "failed", "{:#}", closed.body);
    assert!(closed.text("/resolution_detail").contains("gone"), "{:#}", closed.body);
    let ended = house.get(BUYER, &format!("/v1/operations/{}", waiting.text("/operation_id"))).await;
    assert_eq!((ended.text("/state"), ended.text("/error/code")), ("failed".into(), "INVALID_STATE".into()));
    let left = house.get(REVIEWER, &format!("/v1/tasks/{begun}")).await;
    assert_eq!(left.text("/status"), "pending", "{:#}", left.body);
}
