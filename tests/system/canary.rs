//! A release gets a share of the media buys beside the one that serves, until it takes over or is rolled back.

use flightdeck::domain::digest;
use flightdeck_test_support::guest;
use serde_json::{Value, json};

use crate::{
    house::{Answer, BUYER, House, OPERATOR, PATIENCE, today},
    releases::{RELEASES, adapter, decide, house, planned_by, until_planned_by},
};

const HISTORY: &str = "/v1/platforms/acme/activations";

/// Installs a release; its digest.
async fn installed(house: &House, name: &str, bytes: Vec<u8>) -> String {
    let digest = digest::sha256(&bytes);
    let path = house.dir().join(format!("{name}.wasm"));
    std::fs::write(&path, bytes).expect("it is written");
    adapter(house, &["install", "acme", &path.display().to_string()]).await.expect("it is installed");
    digest
}

fn kind(answer: &Answer) -> &Value {
    &answer.body["activations"][0]["kind"]
}

/// Has the host plan until it says so; how many of the answers each release gave, and how many requests failed.
async fn plan_until(house: &House, tried: &str, done: impl AsyncFn(usize, usize) -> bool) -> (usize, usize, usize) {
    let (mut by_tried, mut by_other, mut failed) = (0, 0, 0);
    let until = tokio::time::Instant::now() + PATIENCE;
    while !done(by_tried, by_other).await {
        assert!(tokio::time::Instant::now() < until, "{by_tried} and {by_other} plans:\n{}", house.log());
        let request =
            json!({ "packages": ["acme"], "total_budget": 100, "flight_start_date": today(), "dry_run": true });
        let answer = house.post(BUYER, "/v1/media-buys", request).await;
        match answer.body["plan"][0]["adapter_release"].as_str() {
            Some(release) if release == tried => by_tried += 1,
            Some(_) => by_other += 1,
            // A fast host plans the caller's whole burst before the trial has begun.
            None if answer.error_code().as_deref() == Some("RATE_LIMITED") => {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            None => failed += 1,
        }
    }
    (by_tried, by_other, failed)
}

/// Waits until one release has everything: it plans so many buys in a row that a share would show.
async fn until_only_by(house: &House, wanted: &str) {
    let (mut row, until) = (0, tokio::time::Instant::now() + PATIENCE);
    while row < 30 {
        assert!(tokio::time::Instant::now() < until, "{wanted} never has everything:\n{}", house.log());
        row = if planned_by(house).await == wanted { row + 1 } else { 0 };
    }
}

#[tokio::test]
async fn a_release_that_does_well_with_its_share_takes_over() {
    let house = house().await;
    let first = planned_by(&house).await;
    let second = installed(&house, "second", guest::release("second", false)).await;
    let told = adapter(&house, &["activate", "acme", &second[..12], "--canary", "40%", "--canary-for", "1h"]).await;
    assert!(told.expect("it is tried").contains("on trial with 40 % of the media buys"));
    let list = house.get(OPERATOR, RELEASES).await.expect(200);
    let of = |list: &Answer, digest: &str| {
        let mut all = list.body["releases"].as_array().expect("a list").clone().into_iter();
        all.find(|one| one["digest"] == digest).expect("the release")
    };
    assert_eq!(of(&list, &second)["canary_percent"], 40, "{:#}", list.body);
    assert_eq!((&of(&list, &second)["serving"], &of(&list, &first)["serving"]), (&json!(false), &json!(true)));
    assert_eq!(of(&list, &first)["rollback"], true, "a rollback ends the trial");
    let (tried, other, failed) = plan_until(&house, &second, async |tried, other| tried >= 25 && other >= 25).await;
    assert_eq!(failed, 0, "of {tried} and {other}");
    assert_eq!(
        house.get(OPERATOR, HISTORY).await.body["activations"].as_array().expect("a list").len(),
        2,
        "its time is not over"
    );

    // The same release with a shorter trial: what is known of it stays known.
    let activate = format!("{RELEASES}/{}/activate", &second[..12]);
    let told =
        decide(&house, &activate, json!({ "canary_percent": 50, "canary_minutes": 1 }), "\"2\"").await.expect(200);
    assert_eq!((&told.body["number"], &told.body["canary_percent"]), (&json!(3), &json!(50)), "{:#}", told.body);
    adapter(&house, &["activate", "acme", &second[..12], "--canary", "60", "--canary-for", "1ms"])
        .await
        .expect("tried");
    until_planned_by(&house, &second).await;
    let promoted = house.until(OPERATOR, HISTORY, |answer| kind(answer) == "promotion").await;
    let newest = &promoted.body["activations"][0];
    assert_eq!((&newest["digest"], &newest["actor"]), (&json!(second), &json!("flightdeck")), "{newest:#}");
    assert!(newest["canary_percent"].is_null() && newest["reason"].as_str().is_some_and(|why| why.contains("60 %")));
    until_only_by(&house, &second).await;
    adapter(&house, &["rollback", "acme"]).await.expect("it goes back");
    until_planned_by(&house, &first).await;
}

#[tokio::test]
async fn a_release_that_traps_with_its_share_is_rolled_back_and_nobody_notices() {
    let house = house().await;
    let first = planned_by(&house).await;
    let bad = installed(&house, "bad", guest::release("bad", true)).await;
    adapter(&house, &["activate", "acme", &bad, "--canary", "50%"]).await.expect("it is tried");
    let (tried, _, failed) =
        plan_until(&house, &bad, async |_, _| kind(&house.get(OPERATOR, HISTORY).await) == "automatic").await;
    assert_eq!((tried, failed), (0, 0), "what it fails at is planned by the other one");
    let list = house.get(OPERATOR, RELEASES).await.expect(200);
    let all = list.body["releases"].as_array().expect("a list");
    assert!(all.iter().any(|one| one["digest"] == bad.as_str() && one["unhealthy_at"].is_string()), "{:#}", list.body);
    assert!(all.iter().all(|one| one["canary_percent"].is_null()), "{:#}", list.body);
    assert_eq!(planned_by(&house).await, first);
}

#[tokio::test]
async fn a_release_that_fails_more_often_than_the_one_beside_it_is_rolled_back() {
    let house = house().await;
    let bad = installed(&house, "down", guest::release_that_is_down("down")).await;
    adapter(&house, &["activate", "acme", &bad, "--canary", "50%"]).await.expect("it is tried");
    plan_until(&house, &bad, async |_, _| kind(&house.get(OPERATOR, HISTORY).await) == "automatic").await;
    let history = house.get(OPERATOR, HISTORY).await;
    let reason = history.body["activations"][0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("calls failed, and 0 of") && reason.contains("the ad server is down"), "{reason}");
}

#[tokio::test]
async fn a_trial_is_ended_by_hand_and_refused_where_it_makes_no_sense() {
    let mut house = house().await;
    let first = planned_by(&house).await;
    let second = installed(&house, "second", guest::release("second", false)).await;
    let activate = |digest: &str| format!("{RELEASES}/{digest}/activate");
    for (path, body, code) in [
        (activate(&second), json!({ "canary_percent": 0 }), "INVALID_PARAMETER"),
        (activate(&second), json!({ "canary_percent": 100 }), "INVALID_PARAMETER"),
        (activate(&second), json!({ "canary_minutes": 10 }), "INVALID_PARAMETER"),
        (activate(&first), json!({ "canary_percent": 5 }), "INVALID_STATE"),
    ] {
        let refused = decide(&house, &path, body.clone(), "").await;
        assert_eq!(refused.error_code().as_deref(), Some(code), "{body}: {:#}", refused.body);
    }
    for wrong in ["0%", "100%", "half"] {
        let refused = adapter(&house, &["activate", "acme", &second, "--canary", wrong]).await.expect_err("refused");
        assert!(refused.contains("must be a share like 5%"), "{refused}");
    }
    decide(&house, &activate(&second), json!({ "canary_percent": 99 }), "").await.expect(200);
    let refused = adapter(&house, &["remove", "acme", &second]).await.expect_err("it is on trial");
    assert!(refused.contains("already"), "{refused}");
    until_planned_by(&house, &second).await;
    // A restart does not end it.
    house.stop().await;
    house.start(&[]).await;
    until_planned_by(&house, &second).await;
    let shown = adapter(&house, &["show", "acme", &second[..12]]).await.expect("it is shown");
    assert!(shown.contains("on trial with 99 %") && shown.contains("\"adapter_version\""), "{shown}");
    adapter(&house, &["rollback", "acme", "--reason", "enough"]).await.expect("it ends");
    until_only_by(&house, &first).await;
    let listed: Value =
        serde_json::from_str(&adapter(&house, &["list", "acme", "--json"]).await.expect("a list")).expect("JSON");
    assert_eq!(listed["releases"][0]["serving"], true, "{listed:#}");
    let history: Value =
        serde_json::from_str(&adapter(&house, &["history", "acme", "--json"]).await.expect("a list")).expect("JSON");
    assert_eq!(history["activations"][0]["kind"], "rollback", "{history:#}");
    adapter(&house, &["remove", "acme", &second]).await.expect("nothing needs it");
}
