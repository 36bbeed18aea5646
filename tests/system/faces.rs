//! What callers meet at the edge: the longest texts, what is cleared, names and methods that are wrong, and how much is told.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    house::{BUYER, House, REVIEWER, ask},
    servers::{Server, Servers},
};

/// Four bytes and two UTF-16 units: the widest character there is.
const WIDE: &str = "\u{1f389}";

/// A buy whose texts are as long as they may be; its id.
async fn booked(house: &House, server: &Server<'_>) -> String {
    let request = json!({
        "packages": server.packages, "total_budget": 10_000, "po_number": WIDE.repeat(63),
        "idempotency_key": format!("{}{}", server.name, "k".repeat(255 - server.name.len())),
    });
    let created = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    let (buy, task) = (created.text("/media_buy_id"), created.text("/task_id"));
    let path = format!("/v1/tasks/{task}");
    house.post(REVIEWER, &format!("{path}/assign"), json!({ "assigned_to": WIDE.repeat(255) })).await.expect(200);
    let up = json!({ "reason": WIDE.repeat(2_000), "escalated_to": WIDE.repeat(255) });
    house.post(REVIEWER, &format!("{path}/escalate"), up).await.expect(200);
    let version = house.get(REVIEWER, &path).await.body["version"].clone();
    let words = json!({ "resolution": "approved", "version": version, "resolution_detail": WIDE.repeat(2_000) });
    house.post(REVIEWER, &format!("{path}/complete"), words).await.expect(200);
    let closed = house.task_closed(&task).await;
    assert_eq!(closed.body["status"], "completed", "{}: {:#}", server.name, closed.body);
    buy
}

#[tokio::test]
async fn every_text_is_taken_at_its_longest_in_the_widest_characters() {
    let servers = Servers::new().await;
    let house = &servers.house;
    for server in servers.all() {
        let buy = booked(house, &server).await;
        let mut asset = server.creative(&"c".repeat(100));
        asset["name"] = json!(WIDE.repeat(255));
        let path = format!("/v1/media-buys/{buy}");
        let of_length = |length: usize| json!(format!("https://example.com/{}", "p".repeat(length - 20)));
        // Ours is the longest that anybody takes; an ad server's own limit is told with the field.
        let most = match server.name {
            "kevel" => 2_000,
            "gam" => 1_024,
            _ => 2_048,
        };
        if most < 2_048 {
            asset["click_url"] = of_length(2_048);
            let refused = house.post(BUYER, &format!("{path}/creative-assets"), json!({ "assets": [asset] })).await;
            assert_eq!(refused.expect(400).error().1.as_deref(), Some("/assets/0/click_url"));
        }
        asset["click_url"] = of_length(most);
        let uploaded = house.post(BUYER, &format!("{path}/creative-assets"), json!({ "assets": [asset] })).await;
        assert!(!uploaded.status.is_server_error(), "{}: {:#}", server.name, uploaded.body);
        assert_eq!(uploaded.status.as_u16(), 200, "{}: {:#}", server.name, uploaded.body);
        let told = json!({ "performance_data": [
            { "package_id": server.packages[0], "performance_index": 1.5, "feedback": WIDE.repeat(2_000) },
        ]});
        house.call(BUYER, Method::PUT, &format!("{path}/performance-index"), told).await.expect(200);
        for dimension in ["geo_city", "geo_postal", "geo_metro", "os", "browser", "language", "audience_segment"] {
            let values: Vec<String> = (0..1_000).map(|number| format!("{number:03}{}", WIDE.repeat(197))).collect();
            let request = json!({
                "packages": server.packages, "total_budget": 1_000, "dry_run": true,
                "targeting_overlay": { format!("{dimension}_any_of"): values },
            });
            let answer = house.post(BUYER, "/v1/media-buys", request).await;
            let (status, code) = (answer.status.as_u16(), answer.error_code());
            assert!(matches!(status, 200 | 202 | 400), "{} {dimension}: {status} {code:?}", server.name);
        }
    }
}

#[tokio::test]
async fn what_is_cleared_is_told_in_the_detail_and_in_the_plan() {
    let house = House::new().await;
    let package = json!({
        "package_id": "news", "targeting_overlay": { "geo_region_any_of": ["US-CA"] }, "pacing": "asap",
    });
    let buy = house.created(json!([package, "entertainment"])).await;
    let path = format!("/v1/media-buys/{buy}/packages");
    let change = json!({ "packages": [
        { "package_id": "news", "targeting_overlay": null, "pacing": null, "daily_budget": null, "budget": 6_000 },
    ]});
    let mut dry = change.clone();
    dry["dry_run"] = json!(true);
    let planned = house.patch(BUYER, &path, dry).await.expect(200);
    let changed = house.patch(BUYER, &path, change).await.expect(200);
    let notes = planned.body["plan"][0]["notes"].to_string();
    for told in [
        "targeting of package news cleared: it was geo_region_any_of US-CA",
        "pacing of package news cleared: it was asap",
    ] {
        assert!(changed.text("/detail").contains(told), "{:#}", changed.body);
        assert!(notes.contains(told), "{:#}", planned.body);
    }
    // There was no daily budget.
    assert!(!changed.text("/detail").contains("daily_budget"), "{:#}", changed.body);
    let kept = house.patch(BUYER, &path, json!({ "packages": [{ "package_id": "news", "budget": 6_500 }] })).await;
    assert!(!kept.expect(200).text("/detail").contains("cleared"));
}

#[tokio::test]
async fn a_wrong_method_or_name_is_told_with_what_is_right() {
    let house = House::new().await;
    for method in [Method::GET, Method::DELETE, Method::PUT, Method::OPTIONS] {
        let answer =
            house.client.request(method.clone(), format!("{}/mcp", house.url())).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 405, "{method}");
        assert_eq!(answer.headers()["allow"], "POST", "{method}");
    }
    for path in ["/v1/products", "/v1/tasks/x/complete", "/openapi.json", "/healthz"] {
        let url = format!("{}{path}", house.url());
        let answer = house.client.delete(url).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 405, "{path}");
        assert!(answer.headers().contains_key("allow"), "{path}");
    }
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    for (name, value) in [("Host", "ads.example.com"), ("Origin", "https://page.example.com"), ("Origin", "no origin")]
    {
        let headers = [(name, value), ("Accept", "application/json, text/event-stream")];
        let answer = ask(&house.client, house.url(), BUYER, Method::POST, "/mcp", Some(&list), &headers).await;
        let answer = answer.expect("an answer").expect(403);
        let said = answer.text("/error/message");
        assert!(said.contains("server.public_url") && said.contains(value), "{said}");
    }
    assert!(house.log().contains("server.public_url is not set"), "{}", house.log());
}

#[tokio::test]
async fn products_are_told_in_a_kilobyte_each_and_platforms_once() {
    let servers = Servers::new().await;
    let house = &servers.house;
    let all = house.get(BUYER, "/v1/products").await.expect(200);
    let products = all.body["products"].as_array().expect("products");
    let platforms = all.body["platforms"].as_object().expect("platforms");
    assert_eq!(platforms.keys().collect::<Vec<_>>(), ["gam", "kevel", "triton"]);
    let size = |value: &Value| value.to_string().len();
    for product in products {
        assert!(size(product) <= 1_024, "{product:#}");
        let platform = &platforms[product["platform"].as_str().expect("a platform")];
        assert!(platform["targeting"]["dimensions"].is_array(), "{platform:#}");
    }
    let more = size(&all.body) - platforms.values().map(size).sum::<usize>();
    assert!(more <= 1_024 * products.len(), "{more} bytes beside the platforms");
    let few = house.get(BUYER, "/v1/products?fields=package_id,cpm&limit=2").await.expect(200);
    let ids = |answer: &Value| -> Vec<Value> {
        answer["products"].as_array().expect("products").iter().map(|product| product["package_id"].clone()).collect()
    };
    assert_eq!(few.body["products"][0].as_object().map(serde_json::Map::len), Some(2), "{:#}", few.body);
    assert_eq!((few.body.get("platforms"), few.body["total_count"].as_u64()), (None, all.body["total_count"].as_u64()));
    let mut seen = ids(&few.body);
    let mut cursor = few.body["next_cursor"].clone();
    while let Some(after) = cursor.as_str() {
        let page = house.get(BUYER, &format!("/v1/products?fields=cpm&limit=2&cursor={after}")).await.expect(200);
        seen.extend(ids(&page.body));
        cursor = page.body["next_cursor"].clone();
    }
    assert_eq!(seen, ids(&all.body));
    let refused = house.get(BUYER, "/v1/products?fields=package_id,price").await.expect(400);
    assert_eq!(refused.error(), ("INVALID_PARAMETER".to_owned(), Some("/fields".to_owned())), "{:#}", refused.body);
}
