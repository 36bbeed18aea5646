//! What lies in the database: the audit log under its key, encrypted secrets, and tokens that are refused whatever the configuration says.

use std::path::Path;

use flightdeck::domain::digest;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use crate::{
    house::{BUYER, House, OPERATOR, PATIENCE, REVIEWER_2},
    receiver::{EVENTS, Receiver, verify},
    replicas::Replicas,
};

/// Runs a command of the host; whether it succeeded, and all that it said.
async fn said(mut command: tokio::process::Command, arguments: &[&str]) -> (bool, String) {
    let ran = command.args(arguments).output().await.expect("the command runs");
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    (ran.status.success(), said)
}

async fn run(house: &House, arguments: &[&str]) -> (bool, String) {
    said(house.command(), arguments).await
}

/// Runs statements on the house's database as somebody does who can write to it and is stopped by nothing.
pub(crate) async fn write(house: &House, statements: &[&str]) {
    let path = house.dir().join("data/flightdeck.db");
    let mut beside = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.expect("the database");
    let guards = ["audit_is_not_changed", "audit_is_not_deleted", "audit_is_signed"];
    for guard in guards.map(|name| format!("DROP TRIGGER IF EXISTS {name}")) {
        sqlx::query(AssertSqlSafe(guard)).execute(&mut beside).await.expect("it is dropped");
    }
    for statement in statements {
        sqlx::query(AssertSqlSafe((*statement).to_owned())).execute(&mut beside).await.expect(statement);
    }
    beside.close().await.expect("it is closed");
}

/// Number and text of every line of the log.
async fn lines(house: &House) -> Vec<(i64, String)> {
    let path = house.dir().join("data/flightdeck.db");
    let mut beside = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.expect("the database");
    let lines = sqlx::query_as("SELECT seq, doc FROM audit ORDER BY seq").fetch_all(&mut beside).await.expect("lines");
    beside.close().await.expect("it is closed");
    lines
}

/// Makes a whole chain anew over other texts, with what everybody has: as hosts did before there were keys.
async fn write_anew_without_a_key(house: &House, change: impl Fn(String) -> String) {
    let mut link = String::new();
    for (number, text) in lines(house).await {
        let text = change(text);
        link = digest::sha256(format!("{link}\n{number}\n{text}").as_bytes());
        let text = text.replace('\'', "''");
        write(house, &[&format!("UPDATE audit SET doc = '{text}', chain = '{link}' WHERE seq = {number}")]).await;
    }
}

fn database(house: &House) -> std::path::PathBuf {
    house.dir().join("data/flightdeck.db")
}

/// What `audit verify` says of how far the log goes.
fn head_of(verified: &str) -> String {
    let line = verified.lines().find_map(|line| line.strip_prefix("the log goes to "));
    line.unwrap_or_else(|| panic!("no head in {verified}")).to_owned()
}

fn actions(exported: &str, action: &str) -> Vec<Value> {
    let lines = exported.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["entry"]["action"] == action).map(|mut line| line["entry"].take()).collect()
}

#[tokio::test]
async fn without_the_key_no_other_log_can_be_made_and_a_cut_tail_shows_by_a_head_that_was_kept() {
    let mut house = House::new().await;
    house.created(json!(["news"])).await;
    let started = house.log();
    house.stop().await;
    let stopped = house.log();
    let (fine, verified) = run(&house, &["audit", "verify"]).await;
    assert!(
        fine && verified.contains("signed with the key local.") && verified.contains("none was changed"),
        "{verified}"
    );
    assert!(verified.contains("can't be seen without a line that was kept elsewhere"), "{verified}");
    // Whoever reads the host's log has heads to give back.
    let logged = |log: &str, why: &str| {
        let line = log.lines().find(|line| line.contains("audit log goes to") && line.contains(why));
        let line = line.unwrap_or_else(|| panic!("{why}: {log}"));
        line.split_whitespace().find_map(|word| word.strip_prefix("head=")).expect("a head").to_owned()
    };
    assert!(!started.contains("a host stops"));
    let head = logged(&stopped, "a host stops");
    assert_eq!(head, head_of(&verified));
    let (fine, told) = run(&house, &["audit", "verify", "--head", &head]).await;
    assert!(fine && told.contains("it has the line that was kept") && !told.contains("can't be seen"), "{told}");

    let whole = house.dir().join("whole.db");
    std::fs::copy(database(&house), &whole).expect("a copy");
    write(&house, &["DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)"]).await;
    let (fine, told) = run(&house, &["audit", "verify"]).await;
    assert!(fine && told.contains("can't be seen without"), "{told}");
    let (fine, told) = run(&house, &["audit", "verify", "--head", &head]).await;
    assert!(!fine && told.contains("is not the one that was kept"), "{told}");

    // All of it anew, with plain links; then with the name of the key in front of them.
    std::fs::copy(&whole, database(&house)).expect("the copy");
    write_anew_without_a_key(&house, |text| text.replace("reviewer", "somebody")).await;
    let (fine, told) = run(&house, &["audit", "verify"]).await;
    assert!(!fine && told.contains("no line of the log has a key"), "{told}");
    let key = head.split(':').nth(1).expect("the key's name");
    write(&house, &[&format!("UPDATE audit SET chain = '{key}:' || chain")]).await;
    let (fine, told) = run(&house, &["audit", "verify"]).await;
    assert!(!fine && told.contains("line 1 was changed"), "{told}");

    // The key is elsewhere, or another one is in its place.
    std::fs::copy(&whole, database(&house)).expect("the copy");
    let file = house.dir().join("data/flightdeck.key");
    let secret = std::fs::read_to_string(&file).expect("the key");
    std::fs::remove_file(&file).expect("it is removed");
    let (fine, told) = run(&house, &["audit", "verify"]).await;
    assert!(!fine && told.contains("not proven") && told.contains(key) && told.contains("has no such key"), "{told}");
    assert!(told.contains("none missing or out of place"), "{told}");
    std::fs::write(&file, "another-key-of-thirty-two-characters-and-more\n").expect("another key");
    let (fine, told) = run(&house, &["audit", "verify"]).await;
    assert!(!fine && told.contains("The key that this configuration has by that name is another one"), "{told}");
    std::fs::write(&file, secret).expect("the key");
    let (fine, told) = run(&house, &["audit", "verify", "--head", &head]).await;
    assert!(fine, "{told}");
}

#[tokio::test]
async fn metrics_have_how_far_the_audit_log_goes() {
    let house = House::new().await;
    let scraped = house.get(OPERATOR, "/metrics").await.expect(200);
    let text = scraped.body.as_str().expect("text");
    let line = text.lines().find_map(|line| line.strip_prefix("flightdeck_audit_head{link=\"")).expect("a head");
    let (link, number) = line.split_once("\"} ").expect("a link and a number");
    let (fine, told) = run(&house, &["audit", "verify", "--head", &format!("{number}:{link}")]).await;
    assert!(fine && told.contains("it has the line that was kept"), "{told}");
}

#[tokio::test]
async fn a_log_from_before_there_were_keys_goes_on_signed_from_a_line_that_says_so() {
    let mut house = House::empty("[webhooks]\nallow_http = true\nallow_private = [\"127.0.0.0/8\"]\n").await;
    house.start(&[]).await;
    let receiver = Receiver::start().await;
    let made = house.post(OPERATOR, "/v1/webhooks", json!({ "url": receiver.url, "events": EVENTS })).await.expect(200);
    let (id, secret) = (made.text("/webhook_id"), made.text("/secret"));
    house.stop().await;
    // As a host of before left it: plain links, and the secret as it is.
    write_anew_without_a_key(&house, |text| text).await;
    let old = lines(&house).await.len();
    write(
        &house,
        &[&format!("UPDATE webhooks SET doc = json_set(doc, '$.secrets[0].text', '{secret}') WHERE id = '{id}'")],
    )
    .await;
    house.start(&[]).await;
    let (fine, told) = run(&house, &["audit", "verify"]).await;
    assert!(fine && told.contains(&format!("{old} of them are older than the keys")), "{told}");
    let (_, exported) = run(&house, &["audit", "export"]).await;
    let marked = actions(&exported, "audit.key_changed");
    assert!(
        marked.len() == 1 && marked[0]["reason"].as_str().unwrap().contains(&format!("up to line {old} it has no key"))
    );
    assert_eq!(actions(&exported, "webhook.secret_encrypted")[0]["subject"], id.as_str());
    // It signs as before, and is nowhere in the database's files.
    house.post(OPERATOR, &format!("/v1/webhooks/{id}/test"), Value::Null).await.expect(200);
    verify(&receiver.until(|hooks| !hooks.is_empty()).await, &secret).await;
    house.stop().await;
    assert_nowhere(&house.dir().join("data"), &secret);
    // Of what is older than the keys, the first line with one tells whether it was changed.
    write(&house, &["UPDATE audit SET doc = replace(doc, 'operator', 'nobody')"]).await;
    let (fine, told) = run(&house, &["audit", "verify"]).await;
    assert!(!fine && told.contains("was changed"), "{told}");
}

/// Fails if a secret is in a file of the folder.
#[track_caller]
fn assert_nowhere(folder: &Path, secret: &str) {
    let secret = secret.trim_start_matches("whsec_").as_bytes();
    for entry in std::fs::read_dir(folder).expect("the folder").flatten().filter(|entry| entry.path().is_file()) {
        let content = std::fs::read(entry.path()).expect("a file");
        assert!(!content.windows(secret.len()).any(|window| window == secret), "{}", entry.path().display());
    }
}

#[tokio::test]
async fn secrets_of_webhooks_lie_encrypted_in_the_database_and_in_its_copies() {
    let mut house = House::new().await;
    let made =
        house.post(BUYER, "/v1/webhooks", json!({ "url": "https://example.com/", "events": EVENTS })).await.expect(200);
    let (id, first) = (made.text("/webhook_id"), made.text("/secret"));
    let second = house.post(BUYER, &format!("/v1/webhooks/{id}/rotate"), Value::Null).await.expect(200).text("/secret");
    let (made, third) = run(&house, &["webhook", "create", "https://example.com/2"]).await;
    let third = third.lines().find(|line| line.starts_with("whsec_")).expect("a secret").to_owned();
    assert!(made);
    let (shown, said) = run(&house, &["webhook", "show", &id]).await;
    assert!(shown && !said.contains("whsec_"), "{said}");
    let copy = house.dir().join("copies");
    std::fs::create_dir(&copy).expect("a folder");
    let (fine, told) = run(&house, &["backup", &copy.join("copy.db").display().to_string()]).await;
    assert!(fine && told.contains("flightdeck.key is not in it"), "{told}");
    let (_, exported) = run(&house, &["audit", "export"]).await;
    for (action, times) in
        [("webhook.created", 2), ("webhook.secret_rotated", 1), ("webhook.shown", 1), ("audit.exported", 1)]
    {
        assert_eq!(actions(&exported, action).len(), times, "{action}");
    }
    assert!(actions(&exported, "webhook.created")[0]["reason"].as_str().unwrap().contains("shown its secret"));
    house.stop().await;
    for secret in [&first, &second, &third] {
        assert_nowhere(&house.dir().join("data"), secret);
        assert_nowhere(&copy, secret);
        assert!(!exported.contains(secret.as_str()) && !house.log().contains(secret.as_str()));
    }
}

/// A configured key.
fn key(id: &str) -> String {
    format!("[[keys]]\nid = \"{id}\"\nsecret = {{ value = \"the-key-of-the-test-by-the-name-of-{id}\" }}\n")
}

#[tokio::test]
async fn keys_are_rotated_and_of_one_that_is_missing_only_what_it_made_suffers() {
    let webhooks = "[webhooks]\nallow_http = true\nallow_private = [\"127.0.0.0/8\"]\n";
    let mut house = House::empty(&format!("{webhooks}{}", key("one"))).await;
    let path = house.dir().join("flightdeck.toml");
    let config = std::fs::read_to_string(&path).expect("the configuration");
    let with_keys = |keys: &[&str]| {
        let keys: String = keys.iter().map(|id| key(id)).collect();
        std::fs::write(&path, config.replace(&key("one"), &keys)).expect("the configuration");
    };
    house.start(&[]).await;
    assert!(!house.dir().join("data/flightdeck.key").exists(), "a key is configured");
    let receiver = Receiver::start().await;
    let made = house.post(OPERATOR, "/v1/webhooks", json!({ "url": receiver.url, "events": EVENTS })).await.expect(200);
    let (id, secret) = (made.text("/webhook_id"), made.text("/secret"));
    house.stop().await;

    with_keys(&["two", "one"]);
    house.start(&[]).await;
    house.post(OPERATOR, &format!("/v1/webhooks/{id}/test"), Value::Null).await.expect(200);
    verify(&receiver.until(|hooks| !hooks.is_empty()).await, &secret).await;
    let (fine, told) = run(&house, &["audit", "verify"]).await;
    assert!(fine && told.contains("the key one.") && told.contains("the key two."), "{told}");
    house.stop().await;

    // What the old key signed can't be proven without it; the secret is encrypted with the new one by now.
    with_keys(&["two"]);
    house.start(&[]).await;
    let (fine, told) = run(&house, &["audit", "verify"]).await;
    assert!(!fine && told.contains("not proven") && told.contains("the key one."), "{told}");
    house.post(OPERATOR, &format!("/v1/webhooks/{id}/test"), Value::Null).await.expect(200);
    verify(&receiver.until(|hooks| hooks.len() == 2).await, &secret).await;
    house.stop().await;

    // The key of the secret is gone: the host serves, and says which key it wants.
    with_keys(&["three"]);
    house.start(&[]).await;
    let missing = house.log();
    let line =
        missing.lines().find(|line| line.contains("secret of an endpoint of webhooks can't be read")).expect("a line");
    assert!(line.contains("`two.") && line.contains("[[keys]]") && line.contains(&id), "{line}");
    house.created(json!(["news"])).await;
    house.post(OPERATOR, &format!("/v1/webhooks/{id}/test"), Value::Null).await.expect(200);
    let deliveries = format!("/v1/webhooks/{id}/deliveries");
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        let listed = house.get(OPERATOR, &deliveries).await.expect(200).body.to_string();
        if listed.contains("could not be signed: its secret can't be read") {
            assert!(!listed.contains("two."), "its owner is told nothing of keys: {listed}");
            break;
        }
        assert!(tokio::time::Instant::now() < end, "{listed}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(receiver.hooks().len(), 2, "nothing is sent that is not signed");
    // Another secret ends it.
    let rotated =
        house.post(OPERATOR, &format!("/v1/webhooks/{id}/rotate"), Value::Null).await.expect(200).text("/secret");
    house.post(OPERATOR, &format!("/v1/webhooks/{id}/test"), Value::Null).await.expect(200);
    let hooks = receiver.until(|hooks| hooks.len() > 2).await;
    verify(&hooks[2..3], &rotated).await;
}

#[tokio::test]
async fn a_flood_of_failed_logins_is_a_line_for_each_address_and_minute() {
    let mut house = House::new().await;
    let (made, token) = run(&house, &["token", "create", "--name", "rita", "--role", "reviewer"]).await;
    assert!(made, "{token}");
    let (fine, said) = run(&house, &["token", "revoke", "rita"]).await;
    assert!(fine, "{said}");
    let begun = std::time::Instant::now();
    house.get(token.trim(), "/v1/tasks").await.expect(401);
    house.post("guessed-over-mcp", "/mcp", json!({})).await.expect(401);
    for number in 0..200 {
        let path = if number % 2 == 0 { "/v1/tasks" } else { "/metrics" };
        let answer = house.get(&format!("guessed-{number}"), path).await;
        assert!([401, 429].contains(&answer.status.as_u16()), "{:#}", answer.body);
    }
    house.stop().await;
    let minutes = usize::try_from(begun.elapsed().as_secs() / 60).expect("some") + 2;
    let (_, exported) = run(&house, &["audit", "export"]).await;
    let failed = actions(&exported, "login.failed");
    assert!((1..=minutes).contains(&failed.len()), "{failed:?}");
    assert!(
        failed.iter().all(|line| line["subject"] == "address:127.0.0.1" && line["actor"] == "flightdeck"),
        "{failed:?}"
    );
    let reasons: Vec<&str> = failed.iter().filter_map(|line| line["reason"].as_str()).collect();
    let times = |what: &str| -> u32 {
        let all = reasons.iter().flat_map(|reason| reason.split([':', ',']));
        all.filter_map(|part| part.trim().strip_suffix(what)?.trim().parse::<u32>().ok()).sum()
    };
    assert_eq!(times("with an unknown token"), 201, "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason.contains("1 with the token rita, which was revoked")), "{reasons:?}");
    assert!(!exported.contains("guessed"), "what was tried is told to nobody");
}

#[tokio::test]
async fn each_move_of_a_task_is_in_the_audit_log() {
    let house = House::new().await;
    let request = json!({ "packages": ["news"], "total_budget": 5_000 });
    let task = house.post(BUYER, "/v1/media-buys", request).await.expect(202).text("/task_id");
    let reviewer = crate::house::REVIEWER;
    let path = |what: &str| format!("/v1/tasks/{task}/{what}");
    house.post(reviewer, &path("assign"), json!({ "assigned_to": "second-reviewer" })).await.expect(200);
    house.post(REVIEWER_2, &path("start"), json!({})).await.expect(200);
    house.post(REVIEWER_2, &path("escalate"), json!({ "reason": "too large for me" })).await.expect(200);
    house
        .post(reviewer, &path("complete"), json!({ "resolution": "rejected", "resolution_detail": "no" }))
        .await
        .expect(200);
    let (_, exported) = run(&house, &["audit", "export"]).await;
    for (action, actor) in [
        ("task.assigned", "reviewer"),
        ("task.started", "second-reviewer"),
        ("task.escalated", "second-reviewer"),
        ("task.rejected", "reviewer"),
    ] {
        let told = actions(&exported, action);
        assert_eq!(told.len(), 1, "{action}: {exported}");
        assert_eq!((&told[0]["subject"], &told[0]["actor"]), (&json!(task), &json!(actor)), "{action}");
    }
}

/// Waits until a host answers a token's owner with this.
async fn until(replicas: &Replicas, index: usize, token: &str, status: StatusCode) {
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        let answer = replicas.ask(index, token, Method::GET, "/v1/tasks", None, &[]).await;
        if answer.as_ref().is_some_and(|answer| answer.status == status) {
            return;
        }
        assert!(tokio::time::Instant::now() < end, "host {index}: {answer:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_token_of_the_configuration_is_revoked_on_every_host_until_it_is_restored_or_another_one() {
    let Some(replicas) = Replicas::new(2, "").await else { return };
    let command = |arguments: &'static [&'static str]| said(replicas.command(), arguments);
    let (refused, good) = (StatusCode::UNAUTHORIZED, StatusCode::OK);
    for index in [0, 1] {
        until(&replicas, index, REVIEWER_2, good).await;
    }
    let (fine, told) = command(&["token", "revoke", "second-reviewer", "--reason", "it was in a mail"]).await;
    assert!(fine, "{told}");
    for index in [0, 1] {
        until(&replicas, index, REVIEWER_2, refused).await;
    }
    let (fine, told) = command(&["token", "revoke", "second-reviewer"]).await;
    assert!(!fine && told.contains("already"), "{told}");
    let (_, listed) = command(&["token", "list"]).await;
    let line = listed.lines().find(|line| line.starts_with("second-reviewer ")).expect("it is listed");
    assert!(line.contains("configuration") && line.contains("revoked 20"), "{line}");
    assert!(listed.lines().any(|line| line.starts_with("reviewer ") && line.ends_with("good")), "{listed}");

    // A host that starts refuses it from the first request on, though its configuration has it.
    replicas.stop(0).await;
    replicas.start(0).await;
    let answer = replicas.ask(0, REVIEWER_2, Method::GET, "/v1/tasks", None, &[]).await.expect("an answer");
    assert_eq!(answer.status, refused);
    let (_, exported) = command(&["audit", "export"]).await;
    let told = &actions(&exported, "token.revoked")[0];
    assert_eq!((&told["subject"], &told["reason"]), (&json!("token:second-reviewer"), &json!("it was in a mail")));

    // Another secret under the same name is another token; the old one stays refused, and is still listed.
    let path = replicas.servers.house.dir().join("flightdeck.toml");
    let config = std::fs::read_to_string(&path).expect("the configuration");
    let another = "another-reviewer-token-0123456789abcdef";
    std::fs::write(&path, config.replace(REVIEWER_2, another)).expect("the configuration");
    replicas.stop(0).await;
    replicas.start(0).await;
    until(&replicas, 0, another, good).await;
    until(&replicas, 0, REVIEWER_2, refused).await;
    let (_, listed) = command(&["token", "list"]).await;
    assert!(
        listed.contains("no longer configured") && listed.contains(&digest::sha256(REVIEWER_2.as_bytes())),
        "{listed}"
    );

    // Taken back, it is good where it is configured: at the host that still has the old file.
    let (fine, told) = command(&["token", "restore", "second-reviewer"]).await;
    assert!(fine, "{told}");
    until(&replicas, 1, REVIEWER_2, good).await;
    let (fine, told) = command(&["token", "restore", "second-reviewer"]).await;
    assert!(!fine && told.contains("is revoked"), "{told}");
    let old: &'static str = digest::sha256(REVIEWER_2.as_bytes()).leak();
    let (fine, told) = said(replicas.command(), &["token", "revoke", "second-reviewer", "--sha256", old]).await;
    assert!(fine, "{told}");
    until(&replicas, 1, REVIEWER_2, refused).await;
    until(&replicas, 0, another, good).await;
}

#[tokio::test]
async fn a_host_on_postgresql_without_a_key_says_what_to_add() {
    let house = House::empty("[store]\nurl = { value = \"postgres://127.0.0.1:1/none\" }\n").await;
    for command in ["check", "serve"] {
        let (fine, told) = run(&house, &[command]).await;
        assert!(!fine, "{told}");
        let line = told.lines().find(|line| line.contains("there is no key")).unwrap_or_else(|| panic!("{told}"));
        assert!(
            line.contains("flightdeck.toml:") && line.contains("[[keys]]") && line.contains("openssl rand"),
            "{line}"
        );
    }
}
