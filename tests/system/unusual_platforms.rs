//! Platforms that can do less than most: they count only totals, or can't take anything back.

use flightdeck_test_support::{component, guest};
use serde_json::{Value, json};

use crate::{
    acme::{AdServer, acme},
    house::{Answer, BUYER, House, REVIEWER, today},
};

/// A host on which the test guest serves `acme`, describing itself as it is told to.
async fn house(server: &AdServer, how: &str) -> House {
    let endpoint = server.start().await;
    let mut house = House::with(&[("acme", "7")], |_| acme(&endpoint)).await;
    let file = house.dir().join("acme.wasm");
    std::fs::write(&file, guest::describing(how)).expect("it is written");
    house.configure(&component("flightdeck-test-guest").display().to_string(), &file.display().to_string());
    house.start(&[]).await;
    house
}

fn order(budget: u32) -> Value {
    json!({ "packages": ["acme"], "total_budget": budget, "flight_start_date": today() })
}

async fn bought(house: &House) -> String {
    let bought = house.post(BUYER, "/v1/media-buys", order(100)).await;
    assert_eq!(bought.body["status"], "pending_activation", "{:#}", bought.body);
    bought.text("/media_buy_id")
}

#[tokio::test]
async fn totals_are_told_by_day_from_when_they_were_first_read() {
    let server = AdServer::default();
    let house = house(&server, "totals").await;
    let buy = bought(&house).await;
    let path = |first: &str, last: &str| format!("/v1/media-buys/{buy}/delivery?start_date={first}&end_date={last}");
    let today = today();
    // The order and the line of one buy: two objects, and so many impressions.
    let delivered = house.get(BUYER, &path(&today, &today)).await.expect(200).body;
    assert_eq!(delivered["totals"]["impressions"], 2, "{delivered:#}");
    assert_eq!(delivered["daily_breakdown"][0]["date"], today, "{delivered:#}");
    bought(&house).await;
    let counted = |answer: &Answer| answer.body["totals"]["impressions"] == 4;
    let delivered = house.until(BUYER, &path(&today, &today), counted).await.body;
    assert_eq!(delivered["daily_breakdown"].as_array().map(Vec::len), Some(1), "{delivered:#}");
    assert_eq!(delivered["totals"]["spend"], 0.004, "{delivered:#}");
    // Of days before the first reading nothing is known, which is said.
    let before = house.get(BUYER, &path("2026-01-01", "2026-01-31")).await.expect(200).body;
    assert_eq!(before["totals"]["impressions"], 0, "{before:#}");
    assert!(
        before["notes"][0].as_str().is_some_and(|note| note.contains("nothing is known of these days")),
        "{before:#}"
    );
    assert_eq!(delivered.get("notes"), None, "{delivered:#}");
}

#[tokio::test]
async fn a_reviewer_is_warned_of_what_can_not_be_taken_back() {
    let server = AdServer::default();
    let house = house(&server, "no-cancel").await;
    let created = house.post(BUYER, "/v1/media-buys", order(6_000)).await.expect(202);
    let task = house.get(REVIEWER, &format!("/v1/tasks/{}", created.text("/task_id"))).await.expect(200);
    let notes = task.body["plan"][0]["notes"].to_string();
    assert!(notes.contains("Test can't stop or remove what this creates"), "{:#}", task.body);
    assert!(notes.contains("Test can't change or pause what this creates"), "{:#}", task.body);
}

#[tokio::test]
async fn what_can_not_be_cancelled_is_for_a_person_at_once_with_what_stays() {
    let server = AdServer::default();
    let house = house(&server, "no-cancel").await;
    server.refuse_lines();
    let created = house.post(BUYER, "/v1/media-buys", order(100)).await;
    let operation = format!("/v1/operations/{}", created.text("/operation_id"));
    let asked = |answer: &Answer| answer.body["task_id"].is_string();
    let operation = house.until(BUYER, &operation, asked).await;
    let task = house.get(REVIEWER, &format!("/v1/tasks/{}", operation.text("/task_id"))).await.expect(200);
    assert_eq!(task.body["task_type"], "reconciliation", "{:#}", task.body);
    let text = task.body.to_string();
    assert!(text.contains("has no cancel; there remain: order 1"), "{:#}", task.body);
}

#[tokio::test]
async fn a_plan_that_differs_each_time_is_the_adapters_fault_at_once() {
    let server = AdServer::default();
    let endpoint = server.start().await;
    let more = acme(&endpoint).replace("behaviour = \"good\"", "behaviour = \"random-in-some-plans\"");
    let mut house = House::with(&[("acme", "7")], |_| more).await;
    house.start(&[]).await;
    let refused = house.post(BUYER, "/v1/media-buys", order(123)).await;
    assert_eq!(refused.error_code().as_deref(), Some("ADAPTER_FAULT"), "{:#}", refused.body);
    assert!(refused.body.to_string().contains("differently each time (the notes)"), "{:#}", refused.body);
    let tasks = house.get(REVIEWER, "/v1/tasks").await.expect(200).body;
    assert_eq!(tasks["total_count"], 0, "{tasks:#}");
    assert_eq!(house.post(BUYER, "/v1/media-buys", order(124)).await.body["status"], "pending_activation");
}
