//! A database that goes away while it commits: whether something was recorded is not known then, and is found out.

use flightdeck_test_support::{
    cable::{Cable, Cut},
    postgres,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    house::{Answer, BUYER, today},
    replicas::Replicas,
};

/// A buy with this number, under a key of the same name.
async fn create(replicas: &Replicas, po_number: &str) -> Answer {
    let request = json!({
        "packages": ["front_page"], "total_budget": 1_000, "flight_start_date": today(), "po_number": po_number,
    });
    let headers = [("Idempotency-Key", po_number)];
    let asked = replicas.ask(0, BUYER, Method::POST, "/v1/media-buys", Some(&request), &headers);
    asked.await.expect("an answer")
}

/// How many buys there are with this number.
async fn found(replicas: &Replicas, po_number: &str) -> Option<usize> {
    let listed = replicas.get(0, BUYER, &format!("/v1/media-buys?po_number={po_number}")).await.expect(200);
    listed.body["media_buys"].as_array().map(Vec::len)
}

#[tokio::test]
async fn what_was_recorded_without_an_answer_is_told_as_accepted_and_what_was_not_may_be_asked_again() {
    let Some(url) = postgres::database().await else { return };
    let cable = Cable::to(&url);
    let replicas = Replicas::on(cable.url.clone(), 1, "").await;
    replicas.start(0).await;

    cable.cut_at_commit("PO-after", Cut::After);
    let accepted = create(&replicas, "PO-after").await.expect(202);
    let again = create(&replicas, "PO-after").await.expect(202);
    assert_eq!(again.text("/operation_id"), accepted.text("/operation_id"));
    assert_eq!(found(&replicas, "PO-after").await, Some(1));

    cable.cut_at_commit("PO-before", Cut::Before);
    let unsure = create(&replicas, "PO-before").await.expect(503);
    assert_eq!(unsure.error_code().as_deref(), Some("STORAGE_UNAVAILABLE"), "{:#}", unsure.body);
    let message = unsure.body.pointer("/error/message").and_then(Value::as_str).unwrap_or_default();
    assert!(message.contains("did not say whether this was recorded"), "{message}");
    assert_eq!(found(&replicas, "PO-before").await, Some(0));
    create(&replicas, "PO-before").await.expect(202);
    assert_eq!(found(&replicas, "PO-before").await, Some(1));
    replicas.stop(0).await;
}
