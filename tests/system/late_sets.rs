//! Requests that set a value and are carried out long after their bound, when a later change has set another one: what the buyer asked
//! for last comes back.

use flightdeck_emulators::control::faults::{Action, Rule};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    house::{Answer, BUYER, House, OPERATOR, PATIENCE},
    servers::Server,
    slow_servers::impatient,
};

/// Has the ad server keep the next write of an order or item until it is released.
fn hold_next(server: Server<'_>, path: &str) {
    let hold = Rule::every_write(Action::Hold { hang_up: true });
    server.controls.faults.add(Rule { path: Some(path.to_owned()), times: 1, ..hold });
}

/// Changes the buy, however long that takes.
async fn changed(house: &House, method: Method, path: &str, change: Value) {
    let answer = house.try_call(BUYER, method, path, Some(&change), &[("Prefer", "wait=0")]).await.expect("an answer");
    let ended = |answer: &Answer| matches!(answer.body["state"].as_str(), Some("succeeded" | "failed"));
    let operation = format!("/v1/operations/{}", answer.expect(202).text("/operation_id"));
    let operation = house.until(BUYER, &operation, ended).await;
    assert_eq!(operation.text("/state"), "succeeded", "{:#}\n{}", operation.body, house.log());
}

/// Releases the request that is held, then waits until the ad server is as it was before it.
async fn late_and_mended<T: PartialEq + std::fmt::Debug>(house: &House, server: Server<'_>, is: impl Fn() -> T) {
    let asked_last = is();
    assert_eq!(server.controls.held.release().await, 1, "nothing was held");
    let late = is();
    assert_ne!(late, asked_last, "the late request changed nothing, so this test shows nothing");
    let until = tokio::time::Instant::now() + PATIENCE;
    while is() != asked_last {
        assert!(tokio::time::Instant::now() < until, "it stays {late:?}, not {asked_last:?}:\n{}", house.log());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let is_told = |audit: &Answer| audit.body.to_string().contains("operation.set_again");
    house.until(OPERATOR, "/v1/audit?limit=200", is_told).await;
    let counted = house.get(OPERATOR, "/metrics").await.expect(200);
    let line = format!("flightdeck_sets_repeated_total{{platform=\"{}\"}}", server.name);
    assert!(counted.body.as_str().is_some_and(|text| text.contains(&line)), "{line}");
    assert_eq!(server.counts(), (1, 1), "nothing was made");
}

/// The goal of a package is lowered twice, and the first request arrives last.
async fn an_old_goal(name: &str) {
    let mut servers = impatient("500ms").await;
    servers.house.start(&[]).await;
    let (house, server) = (&servers.house, servers.server(name));
    let path = format!("/v1/media-buys/{}", house.created(json!([server.packages[0]])).await);
    hold_next(server, server.paths[1]);
    let budget = |budget| json!({ "packages": [{ "package_id": server.packages[0], "budget": budget }] });
    changed(house, Method::PATCH, &path, budget(8_000)).await;
    changed(house, Method::PATCH, &path, budget(6_000)).await;
    late_and_mended(house, server, || server.goals()).await;
}

#[tokio::test]
async fn on_kevel_the_goal_that_was_asked_for_last_comes_back() {
    an_old_goal("kevel").await;
}

#[tokio::test]
async fn on_ad_manager_the_goal_that_was_asked_for_last_comes_back() {
    an_old_goal("gam").await;
}

#[tokio::test]
async fn on_triton_the_goal_that_was_asked_for_last_comes_back() {
    an_old_goal("triton").await;
}

/// A buy that delivers is paused and resumed, and the pause arrives last.
async fn an_old_pause(name: &str) {
    let mut servers = impatient("500ms").await;
    servers.house.start(&[]).await;
    let (house, server) = (&servers.house, servers.server(name));
    let buy = house.created(json!([server.packages[0]])).await;
    let (path, creatives) = (format!("/v1/media-buys/{buy}"), format!("/v1/media-buys/{buy}/creative-assets"));
    changed(house, Method::POST, &creatives, upload(server, "first")).await;
    servers.pass(std::time::Duration::from_secs(600));
    assert_eq!(server.running().len(), 1);
    hold_next(server, server.paths[0]);
    changed(house, Method::PATCH, &path, json!({ "active": false })).await;
    changed(house, Method::PATCH, &path, json!({ "active": true })).await;
    late_and_mended(house, server, || server.running().len()).await;
}

#[tokio::test]
async fn on_kevel_a_buy_that_was_resumed_runs_again_after_a_late_pause() {
    an_old_pause("kevel").await;
}

#[tokio::test]
async fn on_ad_manager_a_buy_that_was_resumed_runs_again_after_a_late_pause() {
    an_old_pause("gam").await;
}

#[tokio::test]
async fn on_triton_a_buy_that_was_resumed_runs_again_after_a_late_pause() {
    an_old_pause("triton").await;
}

fn upload(server: Server<'_>, id: &str) -> Value {
    let mut creative = server.creative(id);
    creative["package_assignments"] = json!([server.packages[0]]);
    json!({ "assets": [creative] })
}

/// A list of creatives that an earlier upload set takes those of a later one away.
#[tokio::test]
async fn on_triton_a_creative_that_an_older_list_took_away_comes_back() {
    let mut servers = impatient("500ms").await;
    servers.house.start(&[]).await;
    let (house, server) = (&servers.house, servers.server("triton"));
    let buy = house.created(json!([server.packages[0]])).await;
    let path = format!("/v1/media-buys/{buy}/creative-assets");
    hold_next(server, server.paths[1]);
    for id in ["first", "second"] {
        changed(house, Method::POST, &path, upload(server, id)).await;
    }
    late_and_mended(house, server, || server.associations()).await;
}

/// What a change was going to set before a pause overtook it counts as well: it was sent then.
#[tokio::test]
async fn on_kevel_a_pause_holds_against_the_change_that_it_overtook() {
    let mut servers = impatient("2s").await;
    servers.house.start(&[]).await;
    let (house, server) = (&servers.house, servers.server("kevel"));
    let buy = house.created(json!([server.packages[0]])).await;
    let path = format!("/v1/media-buys/{buy}");
    changed(house, Method::POST, &format!("{path}/creative-assets"), upload(server, "first")).await;
    servers.pass(std::time::Duration::from_secs(600));
    // A `PUT` of Kevel has all fields of the campaign: this one has it active.
    hold_next(server, server.paths[0]);
    let cap = json!({ "daily_budget": 500 });
    let change = house.try_call(BUYER, Method::PATCH, &path, Some(&cap), &[("Prefer", "wait=0")]).await;
    let change = change.expect("an answer").expect(202).text("/operation_id");
    let until = tokio::time::Instant::now() + PATIENCE;
    while server.controls.held.count() == 0 {
        assert!(tokio::time::Instant::now() < until, "nothing was held:\n{}", house.log());
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    house.patch(BUYER, &path, json!({ "active": false })).await.expect(200);
    let ended = |answer: &Answer| matches!(answer.body["state"].as_str(), Some("succeeded" | "failed"));
    house.until(BUYER, &format!("/v1/operations/{change}"), ended).await;
    late_and_mended(house, server, || server.running().len()).await;
}
