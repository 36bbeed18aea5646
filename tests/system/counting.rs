//! What the host counts.

use serde_json::json;

use crate::house::{BUYER, House, OPERATOR, REVIEWER, today};

#[tokio::test]
async fn what_happens_is_counted_for_operators_and_told_to_nobody_else() {
    let house = House::new().await;
    house.created(json!(["news"])).await;
    let request = json!({ "packages": ["news"], "total_budget": 1_000, "flight_start_date": today() });
    house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    house.post(BUYER, "/v1/media-buys", json!({})).await.expect(400);
    // Refused before they came to the tool, and counted as well.
    house.post("nobody", "/v1/media-buys", json!({})).await.expect(401);
    house.post(REVIEWER, "/v1/media-buys", json!({})).await.expect(403);
    for (form, status) in [("text/plain", 415), ("application/json", 400)] {
        let url = format!("{}/v1/media-buys", house.url());
        let sent = house.client.post(url).bearer_auth(BUYER).header("content-type", form).body("{").send().await;
        assert_eq!(sent.expect("an answer").status().as_u16(), status);
    }
    for (token, status) in [(BUYER, 403), (REVIEWER, 403), ("", 401)] {
        house.get(token, "/metrics").await.expect(status);
    }
    let scraped = house.get(OPERATOR, "/metrics").await.expect(200);
    assert!(scraped.headers["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    let text = scraped.body.as_str().expect("text").to_owned();
    let value = |line: &str| -> f64 {
        let found = text.lines().find_map(|other| other.strip_prefix(line)?.strip_prefix(' '));
        found.unwrap_or_else(|| panic!("no {line} in\n{text}")).parse().expect("a number")
    };
    for (line, wanted) in [
        ("flightdeck_calls_total{tool=\"create_media_buy\",outcome=\"ok\"}", 2.0),
        ("flightdeck_calls_total{tool=\"create_media_buy\",outcome=\"INVALID_PARAMETER\"}", 3.0),
        ("flightdeck_calls_total{tool=\"create_media_buy\",outcome=\"AUTHENTICATION_REQUIRED\"}", 1.0),
        ("flightdeck_calls_total{tool=\"create_media_buy\",outcome=\"PERMISSION_DENIED\"}", 1.0),
        ("flightdeck_call_seconds_count{tool=\"create_media_buy\"}", 3.0),
        ("flightdeck_runs_total{outcome=\"ended\"}", 1.0),
        ("flightdeck_adapter_calls_total{platform=\"kevel\",purpose=\"change\",outcome=\"ok\"}", 1.0),
        ("flightdeck_operations{state=\"awaiting_approval\"}", 1.0),
        ("flightdeck_operations{state=\"parked\"}", 0.0),
        ("flightdeck_tasks{type=\"manual_approval\"}", 1.0),
        ("flightdeck_tasks{type=\"reconciliation\"}", 0.0),
        ("flightdeck_overdue_tasks", 0.0),
        ("flightdeck_webhook_deliveries{status=\"dead\"}", 0.0),
        ("flightdeck_breaker_open{platform=\"kevel\",purpose=\"change\"}", 0.0),
        ("flightdeck_breaker_open{platform=\"kevel\",purpose=\"read\"}", 0.0),
        ("flightdeck_adapter_slots{platform=\"kevel\",purpose=\"change\",state=\"running\"}", 0.0),
        ("flightdeck_adapter_slots{platform=\"kevel\",purpose=\"change\",state=\"waiting\"}", 0.0),
        ("flightdeck_adapter_memory_bytes{platform=\"kevel\",purpose=\"change\"}", 0.0),
    ] {
        assert!((value(line) - wanted).abs() < 1e-9, "{line}: {}", value(line));
    }
    assert!(value("flightdeck_ad_server_requests_total{platform=\"kevel\",status=\"200\"}") >= 2.0);
    assert!(value("flightdeck_store_write_seconds_count") >= 5.0);
    assert!(!text.contains("kevel_") && !text.contains("agency"), "nobody's buy, nobody's name");
}

#[test]
fn every_metric_is_explained() {
    let guide = include_str!("../../docs/operations.md");
    for name in flightdeck::metrics::ALL {
        assert!(guide.contains(&format!("| `{name}` |")), "{name} is not in docs/operations.md");
    }
    let written = guide.lines().filter(|line| line.starts_with("| `flightdeck_")).count();
    assert_eq!(written, flightdeck::metrics::ALL.len(), "docs/operations.md explains what there is");
}
