//! Creates that end well by the word of their adapter alone: what may have been made is taken back, or told to a person.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use axum::{Router, extract::State, routing::post};
use flightdeck_test_support::component;
use serde_json::json;

use crate::house::{Answer, BUYER, House, OPERATOR, REVIEWER};

/// An ad server that makes whatever it is asked for, and counts the orders.
async fn ad_server() -> (String, Arc<AtomicU32>) {
    let orders = Arc::new(AtomicU32::new(0));
    let count = async |State(orders): State<Arc<AtomicU32>>| format!("order-{}", orders.fetch_add(1, Ordering::SeqCst));
    let router = Router::new().route("/orders", post(count)).route("/lines", post(async || "line"));
    let router = router.with_state(orders.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, orders)
}

/// A house with a platform whose adapter behaves so.
async fn house(behaviour: &str, url: &str) -> House {
    let adapter = component("flightdeck-test-guest").display().to_string();
    let mut house = House::with(&[("odd", "7")], |_| {
        format!(
            "[[platforms]]\nname = \"odd\"\nadapter = \"{adapter}\"\nendpoint = \"{url}\"\nallow_private = [\"127.0.0.0/8\"]\n\
             read_requests = [\"POST /report/*\"]\nsettings = {{ behaviour = \"{behaviour}\" }}\n\n\
             [[products]]\nid = \"odd\"\nname = \"odd\"\nplatform = \"odd\"\nformats = [\"image\"]\ncpm = 1\n\n\
             [[approvals]]\noperations = [\"create_media_buy\"]\nabove_budget = 5_000\n"
        )
    })
    .await;
    house.start(&[]).await;
    house
}

async fn created(house: &House) -> Answer {
    house.post(BUYER, "/v1/media-buys", json!({ "packages": ["odd"], "total_budget": 1_000 })).await
}

#[tokio::test]
async fn what_is_made_and_not_told_of_is_taken_back() {
    let (url, orders) = ad_server().await;
    let house = house("forget-packages", &url).await;
    let answer = created(&house).await;
    let path = format!("/v1/operations/{}", answer.text("/operation_id"));
    let ended = house.until(OPERATOR, &path, |answer| answer.body["state"] == "failed").await;
    let error = &ended.body["error"];
    assert_eq!(
        (&error["code"], &error["details"]["reason"]),
        (&json!("ADAPTER_FAULT"), &json!("create_incomplete")),
        "{error:#}"
    );
    assert_eq!(orders.load(Ordering::SeqCst), 1, "once, however often it was run");
    assert!(house.log().contains("the package odd"), "{}", house.log());
}

#[tokio::test]
async fn a_step_that_is_left_open_is_told_to_a_person_and_never_reported_as_success() {
    let (url, orders) = ad_server().await;
    let house = house("leave-step-open", &url).await;
    let answer = created(&house).await;
    let path = format!("/v1/operations/{}", answer.text("/operation_id"));
    let parked = house.until(OPERATOR, &path, |answer| answer.body["state"] == "parked").await;
    assert_ne!(parked.body["state"], "succeeded");
    assert!(orders.load(Ordering::SeqCst) > 0);
    let tasks = house.get(REVIEWER, "/v1/tasks?task_type=reconciliation").await;
    let words = tasks.body.to_string();
    assert!(words.contains("left the step") && words.contains("order"), "{words}");
}
