//! A database that goes away while it commits: whether something was recorded is not known then, and is found out.

use std::time::Duration;

use flightdeck_test_support::{
    cable::{Cable, Cut},
    postgres,
};
use reqwest::Method;
use serde_json::json;

use crate::{
    house::{Answer, BUYER, REVIEWER, today},
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
async fn whatever_becomes_of_a_commit_without_an_answer_its_create_is_accepted_once() {
    let Some(url) = postgres::database().await else { return };
    let cable = Cable::to(&url);
    let replicas = Replicas::on(cable.url.clone(), 1, "").await;
    replicas.start(0).await;
    // It was recorded; it was not, and is; it is being recorded when the caller is about to be answered.
    for (po_number, cut) in
        [("PO-after", Cut::After), ("PO-before", Cut::Before), ("PO-late", Cut::Late(Duration::from_secs(2)))]
    {
        cable.cut_at_commit(po_number, cut);
        let accepted = create(&replicas, po_number).await.expect(202);
        let again = create(&replicas, po_number).await.expect(202);
        assert_eq!(again.text("/operation_id"), accepted.text("/operation_id"), "{po_number}");
        assert_eq!(found(&replicas, po_number).await, Some(1), "{po_number}");
    }
    replicas.stop(0).await;
}

#[tokio::test]
async fn a_decision_that_may_be_recorded_is_answered_as_it_is() {
    let Some(url) = postgres::database().await else { return };
    let cable = Cable::to(&url);
    let replicas = Replicas::on(cable.url.clone(), 1, "").await;
    replicas.start(0).await;
    for (words, cut) in
        [("said after", Cut::After), ("said before", Cut::Before), ("said late", Cut::Late(Duration::from_secs(2)))]
    {
        let created = create(&replicas, words).await.expect(202);
        let task = created.text("/task_id");
        cable.cut_at_commit(words, cut);
        let decision = json!({ "resolution": "rejected", "resolution_detail": words });
        let path = format!("/v1/tasks/{task}/complete");
        let decided = replicas.ask(0, REVIEWER, Method::POST, &path, Some(&decision), &[]).await.expect("an answer");
        let decided = decided.expect(200);
        assert_eq!(decided.text("/status"), "failed", "{:#}", decided.body);
        assert_eq!(decided.text("/resolution_detail"), words);
    }
    replicas.stop(0).await;
}
