//! Media buys that an ad server does not show: when that is news, when it is an alarm, and what does not end by it.

use std::time::Duration;

use flightdeck_emulators::control::faults::Rule;
use serde_json::json;

use crate::house::{Answer, BUYER, House, OPERATOR, PATIENCE, REVIEWER};

/// A house in which a buy is taken for gone after so long, serving. `more`: other settings of operations.
async fn house(more: &str, rules: &str) -> House {
    let mut house = House::empty(rules).await;
    house.configure("lease = \"1s\"\n", &format!("lease = \"1s\"\n{more}\n"));
    house.start(&[]).await;
    house
}

/// Has the ad server find nothing from now on.
fn lose(house: &House) {
    let missing = serde_json::from_value(json!({ "fail": { "status": 404 } })).expect("an action");
    house.kevel.controls().faults.add(Rule { times: 0, ..Rule::new("GET", "/v1/*", missing) });
}

async fn status(house: &House, buy: &str) -> Answer {
    house.get(BUYER, &format!("/v1/media-buys/{buy}/status")).await.expect(200)
}

async fn until_status(house: &House, buy: &str, wanted: &str) -> Answer {
    house.until(BUYER, &format!("/v1/media-buys/{buy}/status"), |answer| answer.body["status"] == wanted).await
}

fn asked(house: &House) -> u64 {
    house.kevel.controls().log.summary().total
}

/// Waits until the ad server was asked so many times more and so long has passed.
async fn looked(house: &House, times: u64, time: Duration) {
    let (before, since) = (asked(house), tokio::time::Instant::now());
    while asked(house) < before + times || since.elapsed() < time {
        assert!(since.elapsed() < PATIENCE, "nobody looks:\n{}", house.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn one_look_that_misses_a_buy_changes_nothing_however_often_it_is_repeated() {
    let house = House::new().await;
    let buy = house.created(json!(["news"])).await;
    lose(&house);
    let path = format!("/v1/media-buys/{buy}/status");
    house.until(BUYER, &path, |answer| answer.text("/detail").contains("taken for gone")).await;
    for _ in 0..10 {
        let shown = status(&house, &buy).await;
        assert_eq!(shown.text("/status"), "pending_activation", "{:#}", shown.body);
        assert!(shown.text("/detail").contains("as last known"), "{:#}", shown.body);
    }
    let arguments = json!({ "media_buy_id": buy });
    let shown = house.tool(BUYER, "check_media_buy_status", arguments).await;
    assert_eq!(shown["status"], "pending_activation", "{shown:#}");
}

#[tokio::test]
async fn two_looks_that_are_apart_take_a_buy_for_gone_and_one_that_shows_it_brings_it_back() {
    let mut house = house("missing_after = \"2s\"", "").await;
    let buy = house.created(json!(["news"])).await;
    lose(&house);
    let since = tokio::time::Instant::now();
    house
        .until(BUYER, &format!("/v1/media-buys/{buy}/status"), |answer| {
            answer.text("/detail").contains("taken for gone")
        })
        .await;
    // What the first look saw is remembered through a restart.
    house.stop().await;
    while since.elapsed() < Duration::from_millis(2_500) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    house.start(&[]).await;
    let gone = until_status(&house, &buy, "failed").await;
    assert!(gone.text("/detail").contains("no longer on the ad server"), "{:#}", gone.body);
    assert_eq!(house.get(BUYER, "/v1/media-buys").await.text("/media_buys/0/status"), "failed");
    assert_eq!(status(&house, &buy).await.text("/status"), "failed", "it stays so");
    house.kevel.controls().faults.clear();
    until_status(&house, &buy, "pending_activation").await;
}

#[tokio::test]
async fn a_look_between_two_that_shows_the_buy_begins_the_count_anew() {
    let house = house("missing_after = \"10s\"", "").await;
    let buy = house.created(json!(["news"])).await;
    let (path, begun) = (format!("/v1/media-buys/{buy}/status"), tokio::time::Instant::now());
    // Missed and shown again, for longer than it takes until a buy is taken for gone.
    while begun.elapsed() < Duration::from_secs(13) {
        lose(&house);
        let missed = |answer: &Answer| answer.text("/detail").contains("taken for gone");
        let shown = house.until(BUYER, &path, |answer| missed(answer) || answer.body["status"] == "failed").await;
        assert_eq!(shown.text("/status"), "pending_activation", "{:#}", shown.body);
        house.kevel.controls().faults.clear();
        house.until(BUYER, &path, |answer| !missed(answer)).await;
    }
}

#[tokio::test]
async fn what_waits_for_a_person_does_not_end_because_its_buy_is_missed() {
    let house = house("missing_after = \"1s\"", "[[approvals]]\ngrows = true\n").await;
    let buy = house.created(json!(["news"])).await;
    let raise = json!({ "packages": [{ "package_id": "news", "budget": 12_000 }] });
    let waiting = house.patch(BUYER, &format!("/v1/media-buys/{buy}/packages"), raise).await.expect(202);
    let task = waiting.text("/task_id");
    lose(&house);
    until_status(&house, &buy, "failed").await;
    let shown = house.get(REVIEWER, &format!("/v1/tasks/{task}")).await;
    assert_eq!(shown.text("/status"), "pending", "{:#}", shown.body);
    house.kevel.controls().faults.clear();
    until_status(&house, &buy, "pending_activation").await;
    house.approve(&task).await.expect(200);
    assert_eq!(house.task_closed(&task).await.text("/status"), "completed");
}

/// How many buys there are when most of them are missed.
const BUYS: usize = 12;

fn in_status(answer: &Answer, status: &str) -> usize {
    let buys = answer.body["media_buys"].as_array().cloned().unwrap_or_default();
    buys.iter().filter(|buy| buy["status"] == status).count()
}

/// The value of the alarm, once it was measured.
fn alarm(metrics: &Answer) -> Option<String> {
    let text = metrics.body.as_str().unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("flightdeck_missing_alarm{"))?;
    line.rsplit(' ').next().map(str::to_owned)
}

#[tokio::test]
async fn most_of_many_missed_at_once_are_an_alarm_and_no_news_of_any() {
    const SETTINGS: &str = "status_refresh = \"1s\"\nmissing_after = \"3s\"\nmissing_alarm = 10";
    let mut house = house(SETTINGS, "[[approvals]]\ngrows = true\nprincipals = [\"other\"]\n").await;
    let request = json!({ "packages": ["news"], "total_budget": 1_000 });
    for _ in 0..BUYS {
        house.post(BUYER, "/v1/media-buys", request.clone()).await.expect(200);
    }
    let all = |status: &'static str| move |answer: &Answer| in_status(answer, status) == BUYS;
    house.until(BUYER, "/v1/media-buys?limit=200", all("pending_activation")).await;
    house.until(OPERATOR, "/metrics", |metrics| alarm(metrics).as_deref() == Some("0")).await;
    lose(&house);
    house.until(OPERATOR, "/metrics", |metrics| alarm(metrics).as_deref() == Some("1")).await;
    looked(&house, 20, Duration::from_secs(7)).await;
    let listed = house.get(BUYER, "/v1/media-buys?limit=200").await;
    assert_eq!(in_status(&listed, "pending_activation"), BUYS, "{:#}", listed.body);
    let log = house.log();
    assert!(log.contains("is taken for gone") && log.contains("ERROR"), "{log}");
    let audit = house.get(OPERATOR, "/v1/audit?limit=200").await.expect(200).body.to_string();
    assert!(audit.contains("platform.missing_alarm"), "{audit}");
    // A host that starts in the middle of it is not fooled either.
    house.stop().await;
    house.start(&[]).await;
    looked(&house, 20, Duration::from_secs(7)).await;
    let listed = house.get(BUYER, "/v1/media-buys?limit=200").await;
    assert_eq!(in_status(&listed, "pending_activation"), BUYS, "{:#}", listed.body);

    // It ends by itself, and nothing is left of it.
    house.kevel.controls().faults.clear();
    house.until(OPERATOR, "/metrics", |metrics| alarm(metrics).as_deref() == Some("0")).await;
    house.until(BUYER, "/v1/media-buys?limit=200", all("pending_activation")).await;
}
