//! Webhooks: what happened is told to whoever may hear it, at least once, signed.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    house::{BUYER, House, OPERATOR, OTHER, REVIEWER, today},
    receiver::{EVENTS, Hook, Receiver, verify},
};

mod giving_up;
mod managing;
mod receivers;

/// A house that may send to this machine.
async fn house() -> House {
    let mut house = House::empty("[webhooks]\nallow_http = true\nallow_private = [\"127.0.0.0/8\"]\n").await;
    house.start(&[]).await;
    house
}

/// Makes an endpoint; its id and secret.
async fn endpoint(house: &House, token: &str, url: &str) -> (String, String) {
    let made = house.post(token, "/v1/webhooks", json!({ "url": url, "events": EVENTS })).await.expect(200);
    assert_eq!(made.headers["location"].to_str().unwrap(), format!("/v1/webhooks/{}", made.text("/webhook_id")));
    (made.text("/webhook_id"), made.text("/secret"))
}

fn kinds(hooks: &[Hook]) -> Vec<String> {
    hooks.iter().map(Hook::kind).collect()
}

fn has(hooks: &[Hook], kind: &str) -> bool {
    hooks.iter().any(|hook| hook.kind() == kind)
}

#[tokio::test]
async fn what_happens_to_a_buy_is_told_to_its_buyer_and_to_the_publisher() {
    let house = house().await;
    let receiver = Receiver::start().await;
    let (_, mine) = endpoint(&house, BUYER, &format!("{}/mine", receiver.url)).await;
    let (_, publishers) = endpoint(&house, OPERATOR, &format!("{}/publisher", receiver.url)).await;
    endpoint(&house, OTHER, &format!("{}/theirs", receiver.url)).await;
    let buy = house.created(json!(["news"])).await;
    let of = |path: &'static str| {
        move |hooks: &[Hook]| -> Vec<Hook> { hooks.iter().filter(|hook| hook.path == path).cloned().collect() }
    };
    let hooks = receiver
        .until(|hooks| {
            ["/mine", "/publisher"]
                .iter()
                .all(|path| hooks.iter().any(|hook| hook.path == *path && hook.kind() == "task.completed"))
        })
        .await;
    let (to_me, to_publisher) = (of("/mine")(&hooks), of("/publisher")(&hooks));
    let wanted = ["media_buy.status_changed", "task.created", "operation.succeeded", "task.completed"];
    for kind in wanted {
        assert!(has(&to_me, kind) && has(&to_publisher, kind), "{kind}: {:?}", kinds(&hooks));
    }
    assert!(of("/theirs")(&hooks).is_empty(), "somebody else hears nothing");
    // In the order in which it happened.
    let waits = to_me.iter().position(|hook| hook.json()["data"]["status"] == "pending_manual").expect("it waits");
    let order = kinds(&to_me);
    let place = |kind: &str| order.iter().position(|other| other == kind).expect("it came");
    assert!(place("task.created") < place("task.completed"), "{order:?}");
    assert!(waits < place("operation.succeeded"), "{order:?}");
    for hook in &to_me {
        let body = hook.json();
        let members: Vec<&String> = body.as_object().expect("an object").keys().collect();
        assert_eq!(members, ["data", "timestamp", "type"]);
        assert_eq!(body["data"]["media_buy_id"], buy);
        assert!(hook.id().starts_with("evt_"));
        assert_eq!(hook.headers["content-type"], "application/json");
    }
    verify(&to_me, &mine).await;
    verify(&to_publisher, &publishers).await;
    // Both hear of the same event under the same id.
    assert_eq!(to_me[0].id(), to_publisher[0].id());
    assert_eq!(to_me[0].body, to_publisher[0].body);
}

#[tokio::test]
async fn during_a_rotation_both_secrets_sign() {
    let house = house().await;
    let receiver = Receiver::start().await;
    let (id, old) = endpoint(&house, BUYER, &receiver.url).await;
    let rotated = house.post(BUYER, &format!("/v1/webhooks/{id}/rotate"), json!({})).await.expect(200);
    let new = rotated.text("/secret");
    assert_ne!(old, new);
    assert!(rotated.body["rotating_until"].is_string(), "{:#}", rotated.body);
    let sent = house.post(BUYER, &format!("/v1/webhooks/{id}/test"), json!({})).await.expect(200);
    let hooks = receiver.until(|hooks| !hooks.is_empty()).await;
    assert_eq!((hooks[0].id(), hooks[0].kind().as_str()), (sent.text("/event_id").as_str(), "webhook.test"));
    assert_eq!(hooks[0].headers["webhook-signature"].split(' ').count(), 2);
    verify(&hooks, &old).await;
    verify(&hooks, &new).await;
    // Shown once, and never again.
    let shown = house.get(BUYER, "/v1/webhooks").await.expect(200).body.to_string();
    assert!(!shown.contains("whsec_") && !shown.contains(&new), "{shown}");
}

#[tokio::test]
async fn what_fails_is_sent_again_as_it_was_and_what_is_gone_is_disabled_and_can_be_replayed() {
    let house = house().await;
    let receiver = Receiver::start().await;
    let (id, secret) = endpoint(&house, BUYER, &receiver.url).await;
    let path = format!("/v1/webhooks/{id}");
    // Once it breaks, once it points elsewhere, and then it takes it.
    receiver.answer(&[500]);
    house.post(BUYER, &format!("{path}/test"), json!({})).await.expect(200);
    receiver.until(|hooks| hooks.len() == 1).await;
    let failing = house.until(BUYER, &path, |answer| answer.body["status"] == "failing").await;
    assert!(failing.body["failing_since"].is_string());
    let listed = house.get(BUYER, &format!("{path}/deliveries?status=pending")).await.expect(200);
    let line = &listed.body["deliveries"][0];
    assert_eq!((&line["attempts"], &line["response_status"]), (&json!(1), &json!(500)), "{line:#}");
    assert!(line["next_attempt_at"].is_string() && line["error"].as_str().unwrap().contains("500"), "{line:#}");
    let hooks = receiver.until(|hooks| hooks.len() == 2).await;
    assert_eq!((hooks[0].id(), &hooks[0].body), (hooks[1].id(), &hooks[1].body));
    verify(&hooks, &secret).await;
    house.until(BUYER, &path, |answer| answer.body["status"] == "active").await;

    // A redirect leads nowhere.
    receiver.answer(&[302]);
    house.post(BUYER, &format!("{path}/test"), json!({})).await.expect(200);
    let pending = |answer: &crate::house::Answer| {
        answer.body["deliveries"][0]["error"].as_str().is_some_and(|error| error.contains("redirects are not followed"))
    };
    house.until(BUYER, &format!("{path}/deliveries"), pending).await;

    // Gone: what waits is given up.
    receiver.answer(&[410]);
    house.post(BUYER, &format!("{path}/test"), json!({})).await.expect(200);
    let gone = house.until(BUYER, &path, |answer| answer.body["status"] == "disabled").await;
    assert!(gone.text("/disabled_reason").contains("410"), "{:#}", gone.body);
    let refused = house.post(BUYER, &format!("{path}/test"), json!({})).await.expect(409);
    assert_eq!(refused.error_code().as_deref(), Some("INVALID_STATE"));
    let dead = house.get(BUYER, &format!("{path}/deliveries?status=dead")).await.expect(200);
    assert_eq!(dead.body["deliveries"].as_array().unwrap().len(), 2, "{:#}", dead.body);
    let audit = house.get(OPERATOR, "/v1/audit?limit=200").await.expect(200).body.to_string();
    for action in ["webhook.created", "webhook.disabled"] {
        assert!(audit.contains(action), "{action}");
    }

    let before = receiver.hooks().len();
    house.patch(BUYER, &path, json!({ "active": true })).await.expect(200);
    let replayed = house.post(BUYER, &format!("{path}/replay"), json!({ "failed": true })).await.expect(200);
    assert_eq!(replayed.body["replayed"], 2);
    receiver.until(|hooks| hooks.len() == before + 2).await;
    let first = hooks[0].id().to_owned();
    let one = house.post(BUYER, &format!("{path}/replay"), json!({ "event_id": first })).await.expect(200);
    assert_eq!(one.body["replayed"], 1);
    let hooks = receiver.until(|hooks| hooks.len() == before + 3).await;
    assert_eq!(hooks.last().unwrap().id(), first);
    assert_eq!(hooks.last().unwrap().body, hooks[0].body, "the same to the byte");

    // Removed while something waits for it.
    receiver.answer(&[500; 3]);
    house.post(BUYER, &format!("{path}/test"), json!({})).await.expect(200);
    receiver.until(|hooks| hooks.len() == before + 4).await;
    let deleted = house.call(BUYER, Method::DELETE, &path, Value::Null).await.expect(200);
    assert_eq!(deleted.body, json!({ "webhook_id": id, "deleted": true }));
    house.get(BUYER, &path).await.expect(404);
    house.call(BUYER, Method::DELETE, &path, Value::Null).await.expect(404);
    assert_eq!(house.get(BUYER, "/v1/webhooks").await.expect(200).body["webhooks"], json!([]));
    house.created(json!(["news"])).await;
    assert_eq!(receiver.hooks().len(), before + 4, "nothing more is sent");
    let audit = house.get(OPERATOR, "/v1/audit?limit=200").await.expect(200).body.to_string();
    assert!(audit.contains("webhook.deleted"));
}

#[tokio::test]
async fn what_happened_before_a_kill_is_told_after_it() {
    let mut house = house().await;
    let receiver = Receiver::start().await;
    let (_, secret) = endpoint(&house, BUYER, &receiver.url).await;
    // Nothing is answered until the host is dead: what it tried must be tried again.
    receiver.answer(&[503; 40]);
    let request = json!({ "packages": ["news"], "total_budget": 1_000, "flight_start_date": today() });
    let waiting = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    receiver.until(|hooks| !hooks.is_empty()).await;
    house.kill().await;
    receiver.answer(&[]);
    let tried = receiver.hooks().len();
    house.start(&[]).await;
    let task = waiting.text("/task_id");
    let hooks = receiver
        .until(|hooks| {
            hooks.len() > tried && hooks[tried..].iter().any(|hook| hook.json()["data"]["task_id"] == task.as_str())
        })
        .await;
    verify(&hooks, &secret).await;
    let told = hooks
        .iter()
        .filter(|hook| hook.kind() == "task.created")
        .map(Hook::id)
        .collect::<std::collections::BTreeSet<_>>();
    assert_eq!(told.len(), 1, "one event, however often it is sent");
}

#[tokio::test]
async fn addresses_that_are_not_on_the_internet_are_refused_and_so_are_strangers() {
    let mut house = House::empty("[webhooks]\nallow_http = true\nallow_private = [\"127.0.0.1\"]\n").await;
    house.start(&[]).await;
    let receiver = Receiver::start().await;
    for (change, field, words) in [
        (json!({ "url": "http://10.0.0.7/hooks" }), "/url", "10.0.0.7"),
        (json!({ "url": "http://[::ffff:192.168.0.1]/" }), "/url", "192.168.0.1"),
        (json!({ "url": "ftp://example.com/" }), "/url", "http"),
        (json!({ "url": "https://me:pass@example.com/" }), "/url", "url"),
        (json!({ "events": [] }), "/events", "empty"),
        (json!({ "events": ["task.made"] }), "/events/0", "task.created"),
        (json!({ "evnets": ["task.created"] }), "/evnets", "events"),
    ] {
        let mut request = json!({ "url": receiver.url, "events": ["task.created"] });
        for (name, value) in change.as_object().unwrap() {
            request[name] = value.clone();
        }
        let refused = house.post(BUYER, "/v1/webhooks", request).await.expect(400);
        let (code, found) = refused.error();
        assert_eq!((code.as_str(), found.as_deref()), ("INVALID_PARAMETER", Some(field)), "{:#}", refused.body);
        assert!(refused.body["error"].to_string().contains(words), "{change}: {:#}", refused.body);
    }
    assert_eq!(house.get(OPERATOR, "/v1/webhooks").await.expect(200).body["webhooks"], json!([]));
    house.get(REVIEWER, "/v1/webhooks").await.expect(403);

    // A name is judged when it is resolved: this one also leads to ::1, which nobody allowed.
    let named = receiver.url.replace("127.0.0.1", "localhost");
    let (id, _) = endpoint(&house, BUYER, &named).await;
    let path = format!("/v1/webhooks/{id}");
    house.post(BUYER, &format!("{path}/test"), json!({})).await.expect(200);
    // Who made it is not told what the name leads to, nor whether there is such a name; the operator is.
    let judged = |answer: &crate::house::Answer| {
        answer.body["deliveries"][0]["error"].as_str() == Some("its name leads to no address on the internet")
    };
    let unknown = format!("http://{}.example/", "a".repeat(64));
    let (nowhere, _) = endpoint(&house, BUYER, &unknown).await;
    house.post(BUYER, &format!("/v1/webhooks/{nowhere}/test"), json!({})).await.expect(200);
    house.until(BUYER, &format!("/v1/webhooks/{nowhere}/deliveries"), judged).await;
    if tokio::net::lookup_host("localhost:1").await.unwrap().any(|address| address.is_ipv6()) {
        house.until(BUYER, &format!("{path}/deliveries"), judged).await;
        assert!(receiver.hooks().is_empty());
        assert!(house.log().contains("localhost is the private or reserved address"), "{}", house.log());
    }
    // Exactly one thing is replayed.
    for body in [json!({}), json!({ "failed": true, "since": "2026-01-01" }), json!({ "failed": false })] {
        house.post(BUYER, &format!("{path}/replay"), body).await.expect(400);
    }
    house.post(BUYER, &format!("{path}/replay"), json!({ "event_id": "evt_0" })).await.expect(400);
    for (method, sub) in [
        (Method::GET, ""),
        (Method::PATCH, ""),
        (Method::DELETE, ""),
        (Method::POST, "/rotate"),
        (Method::POST, "/test"),
        (Method::GET, "/deliveries"),
    ] {
        let body = if method == Method::GET { Value::Null } else { json!({}) };
        house.call(OTHER, method, &format!("{path}{sub}"), body).await.expect(404);
    }
    assert_eq!(house.get(OTHER, "/v1/webhooks").await.expect(200).body["webhooks"], json!([]));
}

#[tokio::test]
async fn an_operator_manages_endpoints_on_the_command_line_while_the_host_serves() {
    let house = house().await;
    let receiver = Receiver::start().await;
    let run = async |arguments: &[&str]| -> String {
        let done = house.command().arg("webhook").args(arguments).output().await.expect("it runs");
        let text = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{arguments:?}: {text}");
        text
    };
    let made = run(&["create", &receiver.url, "--events", "task.created,task.failed", "--description", "CRM"]).await;
    let (line, secret) = made.trim().split_once('\n').expect("two lines");
    let id = line.split(' ').next().unwrap();
    assert!(line.contains("the publisher") && line.ends_with("active"), "{line}");
    let event = run(&["test", id]).await;
    let hooks = receiver.until(|hooks| hooks.len() == 1).await;
    assert_eq!(hooks[0].id(), event.trim());
    verify(&hooks, secret).await;
    let request = json!({ "packages": ["news"], "total_budget": 1_000, "flight_start_date": today() });
    house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    let hooks = receiver.until(|hooks| hooks.len() == 2).await;
    assert_eq!(hooks[1].kind(), "task.created", "and nothing else");
    assert!(run(&["deliveries", id, "--status", "delivered"]).await.lines().count() == 2);
    let newest = run(&["deliveries", id, "--limit", "1"]).await;
    assert!(newest.lines().count() == 1 && newest.contains("task.created"), "{newest}");
    let number = newest.split(' ').next().unwrap();
    let older = run(&["deliveries", id, "--before", number]).await;
    assert!(older.lines().count() == 1 && older.contains("webhook.test"), "{older}");
    assert!(run(&["replay", id, "--since", "2026-01-01T00:00:00Z"]).await.contains("1 events"));
    receiver.until(|hooks| hooks.len() == 3).await;
    assert_eq!(run(&["replay", id, "--since", "2026-01-01"]).await.trim(), "1 events are sent again");
    receiver.until(|hooks| hooks.len() == 4).await;
    let moved = format!("{}/moved", receiver.url);
    let changed =
        run(&["change", id, "--url", &moved, "--events", "task.created", "--description", "the new CRM"]).await;
    for shown in [&changed, &run(&["list"]).await, &run(&["show", id]).await] {
        assert!(shown.contains(&moved) && shown.contains("\"the new CRM\"  task.created  0 dead  active"), "{shown}");
    }
    assert!(!run(&["change", id, "--description", ""]).await.contains("CRM"));
    let nothing = house.command().args(["webhook", "change", id]).output().await.expect("it runs");
    assert!(!nothing.status.success() && String::from_utf8_lossy(&nothing.stderr).contains("--description"));
    assert!(run(&["rotate", id]).await.contains("whsec_"));
    assert!(run(&["disable", id]).await.contains("disabled since"));
    assert!(run(&["list"]).await.contains("its owner wanted so"));
    assert!(run(&["enable", id]).await.trim().ends_with("active"));
    let wrong = house.command().args(["webhook", "test", "wh_unknown"]).output().await.expect("it runs");
    assert!(!wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains("no such endpoint"));
}
