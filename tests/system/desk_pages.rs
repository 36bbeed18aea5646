//! The pages of the desk beside the queue: products, activity, the checklist, dry runs, and what only
//! operators see.

use reqwest::StatusCode;
use serde_json::json;

use crate::{
    desk::Browser,
    house::{BUYER, House, OPERATOR, REVIEWER, day},
    receiver::Receiver,
};

async fn bought(house: &House) -> (String, String) {
    let request = json!({ "packages": ["news"], "total_budget": 1_000, "po_number": "=PO,1" });
    let answer = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    (answer.text("/media_buy_id"), answer.text("/task_id"))
}

#[tokio::test]
async fn a_reviewer_sees_what_is_the_publishers_and_not_what_is_the_operators() {
    let house = House::new().await;
    let (buy, task) = bought(&house).await;
    let browser = Browser::signed_in(&house, REVIEWER).await;
    let products = browser.page("/admin/products").await;
    assert!(products.contains("12.50 USD by the thousand impressions") || products.contains("by the thousand"));
    let activity = browser.page("/admin/activity").await;
    for shown in ["task.created", &format!("/admin/tasks/{task}"), &format!("/admin/media-buys/{buy}")] {
        assert!(activity.contains(shown), "{shown}: {activity}");
    }
    assert!(browser.page("/admin/setup").await.contains("Platform kevel"));
    for path in ["/admin/buyers", "/admin/webhooks", "/admin/audit", "/admin/audit/export"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
        assert!(answer.text().await.unwrap().contains("That is not allowed"), "{path}");
        assert!(!products.contains(&format!("href=\"{path}\"")), "a link that leads nowhere: {path}");
    }
    let csrf = browser.csrf().await;
    let revoked = browser.send("/admin/tokens/whatever/revoke", &[("csrf", &csrf), ("reason", "because")]).await;
    assert_eq!(revoked.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_audit_log_is_searched_and_exported() {
    let house = House::new().await;
    let (_, task) = bought(&house).await;
    house.approve(&task).await;
    house.task_closed(&task).await;
    let browser = Browser::signed_in(&house, OPERATOR).await;
    let all = browser.page("/admin/audit").await;
    assert!(all.contains("task.approved") && all.contains("operation.accepted"), "{all}");
    let found = browser.page(&format!("/admin/audit?subject={task}")).await;
    assert!(found.contains("task.approved") && !found.contains("operation.accepted"), "{found}");
    let found = browser.page("/admin/audit?action=accepted").await;
    assert!(!found.contains("<bdi>task.approved") && found.contains("<bdi>operation.accepted"), "{found}");
    assert!(browser.page("/admin/audit?actor=nobody-of-this-name").await.contains("No line matches."));
    let (yesterday, today) = (day(-1), day(0));
    assert!(browser.page(&format!("/admin/audit?until={yesterday}")).await.contains("No line matches."));
    let today = browser.page(&format!("/admin/audit?from={today}&until={today}&subject={task}")).await;
    assert!(today.contains("task.approved"), "{today}");
    let odd = browser.get("/admin/audit?from=yesterday").await;
    assert_eq!(odd.status(), StatusCode::BAD_REQUEST);
    assert!(odd.text().await.unwrap().contains("2026-12-01"), "the cure");

    let csv = browser.get(&format!("/admin/audit/export?format=csv&subject={task}")).await;
    assert_eq!(csv.headers()["content-type"], "text/csv; charset=utf-8");
    let csv = csv.text().await.unwrap();
    assert!(csv.starts_with("line,at,actor,action,subject,reason,digest,link\r\n"), "{csv}");
    assert!(csv.contains("\"task.approved\"") && !csv.contains("operation.accepted"), "{csv}");
    let lines = browser.page("/admin/audit/export?format=jsonl").await;
    let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let numbers: Vec<i64> = lines.iter().map(|line| line["number"].as_i64().unwrap()).collect();
    let expected: Vec<i64> = (1..=i64::try_from(lines.len()).unwrap()).rev().collect();
    assert_eq!(numbers, expected, "every line, once");
    assert_eq!(lines[0]["entry"]["action"], "audit.exported", "nobody reads it unnoticed");
    assert!(lines[0]["text"].is_string() && lines[0]["link"].is_string());
}

#[tokio::test]
async fn an_operator_revokes_a_token_with_a_reason() {
    let house = House::new().await;
    let browser = Browser::signed_in(&house, OPERATOR).await;
    let page = browser.page("/admin/buyers").await;
    let mut rows = page.split("<tr>");
    let row = rows.find(|row| row.contains("<td><bdi>reviewer</bdi>")).expect("the reviewer's row");
    let action = row.split("action=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let csrf = browser.csrf().await;
    let unexplained = browser.send(&action, &[("csrf", &csrf), ("reason", " ")]).await;
    assert_eq!(unexplained.status(), StatusCode::BAD_REQUEST);
    house.get(REVIEWER, "/v1/tasks").await.expect(200);
    let unknown = browser.send("/admin/tokens/0000/revoke", &[("csrf", &csrf), ("reason", "lost")]).await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    let done = browser.send(&action, &[("csrf", &csrf), ("reason", "lost laptop")]).await;
    assert_eq!(done.status(), StatusCode::SEE_OTHER);
    house.until(REVIEWER, "/v1/tasks", |answer| answer.status == 401).await;
    let page = browser.page("/admin/buyers?done=revoked").await;
    assert!(page.contains("It is revoked") && page.contains("revoked "), "{page}");
    assert!(browser.page("/admin/audit?action=token.revoked").await.contains("lost laptop"));
    let own = page.split("<tr>").find(|row| row.contains("<td><bdi>operator</bdi>")).unwrap();
    assert!(!own.contains("<form"), "nobody locks themselves out: {own}");
}

#[tokio::test]
async fn an_operator_tests_an_endpoint_and_sends_an_event_again() {
    let mut house = House::empty("[webhooks]\nallow_http = true\nallow_private = [\"127.0.0.0/8\"]\n").await;
    house.start(&[]).await;
    let receiver = Receiver::start().await;
    let events = ["task.created", "media_buy.status_changed"];
    let new = json!({ "url": receiver.url, "events": events, "description": "<i>ours</i>" });
    let id = house.post(BUYER, "/v1/webhooks", new).await.expect(200).text("/webhook_id");
    let browser = Browser::signed_in(&house, OPERATOR).await;
    let list = browser.page("/admin/webhooks").await;
    assert!(list.contains(&format!("/admin/webhooks/{id}")) && !list.contains("<i>ours"), "{list}");
    let path = format!("/admin/webhooks/{id}");
    let csrf = browser.csrf().await;
    let tested = browser.send(&format!("{path}/test"), &[("csrf", &csrf)]).await;
    assert_eq!(tested.status(), StatusCode::SEE_OTHER);
    let first = receiver.until(|hooks| hooks.len() == 1).await[0].id().to_owned();
    let deliveries = format!("/v1/webhooks/{id}/deliveries");
    house.until(OPERATOR, &deliveries, |answer| answer.body["deliveries"][0]["status"] == "delivered").await;
    let page = browser.page(&path).await;
    assert!(page.contains(&first) && page.contains("delivered") && page.contains("answered 204"), "{page}");
    assert!(browser.page(&format!("{path}?status=dead")).await.contains("There is no such delivery."));
    let again = browser.send(&format!("{path}/replay"), &[("csrf", &csrf), ("event", &first)]).await;
    assert_eq!(again.status(), StatusCode::SEE_OTHER);
    let hooks = receiver.until(|hooks| hooks.len() == 2).await;
    assert_eq!(hooks[1].id(), first);
    let unknown = browser.send(&format!("{path}/replay"), &[("csrf", &csrf), ("event", "evt_none")]).await;
    assert_eq!(unknown.status(), StatusCode::CONFLICT);
    assert!(unknown.text().await.unwrap().contains("Nothing was sent"));
    assert_eq!(browser.get("/admin/webhooks/wh_none").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_request_is_tried_and_nothing_comes_of_it() {
    let house = House::new().await;
    let browser = Browser::signed_in(&house, REVIEWER).await;
    let page = browser.page("/admin/try").await;
    let buyer = page.split("<option value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let csrf = browser.csrf().await;
    let attempt = async |buyer: &str, tool: &str, request: &str| {
        let form = [("csrf", &*csrf), ("buyer", buyer), ("tool", tool), ("request", request)];
        let answer = browser.send("/admin/try", &form).await;
        assert_eq!(answer.status(), StatusCode::OK);
        answer.text().await.unwrap()
    };
    let good = r#"{ "packages": ["news"], "total_budget": 1000, "idempotency_key": "one" }"#;
    for _ in 0..2 {
        let page = attempt(&buyer, "create_media_buy", good).await;
        assert!(page.contains("a person would have to approve it") && page.contains("On <bdi>kevel</bdi>"), "{page}");
    }
    // Whatever is sent, a form only plans.
    let insists = r#"{ "packages": ["news"], "total_budget": 1000, "dry_run": false }"#;
    assert!(attempt(&buyer, "create_media_buy", insists).await.contains("a person would have to approve it"));
    for (tool, request, shown) in [
        ("create_media_buy", r#"{ "packages": ["news"], "total_budget": -1 }"#, "/total_budget"),
        ("create_media_buy", r#"{ "packages": ["nws"], "total_budget": 5 }"#, "/packages/0"),
        ("create_media_buy", "{", "no JSON"),
        ("create_media_buy", "[]", "It would be refused"),
        ("update_media_buy", r#"{ "media_buy_id": "kevel_none", "active": false }"#, "It would be refused"),
        ("complete_task", good, "can&#39;t be tried"),
    ] {
        let page = attempt(&buyer, tool, request).await;
        assert!(page.contains(shown) && !page.contains("id=\"outcome\""), "{tool} {request}: {page}");
    }
    assert!(attempt("nobody", "create_media_buy", good).await.contains("there is no buyer"));
    let buys = house.get(OPERATOR, "/v1/media-buys").await.expect(200);
    assert_eq!(buys.body["media_buys"], json!([]));
    assert_eq!(house.get(OPERATOR, "/v1/tasks").await.expect(200).body["tasks"], json!([]));
    assert_eq!(house.kevel.platform().count("campaigns"), 0);
}

#[tokio::test]
async fn delivery_is_drawn_against_its_goal() {
    let house = House::new().await;
    let buy = house.created(json!(["news"])).await;
    let browser = Browser::signed_in(&house, REVIEWER).await;
    let page = browser.page(&format!("/admin/media-buys/{buy}/delivery")).await;
    assert!(page.contains("The flight has not begun.") || page.contains("class=\"chart\""), "{page}");
    let answer = browser.get(&format!("/admin/media-buys/{buy}")).await;
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("img-src 'self' https:") && policy.contains("script-src 'self';"), "{policy}");
}

#[tokio::test]
async fn the_doctor_says_what_is_missing_and_what_mends_it() {
    let house = House::new().await;
    let doctor = async |more: &[&str]| {
        let ran = house.command().arg("doctor").args(more).output().await.unwrap();
        (ran.status.success(), String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap())
    };
    let (fine, shown, said) = doctor(&[]).await;
    assert!(fine, "{shown}{said}");
    for line in ["platform kevel", "account 900", "products", "reviewers", "rules", "flightdeck webhook create"] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let (fine, shown, _) = doctor(&["--offline", "--json"]).await;
    let checks: Vec<serde_json::Value> = serde_json::from_str(&shown).unwrap();
    let kevel = checks.iter().find(|check| check["subject"] == "platform kevel").unwrap();
    assert_eq!((fine, &kevel["severity"]), (true, &json!("warning")), "{kevel}");
    // An installation that has not served yet, and whose rules nobody can meet.
    let house = House::empty("[[approvals]]\nreviewers = 5\n").await;
    let ran = house.command().args(["doctor", "--offline"]).output().await.unwrap();
    let (shown, said) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(!ran.status.success() && said.contains("2 things are missing"), "{shown}{said}");
    assert!(shown.contains("a host makes it when it starts"), "{shown}");
    assert!(shown.contains("a rule demands 5 different people") && shown.contains("token create"), "{shown}");
}
