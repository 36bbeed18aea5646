//! What reviewers do, and what they can't.

use flightdeck_emulators::{control::faults::Rule, platform::Platform};
use reqwest::Method;
use serde_json::json;

use crate::{
    house::{Answer, BUYER, House, OPERATOR, OTHER, REVIEWER, REVIEWER_2},
    receiver::Receiver,
    watching::WEBHOOKS,
};

async fn waiting(house: &House) -> (String, String) {
    let request = json!({ "packages": ["news"], "total_budget": 1_000 });
    let created = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    (created.text("/media_buy_id"), created.text("/task_id"))
}

async fn decide(house: &House, token: &str, task: &str, body: serde_json::Value) -> Answer {
    house.post(token, &format!("/v1/tasks/{task}/complete"), body).await
}

#[tokio::test]
async fn a_task_goes_from_hand_to_hand_and_its_history_tells() {
    let house = House::new().await;
    let (_, task) = waiting(&house).await;
    let path = |step: &str| format!("/v1/tasks/{task}/{step}");
    let assigned = house.post(REVIEWER, &path("assign"), json!({ "assigned_to": "maria" })).await.expect(200);
    assert_eq!((assigned.text("/status"), assigned.text("/assigned_to")), ("assigned".into(), "maria".into()));
    assert_eq!(house.post(REVIEWER, &path("start"), json!({})).await.expect(200).text("/status"), "in_progress");
    let up = json!({ "escalated_to": "boss", "reason": "above my limit" });
    assert_eq!(house.post(REVIEWER, &path("escalate"), up).await.expect(200).text("/status"), "escalated");
    let refused = house.post(REVIEWER, &path("escalate"), json!({ "reason": "again" })).await.expect(409);
    assert_eq!(refused.error().0, "INVALID_STATE");
    let shown = house.get(REVIEWER, &format!("/v1/tasks/{task}")).await;
    let history = shown.body["history"].as_array().expect("history").clone();
    let actions: Vec<&str> = history.iter().filter_map(|line| line["action"].as_str()).collect();
    assert_eq!(actions, ["create", "assign", "start", "escalate"]);
}

#[tokio::test]
async fn two_reviewers_who_click_at_once_make_one_decision() {
    let house = House::new().await;
    let (buy, task) = waiting(&house).await;
    let yes = json!({ "resolution": "approved" });
    let clicks =
        (0..8).map(|click| decide(&house, if click % 2 == 0 { REVIEWER } else { REVIEWER_2 }, &task, yes.clone()));
    let answers = futures::future::join_all(clicks).await;
    assert!(answers.iter().all(|answer| matches!(answer.status.as_u16(), 200 | 409)), "{answers:#?}");
    let closed = house.task_closed(&task).await;
    assert_eq!(closed.body["status"], "completed", "{:#}", closed.body);
    let approvals =
        closed.body["history"].as_array().expect("history").iter().filter(|line| line["action"] == "approve");
    assert_eq!(approvals.count(), 1, "{:#}", closed.body);
    assert_eq!(house.kevel.platform().count("campaigns"), 1, "{buy}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_that_is_sent_many_times_at_once_is_made_once_and_each_is_told_so() {
    let house = House::new().await;
    for round in 0..20 {
        let (_, task) = waiting(&house).await;
        let yes = json!({ "resolution": "approved" });
        let sent = (0..8).map(|_| decide(&house, REVIEWER, &task, yes.clone()));
        for answer in futures::future::join_all(sent).await {
            assert_eq!(answer.status, 200, "round {round}: {:#}", answer.body);
        }
        let closed = house.task_closed(&task).await;
        let history = closed.body["history"].as_array().expect("history");
        assert_eq!(history.iter().filter(|line| line["action"] == "approve").count(), 1, "{:#}", closed.body);
    }
}

#[tokio::test]
async fn a_rejected_create_fails_with_the_reviewers_words_and_nothing_is_made() {
    let house = House::new().await;
    let (buy, task) = waiting(&house).await;
    let silent = decide(&house, REVIEWER, &task, json!({ "resolution": "rejected" })).await.expect(400);
    assert_eq!(silent.error().1.as_deref(), Some("/resolution_detail"));
    let no = json!({ "resolution": "rejected", "resolution_detail": "wrong season" });
    let rejected = decide(&house, REVIEWER, &task, no).await.expect(200);
    assert_eq!((rejected.text("/status"), rejected.text("/resolution")), ("failed".into(), "rejected".into()));
    let status = house.get(BUYER, &format!("/v1/media-buys/{buy}/status")).await;
    assert_eq!((status.text("/status"), status.text("/detail")), ("failed".into(), "wrong season".into()));
    let late = decide(&house, REVIEWER_2, &task, json!({ "resolution": "approved" })).await.expect(409);
    assert_eq!(late.error().0, "INVALID_STATE");
    assert_eq!(house.kevel.platform().count("campaigns"), 0);
    let polled = house.get(BUYER, "/v1/tasks?task_type=manual_approval").await;
    assert_eq!(polled.text("/tasks/0/status"), "failed", "a poller finds the end here: {:#}", polled.body);
}

#[tokio::test]
async fn a_decision_on_an_old_version_is_refused_with_the_current_task() {
    let house = House::new().await;
    let (_, task) = waiting(&house).await;
    let version = house.get(REVIEWER, &format!("/v1/tasks/{task}")).await.body["version"].as_i64().expect("a version");
    house.post(REVIEWER, &format!("/v1/tasks/{task}/assign"), json!({ "assigned_to": "maria" })).await.expect(200);
    let stale =
        decide(&house, REVIEWER, &task, json!({ "resolution": "approved", "version": version })).await.expect(409);
    assert_eq!(stale.error().0, "CONFLICT");
    assert_eq!(stale.body["error"]["details"]["task"]["version"], version + 1);
    let shown = house.get(REVIEWER, &format!("/v1/tasks/{task}")).await;
    assert_eq!(stale.body["error"]["details"]["task"]["plan"], shown.body["plan"], "in the shape of get_task");
    let path = format!("/v1/tasks/{task}");
    let condition = [("If-Match", "\"1\"")];
    let approved = json!({ "resolution": "approved" });
    let stale = house.try_call(REVIEWER, Method::POST, &format!("{path}/complete"), Some(&approved), &condition).await;
    assert_eq!(stale.expect("an answer").expect(409).error().0, "CONFLICT");
    let unread = house.try_call(REVIEWER, Method::GET, &path, None, &condition).await;
    assert_eq!(unread.expect("an answer").expect(400).error().0, "INVALID_PARAMETER", "nobody would look at it here");
    let now = json!({ "resolution": "approved", "version": version + 1 });
    decide(&house, REVIEWER, &task, now).await.expect(200);
}

#[tokio::test]
async fn an_approval_that_is_sent_again_does_not_approve_another_plan() {
    let rules = "[[approvals]]\ngrows = true\n";
    let mut house = House::empty(rules).await;
    house.start(&[]).await;
    let buy = house.created(json!(["news"])).await;
    let refuse = serde_json::from_value(json!({ "fail": { "status": 403 } })).expect("an action");
    house.kevel.controls().faults.add(Rule::new("PUT", "/v1/flight", refuse));
    let raise = json!({ "packages": [{ "package_id": "news", "budget": 12_000 }] });
    let waiting = house.patch(BUYER, &format!("/v1/media-buys/{buy}/packages"), raise).await.expect(202);
    let task = waiting.text("/task_id");
    let yes = json!({ "resolution": "approved" });
    decide(&house, REVIEWER, &task, yes.clone()).await.expect(200);
    // It waits for a permission, and the buy is paused meanwhile: what was approved no longer holds.
    let permissions = "/v1/tasks?task_type=permission_exception";
    let listed = house.until(REVIEWER, permissions, |answer| answer.body["total_count"] == 1).await;
    house.patch(BUYER, &format!("/v1/media-buys/{buy}"), json!({ "active": false })).await.expect(200);
    house.approve(&listed.text("/tasks/0/task_id")).await.expect(200);
    let path = format!("/v1/tasks/{task}");
    let again = house.until(REVIEWER, &path, |answer| answer.body["status"] == "pending").await;
    for token in [REVIEWER, REVIEWER_2] {
        let refused = decide(&house, token, &task, yes.clone()).await.expect(409);
        assert_eq!(refused.error().0, "CONFLICT");
        assert_eq!(refused.body["error"]["details"]["task"]["plan"], again.body["plan"], "{:#}", refused.body);
    }
    let no = json!({ "resolution": "rejected", "resolution_detail": "too late" });
    assert_eq!(decide(&house, REVIEWER, &task, no).await.expect(409).error().0, "CONFLICT");
    let shown = house.get(REVIEWER, &path).await;
    assert_eq!((shown.text("/status"), &shown.body["version"]), ("pending".into(), &again.body["version"]));
    let goal = || house.kevel.platform().objects("flights").expect("flights")[0]["Impressions"].clone();
    assert_eq!(goal(), json!(1_600_000), "nothing ran");
    let audit = house.get(OPERATOR, "/v1/audit?limit=200").await.expect(200).body.to_string();
    assert!(audit.contains("task.reopened") && audit.contains("since it was approved"), "{audit}");
    let seen = json!({ "resolution": "approved", "version": again.body["version"] });
    decide(&house, REVIEWER, &task, seen.clone()).await.expect(200);
    decide(&house, REVIEWER, &task, seen).await.expect(200);
    assert_eq!(house.task_closed(&task).await.text("/status"), "completed");
    assert_eq!(goal(), json!(1_920_000));
}

#[tokio::test]
async fn two_reviewers_must_differ_where_a_rule_wants_two() {
    let rules = "[[approvals]]\noperations = [\"create_media_buy\"]\nreviewers = 2\n";
    let mut house = House::empty(rules).await;
    house.start(&[]).await;
    let (_, task) = waiting(&house).await;
    let yes = json!({ "resolution": "approved" });
    let first = decide(&house, REVIEWER, &task, yes.clone()).await.expect(200);
    assert!(first.body["decision"].is_null(), "{:#}", first.body);
    let same = decide(&house, REVIEWER, &task, yes.clone()).await.expect(200);
    assert!(same.body["decision"].is_null(), "one person is one yes: {:#}", same.body);
    assert_eq!(house.kevel.platform().count("campaigns"), 0);
    decide(&house, REVIEWER_2, &task, yes).await.expect(200);
    assert_eq!(house.task_closed(&task).await.body["status"], "completed");
}

#[tokio::test]
async fn what_was_approved_is_asked_again_if_the_rules_have_become_stricter_before_it_began() {
    let rules =
        |reviewers: u32| format!("[[approvals]]\noperations = [\"create_media_buy\"]\nreviewers = {reviewers}\n");
    let mut house = House::empty(&rules(1)).await;
    house.start(&[]).await;
    let (_, task) = waiting(&house).await;
    house.stop().await;
    // The host dies when the approval is recorded, before anything comes of it.
    house.start(&[("FLIGHTDECK_FAULT_AT", "2")]).await;
    let yes = json!({ "resolution": "approved" });
    let path = format!("/v1/tasks/{task}");
    let died = house.try_call(REVIEWER, Method::POST, &format!("{path}/complete"), Some(&yes), &[]).await;
    assert!(died.is_none(), "{died:#?}");
    house.ended().await;
    let config = house.dir().join("flightdeck.toml");
    let text = std::fs::read_to_string(&config).expect("the configuration").replace(&rules(1), &rules(2));
    std::fs::write(&config, text).expect("the configuration is written");
    house.start(&[]).await;
    let again = house.until(REVIEWER, &path, |answer| answer.body["status"] == "pending").await;
    assert!(again.text("/changed").contains("more reviewers"), "{:#}", again.body);
    assert_eq!(again.body["approvals_needed"], 2);
    assert_eq!(house.kevel.platform().count("campaigns"), 0);
    let first = house.approve(&task).await.expect(200);
    assert!(first.body["decision"].is_null(), "{:#}", first.body);
    let second = json!({ "resolution": "approved", "version": first.body["version"] });
    decide(&house, REVIEWER_2, &task, second).await.expect(200);
    assert_eq!(house.task_closed(&task).await.text("/status"), "completed");
}

#[tokio::test]
async fn a_task_that_was_handed_up_and_that_nobody_has_is_whose_who_takes_it() {
    let mut house = House::empty(WEBHOOKS).await;
    house.start(&[]).await;
    let receiver = Receiver::start().await;
    let body = json!({ "url": receiver.url, "events": ["task.assigned"] });
    house.post(OPERATOR, "/v1/webhooks", body).await.expect(200);
    let (_, task) = waiting(&house).await;
    let path = |step: &str| format!("/v1/tasks/{task}/{step}");
    house.post(REVIEWER, &path("escalate"), json!({ "reason": "above my limit" })).await.expect(200);
    let started = house.post(REVIEWER_2, &path("start"), json!({})).await.expect(200);
    assert_eq!(
        (started.text("/status"), started.text("/assigned_to")),
        ("in_progress".into(), "second-reviewer".into())
    );
    let told = receiver.until(|hooks| !hooks.is_empty()).await;
    assert_eq!(told[0].json()["data"]["assigned_to"], "second-reviewer");
    // Who has it keeps it when somebody else goes on.
    house.post(REVIEWER_2, &path("escalate"), json!({ "reason": "above mine, too" })).await.expect(200);
    let started = house.post(REVIEWER, &path("start"), json!({})).await.expect(200);
    assert_eq!(started.text("/assigned_to"), "second-reviewer");
}

#[tokio::test]
async fn two_changes_that_are_small_by_themselves_need_a_word_if_they_are_large_together() {
    let rules = "[[approvals]]\nabove_budget = 12_000\n";
    let mut house = House::empty(rules).await;
    house.start(&[]).await;
    let request = json!({ "packages": ["premium_sports", "news"], "total_budget": 10_000 });
    let created = house.post(BUYER, "/v1/media-buys", request).await.expect(200);
    let buy = created.text("/media_buy_id");
    // The first change takes its time, so that the second is accepted before it is made.
    let stall = serde_json::from_value(json!({ "stall": { "ms": 1_500 } })).expect("an action");
    house.kevel.controls().faults.add(Rule::new("PUT", "/v1/flight", stall));
    let path = format!("/v1/media-buys/{buy}/packages");
    let raise = |package: &str| json!({ "packages": [{ "package_id": package, "budget": 6_500 }] });
    let at_once = [("Prefer", "wait=0")];
    for package in ["news", "premium_sports"] {
        let answer = house.try_call(BUYER, Method::PATCH, &path, Some(&raise(package)), &at_once).await;
        answer.expect("an answer").expect(202);
    }
    let waits = |answer: &Answer| answer.body["tasks"].as_array().is_some_and(|tasks| tasks.len() == 1);
    let tasks = house.until(REVIEWER, "/v1/tasks?task_type=manual_approval&status=pending", waits).await;
    let flight = |package: &str| {
        let flights = house.kevel.platform().objects("flights").expect("flights");
        flights.into_iter().find(|flight| flight["Name"].as_str().is_some_and(|name| name.contains(package)))
    };
    let impressions = |package: &str| flight(package).map(|flight| flight["Impressions"].clone());
    assert_eq!(impressions("news"), Some(json!(1_040_000)), "the first is made");
    assert_eq!(impressions("premium_sports"), Some(json!(400_000)), "the second waits");
    let task = tasks.text("/tasks/0/task_id");
    decide(&house, REVIEWER, &task, json!({ "resolution": "approved" })).await.expect(200);
    assert_eq!(house.task_closed(&task).await.body["status"], "completed");
    assert_eq!(impressions("premium_sports"), Some(json!(520_000)));
}

#[tokio::test]
async fn buyers_work_no_tasks_and_reviewers_buy_nothing() {
    let house = House::new().await;
    let (buy, task) = waiting(&house).await;
    let denied = decide(&house, BUYER, &task, json!({ "resolution": "approved" })).await.expect(403);
    assert_eq!(denied.error().0, "PERMISSION_DENIED");
    let request = json!({ "packages": ["news"], "total_budget": 1_000 });
    assert_eq!(house.post(REVIEWER, "/v1/media-buys", request).await.expect(403).error().0, "PERMISSION_DENIED");
    let other = decide(&house, OTHER, &task, json!({ "resolution": "approved" })).await;
    assert!(matches!(other.status.as_u16(), 403 | 404), "{:#}", other.body);
    let early = house.patch(BUYER, &format!("/v1/media-buys/{buy}"), json!({ "active": false })).await.expect(409);
    assert_eq!(early.error().0, "INVALID_STATE");
    let listed = house.get(REVIEWER, "/v1/media-buys").await.expect(200);
    assert_eq!(listed.text("/media_buys/0/media_buy_id"), buy);
}

#[tokio::test]
async fn a_comment_is_for_colleagues_and_changes_nothing_else() {
    let house = House::new().await;
    let (_, task) = waiting(&house).await;
    let path = format!("/v1/tasks/{task}");
    let comment = json!({ "comment": "the price is odd; I am asking sales" });
    let said = house.post(REVIEWER, &format!("{path}/comment"), comment.clone()).await.expect(200);
    assert_eq!((said.body["version"].as_i64(), said.text("/status")), (Some(1), "pending".into()));
    let line = said.body["history"].as_array().expect("history").last().expect("the comment").clone();
    assert_eq!((line["action"].as_str(), line["detail"].as_str()), (Some("comment"), comment["comment"].as_str()));
    let seen = house.get(BUYER, &path).await.expect(200);
    assert!(!seen.body.to_string().contains("asking sales"), "{:#}", seen.body);
    house.post(BUYER, &format!("{path}/comment"), comment).await.expect(403);
    let empty = house.post(REVIEWER, &format!("{path}/comment"), json!({ "comment": " " })).await.expect(400);
    assert_eq!(empty.error().1.as_deref(), Some("/comment"));
    decide(&house, REVIEWER_2, &task, json!({ "resolution": "approved", "version": 1 })).await.expect(200);
    assert_eq!(house.task_closed(&task).await.text("/status"), "completed");
    let audit = house.get(OPERATOR, "/v1/audit?limit=200").await;
    assert!(audit.body.to_string().contains("task.commented"), "{:#}", audit.body);
}
