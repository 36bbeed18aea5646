//! What needs a person's word, whose word counts, and until when.

use std::time::Duration;

use flightdeck::{
    domain::time::Timestamp,
    store::{
        Recording, Write,
        sqlite::{self, Options},
    },
};
use flightdeck_emulators::{control::faults::Rule, platform::Platform};
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{APPROVALS_BY_DEFAULT, Answer, BUYER, House, OPERATOR, PATIENCE, REVIEWER, REVIEWER_2, day};

/// A house that says nothing of approvals, serving.
async fn by_default() -> House {
    let mut house = House::empty(APPROVALS_BY_DEFAULT).await;
    house.start(&[]).await;
    house
}

fn impressions(house: &House) -> Vec<i64> {
    let flights: Vec<Value> = house.kevel.platform().objects("flights").expect("flights");
    let mut goals: Vec<i64> = flights.iter().map(|flight| flight["Impressions"].as_i64().expect("a goal")).collect();
    goals.sort_unstable();
    goals
}

fn banner(id: &str) -> Value {
    json!({ "assets": [{
        "creative_id": id, "name": id, "format": "image", "media_url": "https://cdn.example.com/b.jpg",
        "click_url": "https://example.com/", "width": 300, "height": 250, "package_assignments": ["news"],
    }]})
}

async fn decide(house: &House, token: &str, task: &str, resolution: &str) -> Answer {
    let path = format!("/v1/tasks/{task}");
    let version = house.get(token, &path).await.body["version"].clone();
    let body = json!({ "resolution": resolution, "resolution_detail": "looked at it", "version": version });
    house.post(token, &format!("{path}/complete"), body).await
}

/// A create that waits: its buy, task and operation.
async fn waiting(house: &House) -> (String, String, String) {
    let request = json!({ "packages": ["news"], "total_budget": 1_000 });
    let created = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    (created.text("/media_buy_id"), created.text("/task_id"), created.text("/operation_id"))
}

async fn command(house: &House, arguments: &[&str]) -> String {
    let done = house.command().args(arguments).output().await.expect("it runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

#[tokio::test]
async fn without_a_rule_whatever_makes_a_buy_larger_waits_over_http_and_over_mcp() {
    let house = by_default().await;
    let buy = house.created(json!(["news", "premium_sports"])).await;
    let before = impressions(&house);
    let path = format!("/v1/media-buys/{buy}");
    for larger in [
        json!({ "total_budget": 5_000_000 }),
        json!({ "flight_end_date": day(60) }),
        json!({ "targeting_overlay": { "geography": ["US-CA"] } }),
        json!({ "packages": [{ "package_id": "news", "budget": 5_001 }] }),
        json!({ "packages": [{ "package_id": "news", "impressions": 900_000 }] }),
        // One gives up more than the other gains.
        json!({ "packages": [{ "package_id": "news", "budget": 6_000 }, { "package_id": "premium_sports", "budget": 1_000 }] }),
        json!({ "active": false, "packages": [{ "package_id": "news", "budget": 5_001 }] }),
    ] {
        let answer = house.patch(BUYER, &path, larger.clone()).await.expect(202);
        assert_eq!(answer.text("/status"), "pending_manual", "{larger}");
        if larger.as_object().is_some_and(|members| members.len() == 1 && members.contains_key("packages")) {
            let answer = house.patch(BUYER, &format!("{path}/packages"), larger.clone()).await.expect(202);
            assert_eq!(answer.text("/status"), "pending_manual", "{larger}");
        }
        let mut arguments = larger.clone();
        arguments["media_buy_id"] = json!(buy);
        let answer = house.tool(BUYER, "update_media_buy", arguments).await;
        assert_eq!(answer["status"], "pending_manual", "{larger}");
    }
    let answer = house.post(BUYER, &format!("{path}/creative-assets"), banner("b")).await.expect(202);
    let upload = answer.text("/task_id");
    let mut arguments = banner("c");
    arguments["media_buy_id"] = json!(buy);
    assert_eq!(house.tool(BUYER, "add_creative_assets", arguments).await["status"], "pending_manual");
    assert_eq!(impressions(&house), before, "nothing of it was made");
    assert_eq!(house.kevel.platform().count("ads"), 0);

    // What stops, lowers or shortens waits for nobody, whatever else waits.
    for smaller in [
        json!({ "active": false }),
        json!({ "active": true }),
        json!({ "packages": [{ "package_id": "news", "budget": 4_000, "daily_budget": 100 }] }),
        json!({ "flight_end_date": day(10) }),
    ] {
        let answer = house.patch(BUYER, &path, smaller.clone()).await.expect(200);
        assert_eq!(answer.text("/status"), "accepted", "{smaller}");
    }
    let arguments = json!({ "media_buy_id": buy, "packages": [{ "package_id": "news", "active": false }] });
    assert_eq!(house.tool(BUYER, "update_package", arguments).await["status"], "accepted");
    // A cap that was set can't be taken away again without a word; nor raised.
    for cap in [Value::Null, json!(101)] {
        let looser = json!({ "packages": [{ "package_id": "news", "daily_budget": cap }] });
        house.patch(BUYER, &path, looser).await.expect(202);
    }
    let measured = json!({ "performance_data": [{ "package_id": "news", "performance_index": 1.2 }] });
    house.call(BUYER, Method::PUT, &format!("{path}/performance-index"), measured).await.expect(200);

    // It was asked for another buy than this one is by now, so it is asked again.
    decide(&house, REVIEWER, &upload, "approved").await.expect(200);
    house.until(REVIEWER, &format!("/v1/tasks/{upload}"), |answer| answer.body["status"] == "pending").await;
    decide(&house, REVIEWER, &upload, "approved").await.expect(200);
    assert_eq!(house.task_closed(&upload).await.text("/status"), "completed");
    assert_eq!(house.kevel.platform().count("ads"), 1);
}

#[tokio::test]
async fn a_reviewer_reads_what_becomes_larger_and_what_was_approved_is_made() {
    let house = by_default().await;
    let buy = house.created(json!(["news"])).await;
    let raise = json!({ "total_budget": 12_000, "flight_end_date": day(60) });
    let waiting = house.patch(BUYER, &format!("/v1/media-buys/{buy}"), raise).await.expect(202);
    let task = waiting.text("/task_id");
    let shown = house.get(REVIEWER, &format!("/v1/tasks/{task}")).await.expect(200);
    let why = shown.text("/error_detail");
    assert!(why.contains("may spend more") && why.contains("longer flight"), "{why}");
    assert_eq!(impressions(&house), [1_600_000]);
    decide(&house, REVIEWER, &task, "approved").await.expect(200);
    assert_eq!(house.task_closed(&task).await.text("/status"), "completed");
    assert_eq!(impressions(&house), [1_920_000]);
}

#[tokio::test]
async fn a_lowering_that_others_have_made_a_raise_meanwhile_is_asked_about() {
    let house = by_default().await;
    let buy = house.created(json!(["news"])).await;
    // The first one takes its time, so that the second is accepted before it is made: by then it lowers.
    let stall = serde_json::from_value(json!({ "stall": { "ms": 1_500 } })).expect("an action");
    house.kevel.controls().faults.add(Rule::new("PUT", "/v1/flight", stall));
    let path = format!("/v1/media-buys/{buy}/packages");
    let to = |budget: i64| json!({ "packages": [{ "package_id": "news", "budget": budget }] });
    let at_once = [("Prefer", "wait=0")];
    for budget in [2_000, 9_000] {
        let answer = house.try_call(BUYER, Method::PATCH, &path, Some(&to(budget)), &at_once).await;
        assert_eq!(answer.expect("an answer").expect(202).text("/status"), "accepted");
    }
    let waits = |answer: &Answer| answer.body["total_count"] == 1;
    house.until(REVIEWER, "/v1/tasks?task_type=manual_approval&status=pending", waits).await;
    assert_eq!(impressions(&house), [320_000], "the first is made, the second waits");
}

#[tokio::test]
async fn small_raises_add_up_until_somebody_has_seen_where_they_lead() {
    let rules = "[[approvals]]\noperations = [\"create_media_buy\"]\n\n[[approvals]]\nraises_budget_by = 1_000\n";
    let mut house = House::empty(rules).await;
    house.start(&[]).await;
    let buy = house.created(json!(["news"])).await;
    let raise = async |budget: i64, whole: bool| {
        let path = format!("/v1/media-buys/{buy}");
        let one = json!({ "packages": [{ "package_id": "news", "budget": budget }] });
        match whole {
            true => house.patch(BUYER, &path, json!({ "total_budget": budget })).await,
            false => house.patch(BUYER, &format!("{path}/packages"), one).await,
        }
    };
    for (step, budget) in (10_100..11_000).step_by(100).enumerate() {
        raise(budget, step % 2 == 0).await.expect(200);
    }
    let tenth = raise(11_000, true).await.expect(202);
    assert_eq!(tenth.text("/status"), "pending_manual");
    decide(&house, REVIEWER, &tenth.text("/task_id"), "approved").await.expect(200);
    assert_eq!(house.task_closed(&tenth.text("/task_id")).await.text("/status"), "completed");
    // From there on it counts anew; what is lower than what was approved is nobody's business.
    raise(11_999, false).await.expect(200);
    raise(12_000, false).await.expect(202);
    raise(9_000, true).await.expect(200);
    raise(11_900, true).await.expect(200);
}

#[tokio::test]
async fn nobody_decides_on_what_they_asked_for_with_another_of_their_tokens() {
    let mut house = House::empty("").await;
    house.configure("name = \"reviewer\"\n", "name = \"reviewer\"\nperson = \"Buyer\"\n");
    house.start(&[]).await;
    let (_, task, _) = waiting(&house).await;
    for resolution in ["approved", "rejected"] {
        let refused = decide(&house, REVIEWER, &task, resolution).await.expect(403);
        assert_eq!(refused.error().0, "PERMISSION_DENIED");
        let arguments = json!({ "task_id": task, "resolution": resolution, "resolution_detail": "mine" });
        let refused = house.tool(REVIEWER, "complete_task", arguments).await;
        assert_eq!(refused["error"]["code"], "PERMISSION_DENIED", "{refused:#}");
    }
    decide(&house, REVIEWER_2, &task, "approved").await.expect(200);
    assert_eq!(house.task_closed(&task).await.text("/status"), "completed");
}

#[tokio::test]
async fn who_asked_is_known_by_who_has_the_token_now_as_well() {
    let mut house = House::new().await;
    let (_, task, _) = waiting(&house).await;
    house.stop().await;
    // It comes out that two tokens are one person's.
    house.configure("name = \"buyer\"\n", "name = \"buyer\"\nperson = \"anna\"\n");
    house.configure("name = \"reviewer\"\n", "name = \"reviewer\"\nperson = \"anna\"\n");
    house.start(&[]).await;
    decide(&house, REVIEWER, &task, "approved").await.expect(403);
    decide(&house, REVIEWER_2, &task, "approved").await.expect(200);
}

const TWO: &str = "[[approvals]]\noperations = [\"create_media_buy\"]\nreviewers = 2\n";

#[tokio::test]
async fn two_tokens_of_one_person_are_one_pair_of_eyes() {
    let mut house = House::empty(TWO).await;
    house.configure("name = \"second-reviewer\"\n", "name = \"second-reviewer\"\nperson = \"Reviewer\"\n");
    house.start(&[]).await;
    let (_, task, _) = waiting(&house).await;
    for token in [REVIEWER, REVIEWER_2] {
        let answer = decide(&house, token, &task, "approved").await.expect(200);
        assert!(answer.body["decision"].is_null(), "{:#}", answer.body);
        assert_eq!(answer.body["approvals"].as_array().map(Vec::len), Some(1), "{:#}", answer.body);
    }
    let arguments = json!({ "task_id": task, "resolution": "approved" });
    let again = house.tool(REVIEWER_2, "complete_task", arguments).await;
    assert_eq!(again["approvals"].as_array().map(Vec::len), Some(1), "{again:#}");
    assert_eq!(house.kevel.platform().count("campaigns"), 0);
    decide(&house, OPERATOR, &task, "approved").await.expect(200);
    assert_eq!(house.task_closed(&task).await.text("/status"), "completed");
}

#[tokio::test]
async fn a_word_whose_token_was_revoked_counts_no_more_when_the_next_is_given() {
    let mut house = House::empty(TWO).await;
    house.start(&[]).await;
    let token =
        command(&house, &["token", "create", "--name", "night-desk", "--person", "Rita", "--role", "reviewer"]).await;
    let (_, task, _) = waiting(&house).await;
    let first = decide(&house, &token, &task, "approved").await.expect(200);
    assert_eq!(
        (first.text("/approvals/0/by"), first.text("/approvals/0/person")),
        ("night-desk".into(), "Rita".into())
    );
    assert!(first.body["history"].to_string().contains("night-desk (Rita)"), "{:#}", first.body);
    command(&house, &["token", "revoke", "night-desk"]).await;
    let second = decide(&house, REVIEWER, &task, "approved").await.expect(200);
    assert!(second.body["decision"].is_null(), "one of two is left: {:#}", second.body);
    assert_eq!(second.text("/approvals/0/by"), "reviewer");
    assert!(second.body["history"].to_string().contains("the token was revoked"), "{:#}", second.body);
    // Another token of the person may be used instead.
    let token =
        command(&house, &["token", "create", "--name", "rita-2", "--person", "rita", "--role", "reviewer"]).await;
    let third = decide(&house, &token, &task, "approved").await.expect(200);
    assert_eq!(third.text("/decision"), "approved");
    assert_eq!(house.task_closed(&task).await.text("/status"), "completed");
    let audit = house.get(OPERATOR, "/v1/audit?limit=200").await.expect(200).body.to_string();
    assert!(audit.contains("task.approval_dropped") && audit.contains("night-desk (Rita)"), "{audit}");
    let listed = command(&house, &["token", "list"]).await;
    assert!(listed.lines().any(|line| line.starts_with("night-desk (Rita)")), "{listed}");
}

/// A create that was approved with this token by a host that died before anything came of it; its task.
async fn approved_and_dead(house: &mut House, token: &str) -> String {
    let (_, task, _) = waiting(house).await;
    house.stop().await;
    house.start(&[("FLIGHTDECK_FAULT_AT", "2")]).await;
    let yes = json!({ "resolution": "approved" });
    let path = format!("/v1/tasks/{task}/complete");
    let died = house.try_call(token, Method::POST, &path, Some(&yes), &[]).await;
    assert!(died.is_none(), "{died:#?}");
    house.ended().await;
    task
}

#[tokio::test]
async fn what_was_approved_with_a_token_that_was_revoked_before_it_ran_is_asked_again() {
    let mut house = House::new().await;
    let token = command(&house, &["token", "create", "--name", "rita", "--role", "reviewer"]).await;
    let task = approved_and_dead(&mut house, &token).await;
    command(&house, &["token", "revoke", "rita"]).await;
    house.start(&[]).await;
    let path = format!("/v1/tasks/{task}");
    let again = house.until(REVIEWER, &path, |answer| answer.body["status"] == "pending").await;
    assert!(
        again.text("/changed").contains("the approval of rita counts no more: the token was revoked"),
        "{:#}",
        again.body
    );
    assert_eq!(house.kevel.platform().count("campaigns"), 0);
    decide(&house, REVIEWER, &task, "approved").await.expect(200);
    assert_eq!(house.task_closed(&task).await.text("/status"), "completed");
}

#[tokio::test]
async fn what_was_approved_with_a_token_that_is_gone_from_the_configuration_is_asked_again() {
    let mut house = House::new().await;
    let task = approved_and_dead(&mut house, REVIEWER_2).await;
    // Somebody else has the name now.
    house.configure(REVIEWER_2, "third-reviewer-token-0123456789abcdef");
    house.start(&[]).await;
    let path = format!("/v1/tasks/{task}");
    let again = house.until(REVIEWER, &path, |answer| answer.body["status"] == "pending").await;
    assert!(again.text("/changed").contains("the token is gone"), "{:#}", again.body);
    assert_eq!(house.kevel.platform().count("campaigns"), 0);
}

#[tokio::test]
async fn what_waits_for_its_ad_server_is_asked_again_if_its_approval_counts_no_more() {
    let house = House::new().await;
    let token = command(&house, &["token", "create", "--name", "rita", "--role", "reviewer"]).await;
    // It is refused, so that nothing has begun, and is tried again and again.
    let busy = serde_json::from_value(json!({ "fail": { "status": 429 } })).expect("an action");
    house.kevel.controls().faults.add(Rule { times: 0, ..Rule::new("POST", "/v1/campaign", busy) });
    let (_, task, operation) = waiting(&house).await;
    decide(&house, &token, &task, "approved").await.expect(200);
    let path = format!("/v1/operations/{operation}");
    house.until(BUYER, &path, |answer| answer.body["attempts"].as_u64() > Some(0)).await;
    command(&house, &["token", "revoke", "rita"]).await;
    let path = format!("/v1/tasks/{task}");
    let again = house.until(REVIEWER, &path, |answer| answer.body["status"] == "pending").await;
    assert!(again.text("/changed").contains("the token was revoked"), "{:#}", again.body);
    house.kevel.controls().faults.clear();
    decide(&house, REVIEWER, &task, "approved").await.expect(200);
    assert_eq!(house.task_closed(&task).await.text("/status"), "completed");
    assert_eq!(house.kevel.platform().count("campaigns"), 1);
}

fn database(house: &House) -> std::path::PathBuf {
    house.dir().join("data/flightdeck.db")
}

#[tokio::test]
async fn a_decision_after_a_task_has_expired_is_refused_though_the_clock_has_not_seen_to_it() {
    let house = House::new().await;
    let mut waits = Vec::new();
    for _ in 0..6 {
        waits.push(waiting(&house).await);
    }
    // They expire in a moment: the host looks for such tasks every five seconds.
    let store = sqlite::open_beside(database(&house), Options::default()).await.expect("the database");
    let expires_at = flightdeck::operations::now().plus(Duration::from_secs(2));
    let mut recording = Recording::default();
    for (_, task, _) in &waits {
        let mut stored = store.task(&task.as_str().into()).await.expect("it is read").expect("the task");
        (stored.value.expires_at, stored.value.due_by) = (expires_at, expires_at);
        recording.push(Write::Task(stored));
    }
    store.record(recording).await.expect("it is recorded");
    store.close().await;
    past(expires_at).await;
    let decisions = waits.iter().enumerate().map(|(index, (_, task, _))| {
        let resolution = if index == 1 { "rejected" } else { "approved" };
        let body = json!({ "resolution": resolution, "resolution_detail": "late", "task_id": task });
        let house = &house;
        async move {
            if index % 3 == 2 {
                return house.tool(REVIEWER, "complete_task", body).await;
            }
            let path = format!("/v1/tasks/{task}/complete");
            let mut body = body;
            body.as_object_mut().expect("an object").remove("task_id");
            house.post(REVIEWER, &path, body).await.expect(409).body
        }
    });
    for answer in futures::future::join_all(decisions).await {
        assert_eq!(answer["error"]["code"], "INVALID_STATE", "{answer:#}");
    }
    for (buy, task, operation) in &waits {
        let path = format!("/v1/operations/{operation}");
        let ended = house.until(BUYER, &path, |answer| answer.body["state"] == "failed").await;
        assert_eq!(ended.text("/error/code"), "EXPIRED", "{:#}", ended.body);
        assert_eq!(house.task_closed(task).await.text("/resolution"), "cannot_complete", "{buy}");
    }
    assert_eq!(house.kevel.platform().count("campaigns"), 0);
}

/// Waits until a moment is over.
async fn past(moment: Timestamp) {
    let until = tokio::time::Instant::now() + PATIENCE;
    while flightdeck::operations::now() <= moment {
        assert!(tokio::time::Instant::now() < until, "the clock stands still");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_create_whose_flight_is_over_is_not_approved_and_can_be_rejected() {
    let house = House::new().await;
    let now = flightdeck::operations::now();
    let (start, end) = (now.plus(Duration::from_secs(1)), now.plus(Duration::from_secs(3)));
    let request = json!({
        "packages": ["news"], "total_budget": 1_000, "flight_start_date": start.to_string(), "flight_end_date": end.to_string(),
    });
    let created = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    let task = created.text("/task_id");
    past(end).await;
    for _ in 0..2 {
        let refused = decide(&house, REVIEWER, &task, "approved").await.expect(409);
        assert_eq!(refused.error().0, "INVALID_STATE");
        assert!(refused.body.to_string().contains("flight"), "{:#}", refused.body);
    }
    let arguments = json!({ "task_id": task, "resolution": "approved" });
    let refused = house.tool(REVIEWER, "complete_task", arguments).await;
    assert_eq!(refused["error"]["code"], "INVALID_STATE", "{refused:#}");
    let rejected = decide(&house, REVIEWER, &task, "rejected").await.expect(200);
    assert_eq!(rejected.text("/status"), "failed");
    assert_eq!(house.kevel.platform().count("campaigns"), 0);
}
