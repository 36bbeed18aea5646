//! Two buyers can't see each other's buys, tasks or operations: not by any route, not by any tool.

use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{BUYER, House, OTHER};

/// The ids of what the first buyer owns.
struct Owned {
    buy: String,
    task: String,
    operation: String,
    webhook: String,
}

async fn owned(house: &House) -> Owned {
    let buy = house.created(json!(["news"])).await;
    let request = json!({ "packages": ["premium_sports"], "total_budget": 1_000, "po_number": "SECRET-PO" });
    let waiting = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    let webhook = json!({ "url": "https://example.com/SECRET-PO", "events": ["task.created"] });
    let webhook = house.post(BUYER, "/v1/webhooks", webhook).await.expect(200).text("/webhook_id");
    Owned { webhook, buy, task: waiting.text("/task_id"), operation: waiting.text("/operation_id") }
}

/// A body that the operation's schema takes, as far as the test needs one.
fn body_for(operation: &str, owned: &Owned) -> Value {
    match operation {
        "create_media_buy" => json!({ "packages": ["news"], "total_budget": 1_000, "dry_run": true }),
        "add_creative_assets" => json!({ "media_buy_id": owned.buy, "assets": [{
            "creative_id": "x", "name": "x", "format": "image", "media_url": "https://cdn.example.com/x.jpg",
            "click_url": "https://example.com/", "package_assignments": ["news"],
        }]}),
        "update_media_buy" => json!({ "media_buy_id": owned.buy, "active": false }),
        "update_package" => {
            json!({ "media_buy_id": owned.buy, "packages": [{ "package_id": "news", "active": false }] })
        }
        "update_media_buy_performance_index" => {
            json!({ "media_buy_id": owned.buy, "performance_data": [{ "package_id": "news", "performance_index": 1.1 }] })
        }
        "check_media_buy_status" => json!({ "media_buy_id": owned.buy }),
        "get_media_buy_delivery" => {
            json!({ "media_buy_id": owned.buy, "start_date": "2026-01-01", "end_date": "2026-01-02" })
        }
        "get_operation" => json!({ "operation_id": owned.operation }),
        "get_task" | "start_task" => json!({ "task_id": owned.task }),
        "assign_task" => json!({ "task_id": owned.task, "assigned_to": "me" }),
        "ask_buyer" => json!({ "task_id": owned.task, "question": "mine?" }),
        "answer_task" => json!({ "task_id": owned.task, "answer": "mine" }),
        "complete_tasks" => json!({ "decisions": [{ "task_id": owned.task, "resolution": "approved" }] }),
        "comment_task" => json!({ "task_id": owned.task, "comment": "mine" }),
        "escalate_task" => json!({ "task_id": owned.task, "reason": "mine" }),
        "complete_task" => json!({ "task_id": owned.task, "resolution": "approved" }),
        "get_pending_tasks" | "list_media_buys" | "list_products" | "list_audit" => json!({}),
        "create_webhook" => json!({ "url": "https://example.com/", "events": ["task.created"] }),
        "list_webhooks" => json!({}),
        "get_webhook" | "delete_webhook" | "rotate_webhook_secret" | "test_webhook" | "list_webhook_deliveries" => {
            json!({ "webhook_id": owned.webhook })
        }
        "update_webhook" => json!({ "webhook_id": owned.webhook, "active": false }),
        "replay_webhook" => json!({ "webhook_id": owned.webhook, "failed": true }),
        "list_releases"
        | "install_release"
        | "activate_release"
        | "rollback_release"
        | "remove_release"
        | "list_activations"
        | "get_configuration"
        | "reload_configuration" => json!({}),
        other => panic!("{other} is new: say here what a stranger would send to it"),
    }
}

fn leaks(owned: &Owned, text: &str, sent: &str) -> bool {
    [&owned.buy, &owned.task, &owned.operation, &owned.webhook]
        .iter()
        .any(|id| text.contains(id.as_str()) && !sent.contains(id.as_str()))
        || text.contains("SECRET-PO")
}

#[tokio::test]
async fn no_route_of_the_interface_shows_a_stranger_anything() {
    let house = House::new().await;
    let owned = owned(&house).await;
    let document: Value = house
        .client
        .get(format!("{}/openapi.json", house.url()))
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let mut walked = 0;
    for (template, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            if operation.get("operationId").is_none() || !template.starts_with("/v1/") {
                continue;
            }
            let id = operation["operationId"].as_str().expect("an id");
            let mut arguments = body_for(id, &owned);
            let mut path = template.clone();
            for (name, value) in [
                ("media_buy_id", &owned.buy),
                ("task_id", &owned.task),
                ("operation_id", &owned.operation),
                ("webhook_id", &owned.webhook),
                ("platform", &"kevel".to_owned()),
                ("digest", &"0123456789ab".to_owned()),
            ] {
                path = path.replace(&format!("{{{name}}}"), value);
            }
            assert!(!path.contains('{'), "{path}: a parameter that the test does not know");
            let is_read = method == "get";
            if is_read && id == "get_media_buy_delivery" {
                path.push_str("?start_date=2026-01-01&end_date=2026-01-02");
            }
            if let Some(members) = arguments.as_object_mut() {
                for name in ["media_buy_id", "task_id", "operation_id", "webhook_id"] {
                    members.remove(name);
                }
            }
            let method: Method = method.to_uppercase().parse().expect("a method");
            let sent = if is_read { None } else { Some(&arguments) };
            let answer = house.try_call(OTHER, method.clone(), &path, sent, &[]).await.expect("an answer");
            let text = answer.body.to_string();
            assert!(!leaks(&owned, &text, &path), "{method} {path} shows a stranger: {text}");
            if template.contains('{') {
                assert!(matches!(answer.status.as_u16(), 403 | 404), "{method} {path}: {} {text}", answer.status);
                // What is not there answers exactly so.
                let nowhere = path
                    .replace(&owned.buy, "kevel_0")
                    .replace(&owned.task, "task_0")
                    .replace(&owned.operation, "op_0")
                    .replace(&owned.webhook, "wh_0")
                    .replace("/platforms/kevel", "/platforms/nowhere");
                let missing = house.try_call(OTHER, method, &nowhere, sent, &[]).await.expect("an answer");
                assert_eq!(
                    (answer.status, &answer.body["error"]),
                    (missing.status, &missing.body["error"]),
                    "{nowhere}"
                );
            }
            walked += 1;
        }
    }
    assert!(walked >= 25, "only {walked} routes were walked");
    assert_eq!(
        house.get(BUYER, &format!("/v1/tasks/{}", owned.task)).await.text("/status"),
        "pending",
        "nothing moved"
    );
}

#[tokio::test]
async fn no_tool_shows_a_stranger_anything() {
    let house = House::new().await;
    let owned = owned(&house).await;
    let ask = async |method: &str, params: Value| -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer = house
            .client
            .post(format!("{}/mcp", house.url()))
            .bearer_auth(OTHER)
            .header("Accept", "application/json, text/event-stream")
            .header("MCP-Protocol-Version", "2025-06-18")
            .json(&request)
            .send()
            .await
            .expect("an answer");
        let text = answer.text().await.expect("a body");
        let line = text.lines().find_map(|line| line.strip_prefix("data: ").filter(|data| data.starts_with('{')));
        serde_json::from_str(line.unwrap_or(&text)).unwrap_or_else(|_| panic!("no JSON: {text}"))
    };
    let tools = ask("tools/list", json!({})).await;
    let tools = tools["result"]["tools"].as_array().expect("tools").clone();
    assert!(tools.len() >= 11, "{tools:#?}");
    for tool in &tools {
        let name = tool["name"].as_str().expect("a name");
        let arguments = body_for(name, &owned);
        let answer = ask("tools/call", json!({ "name": name, "arguments": arguments })).await;
        let text = answer["result"].to_string();
        assert!(!leaks(&owned, &text, &arguments.to_string()), "{name} shows a stranger: {text}");
        if arguments.to_string().contains("_id\":\"") && !matches!(name, "create_media_buy" | "create_webhook") {
            assert_eq!(answer["result"]["isError"], true, "{name}: {answer:#}");
            assert_eq!(answer["result"]["structuredContent"]["error"]["code"], "NOT_FOUND", "{name}: {answer:#}");
        }
    }
}
