//! Operators change the configuration while the host serves: by command, over HTTP, by signal, and by editing a watched file.

use std::path::Path;

use flightdeck_emulators::control::faults::{Action, Rule};
use flightdeck_test_support::{component, guest};
use serde_json::{Value, json};

use crate::house::{Answer, BUYER, House, OPERATOR, PATIENCE, today};

/// A platform that the test guest serves, and its product. `adapter` is a line of it.
fn acme(adapter: &str) -> String {
    format!(
        "[[platforms]]\nname = \"acme\"\n{adapter}\nendpoint = {{ env = \"KEVEL_ENDPOINT\" }}\nallow_private = [\"127.0.0.0/8\"]\n\
         read_requests = [\"POST /report/*\"]\nsettings = {{ behaviour = \"good\" }}\n\n\
         [[products]]\nid = \"acme\"\nname = \"acme\"\nplatform = \"acme\"\nformats = [\"image\"]\ncpm = 1\n\n"
    )
}

/// The platform `acme` with Kevel's adapter, which can buy on the emulator that is there.
fn sold() -> String {
    acme(&format!("adapter = \"{}\"", component("flightdeck-adapter-kevel").display()))
        .replace("read_requests = [", AUTH)
        .replace("settings = { behaviour = \"good\" }\n", "")
        .replace("cpm = 1\n", "cpm = 1\nsettings = { priority_id = 3002 }\n")
}

const AUTH: &str = "auth = { scheme = \"header\", name = \"X-Adzerk-ApiKey\", value = { env = \"KEVEL_API_KEY\" } }\n\
     read_requests = [\"POST /v1/campaign/search\", \"POST /v1/report/queue\", \"POST /v1/instantcounts/bulk\", ";

/// The same without a component: an operator installs it later.
fn without_adapter() -> String {
    sold().lines().filter(|line| !line.starts_with("adapter = ")).map(|line| format!("{line}\n")).collect()
}

const APPROVALS: &str = "[[approvals]]\noperations = [\"create_media_buy\"]\nabove_budget = 5_000\n";

/// A house without the platform `acme`, where small buys need no approval.
async fn house() -> House {
    let mut house = House::with(&[], |_| APPROVALS.to_owned()).await;
    house.start(&[]).await;
    house
}

/// Adds the platform `acme` to the file, with an advertiser for the first buyer.
fn add_acme(house: &House, platform: &str) {
    house
        .configure("{ advertiser_id = \"1001\" }", "{ advertiser_id = \"1001\" }, acme = { advertiser_id = \"1001\" }");
    house.configure(APPROVALS, &format!("{platform}{APPROVALS}"));
}

/// Runs a command of the host's binary; what it printed, or what it printed and why it failed.
async fn command(house: &House, arguments: &[&str]) -> Result<String, String> {
    let done = house.command().args(arguments).output().await.expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if done.status.success() {
        Ok(text(&done.stdout))
    } else {
        Err(format!("{}{}", text(&done.stdout), text(&done.stderr)))
    }
}

fn order(product: &str) -> Value {
    json!({ "packages": [product], "total_budget": 100, "flight_start_date": today() })
}

async fn buy(house: &House, product: &str) -> Answer {
    house.post(BUYER, "/v1/media-buys", order(product)).await
}

async fn reload(house: &House, body: Value) -> Answer {
    house.post(OPERATOR, "/v1/config/reload", body).await
}

/// Waits until a condition holds.
async fn until(house: &House, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let end = tokio::time::Instant::now() + PATIENCE;
    while !holds().await {
        assert!(tokio::time::Instant::now() < end, "{what}:\n{}", house.log());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

async fn planned_by(house: &House) -> String {
    let mut request = order("acme");
    request["dry_run"] = json!(true);
    let answer = house.post(BUYER, "/v1/media-buys", request).await;
    answer.body["plan"][0]["adapter_release"].as_str().unwrap_or_default().to_owned()
}

/// Another release of the test guest.
fn another(name: &str, path: &Path) {
    let bytes = guest::release(name, false);
    std::fs::write(path, bytes).expect("it is written");
}

#[tokio::test]
async fn a_platform_comes_and_goes_while_the_host_serves() {
    let house = house().await;
    assert!(buy(&house, "acme").await.status.is_client_error());
    add_acme(&house, &sold());
    let told = command(&house, &["reload"]).await.expect("it is reloaded");
    assert!(told.contains("serves with"), "{told}");
    let bought = buy(&house, "acme").await;
    assert_eq!(bought.body["status"], "pending_activation", "{:#}", bought.body);
    let id = bought.body["media_buy_id"].as_str().expect("an id").to_owned();
    let audit = house.get(OPERATOR, "/v1/audit?limit=200").await.expect(200).body.to_string();
    assert!(audit.contains("platform acme added; product acme added; principal agency changed"), "{audit}");

    let again = reload(&house, json!({})).await.expect(200);
    assert_eq!(again.body["changes"], json!([]), "{:#}", again.body);

    // The product goes, and what was bought stays.
    house.configure("id = \"acme\"\nname = \"acme\"", "id = \"acme2\"\nname = \"acme\"");
    let told = reload(&house, json!({})).await.expect(200);
    assert_eq!(told.body["changes"], json!(["product acme2 added", "product acme removed"]), "{:#}", told.body);
    assert!(buy(&house, "acme").await.status.is_client_error());
    house.get(BUYER, &format!("/v1/media-buys/{id}/status")).await;
    assert_eq!(buy(&house, "acme2").await.body["status"], "pending_activation");
}

#[tokio::test]
async fn a_token_comes_and_goes_with_the_file() {
    let house = house().await;
    let token = "a-new-token-0123456789abcdef";
    assert_eq!(house.get(token, "/v1/media-buys").await.status.as_u16(), 401);
    let entry = format!(
        "[[tokens]]\nname = \"new\"\nrole = \"buyer\"\nprincipal = \"agency\"\nsecret = {{ value = \"{token}\" }}\n\n"
    );
    house.configure(APPROVALS, &format!("{entry}{APPROVALS}"));
    house.hang_up().await;
    until(&house, "the token is never known", async || house.get(token, "/v1/media-buys").await.status == 200).await;
    let listed = house.get(OPERATOR, "/v1/config").await.expect(200).body.to_string();
    assert!(!listed.contains(token) && !house.log().contains(token));

    // A revoked token stays revoked, however often the file is read.
    command(&house, &["token", "revoke", "new"]).await.expect("it is revoked");
    house.configure("above_budget = 5_000", "above_budget = 4_000");
    reload(&house, json!({})).await.expect(200);
    assert_eq!(house.get(token, "/v1/media-buys").await.status.as_u16(), 401);

    house.configure(&entry, "");
    let told = reload(&house, json!({})).await.expect(200);
    assert_eq!(told.body["changes"], json!(["token new removed"]));
}

#[tokio::test]
async fn a_mistake_is_named_with_its_line_and_changes_nothing() {
    let house = house().await;
    let before = house.get(OPERATOR, "/v1/config").await.expect(200).body["configuration"].clone();
    add_acme(&house, &sold());
    house.configure(
        "cpm = 1\nsettings = { priority_id = 3002 }",
        "cpm = \"cheap\"\nsettings = { priority_id = \"high\" }",
    );
    let refused = command(&house, &["reload"]).await.expect_err("a mistake");
    assert!(refused.contains("flightdeck.toml:") && refused.contains("cpm"), "{refused}");
    let refused = reload(&house, json!({})).await;
    assert_eq!(refused.error_code().as_deref(), Some("INVALID_PARAMETER"), "{:#}", refused.body);
    assert!(refused.body.to_string().contains("flightdeck.toml:"), "{:#}", refused.body);

    // What only the adapter can know is named with its line, too.
    house.configure("cpm = \"cheap\"", "cpm = 1");
    let refused = command(&house, &["reload"]).await.expect_err("a mistake");
    assert!(refused.contains("flightdeck.toml:") && refused.contains("priority_id"), "{refused}");
    let told = house.get(OPERATOR, "/v1/config").await.expect(200).body;
    assert_eq!(told["configuration"], before, "{told:#}");
    assert!(told["hosts"][0]["problem"].as_str().is_some_and(|why| why.contains("priority_id")), "{told:#}");
    assert!(buy(&house, "acme").await.status.is_client_error());
    assert_eq!(buy(&house, "news").await.body["status"], "pending_activation", "the rest is sold on");

    // Once it is mended, it serves.
    house.configure("priority_id = \"high\"", "priority_id = 3002");
    command(&house, &["reload"]).await.expect("it is reloaded");
    assert_eq!(buy(&house, "acme").await.body["status"], "pending_activation");
    let told = house.get(OPERATOR, "/v1/config").await.expect(200).body;
    assert_eq!((&told["same"], &told["hosts"][0]["problem"]), (&json!(true), &Value::Null), "{told:#}");
}

#[tokio::test]
async fn what_only_a_restart_can_change_is_refused() {
    let house = house().await;
    house.configure("[operations]", "[server]\nmax_streams = 7\n\n[operations]");
    add_acme(&house, &sold());
    let refused = reload(&house, json!({})).await;
    assert_eq!(refused.error_code().as_deref(), Some("INVALID_STATE"), "{:#}", refused.body);
    assert!(refused.body.to_string().contains("[server] can't be changed while the host serves"), "{:#}", refused.body);
    assert!(buy(&house, "acme").await.status.is_client_error(), "nothing of it serves");
}

#[tokio::test]
async fn an_edited_component_is_a_swap_and_a_left_one_stays_left() {
    let mut house = House::with(&[("acme", "7")], |_| APPROVALS.to_owned()).await;
    let file = house.dir().join("acme.wasm");
    another("first", &file);
    house.configure(APPROVALS, &format!("{}{APPROVALS}", acme(&format!("adapter = \"{}\"", file.display()))));
    house.start(&[]).await;
    let first = planned_by(&house).await;

    another("second", &file);
    let told = reload(&house, json!({})).await.expect(200);
    assert_eq!(told.body["changes"], json!(["another release serves acme"]), "{:#}", told.body);
    let second = planned_by(&house).await;
    assert_ne!(first, second);

    // The fleet has left the first release: a file that names it does not bring it back.
    another("first", &file);
    let told = reload(&house, json!({})).await.expect(200);
    assert_eq!(told.body["changes"], json!([]), "{:#}", told.body);
    assert_eq!(planned_by(&house).await, second);
    let told = reload(&house, json!({ "activate": true })).await.expect(200);
    assert_eq!(told.body["changes"], json!(["another release serves acme"]), "{:#}", told.body);
    assert_eq!(planned_by(&house).await, first, "unless a person asks for it");

    // A file that is no component changes nothing.
    std::fs::write(&file, b"nothing").expect("it is written");
    let refused = reload(&house, json!({ "activate": true })).await;
    assert_eq!(refused.error_code().as_deref(), Some("INVALID_PARAMETER"), "{:#}", refused.body);
    assert_eq!(planned_by(&house).await, first);
}

#[tokio::test]
async fn a_platform_without_an_adapter_leaves_the_rest_served() {
    let mut house = House::with(&[("acme", "1001")], |_| format!("{}{APPROVALS}", without_adapter())).await;
    house.start(&[]).await;
    let ready = house.get(OPERATOR, "/readyz").await.expect(200);
    assert_eq!(ready.body, json!({ "status": "ready", "without_adapter": ["acme"] }));
    assert_eq!(buy(&house, "news").await.body["status"], "pending_activation");
    let refused = buy(&house, "acme").await;
    assert!(refused.body.to_string().contains("has no adapter yet"), "{:#}", refused.body);

    // A reload that is refused changes nothing, not even for a platform that had no adapter.
    let kevel = component("flightdeck-adapter-kevel").display().to_string();
    let (without, with) =
        ("[[platforms]]\nname = \"acme\"\n", format!("[[platforms]]\nname = \"acme\"\nadapter = \"{kevel}\"\n"));
    house.configure(without, &with);
    house.configure("cpm = 1\nsettings = { priority_id = 3002 }", "cpm = 1\nsettings = { priority_id = \"high\" }");
    let refused = reload(&house, json!({})).await;
    assert_eq!(refused.error_code().as_deref(), Some("INVALID_PARAMETER"), "{:#}", refused.body);
    assert!(buy(&house, "acme").await.body.to_string().contains("has no adapter yet"));
    house.configure(&with, without);
    house.configure("settings = { priority_id = \"high\" }", "settings = { priority_id = 3002 }");

    command(&house, &["adapter", "install", "acme", &kevel]).await.expect("it is installed");
    let listed = command(&house, &["adapter", "list", "acme"]).await.expect("a list");
    let digest = listed.split_whitespace().next().expect("a digest").to_owned();
    command(&house, &["adapter", "activate", "acme", &digest]).await.expect("it is activated");
    until(&house, "acme is never served", async || buy(&house, "acme").await.status.is_success()).await;
    assert_eq!(house.get(OPERATOR, "/readyz").await.expect(200).body, json!({ "status": "ready" }));

    // The host finds it again after a restart, though no file names it.
    house.stop().await;
    house.start(&[]).await;
    assert_eq!(buy(&house, "acme").await.body["status"], "pending_activation");
}

#[tokio::test]
async fn watched_files_are_reloaded_when_they_change() {
    let mut house = House::with(&[], |_| APPROVALS.to_owned()).await;
    house.configure("[operations]", "[server]\nwatch_files = true\n\n[operations]");
    house.start(&[]).await;
    let file = house.dir().join("acme.wasm");
    another("first", &file);
    add_acme(&house, &acme(&format!("adapter = \"{}\"", file.display())));
    until(&house, "acme is never served", async || !planned_by(&house).await.is_empty()).await;
    let first = planned_by(&house).await;
    another("the second release", &file);
    until(&house, "the component is never swapped", async || planned_by(&house).await != first).await;
}

#[tokio::test]
async fn what_runs_ends_with_what_it_began_with() {
    let house = house().await;
    let controls = house.kevel.controls();
    controls.faults.add(Rule::new("POST", "/v1/campaign", Action::Hold { hang_up: false }));
    let (bought, ()) = tokio::join!(buy(&house, "news"), async {
        until(&house, "nothing is sent", async || controls.held.count() > 0).await;
        house.configure("in_doubt_wait = \"200ms\"", "in_doubt_wait = \"250ms\"");
        let told = reload(&house, json!({})).await.expect(200);
        assert_eq!(told.body["changes"], json!(["platform kevel changed"]), "{:#}", told.body);
        assert_eq!(controls.held.release().await, 1);
    });
    assert_eq!(bought.body["status"], "pending_activation", "{:#}", bought.body);
    house.assert_faults_happened();
    assert_eq!(buy(&house, "entertainment").await.body["status"], "pending_activation");
}

#[tokio::test]
async fn hosts_with_different_files_are_noticed() {
    let mut first = house().await;
    // Another host on the same database would need PostgreSQL; what a host wrote before it was killed stands for it.
    let listed = async || first.get(OPERATOR, "/v1/config").await.expect(200).body["hosts"].as_array().map(Vec::len);
    until(&first, "it never reports itself", async || listed().await == Some(1)).await;
    first.kill().await;
    first.configure("above_budget = 5_000", "above_budget = 4_000");
    first.start(&[]).await;
    until(&first, "they are never told apart", async || {
        let told = first.get(OPERATOR, "/v1/config").await.expect(200).body;
        told["same"] == false && told["hosts"].as_array().is_some_and(|hosts| hosts.len() == 2)
    })
    .await;
}
