//! Managing endpoints: their number, their list of deliveries, what the audit log has of it, and calls that are repeated.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::{endpoint, house};
use crate::{
    house::{BUYER, OPERATOR},
    receiver::Receiver,
};

#[tokio::test]
async fn an_owner_has_twenty_endpoints_at_most() {
    let house = house().await;
    let mut made = Vec::new();
    for index in 0..20 {
        made.push(endpoint(&house, BUYER, &format!("http://127.0.0.1:9/{index}")).await.0);
    }
    let request = json!({ "url": "http://127.0.0.1:9/more", "events": ["task.created"] });
    let refused = house.post(BUYER, "/v1/webhooks", request.clone()).await.expect(409);
    assert_eq!(refused.error_code().as_deref(), Some("INVALID_STATE"));
    assert!(refused.text("/error/message").contains("20 endpoints already"), "{:#}", refused.body);
    // The publisher's are counted by themselves.
    house.post(OPERATOR, "/v1/webhooks", request.clone()).await.expect(200);
    house.call(BUYER, Method::DELETE, &format!("/v1/webhooks/{}", made[0]), Value::Null).await.expect(200);
    house.post(BUYER, "/v1/webhooks", request).await.expect(200);
    assert_eq!(house.get(BUYER, "/v1/webhooks").await.expect(200).body["webhooks"].as_array().unwrap().len(), 20);
}

#[tokio::test]
async fn deliveries_are_listed_page_by_page() {
    let house = house().await;
    let receiver = Receiver::start().await;
    let (id, _) = endpoint(&house, BUYER, &receiver.url).await;
    let mut sent = Vec::new();
    for _ in 0..5 {
        let test = house.post(BUYER, &format!("/v1/webhooks/{id}/test"), json!({})).await.expect(200);
        sent.insert(0, test.text("/event_id"));
    }
    let (mut listed, mut pages, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let path = format!("/v1/webhooks/{id}/deliveries?limit=2{cursor}");
        let page = house.get(BUYER, &path).await.expect(200);
        let lines = page.body["deliveries"].as_array().unwrap();
        pages.push(lines.len());
        listed.extend(lines.iter().map(|line| line["event_id"].as_str().unwrap().to_owned()));
        let Some(next) = page.body["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!((listed, pages), (sent, vec![2, 2, 1]), "newest first, each once");
    let wrong = house.get(BUYER, &format!("/v1/webhooks/{id}/deliveries?cursor=tomorrow")).await.expect(400);
    assert_eq!(wrong.error().1.as_deref(), Some("/cursor"));
}

#[tokio::test]
async fn the_audit_log_tells_who_did_what_to_an_endpoint_and_why() {
    let house = house().await;
    let (id, _) = endpoint(&house, BUYER, "http://127.0.0.1:9/").await;
    let path = format!("/v1/webhooks/{id}");
    let shown = house.get(BUYER, &path).await.expect(200);
    // Nothing changes: nothing is told.
    for same in [json!({}), json!({ "active": true }), json!({ "url": "http://127.0.0.1:9/" })] {
        assert_eq!(house.patch(BUYER, &path, same).await.expect(200).body, shown.body);
    }
    house.patch(BUYER, &path, json!({ "description": "CRM" })).await.expect(200);
    let both = json!({ "url": "http://127.0.0.1:9/moved", "active": false });
    house.patch(BUYER, &path, both).await.expect(200);
    house.patch(OPERATOR, &path, json!({ "active": true })).await.expect(200);
    house.post(BUYER, &format!("{path}/rotate"), json!({})).await.expect(200);
    house.post(BUYER, &format!("{path}/test"), json!({})).await.expect(200);
    let replayed = house.post(BUYER, &format!("{path}/replay"), json!({ "since": "2026-01-01" })).await.expect(200);
    assert_eq!((&replayed.body["more"], &replayed.body["next_since"]), (&json!(false), &Value::Null));
    house.created(json!(["news"])).await;
    let replay = json!({ "since": "2026-01-01" });
    assert!(house.post(BUYER, &format!("{path}/replay"), replay).await.expect(200).body["replayed"].as_u64() > Some(0));
    house.call(BUYER, Method::DELETE, &path, Value::Null).await.expect(200);
    let audit = house.get(OPERATOR, "/v1/audit?limit=200").await.expect(200);
    let lines: Vec<&Value> =
        audit.body["lines"].as_array().unwrap().iter().filter(|line| line["subject"] == id.as_str()).collect();
    let told: Vec<(&str, &str, &str)> = lines
        .iter()
        .map(|line| ["action", "actor", "reason"].map(|name| line[name].as_str().unwrap_or_default()))
        .map(|[action, actor, reason]| (action, actor, reason))
        .collect();
    let wanted = "its owner wanted so";
    let shown = "its owner wanted so; they were shown its secret";
    assert_eq!(
        told,
        [
            ("webhook.created", "buyer", shown),
            ("webhook.changed", "buyer", "its owner wanted another description"),
            ("webhook.changed", "buyer", "its owner wanted another url"),
            ("webhook.disabled", "buyer", wanted),
            ("webhook.enabled", "operator", wanted),
            ("webhook.secret_rotated", "buyer", shown),
            ("webhook.replayed", "buyer", "everything since 2026-01-01T00:00:00Z"),
            ("webhook.disabled", "buyer", wanted),
            ("webhook.deleted", "buyer", wanted),
        ]
    );
    // The digest is one of where it is, what it hears and what it is called, whoever writes the line.
    let digests: BTreeMap<&str, usize> = lines.iter().fold(BTreeMap::new(), |mut digests, line| {
        *digests.entry(line["digest"].as_str().unwrap()).or_default() += 1;
        digests
    });
    let mut counts: Vec<usize> = digests.into_values().collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 1, 7]);
}

#[tokio::test]
async fn a_key_that_would_be_ignored_is_refused() {
    let house = house().await;
    let request = json!({ "url": "http://127.0.0.1:9/", "events": ["task.created"] });
    let headers = [("idempotency-key", "once-and-no-more")];
    let refused =
        house.try_call(BUYER, Method::POST, "/v1/webhooks", Some(&request), &headers).await.unwrap().expect(400);
    assert_eq!(refused.error(), ("INVALID_PARAMETER".to_owned(), Some("/idempotency_key".to_owned())));
    assert!(refused.text("/error/message").contains("create_webhook takes no Idempotency-Key"), "{:#}", refused.body);
    assert_eq!(house.get(BUYER, "/v1/webhooks").await.expect(200).body["webhooks"], json!([]));
}
