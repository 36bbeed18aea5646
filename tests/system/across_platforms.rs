//! One media buy on several ad servers: one approval, one status, one report; and if one of them finally refuses, what the
//! others made is cancelled there.

use std::time::Duration;

use flightdeck_emulators::{
    control::faults::{Action, Rule},
    platform::Platform as _,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    crash::{at_every_point, closed, decisions, insist},
    house::{Answer, BUYER, House, REVIEWER, day, today},
    servers::Servers,
};

/// The refusal of a request for good.
fn refusal() -> Action {
    serde_json::from_value(json!({ "fail": { "status": 400, "body": "no room for it here" } })).expect("an action")
}

/// A refusal of every item on Triton.
fn no_flights(servers: &Servers) {
    let triton = servers.server("triton");
    let mut refused = Rule::new("POST", triton.item_path, refusal());
    refused.times = 0;
    triton.controls.faults.add(refused);
}

fn request() -> Value {
    json!({ "packages": ["homepage", "drive_time"], "total_budget": 10_000, "flight_start_date": today() })
}

/// Orders and items on Google Ad Manager and on Triton, archived ones included.
fn counts(servers: &Servers) -> [(usize, usize); 2] {
    ["gam", "triton"].map(|name| servers.server(name).counts())
}

/// What may still deliver anywhere.
fn running(servers: &Servers) -> Vec<Value> {
    servers.all().iter().flat_map(crate::servers::Server::running).collect()
}

#[tokio::test]
async fn one_buy_on_three_ad_servers_has_one_approval_one_status_and_one_report() {
    let mut servers = Servers::empty().await;
    let behind = json!({ "hours_ahead_of_utc": -5 });
    let settings = format!("{}/__control/gam/settings", servers.gam.url);
    assert!(servers.house.client.put(settings).json(&behind).send().await.expect("an answer").status().is_success());
    servers.house.start(&[]).await;
    let house = &servers.house;
    let request = json!({
        "packages": ["front_page", "homepage", "drive_time"], "total_budget": 15_000, "flight_start_date": today(),
        "flight_end_date": day(30), "targeting_overlay": { "geography": ["US-CA"], "device_types": ["mobile"] },
    });
    let created = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    let (buy, task) = (created.text("/media_buy_id"), created.text("/task_id"));
    assert!(buy.starts_with("multi_"), "{buy}");
    let shown = house.get(REVIEWER, &format!("/v1/tasks/{task}")).await;
    assert_eq!(shown.body["plan"].as_array().map(Vec::len), Some(3), "{:#}", shown.body["plan"]);
    assert!(servers.all().iter().all(|server| server.counts() == (0, 0)), "nothing before the approval");
    house.approve(&task).await.expect(200);
    assert_eq!(house.task_closed(&task).await.text("/status"), "completed");
    assert!(servers.all().iter().all(|server| server.counts() == (1, 1)));

    let assets: Vec<Value> = servers
        .all()
        .iter()
        .zip(["front_page", "homepage", "drive_time"])
        .map(|(server, package)| {
            let mut creative = server.creative(package);
            creative["package_assignments"] = json!([package]);
            creative
        })
        .collect();
    let path = format!("/v1/media-buys/{buy}/creative-assets");
    let uploaded = house.post(BUYER, &path, json!({ "assets": assets })).await.expect(200);
    let statuses = uploaded.body["asset_statuses"].as_array().expect("statuses");
    assert!(statuses.iter().all(|status| status["status"] == "approved"), "{:#}", uploaded.body);
    servers.pass(Duration::from_secs(600));
    let path = format!("/v1/media-buys/{buy}/status");
    let active = house
        .until(BUYER, &path, |answer| {
            let packages = answer.body["package_statuses"].as_array();
            packages.is_some_and(|packages| packages.iter().all(|package| package["status"] == "active"))
        })
        .await;
    assert_eq!(
        (active.text("/status").as_str(), active.body["package_statuses"].as_array().map(Vec::len)),
        ("active", Some(3))
    );

    servers.pass(Duration::from_secs(5 * 86_400));
    let path = format!("/v1/media-buys/{buy}/delivery?start_date={}&end_date={}", today(), day(5));
    let delivery = house.get(BUYER, &path).await.expect(200);
    let by_package = delivery.body["by_package"].as_array().expect("packages").clone();
    assert_eq!(by_package.len(), 3, "{:#}", delivery.body);
    // Triton's reports reach to yesterday on the host's clock, which no test moves, and the buy begins today.
    let counted = by_package.iter().filter(|package| package["impressions"].as_i64() > Some(0)).count();
    assert_eq!(counted, 2, "{:#}", delivery.body);
    for field in ["impressions", "spend", "clicks"] {
        let sum: f64 = by_package.iter().filter_map(|package| package[field].as_f64()).sum();
        let total = delivery.body["totals"][field].as_f64().expect("a total");
        assert!((total - sum).abs() < 1e-6, "{field}: {:#}", delivery.body);
    }
    // Ad servers that count days of different zones are not shown as one.
    assert_eq!(delivery.body["reporting_period"]["time_zone"], Value::Null, "{:#}", delivery.body);
    let notes = delivery.body["notes"].to_string();
    for note in ["kevel counts the days of UTC", "gam counts the days of Etc/GMT+5", "triton counts the days of UTC"] {
        assert!(notes.contains(note), "{notes}");
    }
}

#[tokio::test]
async fn an_update_reaches_just_the_ad_server_that_it_concerns() {
    let servers = Servers::new().await;
    let buy = servers.house.created(json!(["homepage", "drive_time"])).await;
    for server in servers.all() {
        server.controls.log.clear();
    }
    let change = json!({ "packages": [{ "package_id": "drive_time", "budget": 7_000 }] });
    let path = format!("/v1/media-buys/{buy}/packages");
    let updated = servers.house.patch(BUYER, &path, change).await.expect(200);
    assert_eq!(updated.body["affected_packages"], json!(["drive_time"]));
    let asked = servers.gam.controls().log.summary().total;
    assert_eq!((asked, servers.server("gam").goals()), (0, vec![500_000]), "nothing of it lives there");
    assert_eq!(servers.server("triton").goals(), [700_000]);
    let paused = servers.house.patch(BUYER, &format!("/v1/media-buys/{buy}"), json!({ "active": false })).await;
    paused.expect(200);
    assert!(servers.server("triton").running().is_empty(), "a change of the whole buy reaches all");
}

#[tokio::test]
async fn when_one_finally_refuses_what_the_other_made_is_cancelled_there() {
    let servers = Servers::new().await;
    no_flights(&servers);
    let created = servers.house.post(BUYER, "/v1/media-buys", request()).await.expect(202);
    let task = created.text("/task_id");
    servers.house.approve(&task).await.expect(200);
    let ended = servers.house.task_closed(&task).await;
    assert_eq!(ended.text("/status"), "failed");
    let reason = ended.text("/resolution_detail");
    assert!(reason.contains("triton") && reason.contains("no room for it here"), "{reason}");
    assert_eq!(counts(&servers), [(1, 1), (1, 0)], "each was made once");
    assert!(running(&servers).is_empty(), "{:#?}", running(&servers));
    let path = format!("/v1/media-buys/{}/status", created.text("/media_buy_id"));
    assert_eq!(servers.house.get(BUYER, &path).await.text("/status"), "failed");
}

#[tokio::test]
async fn what_could_not_be_cancelled_is_a_persons_task() {
    let servers = Servers::new().await;
    no_flights(&servers);
    let mut locked = Rule::new("POST", "/v1/networks/*/orders:batchArchive", refusal());
    locked.times = 0;
    servers.gam.controls().faults.add(locked);
    let created = servers.house.post(BUYER, "/v1/media-buys", request()).await.expect(202);
    servers.house.approve(&created.text("/task_id")).await.expect(200);
    let path = "/v1/tasks?task_type=reconciliation";
    let tasks = servers.house.until(REVIEWER, path, |answer| answer.body["total_count"] == 1).await;
    let (task, reason) = (tasks.text("/tasks/0/task_id"), tasks.text("/tasks/0/error_detail"));
    assert!(reason.contains("gam") && reason.contains("could not be cancelled"), "{reason}");
    // Somebody unlocks it there; then the host cancels by itself.
    servers.gam.controls().faults.clear();
    servers.house.approve(&task).await.expect(200);
    let ended = servers.house.task_closed(&created.text("/task_id")).await;
    assert_eq!(ended.text("/status"), "failed");
    assert!(ended.text("/resolution_detail").contains("no room for it here"), "{:#}", ended.body);
    assert!(running(&servers).is_empty(), "{:#?}", running(&servers));
}

#[tokio::test]
async fn a_buy_that_is_resumed_while_its_creatives_are_on_the_way_delivers_where_they_have_arrived() {
    let servers = Servers::new().await;
    let buy = servers.house.created(json!(["homepage", "drive_time"])).await;
    let path = format!("/v1/media-buys/{buy}");
    servers.house.patch(BUYER, &path, json!({ "active": false })).await.expect(200);
    let triton = servers.server("triton");
    let busy: Action = serde_json::from_value(json!({ "fail": { "status": 503 } })).expect("an action");
    triton.controls.faults.add(Rule { times: 0, ..Rule::new("POST", "/v1/*", busy) });
    let creatives = ["gam", "triton"].map(|name| {
        let server = servers.server(name);
        let mut creative = server.creative(name);
        creative["package_assignments"] = json!([server.packages[0]]);
        creative
    });
    let (assets, at_once) = (json!({ "assets": creatives }), [("Prefer", "wait=0")]);
    let place = format!("{path}/creative-assets");
    let uploading = servers.house.try_call(BUYER, Method::POST, &place, Some(&assets), &at_once).await;
    let uploading = uploading.expect("an answer").expect(202).text("/operation_id");
    let path_of_it = format!("/v1/operations/{uploading}");
    let on_gam = |answer: &Answer| {
        let legs = answer.body["legs"].as_array().into_iter().flatten();
        legs.into_iter().any(|leg| leg["platform"] == "gam" && leg["state"] == "done")
    };
    servers.house.until(BUYER, &path_of_it, on_gam).await;
    let order = || servers.gam.platform().objects("orders").expect("orders")[0]["status"].clone();
    assert_eq!(order(), "DRAFT", "the buy is paused");
    servers.house.patch(BUYER, &path, json!({ "active": true })).await.expect(200);
    assert_eq!(order(), "APPROVED", "its creative is there, whatever Triton does");
    triton.controls.faults.clear();
    servers.house.until(BUYER, &path_of_it, |answer| answer.body["state"] == "succeeded").await;
    assert_eq!(order(), "APPROVED");
}

/// What is on the way when a host dies may arrive after whatever overtakes its operation.
#[tokio::test]
async fn a_buy_that_is_paused_while_the_approval_of_its_order_is_on_the_way_does_not_deliver() {
    let mut servers = Servers::new().await;
    let buy = servers.house.created(json!(["homepage"])).await;
    let faults = &servers.gam.controls().faults;
    let slow: Action = serde_json::from_value(json!({ "stall": { "ms": 2_200 } })).expect("an action");
    faults.add(Rule::new("POST", "*orders:batchApprove", slow));
    let server = servers.server("gam");
    let mut creative = server.creative("banner");
    creative["package_assignments"] = json!([server.packages[0]]);
    let path = format!("/v1/media-buys/{buy}");
    let (assets, at_once) = (json!({ "assets": [creative] }), [("Prefer", "wait=0")]);
    let place = format!("{path}/creative-assets");
    let uploading = servers.house.try_call(BUYER, Method::POST, &place, Some(&assets), &at_once).await;
    let uploading = uploading.expect("an answer").expect(202).text("/operation_id");
    let path_of_it = format!("/v1/operations/{uploading}");
    servers.house.until(BUYER, &path_of_it, |_| faults.list().iter().all(|rule| rule.fired == 1)).await;
    servers.house.kill().await;
    servers.house.start(&[]).await;
    servers.house.patch(BUYER, &path, json!({ "active": false })).await.expect(200);
    servers.house.until(BUYER, &path_of_it, |answer| answer.body["state"] == "succeeded").await;
    assert_eq!(servers.gam.platform().objects("lineItems").expect("line items")[0]["status"], "PAUSED");
}

/// Approves a create on both ad servers while the host dies at a point; the closed task, and whether it died.
async fn approved(house: &mut House, point: usize) -> (Answer, bool) {
    house.start(&[("FLIGHTDECK_FAULT_AT", &point.to_string())]).await;
    let (created, died_creating) = insist(house, BUYER, Method::POST, "/v1/media-buys", &request(), "create-1").await;
    let task = created.expect(202).text("/task_id");
    let path = format!("/v1/tasks/{task}/complete");
    let decision = json!({ "resolution": "approved" });
    let (decided, died_deciding) = insist(house, REVIEWER, Method::POST, &path, &decision, "decide-1").await;
    decided.expect(200);
    let (task, died_running) = closed(house, &task).await;
    assert_eq!(decisions(&task), 1, "died at point {point}: {:#}", task.body);
    (task, died_creating || died_deciding || died_running)
}

async fn create_and_die(point: usize) -> bool {
    let mut servers = Servers::empty().await;
    let (task, died) = approved(&mut servers.house, point).await;
    assert_eq!(task.body["status"], "completed", "died at point {point}: {:#}", task.body);
    assert_eq!(counts(&servers), [(1, 1), (1, 1)], "died at point {point}\n{}", servers.house.log());
    died
}

async fn refused_and_die(point: usize) -> bool {
    let mut servers = Servers::empty().await;
    no_flights(&servers);
    let (task, died) = approved(&mut servers.house, point).await;
    assert_eq!(task.body["status"], "failed", "died at point {point}: {:#}", task.body);
    assert_eq!(counts(&servers), [(1, 1), (1, 0)], "died at point {point}\n{}", servers.house.log());
    assert!(running(&servers).is_empty(), "died at point {point}: {:#?}", running(&servers));
    died
}

/// An upload, which brings an approval on one of the ad servers, and an update of both packages.
async fn uploaded_updated_and_die(point: usize) -> bool {
    let mut servers = Servers::new().await;
    let buy = servers.house.created(json!(["homepage", "drive_time"])).await;
    let mut assets = [servers.server("gam").creative("image"), servers.server("triton").creative("spot")];
    assets[0]["package_assignments"] = json!(["homepage"]);
    assets[1]["package_assignments"] = json!(["drive_time"]);
    let house = &mut servers.house;
    house.stop().await;
    house.start(&[("FLIGHTDECK_FAULT_AT", &point.to_string())]).await;
    let (path, body) = (format!("/v1/media-buys/{buy}/creative-assets"), json!({ "assets": assets }));
    let (uploaded, died_uploading) = insist(house, BUYER, Method::POST, &path, &body, "upload-1").await;
    assert!(uploaded.status.is_success(), "died at point {point}: {:#}", uploaded.body);
    let body = json!({ "packages": [
        { "package_id": "homepage", "budget": 6_000 }, { "package_id": "drive_time", "budget": 7_000 },
    ]});
    let path = format!("/v1/media-buys/{buy}/packages");
    let (updated, died_updating) = insist(house, BUYER, Method::PATCH, &path, &body, "update-1").await;
    let mut died = died_uploading || died_updating;
    for answer in [uploaded, updated] {
        died |= succeeded(&mut servers.house, &answer.text("/operation_id"), point).await;
    }
    let goals = ["gam", "triton"].map(|name| servers.server(name).goals());
    assert_eq!(goals, [[600_000], [700_000]], "died at point {point}\n{}", servers.house.log());
    assert_eq!(counts(&servers), [(1, 1), (1, 1)], "died at point {point}");
    let (gam, triton) = (servers.server("gam"), servers.server("triton"));
    let made = [gam.all("creatives").len(), gam.all("associations").len(), triton.all("creatives").len()];
    assert_eq!(made, [1, 1, 1], "died at point {point}");
    assert_eq!(gam.all("orders")[0]["status"], "APPROVED", "died at point {point}");
    assert_eq!(
        triton.all("flights")[0]["creative"]["adGroups"][0]["adUnitIds"].as_array().map(Vec::len),
        Some(1),
        "died at point {point}"
    );
    died
}

/// Waits until an operation succeeded; whether the host died meanwhile.
async fn succeeded(house: &mut House, operation: &str, point: usize) -> bool {
    let (mut died, path) = (false, format!("/v1/operations/{operation}"));
    for _ in 0..2_000 {
        match house.try_call(BUYER, Method::GET, &path, None, &[]).await {
            Some(answer) if answer.body["state"] == "succeeded" => return died,
            Some(answer) => {
                assert_ne!(answer.body["state"], "failed", "died at point {point}: {:#}", answer.body);
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
            None => {
                house.ended().await;
                house.start(&[]).await;
                died = true;
            }
        }
    }
    panic!("{operation} never ended:\n{}", house.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_on_two_ad_servers_survives_death_at_every_point_and_happens_once_on_each() {
    let points = at_every_point(create_and_die).await;
    assert!(points > 25, "only {points} points: the faults are not where they should be");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_that_one_refuses_survives_death_at_every_point_and_leaves_nothing_running() {
    let points = at_every_point(refused_and_die).await;
    assert!(points > 25, "only {points} points: the faults are not where they should be");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_and_updates_on_two_ad_servers_survive_death_at_every_point_and_happen_once_on_each() {
    let points = at_every_point(uploaded_updated_and_die).await;
    assert!(points > 40, "only {points} points: the faults are not where they should be");
}
