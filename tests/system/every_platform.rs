//! The life of a media buy, told once and played on every ad server: what a buyer sees is the same everywhere.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    house::{BUYER, REVIEWER, day, today},
    servers::{Server, Servers},
};

const DAY: Duration = Duration::from_secs(86_400);

/// The status of a buy's package.
fn package<'a>(status: &'a Value, id: &str) -> &'a Value {
    let packages = status["package_statuses"].as_array().expect("packages");
    packages.iter().find(|package| package["package_id"] == id).expect("the package")
}

/// A create with its approval; the id of the buy.
async fn booked(servers: &Servers, server: Server<'_>) -> String {
    let house = &servers.house;
    let request = json!({
        "packages": server.packages, "total_budget": 10_000, "flight_start_date": today(), "flight_end_date": day(30),
        "targeting_overlay": { "geography": ["US-CA", "US-NY"], "device_types": ["mobile", "desktop"] },
    });
    let created = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    let (buy, task) = (created.text("/media_buy_id"), created.text("/task_id"));
    assert_eq!(created.text("/status"), "pending_manual");
    assert!(buy.starts_with(&format!("{}_", server.name)), "{buy}");
    assert_eq!(server.counts(), (0, 0), "nothing before the approval");
    let shown = house.get(REVIEWER, &format!("/v1/tasks/{task}")).await;
    let planned = shown.body["plan"].to_string();
    assert!(planned.contains("500000"), "each package's goal is shown: {planned}");
    house.approve(&task).await.expect(200);
    let closed = house.task_closed(&task).await;
    assert_eq!(closed.body["status"], "completed", "{:#}", closed.body);
    assert_eq!((server.counts(), server.goals()), ((1, 2), vec![500_000, 500_000]));
    buy
}

async fn a_whole_life(name: &str) {
    let servers = Servers::new().await;
    let (house, server) = (&servers.house, servers.server(name));
    let buy = booked(&servers, server).await;
    let (path, status) = (format!("/v1/media-buys/{buy}"), format!("/v1/media-buys/{buy}/status"));
    let is = |wanted: &'static str| move |answer: &crate::house::Answer| answer.body["status"] == wanted;
    assert_eq!(house.get(BUYER, &status).await.text("/status"), "pending_activation");

    let assets = json!({ "assets": [server.creative("first")] });
    let uploaded = house.post(BUYER, &format!("{path}/creative-assets"), assets).await.expect(200);
    assert_eq!(uploaded.text("/asset_statuses/0/status"), "approved", "{:#}", uploaded.body);
    // Some ad servers let a flight begin a moment after it was booked, and Triton's begins with the day of
    // its stations, which is up to five hours behind UTC here.
    servers.pass(Duration::from_secs(6 * 3_600));
    house.until(BUYER, &status, is("active")).await;

    servers.pass(5 * DAY);
    let report = format!("{path}/delivery?start_date={}&end_date={}", today(), day(5));
    let delivery = house.get(BUYER, &report).await.expect(200);
    let number = |pointer: &str| delivery.body.pointer(pointer).and_then(Value::as_f64).expect("a number");
    let by_package = delivery.body["by_package"].as_array().expect("packages");
    let sum = |field: &str| by_package.iter().filter_map(|package| package[field].as_f64()).sum::<f64>();
    assert_eq!(by_package.len(), 2, "{:#}", delivery.body);
    assert_eq!(delivery.body["reporting_period"]["time_zone"], "UTC");
    assert!((number("/totals/impressions") - sum("impressions")).abs() < 1e-9);
    // Triton's reports reach to yesterday on the host's clock, which no test moves, and the buy begins today.
    assert_eq!(sum("impressions") > 1000.0, name != "triton", "{:#}", delivery.body);
    assert!((number("/totals/spend") - sum("spend")).abs() < 1e-6);
    assert!((sum("spend") - sum("impressions") / 100.0).abs() < 1e-6, "10 a thousand: {:#}", delivery.body);

    let told = json!({ "performance_data": [{ "package_id": server.packages[0], "performance_index": 0.8 }] });
    let advised = house.call(BUYER, Method::PUT, &format!("{path}/performance-index"), told).await.expect(200);
    assert_eq!(advised.text("/optimization_actions/0/package_id"), server.packages[0]);

    let update = json!({ "flight_end_date": day(40), "packages": [
        { "package_id": server.packages[1], "budget": 7_000, "targeting_overlay": { "geo_region_any_of": ["US-CA"] } },
    ]});
    let updated = house.patch(BUYER, &path, update).await.expect(200);
    assert_eq!(updated.text("/status"), "accepted", "{:#}", updated.body);
    assert_eq!(server.goals(), [500_000, 700_000]);
    let off = json!({ "packages": [{ "package_id": server.packages[0], "active": false }] });
    house.patch(BUYER, &format!("{path}/packages"), off).await.expect(200);
    let answer =
        house.until(BUYER, &status, |answer| package(&answer.body, server.packages[0])["status"] == "paused").await;
    assert_eq!(answer.text("/status"), "active", "the other one runs on: {:#}", answer.body);

    house.patch(BUYER, &path, json!({ "active": false })).await.expect(200);
    house.until(BUYER, &status, is("paused")).await;
    assert!(server.running().is_empty(), "{:#?}", server.running());
    let before = house.get(BUYER, &report).await.body["totals"]["impressions"].clone();
    servers.pass(DAY);
    assert_eq!(house.get(BUYER, &report).await.body["totals"]["impressions"], before, "nothing while it is paused");
    house.patch(BUYER, &path, json!({ "active": true })).await.expect(200);
    house.until(BUYER, &status, is("active")).await;
    let packages = house.get(BUYER, &status).await.body;
    assert_eq!(package(&packages, server.packages[0])["status"], "paused", "{packages:#}");
    assert_eq!(server.counts(), (1, 2));

    // Kevel has no word for what is over: there the host's clock decides, which no test moves.
    if name != "kevel" {
        servers.pass(60 * DAY);
        house.until(BUYER, &status, is("completed")).await;
    }
}

#[tokio::test]
async fn a_buy_lives_its_whole_life_on_kevel() {
    a_whole_life("kevel").await;
}

#[tokio::test]
async fn a_buy_lives_its_whole_life_on_google_ad_manager() {
    a_whole_life("gam").await;
}

#[tokio::test]
async fn a_buy_lives_its_whole_life_on_triton() {
    a_whole_life("triton").await;
}

#[tokio::test]
async fn every_platform_refuses_what_it_cannot_do_at_once_and_item_by_item() {
    let servers = Servers::new().await;
    for (server, overlay, wanted) in [
        (
            "kevel",
            json!({ "device_type_any_of": ["mobile", "ctv"], "content_genre_any_of": ["rock"] }),
            ["ctv", "rock"],
        ),
        ("gam", json!({ "device_type_any_of": ["audio"], "connection_type_any_of": ["wifi"] }), ["audio", "wifi"]),
        ("triton", json!({ "device_type_any_of": ["ctv", "mobile"], "browser_any_of": ["chrome"] }), ["ctv", "chrome"]),
    ] {
        let server = servers.server(server);
        let request = json!({ "packages": [server.packages[0]], "total_budget": 1_000, "targeting_overlay": overlay });
        let refused = servers.house.post(BUYER, "/v1/media-buys", request).await.expect(400);
        let said = refused.body["error"]["details"].to_string();
        assert!(wanted.iter().all(|value| said.contains(value)), "{}: {:#}", server.name, refused.body);
        assert_eq!(refused.error().0, "UNSUPPORTED_TARGETING", "{}: {:#}", server.name, refused.body);
        assert_eq!(server.counts(), (0, 0));
    }
    let triton = servers.server("triton");
    let buy = booked(&servers, triton).await;
    let image = servers.server("kevel").creative("image");
    let mut image = image;
    image["package_assignments"] = json!(triton.packages);
    let path = format!("/v1/media-buys/{buy}/creative-assets");
    let refused = servers.house.post(BUYER, &path, json!({ "assets": [image] })).await.expect(400);
    assert_eq!(refused.error().0, "UNSUPPORTED_FORMAT", "{:#}", refused.body);
    assert!(refused.body["error"]["details"].to_string().contains("audio"), "{:#}", refused.body);
}

#[tokio::test]
async fn what_google_reviews_is_pending_approval_and_what_it_forbids_is_a_persons_task() {
    let servers = Servers::new().await;
    let (house, server) = (&servers.house, servers.server("gam"));
    let buy = booked(&servers, server).await;
    let status = format!("/v1/media-buys/{buy}/status");
    servers.gam.platform().change(serde_json::from_value(json!({ "may_approve": false })).expect("a setting"));
    let uploads = format!("/v1/media-buys/{buy}/creative-assets");
    let assets = json!({ "assets": [server.creative("first")] });
    let waiting = house.post(BUYER, &uploads, assets).await.expect(202);
    house.until(BUYER, &status, |answer| answer.body["status"] == "pending_permission").await;
    let tasks = house
        .until(REVIEWER, "/v1/tasks?task_type=permission_exception", |answer| answer.body["total_count"] == 1)
        .await;
    let (task, reason) = (tasks.text("/tasks/0/task_id"), tasks.text("/tasks/0/error_detail"));
    assert!(reason.contains("approve_orders"), "{reason}");
    assert_eq!(waiting.text("/operation_id"), tasks.text("/tasks/0/operation_id"));
    // The operator grants it, and a reviewer lets it run on.
    servers.gam.platform().change(serde_json::from_value(json!({ "may_approve": true })).expect("a setting"));
    house.approve(&task).await.expect(200);
    servers.pass(Duration::from_secs(600));
    house.until(BUYER, &status, |answer| answer.body["status"] == "active").await;
    assert_eq!(server.counts(), (1, 2));
}

/// A house whose orders on Google Ad Manager are approved by a person there, with a buy that was submitted.
async fn submitted() -> (Servers, String) {
    let mut servers = Servers::empty().await;
    let path = servers.house.dir().join("flightdeck.toml");
    let config = std::fs::read_to_string(&path).expect("the configuration");
    let line = "trafficker_id = \"5001\"";
    assert!(config.contains(line));
    let config = config.replace(line, &format!("{line}, approve_orders = false"));
    std::fs::write(&path, config).expect("the configuration is written");
    servers.house.start(&[]).await;
    let server = servers.server("gam");
    let buy = booked(&servers, server).await;
    let assets = json!({ "assets": [server.creative("first")] });
    let path = format!("/v1/media-buys/{buy}/creative-assets");
    let uploaded = servers.house.post(BUYER, &path, assets).await.expect(200);
    assert_eq!(uploaded.text("/asset_statuses/0/status"), "pending", "{:#}", uploaded.body);
    let status = format!("/v1/media-buys/{buy}/status");
    let waiting = servers.house.until(BUYER, &status, |answer| answer.body["status"] == "pending_approval").await;
    assert_eq!(waiting.text("/creative_statuses/0/status"), "pending", "{:#}", waiting.body);
    servers.pass(Duration::from_secs(600));
    (servers, status)
}

fn order_of(servers: &Servers) -> i64 {
    let order = &servers.server("gam").all("orders")[0];
    order["orderId"].as_str().and_then(|id| id.parse().ok()).expect("an order's id")
}

#[tokio::test]
async fn an_order_that_a_trafficker_approves_becomes_active() {
    let (servers, status) = submitted().await;
    servers.gam.platform().decide(order_of(&servers), true).expect("it is approved");
    let active = servers.house.until(BUYER, &status, |answer| answer.body["status"] == "active").await;
    assert_eq!(active.text("/creative_statuses/0/status"), "approved", "{:#}", active.body);
}

#[tokio::test]
async fn an_order_that_a_trafficker_disapproves_fails_with_that_word() {
    let (servers, status) = submitted().await;
    servers.gam.platform().decide(order_of(&servers), false).expect("it is disapproved");
    let failed = servers.house.until(BUYER, &status, |answer| answer.body["status"] == "failed").await;
    assert!(failed.text("/detail").contains("DISAPPROVED"), "{:#}", failed.body);
    assert_eq!(failed.text("/creative_statuses/0/status"), "rejected", "{:#}", failed.body);
}

/// A template names the buyer, and the reference by which objects are found again stays at the end.
#[tokio::test]
async fn objects_are_called_as_the_publisher_wants_it() {
    let mut servers = Servers::empty().await;
    let buyer = "{buyer} {start}";
    let house = &servers.house;
    let trafficker = "trafficker_id = \"5001\"";
    house.configure(
        trafficker,
        &format!("{trafficker}, order_name = \"{buyer}\", line_item_name = \"{{buyer}}/{{product}}\""),
    );
    let names = format!("campaign_name = \"{buyer}\", flight_name = \"{{buyer}}/{{product}}\", ");
    for setting in ["team_id = 31", "video_template = {"] {
        house.configure(setting, &format!("{names}{setting}"));
    }
    servers.house.start(&[]).await;
    for server in servers.all() {
        let buy = servers.house.created(json!([server.packages[0]])).await;
        let name = |kind: usize| {
            let object = &server.all(server.kinds[kind])[0];
            let names = ["displayName", "Name", "name"].map(|field| object[field].as_str().unwrap_or_default());
            names.into_iter().find(|name| !name.is_empty()).unwrap_or_default().to_owned()
        };
        let (order, item) = (name(0), name(1));
        let start = servers.house.get(BUYER, "/v1/media-buys").await.text("/media_buys/0/flight_start_date");
        assert!(order.contains(&format!("Agency {}", &start[..10])), "{}: {order}", server.name);
        assert!(item.starts_with(&format!("Agency/{}", server.packages[0])), "{}: {item}", server.name);
        assert_eq!(server.counts(), (1, 1), "{buy}");
    }
}
