//! Tokens that are worth nothing: counted, logged, and refused where too many come from, while good ones are served.

use reqwest::Method;
use serde_json::Value;

use crate::house::{Answer, BUYER, House, OPERATOR};

const FEW: &str = "[callers]\nfailed_logins_per_minute = 5\n";

async fn house(more: &str) -> House {
    let mut house = House::empty(more).await;
    house.start(&[]).await;
    house
}

async fn come(house: &House, token: &str, from: &str) -> Answer {
    let headers = [("X-Forwarded-For", from)];
    house.try_call(token, Method::GET, "/v1/media-buys", None, &headers).await.expect("an answer")
}

#[tokio::test]
async fn bad_tokens_are_throttled_by_address_and_good_ones_are_served_from_there() {
    let house = house(FEW).await;
    let tries = 40;
    let mut statuses = Vec::new();
    for number in 0..tries {
        statuses.push(house.get(&format!("guess-{number}-hunter2"), "/v1/media-buys").await.status.as_u16());
    }
    assert_eq!(statuses[..5], [401; 5]);
    let refused = statuses.iter().filter(|status| **status == 429).count();
    // Some are answered again as time passes: one every twelve seconds.
    assert!(refused >= 20, "{statuses:?}");
    let answer = house.get("one-more-hunter2", "/v1/media-buys").await;
    if answer.status == 429 {
        let seconds: u64 = answer.headers["retry-after"].to_str().expect("text").parse().expect("a number");
        assert_eq!(
            (answer.error().0.as_str(), answer.body["error"]["retry_after"].as_u64()),
            ("RATE_LIMITED", Some(seconds))
        );
        assert!((1..=12).contains(&seconds), "{seconds}");
    }
    house.get(BUYER, "/v1/media-buys").await.expect(200);
    // Also one that is stored, and was made just now.
    let made = house.command().args(["token", "create", "--name", "anna", "--role", "reviewer"]).output().await;
    let made = String::from_utf8(made.expect("it runs").stdout).expect("text");
    let token = made
        .split_whitespace()
        .find(|word| word.len() >= 32)
        .unwrap_or_else(|| panic!("no token in {made}"))
        .to_owned();
    house.until(&token, "/v1/tasks", |answer| answer.status == 200).await;

    let text = house.get(OPERATOR, "/metrics").await.expect(200).body;
    let text = text.as_str().expect("text");
    assert!(text.contains("flightdeck_failed_logins_total{reason=\"throttled\"}"), "{text}");
    assert!(text.contains("flightdeck_failed_logins_total{reason=\"unknown\"}"), "{text}");
    let log = house.log();
    assert!(log.contains("no token that is good") && log.contains("127.0.0.1"), "{log}");
    assert!(!log.contains("hunter2"), "a token is never logged: {log}");
    let noted = log.lines().filter(|line| line.contains("no token that is good")).count();
    assert!(noted < 20, "what is throttled fills no log: {noted}");
}

#[tokio::test]
async fn who_sends_no_token_is_told_to_send_one() {
    let house = house(FEW).await;
    for _ in 0..20 {
        let answer = house.client.get(format!("{}/v1/media-buys", house.url())).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 401);
        let body: Value = answer.json().await.expect("JSON");
        assert_eq!(body["error"]["code"], "AUTHENTICATION_REQUIRED");
    }
}

#[tokio::test]
async fn a_trusted_proxy_says_whom_it_speaks_for_and_nobody_else_does() {
    let throttled = async |house: &House, from: &str| {
        let mut throttled = false;
        for number in 0..20 {
            throttled |= come(house, &format!("guess-{number}"), from).await.status == 429;
        }
        throttled
    };
    let trusting = house(&format!("{FEW}[server]\ntrusted_proxies = [\"127.0.0.0/8\"]\n")).await;
    assert!(throttled(&trusting, "198.51.100.1").await);
    come(&trusting, "guess", "198.51.100.2").await.expect(401);
    // The caller's own entry stands before what the proxy added.
    assert!(throttled(&trusting, "203.0.113.5, 198.51.100.3").await);
    assert_eq!(come(&trusting, "guess", "203.0.113.99, 198.51.100.3").await.status, 429);
    let wary = house(FEW).await;
    assert!(throttled(&wary, "198.51.100.1").await);
    assert_eq!(come(&wary, "guess", "198.51.100.2").await.status, 429, "it is one address");
}
