//! Operators install, activate, roll back and remove releases of an adapter while the host serves: by command, over HTTP, and by the host
//! itself when a release traps.

use std::path::{Path, PathBuf};

use flightdeck::domain::digest;
use flightdeck_test_support::{component, guest};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    house::{Answer, BUYER, House, OPERATOR, PATIENCE, REVIEWER, today},
    receiver::Receiver,
};

pub(crate) const RELEASES: &str = "/v1/platforms/acme/releases";

/// A host on which the test guest serves the platform `acme`, and nothing needs an approval.
pub(crate) async fn house() -> House {
    let mut house = not_started("").await;
    house.start(&[]).await;
    house
}

/// The same house with `section` in its configuration; the host is not started yet.
pub(crate) async fn not_started(section: &str) -> House {
    let more = |endpoint: &str| {
        let adapter = component("flightdeck-test-guest").display().to_string();
        format!(
            "{section}[webhooks]\nallow_http = true\nallow_private = [\"127.0.0.0/8\"]\n\n\
             [[platforms]]\nname = \"acme\"\nadapter = \"{adapter}\"\nendpoint = \"{endpoint}\"\nallow_private = [\"127.0.0.0/8\"]\n\
             read_requests = [\"POST /report/*\"]\nsettings = {{ behaviour = \"good\" }}\n\n\
             [[products]]\nid = \"acme\"\nname = \"acme\"\nplatform = \"acme\"\nformats = [\"image\"]\ncpm = 1\n\n\
             [[approvals]]\noperations = [\"create_media_buy\"]\nabove_budget = 5_000\n"
        )
    };
    House::with(&[("acme", "7")], more).await
}

/// The file and the digest of another release of the test guest.
fn release(house: &House, name: &str, traps: bool) -> (PathBuf, String) {
    let bytes = guest::release(name, traps);
    let path = house.dir().join(format!("{name}.wasm"));
    std::fs::write(&path, &bytes).expect("it is written");
    (path, digest::sha256(&bytes))
}

/// Runs `flightdeck adapter …`; what it printed, or why it failed.
pub(crate) async fn adapter(house: &House, arguments: &[&str]) -> Result<String, String> {
    let done = house.command().arg("adapter").args(arguments).output().await.expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if done.status.success() { Ok(text(&done.stdout)) } else { Err(text(&done.stderr)) }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The release that plans a buy on the platform now.
pub(crate) async fn planned_by(house: &House) -> String {
    let request = json!({ "packages": ["acme"], "total_budget": 100, "flight_start_date": today(), "dry_run": true });
    let answer = house.post(BUYER, "/v1/media-buys", request).await.expect(200);
    answer.body["plan"][0]["adapter_release"].as_str().unwrap_or_else(|| panic!("{:#}", answer.body)).to_owned()
}

/// Waits until this release plans.
pub(crate) async fn until_planned_by(house: &House, wanted: &str) {
    let until = tokio::time::Instant::now() + PATIENCE;
    while planned_by(house).await != wanted {
        assert!(tokio::time::Instant::now() < until, "{wanted} never plans:\n{}", house.log());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

async fn upload(house: &House, bytes: Vec<u8>, media_type: &str) -> (StatusCode, Value) {
    let request = house.client.post(format!("{}{RELEASES}", house.url())).bearer_auth(OPERATOR);
    let answer = request.header("Content-Type", media_type).body(bytes).send().await.expect("an answer");
    (answer.status(), answer.json().await.expect("JSON"))
}

pub(crate) async fn decide(house: &House, path: &str, body: Value, if_match: &str) -> Answer {
    let headers: &[(&str, &str)] = if if_match.is_empty() { &[] } else { &[("If-Match", if_match)] };
    house.try_call(OPERATOR, Method::POST, path, Some(&body), headers).await.expect("an answer")
}

#[tokio::test]
async fn commands_swap_an_adapter_under_a_serving_host() {
    let house = house().await;
    let first = planned_by(&house).await;
    let (file, second) = release(&house, "second", false);
    let told = adapter(&house, &["install", "acme", &shown(&file)]).await.expect("it is installed");
    assert!(told.contains(&second) && told.contains("the same as the release that serves"), "{told}");
    assert_eq!(planned_by(&house).await, first, "installed is not activated");
    let short = &second[..12];
    let told = adapter(&house, &["activate", "acme", short, "--reason", "a better one", "--expect", "1"]).await;
    assert!(told.expect("it is activated").contains("activate by command line  a better one"));
    until_planned_by(&house, &second).await;

    let refused = adapter(&house, &["activate", "acme", &first[..12], "--expect", "1"]).await.expect_err("stale");
    assert!(refused.contains("was decided anew meanwhile (activation 2)"), "{refused}");
    let refused = adapter(&house, &["remove", "acme", short]).await.expect_err("it serves");
    assert!(refused.contains("serves acme already"), "{refused}");
    let refused = adapter(&house, &["activate", "acme", "abcdef12"]).await.expect_err("unknown");
    assert!(refused.contains("no release abcdef12 is installed for acme"), "{refused}");
    let refused = adapter(&house, &["list", "nowhere"]).await.expect_err("unknown");
    assert!(refused.contains("there is no platform nowhere"), "{refused}");

    adapter(&house, &["rollback", "acme", "--reason", "not so good"]).await.expect("it goes back");
    until_planned_by(&house, &first).await;
    let refused = adapter(&house, &["rollback", "acme"]).await.expect_err("nothing is before");
    assert!(refused.contains("no release served acme before"), "{refused}");
    let list = adapter(&house, &["list", "acme"]).await.expect("a list");
    assert!(list.lines().any(|line| line.starts_with(&first) && line.ends_with("serves")), "{list}");
    let history = adapter(&house, &["history", "acme"]).await.expect("a history");
    let kinds = [
        " rollback by command line  not so good",
        " activate by command line  a better one",
        " configuration by flightdeck",
    ];
    assert_eq!(history.lines().count(), kinds.len(), "{history}");
    assert!(history.lines().zip(kinds).all(|(line, kind)| line.ends_with(kind)), "{history}");
    adapter(&house, &["remove", "acme", short]).await.expect("nothing needs it");
    let list = adapter(&house, &["list", "acme"]).await.expect("a list");
    assert!(!list.contains(&second), "{list}");
    let audit = house.get(OPERATOR, "/v1/audit?limit=200").await.expect(200).body.to_string();
    for action in ["release.installed", "release.activated", "release.rolled_back", "release.removed"] {
        assert!(audit.contains(action), "{action}: {audit}");
    }
}

#[tokio::test]
async fn operators_do_the_same_over_http_and_nobody_else_does() {
    let house = house().await;
    let (file, second) = release(&house, "second", false);
    let bytes = std::fs::read(&file).expect("the component");
    for token in [BUYER, REVIEWER] {
        assert_eq!(house.get(token, RELEASES).await.error_code().as_deref(), Some("PERMISSION_DENIED"));
    }
    let (status, told) = upload(&house, b"{}".to_vec(), "application/json").await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{told:#}");
    let (status, told) = upload(&house, bytes.clone(), "application/wasm").await;
    assert_eq!((status, &told["digest"], &told["new"]), (StatusCode::OK, &json!(second), &json!(true)), "{told:#}");
    assert_eq!(told["difference"], json!({ "gained": [], "lost": [], "asks": [] }));
    let (status, told) = upload(&house, bytes, "application/octet-stream").await;
    assert_eq!((status, &told["new"]), (StatusCode::OK, &json!(false)), "again is nothing new: {told:#}");

    let list = house.get(OPERATOR, RELEASES).await.expect(200);
    assert_eq!(list.headers["etag"], "\"1\"");
    let serving: Vec<bool> =
        list.body["releases"].as_array().expect("a list").iter().map(|one| one["serving"] == true).collect();
    assert_eq!(serving, [true, false], "{:#}", list.body);
    let activate = format!("{RELEASES}/{}/activate", &second[..12]);
    let stale = decide(&house, &activate, json!({}), "\"7\"").await.expect(409);
    assert_eq!(stale.error_code().as_deref(), Some("CONFLICT"));
    let both = decide(&house, &activate, json!({ "version": 2 }), "\"1\"").await.expect(400);
    assert_eq!(both.error().1.as_deref(), Some("/version"));
    let done = decide(&house, &activate, json!({ "reason": "better" }), "\"1\"").await.expect(200);
    assert_eq!((&done.body["number"], &done.body["kind"]), (&json!(2), &json!("activate")), "{:#}", done.body);
    assert_eq!(planned_by(&house).await, second, "at once on the host that was asked");
    let again = decide(&house, &activate, json!({}), "").await.expect(409);
    assert_eq!(again.error_code().as_deref(), Some("INVALID_STATE"));

    let back = decide(&house, "/v1/platforms/acme/rollback", json!({}), "").await.expect(200);
    assert_eq!(back.body["kind"], "rollback");
    let history = house.get(OPERATOR, "/v1/platforms/acme/activations").await.expect(200);
    assert_eq!(history.body["activations"].as_array().map(Vec::len), Some(3), "{:#}", history.body);
    let removed = house.call(OPERATOR, Method::DELETE, &format!("{RELEASES}/{}", &second[..8]), Value::Null).await;
    assert_eq!(removed.expect(200).body["digest"], json!(second));
    house.get(OPERATOR, "/v1/platforms/nowhere/releases").await.expect(404);
}

#[tokio::test]
async fn a_component_that_is_no_good_is_refused_and_what_served_goes_on() {
    let house = house().await;
    let first = planned_by(&house).await;
    let good = std::fs::read(component("flightdeck-test-guest")).expect("the component");
    for (name, bytes, words) in [
        ("nothing", Vec::new(), "can't be compiled"),
        ("text", b"hello".to_vec(), "can't be compiled"),
        ("cut", good[..50_000].to_vec(), "can't be compiled"),
        ("core", b"\0asm\x01\0\0\0".to_vec(), "component"),
        ("empty", b"\0asm\x0d\0\x01\0".to_vec(), "adapter"),
        ("another", std::fs::read(component("flightdeck-adapter-triton")).expect("the component"), "settings"),
    ] {
        let (status, told) = upload(&house, bytes, "application/wasm").await;
        assert_eq!(
            (status, told["error"]["code"].as_str()),
            (StatusCode::BAD_REQUEST, Some("INVALID_PARAMETER")),
            "{name}"
        );
        let message = told["error"]["message"].as_str().expect("a message");
        println!("{name}: {message}");
        assert!(message.contains(words) || words == "can't be compiled", "{name}: {message}");
    }
    assert_eq!(planned_by(&house).await, first);
    let list = house.get(OPERATOR, RELEASES).await.expect(200);
    assert_eq!(list.body["releases"].as_array().map(Vec::len), Some(1), "{:#}", list.body);
}

#[tokio::test]
async fn a_host_that_comes_back_with_an_old_file_follows_what_was_decided() {
    let mut house = house().await;
    let first = planned_by(&house).await;
    let (second_file, second) = release(&house, "second", false);
    adapter(&house, &["install", "acme", &shown(&second_file), "--activate"]).await.expect("it is activated");
    until_planned_by(&house, &second).await;
    house.stop().await;
    house.start(&[]).await;
    assert_eq!(planned_by(&house).await, second, "the file is older than the decision");
    // An edited file is a swap.
    let (third_file, third) = release(&house, "third", false);
    house.stop().await;
    house.configure(&shown(&component("flightdeck-test-guest")), &shown(&third_file));
    house.start(&[]).await;
    assert_eq!(planned_by(&house).await, third);
    // Edited back, it names what was left.
    house.stop().await;
    house.configure(&shown(&third_file), &shown(&component("flightdeck-test-guest")));
    house.start(&[]).await;
    assert_eq!(planned_by(&house).await, third, "not {first}");
}

#[tokio::test]
async fn a_release_that_traps_is_rolled_back_and_nobody_notices() {
    let house = house().await;
    let first = planned_by(&house).await;
    let receiver = Receiver::start().await;
    let events = ["adapter.activated", "adapter.rolled_back", "adapter.unhealthy"];
    let endpoint = json!({ "url": receiver.url, "events": events });
    let refused = house.post(BUYER, "/v1/webhooks", endpoint.clone()).await.expect(400);
    assert_eq!(refused.error().1.as_deref(), Some("/events"), "{:#}", refused.body);
    house.post(OPERATOR, "/v1/webhooks", endpoint).await.expect(200);
    let (file, bad) = release(&house, "bad", true);
    let (status, told) = upload(&house, std::fs::read(&file).expect("the component"), "application/wasm").await;
    assert_eq!(status, StatusCode::OK, "it describes itself well: {told:#}");
    let activate = format!("{RELEASES}/{bad}/activate");
    decide(&house, &activate, json!({}), "").await.expect(200);
    let create = |number: usize| {
        let house = &house;
        async move {
            let dry_run = number.is_multiple_of(2);
            let request = json!({
                "packages": ["acme"], "total_budget": 100, "flight_start_date": today(), "dry_run": dry_run,
            });
            house.post(BUYER, "/v1/media-buys", request).await
        }
    };
    for answer in futures::future::join_all((0..12).map(create)).await {
        assert!(answer.status.is_success(), "{:#}\n{}", answer.body, house.log());
    }
    let rolled_back = |answer: &Answer| answer.body["activations"][0]["kind"] == "automatic";
    let history = house.until(OPERATOR, "/v1/platforms/acme/activations", rolled_back).await;
    let reason = history.body["activations"][0]["reason"].as_str().expect("a reason");
    assert!(reason.contains(&bad) && reason.contains("trap"), "{reason}");
    assert_eq!(planned_by(&house).await, first);
    let hooks = receiver.until(|hooks| hooks.len() >= 3).await;
    let told = |kind: &str| {
        let mut of = hooks.iter().filter(|hook| hook.kind() == kind).map(|hook| hook.json()["data"].clone());
        (of.next().unwrap_or_else(|| panic!("no {kind}: {hooks:?}")), of.count())
    };
    let (activated, more) = told("adapter.activated");
    assert_eq!((&activated["release"], &activated["previous_release"], more), (&json!(bad), &json!(first), 0));
    let (back, more) = told("adapter.rolled_back");
    assert_eq!((&back["release"], &back["previous_release"], more), (&json!(first), &json!(bad), 0));
    let (unhealthy, more) = told("adapter.unhealthy");
    assert_eq!((&unhealthy["release"], more), (&json!(bad), 0));
    assert!(unhealthy["reason"].as_str().is_some_and(|why| why.contains("trap")), "{unhealthy:#}");
    // A host that starts now does not activate it either.
    let list = house.get(OPERATOR, RELEASES).await.expect(200);
    let unhealthy = list.body["releases"].as_array().expect("a list").iter().find(|one| one["digest"] == bad.as_str());
    assert!(unhealthy.is_some_and(|one| one["unhealthy_at"].is_string()), "{:#}", list.body);
}

/// What a reviewer approved holds under another release that plans the same, unless the publisher wants it strict.
#[tokio::test]
async fn an_approval_holds_under_another_release_that_plans_the_same() {
    for strict in [false, true] {
        let mut house = house().await;
        if strict {
            house.stop().await;
            house.configure("[publisher]\n", "[publisher]\nstrict_approvals = true\n");
            house.start(&[]).await;
        }
        let request = json!({ "packages": ["acme"], "total_budget": 6_000, "flight_start_date": today() });
        let created = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
        let (file, second) = release(&house, "second", false);
        adapter(&house, &["install", "acme", &shown(&file), "--activate"]).await.expect("it is activated");
        until_planned_by(&house, &second).await;
        house.approve(&created.text("/task_id")).await.expect(200);
        let path = format!("/v1/operations/{}", created.text("/operation_id"));
        let asked_again = |answer: &Answer| answer.body["state"] == "awaiting_approval";
        let begun = |answer: &Answer| answer.body["steps"].as_array().is_some_and(|steps| !steps.is_empty());
        let operation = house.until(BUYER, &path, |answer| asked_again(answer) || begun(answer)).await;
        assert_eq!(asked_again(&operation), strict, "{:#}", operation.body);
    }
}
