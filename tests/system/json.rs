//! JSON as it is sent, over HTTP and over MCP: numbers by their text, members given twice, texts of values, keys in a header.

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::house::{BUYER, House};

/// Sends a text; the status and the body.
async fn send(house: &House, path: &str, text: &str, headers: &[(&'static str, &str)]) -> (u16, Value) {
    let named = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header's value")));
    let mut all: HeaderMap = HeaderMap::new();
    for (name, value) in named {
        all.append(name, value);
    }
    let sent = house.client.post(format!("{}{path}", house.url())).bearer_auth(BUYER).headers(all);
    let sent = sent.header(CONTENT_TYPE, "application/json").header("Accept", "application/json, text/event-stream");
    let answer = sent.body(text.to_owned()).send().await.expect("an answer");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}")))
}

/// Creates over HTTP; the status and the body.
async fn over_http(house: &House, text: &str, headers: &[(&'static str, &str)]) -> (u16, Value) {
    send(house, "/v1/media-buys", text, headers).await
}

/// Creates over MCP; the structured content.
async fn over_mcp(house: &House, text: &str, headers: &[(&'static str, &str)]) -> Value {
    let call = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"create_media_buy","arguments":{text}}}}}"#
    );
    let (status, answer) = send(house, "/mcp", &call, headers).await;
    assert_eq!(status, 200, "{answer:#}");
    answer["result"]["structuredContent"].clone()
}

#[tokio::test]
async fn what_is_lost_in_a_value_is_told_over_http_and_over_mcp() {
    let house = House::new().await;
    for (text, field, words) in [
        (r#"{"packages":["news"],"total_budget":100,"total_budget":100000}"#, "/total_budget", "given twice"),
        (r#"{"packages":["news"],"total_budget":100,"total\u005fbudget":100}"#, "/total_budget", "given twice"),
        (
            r#"{"packages":[{"package_id":"news","cpm":9,"cpm":9}],"total_budget":100}"#,
            "/packages/0/cpm",
            "given twice",
        ),
        (r#"{"packages":["news"],"total_budget":1000000000.00000001}"#, "/total_budget", "6 decimal places"),
        (r#"{"packages":["news"],"total_budget":1e400}"#, "/total_budget", "at most 8000000000"),
        (
            r#"{"packages":["{\"package_id\":\"news\"}"],"total_budget":100}"#,
            "/packages/0",
            "send an object, not its text",
        ),
        (r#"{"packages":"[\"news\"]","total_budget":100}"#, "/packages", "send a list, not its text"),
        (r#"{"packages":["news"],"total_budget":"500"}"#, "/total_budget", "send a number, not its text"),
        (r#""{\"packages\":[\"news\"],\"total_budget\":500}""#, "", "send an object, not its text"),
    ] {
        let (status, http) = over_http(&house, text, &[]).await;
        let mcp = over_mcp(&house, text, &[]).await;
        assert_eq!(status, 400, "{text}: {http:#}");
        for error in [&http["error"], &mcp["error"]] {
            assert_eq!(
                (&error["code"], &error["field"]),
                (&json!("INVALID_PARAMETER"), &json!(field)),
                "{text}: {error:#}"
            );
            assert!(error["message"].as_str().is_some_and(|message| message.contains(words)), "{text}: {error:#}");
        }
    }
    let (_, http) = over_http(&house, "{}", &[]).await;
    let mcp = over_mcp(&house, "{}", &[]).await;
    for error in [&http["error"], &mcp["error"]] {
        let items = error["details"]["items"].as_array().cloned().unwrap_or_default();
        let fields: Vec<&Value> = items.iter().map(|item| &item["field"]).collect();
        assert_eq!(fields, ["/packages", "/total_budget"], "{error:#}");
    }
    // What is around the arguments is said once, too.
    let twice = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"create_media_buy","arguments":{},"arguments":{}}}"#;
    let (status, answer) = send(&house, "/mcp", twice, &[]).await;
    assert_eq!((status, &answer["id"]), (400, &json!(7)), "{answer:#}");
    assert!(answer["error"]["message"].to_string().contains("/params/arguments is given twice"), "{answer:#}");
    assert_eq!(house.get(BUYER, "/v1/media-buys").await.body["media_buys"], json!([]));
}

#[tokio::test]
async fn a_number_is_one_request_however_it_is_written_and_a_key_is_one_wherever_it_stands() {
    let house = House::new().await;
    let text = |budget: &str| format!(r#"{{"packages":["news"],"total_budget":{budget}}}"#);
    let key = [("idempotency-key", "order-1")];
    let (status, first) = over_http(&house, &text("50000"), &key).await;
    assert_eq!(status, 202, "{first:#}");
    for again in ["50000.0", "5e4", "50000.000000000000000000000"] {
        let (_, http) = over_http(&house, &text(again), &key).await;
        let header = over_mcp(&house, &text(again), &key).await;
        let argument = text(again).replacen('{', r#"{"idempotency_key":"order-1","#, 1);
        let argument = over_mcp(&house, &argument, &[]).await;
        for answer in [http, header, argument] {
            let told = (&answer["replayed"], &answer["media_buy_id"]);
            assert_eq!(told, (&json!(true), &first["media_buy_id"]), "{again}: {answer:#}");
        }
    }
    let (status, other) = over_http(&house, &text("50000.000001"), &key).await;
    assert_eq!((status, &other["error"]["code"]), (422, &json!("IDEMPOTENCY_CONFLICT")));
    // Two keys for one request are a mistake, and none of them is used.
    let both = r#"{"packages":["news"],"total_budget":7,"idempotency_key":"order-2"}"#;
    let twice = [("idempotency-key", "order-2"), ("idempotency-key", "order-3")];
    for headers in [&[("idempotency-key", "order-3")][..], &twice] {
        let (status, http) = over_http(&house, both, headers).await;
        assert_eq!(status, 400, "{http:#}");
        let mcp = over_mcp(&house, both, headers).await;
        for error in [&http["error"], &mcp["error"]] {
            assert_eq!(error["field"], "/idempotency_key", "{error:#}");
        }
    }
    let same = over_mcp(&house, both, &[("idempotency-key", "order-2")]).await;
    assert!(same["media_buy_id"].is_string() && same["replayed"] != json!(true), "{same:#}");
    let buys = house.get(BUYER, "/v1/media-buys").await;
    assert_eq!(buys.body["media_buys"].as_array().map(Vec::len), Some(2));
}
