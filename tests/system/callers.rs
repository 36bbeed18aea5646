//! What callers may ask: a flood of one is refused and hurts nobody else, the same question is asked once, and to wait costs nothing.

use std::time::Duration;

use flightdeck_emulators::control::faults::{Action, Rule, Then};
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{Answer, BUYER, House, OPERATOR, OTHER, REVIEWER_2, day, today};

/// Buys without approval: nothing else matters here.
const NO_APPROVAL: &str = "[[approvals]]\noperations = [\"update_media_buy_performance_index\"]\n";

async fn house(more: &str) -> House {
    let mut house = House::empty(more).await;
    house.start(&[]).await;
    house
}

/// Calls a tool over MCP; its result.
async fn tool(house: &House, token: &str, name: &str, arguments: Value) -> Value {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": name, "arguments": arguments } });
    let answer = house
        .client
        .post(format!("{}/mcp", house.url()))
        .bearer_auth(token)
        .header("Accept", "application/json, text/event-stream")
        .header("MCP-Protocol-Version", "2025-06-18")
        .json(&request)
        .send()
        .await
        .expect("an answer");
    let text = answer.text().await.expect("a body");
    let line = text.lines().find_map(|line| line.strip_prefix("data: ").filter(|data| data.starts_with('{')));
    let answer: Value = serde_json::from_str(line.unwrap_or(&text)).unwrap_or_else(|_| panic!("no JSON: {text}"));
    answer["result"].clone()
}

#[track_caller]
fn assert_limited(answer: &Answer) {
    assert_eq!(answer.status.as_u16(), 429, "{:#}", answer.body);
    let header: u64 = answer.headers["retry-after"].to_str().expect("text").parse().expect("a number");
    let error = &answer.body["error"];
    assert_eq!(
        (&error["code"], error["retry_after"].as_u64()),
        (&json!("RATE_LIMITED"), Some(header)),
        "{:#}",
        answer.body
    );
    assert!(header >= 1);
}

/// Creates buys, each under a key of its own and many at once, until one is refused; how many were accepted, a refused key, and its
/// answer.
async fn create_until_refused(house: &House) -> (usize, String, Answer) {
    let mut accepted = 0;
    for round in 0..20 {
        let keys: Vec<String> = (0..20).map(|number| format!("key-{round}-{number}")).collect();
        let answers = join_all(keys.iter().map(|key| create(house, key))).await;
        accepted += answers.iter().filter(|answer| answer.status == 202).count();
        let refused = keys.into_iter().zip(answers).find(|(_, answer)| answer.status != 202);
        if let Some((key, answer)) = refused {
            return (accepted, key, answer);
        }
    }
    panic!("none of {accepted} was refused");
}

async fn create(house: &House, key: &str) -> Answer {
    let request = json!({ "packages": ["news"], "total_budget": 1_000, "flight_start_date": today() });
    let headers = [("Idempotency-Key", key), ("Prefer", "respond-async")];
    house.try_call(BUYER, Method::POST, "/v1/media-buys", Some(&request), &headers).await.expect("an answer")
}

#[tokio::test]
async fn a_flood_of_reads_is_refused_and_everybody_else_and_every_pause_is_served() {
    let house = house("[callers]\nreads_per_second = 1\nreads_burst = 10\n").await;
    let buy = house.created(json!(["news"])).await;
    let reads = (0..60).map(|_| house.get(BUYER, "/v1/media-buys"));
    let answers = join_all(reads).await;
    let served = answers.iter().filter(|answer| answer.status == 200).count();
    assert!((10..40).contains(&served), "{served} of 60 were served");
    answers.iter().filter(|answer| answer.status != 200).for_each(assert_limited);
    // Whatever it reads, and over whichever face.
    let flood = (0..40).map(|_| tool(&house, BUYER, "list_products", json!({})));
    let limited: Vec<Value> = join_all(flood).await.into_iter().filter(|result| result["isError"] == true).collect();
    assert!(!limited.is_empty());
    for result in &limited {
        let error = &result["structuredContent"]["error"];
        assert_eq!(error["code"], "RATE_LIMITED", "{result:#}");
        assert!(error["retry_after"].as_u64() >= Some(1), "{result:#}");
    }
    house.get(OTHER, "/v1/media-buys").await.expect(200);
    house.get(REVIEWER_2, "/v1/media-buys").await.expect(200);
    let paused = house.patch(BUYER, &format!("/v1/media-buys/{buy}"), json!({ "active": false })).await;
    assert!(paused.status.is_success(), "{:#}", paused.body);
    let resumed = tool(&house, BUYER, "update_media_buy", json!({ "media_buy_id": buy, "active": true })).await;
    assert_eq!(resumed["isError"], false, "{resumed:#}");
    // The bucket fills again by itself.
    house.until(BUYER, "/v1/media-buys", |answer| answer.status == 200).await;
    let counted = house.get(OPERATOR, "/metrics").await.expect(200);
    let counted = counted.body.as_str().expect("text");
    assert!(counted.contains("flightdeck_calls_total{tool=\"list_media_buys\",outcome=\"RATE_LIMITED\"}"), "{counted}");
}

#[tokio::test]
async fn a_refused_change_changes_nothing_and_uses_up_no_key_and_a_pause_has_room() {
    let house = house(&format!("{NO_APPROVAL}[callers]\nwrites_per_second = 1\nwrites_burst = 5\n")).await;
    let first = create(&house, "first").await.expect(202);
    let buy = first.text("/media_buy_id");
    let operation = format!("/v1/operations/{}", first.text("/operation_id"));
    house.until(BUYER, &operation, |answer| answer.body["state"] == "succeeded").await;
    let (accepted, key, refused) = create_until_refused(&house).await;
    assert_limited(&refused);
    let listed = house.get(BUYER, "/v1/media-buys?limit=200").await.expect(200);
    assert_eq!(
        listed.body["media_buys"].as_array().map(Vec::len),
        Some(accepted + 1),
        "nothing came of the refused one"
    );
    // A malformed one counts, too.
    let nonsense = (0..30).map(|_| house.post(BUYER, "/v1/media-buys", json!({ "packages": 7 })));
    assert!(join_all(nonsense).await.iter().any(|answer| answer.status == 429));
    let paused = house.patch(BUYER, &format!("/v1/media-buys/{buy}"), json!({ "active": false })).await;
    assert!(paused.status.is_success(), "{:#}", paused.body);
    let again = loop {
        let answer = create(&house, &key).await;
        if answer.status != 429 {
            break answer.expect(202);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_ne!(again.body["replayed"], true, "it was never accepted before: {:#}", again.body);
}

#[tokio::test]
async fn so_many_calls_run_at_a_time() {
    let house = house(&format!("{NO_APPROVAL}[callers]\nwrites_in_flight = 3\n")).await;
    let stall = Action::stall(3_000);
    house.kevel.controls().faults.add(Rule { times: 0, ..Rule::new("POST", "/v1/campaign", stall) });
    let request = json!({ "packages": ["news"], "total_budget": 1_000, "flight_start_date": today() });
    let waits = [("Prefer", "wait=2")];
    let calls = (0..12).map(|_| house.try_call(BUYER, Method::POST, "/v1/media-buys", Some(&request), &waits));
    let answers: Vec<Answer> = join_all(calls).await.into_iter().map(|answer| answer.expect("an answer")).collect();
    let refused: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!((1..=9).contains(&refused.len()), "{} were refused", refused.len());
    refused.iter().for_each(|answer| assert_limited(answer));
    // Somebody else has room, and so has this one now: those that ran were answered.
    for token in [OTHER, BUYER] {
        let answer =
            house.try_call(token, Method::POST, "/v1/media-buys", Some(&request), &waits).await.expect("an answer");
        assert!(answer.status.is_success(), "{:#}", answer.body);
    }
}

#[tokio::test]
async fn many_that_ask_what_a_buy_delivered_are_one_question_and_its_answer_stays_true_for_a_while() {
    let house = house("[callers]\ndelivery_cache = \"1h\"\n").await;
    let buy = house.created(json!(["news"])).await;
    let ask = |last: i64| {
        let path = format!("/v1/media-buys/{buy}/delivery?start_date={}&end_date={}", today(), day(last));
        let house = &house;
        async move { house.get(BUYER, &path).await.expect(200) }
    };
    let reads = async || {
        metric(&house, "flightdeck_adapter_calls_total{platform=\"kevel\",purpose=\"read\",outcome=\"ok\"}").await
    };
    settled(&house, &buy).await;
    let stall = Action::stall(500);
    house.kevel.controls().faults.add(Rule {
        method: None,
        path: None,
        writes: false,
        after: 0,
        times: 0,
        action: stall,
    });
    let before = reads().await;
    let answers = join_all((0..30).map(|_| ask(5))).await;
    assert!(answers.iter().all(|answer| answer.body["totals"] == answers[0].body["totals"]));
    let asked = reads().await - before;
    assert!((1.0..=3.0).contains(&asked), "{asked} calls of the adapter for one question");
    // An hour later by the ad server's clock, and the answer says up to when it counts.
    let as_of = answers[0].text("/as_of");
    house.kevel.controls().clock.advance(Duration::from_secs(3_600));
    assert_eq!(ask(5).await.text("/as_of"), as_of);
    // Another question is another answer.
    let before = reads().await;
    ask(6).await;
    assert!(reads().await > before);
    // Whoever may not see the buy learns nothing from what is remembered.
    let path = format!("/v1/media-buys/{buy}/delivery?start_date={}&end_date={}", today(), day(5));
    house.get(OTHER, &path).await.expect(404);
}

#[tokio::test]
async fn many_that_ask_how_a_buy_stands_are_one_question() {
    let house = house("").await;
    let buy = house.created(json!(["news"])).await;
    let path = format!("/v1/media-buys/{buy}/status");
    settled(&house, &buy).await;
    // Longer than an answer is good for: each of them would ask for itself.
    let stall = Action::stall(3_000);
    house.kevel.controls().faults.add(Rule {
        method: None,
        path: None,
        writes: false,
        after: 0,
        times: 1,
        action: stall,
    });
    let reads = async || {
        metric(&house, "flightdeck_adapter_calls_total{platform=\"kevel\",purpose=\"read\",outcome=\"ok\"}").await
    };
    let before = reads().await;
    let answers = join_all((0..30).map(|_| house.get(BUYER, &path))).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.body["status"] == answers[0].body["status"]));
    let asked = reads().await - before;
    assert!((1.0..=3.0).contains(&asked), "{asked} calls of the adapter for one question");
}

#[tokio::test]
async fn callers_that_wait_ask_the_database_for_nothing_meanwhile() {
    let house = house(NO_APPROVAL).await;
    let stall = Action::Stall { ms: 60_000, then: Then::Drop, hang_up: false };
    house.kevel.controls().faults.add(Rule { times: 0, ..Rule::new("POST", "/v1/campaign", stall) });
    let reads = async || metric(&house, "flightdeck_store_reads_total").await;
    let request = json!({ "packages": ["news"], "total_budget": 1_000, "flight_start_date": today() });
    let ask = async |prefer: &str| {
        let headers = [("Prefer", prefer)];
        let calls = (0..40).map(|_| house.try_call(BUYER, Method::POST, "/v1/media-buys", Some(&request), &headers));
        let before = reads().await;
        for answer in join_all(calls).await {
            answer.expect("an answer").expect(202);
        }
        reads().await - before
    };
    let without = ask("respond-async").await;
    let with = ask("wait=4").await;
    // Twice each of them looks once more, at the beginning and at the end; every 250 ms it would be 32 reads each.
    assert!(with - without < 40.0 * 8.0, "{with} reads for those who wait, {without} for those who don't");
}

#[tokio::test]
async fn whoever_waits_is_woken_when_it_is_done() {
    let house = house(NO_APPROVAL).await;
    let stall = Action::stall(1_000);
    house.kevel.controls().faults.add(Rule::new("POST", "/v1/campaign", stall));
    let request = json!({ "packages": ["news"], "total_budget": 1_000, "flight_start_date": today() });
    let bought = tool(&house, BUYER, "create_media_buy", request).await;
    assert_eq!(
        bought["structuredContent"]["detail"].as_str().map(|detail| detail.contains("being created")),
        Some(false),
        "{bought:#}"
    );
}

/// A number that the host counted; 0 if it counted none.
async fn metric(house: &House, line: &str) -> f64 {
    let counted = house.get(OPERATOR, "/metrics").await.expect(200);
    let text = counted.body.as_str().expect("text");
    let found = text.lines().find_map(|other| other.strip_prefix(line)?.strip_prefix(' '));
    found.map_or(0.0, |number| number.parse().expect("a number"))
}

/// Waits until the host has looked at a new buy by itself for the last time in a while.
async fn settled(house: &House, buy: &str) {
    let reads = async || {
        metric(house, "flightdeck_adapter_calls_total{platform=\"kevel\",purpose=\"read\",outcome=\"ok\"}").await
    };
    house.get(BUYER, &format!("/v1/media-buys/{buy}/status")).await.expect(200);
    let mut last = (reads().await, tokio::time::Instant::now());
    while last.1.elapsed() < Duration::from_secs(4) {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = reads().await;
        if now > last.0 {
            last = (now, tokio::time::Instant::now());
        }
    }
}
