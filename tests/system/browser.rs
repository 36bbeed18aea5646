//! The review desk in a real browser: Chromium, driven by the scenarios in `tests/browser/desk.mjs`.

use std::path::{Path, PathBuf};

use flightdeck_test_support::left_out;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    house::{BUYER, House, OPERATOR, REVIEWER, REVIEWER_2},
    oidc::{configured, provider::Provider},
    receiver::Receiver,
    releases, swaps,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

async fn play(house: &House, scenario: &str) {
    play_with(house, scenario, &[]).await;
}

/// Runs a scenario against a house, with more variables. A machine without a browser leaves it out,
/// and says so.
async fn play_with(house: &House, scenario: &str, more: &[(&str, &str)]) {
    let folder = root().join("tests/browser");
    if !Path::new("/usr/bin/chromium").exists() || !folder.join("node_modules").exists() {
        return left_out("no Chromium or no Playwright for the pages of the desk: run `make setup`");
    }
    let ran = Command::new("node")
        .arg("desk.mjs")
        .arg(scenario)
        .current_dir(folder)
        .env("DESK", house.url())
        .env("REVIEWER", REVIEWER)
        .env("REVIEWER_2", REVIEWER_2)
        .env("OPERATOR", OPERATOR)
        .envs(more.iter().copied())
        .env("SHOTS", root().join("target/screenshots"))
        .output()
        .await
        .expect("node is there");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{scenario}: {said}\n{}", house.log());
}

async fn waiting(house: &House, more: Value) -> String {
    let mut request = json!({ "packages": ["news"], "total_budget": 1_000 });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    house.post(BUYER, "/v1/media-buys", request).await.expect(202).text("/task_id")
}

/// A house in which something has happened, with hostile names.
async fn lived_in() -> House {
    let mut house = House::empty("[webhooks]\nallow_http = true\nallow_private = [\"127.0.0.0/8\"]\n").await;
    house.start(&[]).await;
    let hostile = "<script>document.title='taken'</script>-\"x' & a_long_number_without_any_place_to_break_the_line";
    waiting(&house, json!({ "po_number": &hostile[..60] })).await;
    let approved = waiting(&house, json!({ "po_number": "PO-1" })).await;
    house.approve(&approved).await;
    house.task_closed(&approved).await;
    let receiver = Receiver::start().await;
    let endpoint = json!({ "url": receiver.url, "events": ["task.created"], "description": &hostile[..60] });
    let id = house.post(BUYER, "/v1/webhooks", endpoint).await.expect(200).text("/webhook_id");
    house.post(BUYER, &format!("/v1/webhooks/{id}/test"), json!({})).await.expect(200);
    receiver.until(|hooks| !hooks.is_empty()).await;
    let deliveries = format!("/v1/webhooks/{id}/deliveries");
    house.until(OPERATOR, &deliveries, |answer| answer.body["deliveries"][0]["status"] == "delivered").await;
    house
}

#[tokio::test]
async fn every_page_is_sound_in_light_and_on_a_phone() {
    play_with(&lived_in().await, "pages", &[("SCHEME", "light")]).await;
}

#[tokio::test]
async fn every_page_is_sound_in_the_dark_and_on_a_phone() {
    play_with(&lived_in().await, "pages", &[("SCHEME", "dark")]).await;
}

#[tokio::test]
async fn every_page_of_operators_is_sound_in_light_and_on_a_phone() {
    play_with(&lived_in().await, "operators", &[("SCHEME", "light")]).await;
}

#[tokio::test]
async fn every_page_of_operators_is_sound_in_the_dark_and_on_a_phone() {
    play_with(&lived_in().await, "operators", &[("SCHEME", "dark")]).await;
}

#[tokio::test]
async fn a_reviewer_needs_no_mouse() {
    let house = House::new().await;
    let task = waiting(&house, json!({ "po_number": "PO-1" })).await;
    play(&house, "keyboard").await;
    if Path::new("/usr/bin/chromium").exists() {
        assert_eq!(house.task_closed(&task).await.text("/status"), "completed");
    }
}

#[tokio::test]
async fn several_tasks_are_rejected_together() {
    let house = House::new().await;
    let tasks = [waiting(&house, json!({})).await, waiting(&house, json!({})).await, waiting(&house, json!({})).await];
    play(&house, "together").await;
    if Path::new("/usr/bin/chromium").exists() {
        for task in &tasks[..2] {
            assert_eq!(house.task_closed(task).await.text("/status"), "failed");
        }
    }
}

#[tokio::test]
async fn the_slower_of_two_reviewers_learns_what_happened() {
    let house = House::new().await;
    waiting(&house, json!({})).await;
    play(&house, "stale").await;
}

#[tokio::test]
async fn an_open_page_shows_what_another_reviewer_did() {
    let house = House::new().await;
    waiting(&house, json!({})).await;
    play(&house, "live").await;
}

#[tokio::test]
async fn an_operator_swaps_an_adapter_on_the_page() {
    let house = releases::house().await;
    let release = swaps::install(&house, "another", false).await;
    play_with(&house, "swap", &[("RELEASE", &release)]).await;
}

#[tokio::test]
async fn a_person_comes_back_from_an_openid_provider_on_another_site() {
    // To a browser, localhost is another site than 127.0.0.1.
    let provider = Provider::start_as("localhost").await;
    provider.knows("anna@acme.example", &["platform-team"]);
    let mut house = House::empty(&configured(&provider.issuer)).await;
    house.start(&[]).await;
    provider.says().back_to = Some(house.url().to_owned());
    play(&house, "provider").await;
}

#[tokio::test]
async fn every_decision_works_without_javascript() {
    let house = House::new().await;
    waiting(&house, json!({})).await;
    play(&house, "plain").await;
}
