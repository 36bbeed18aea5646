//! What callers and operators read, word for word: the answers of a buy's whole life over HTTP and MCP, refusals, and the command
//! line. A change of any of it is a change of a file in `snapshots/`, where a reviewer sees it (`make golden` writes them anew).
//!
//! Ids, moments, days, digests and addresses differ from run to run; a fixed word stands in the place of each.

use std::time::Duration;

use insta::{Settings, assert_snapshot};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    command_line::run,
    house::{Answer, BUYER, House, OPERATOR, OTHER, REVIEWER, day, today},
    servers::Servers,
    watching::begun,
};

/// What differs from run to run, and what stands in its place.
const VARYING: [(&str, &str); 14] = [
    (r"\b[0-9a-z]{24}\b", "<reference>"),
    (r"\blocal\.[0-9a-f]{8}\b", "local.<fingerprint>"),
    (r"\b(kevel|gam|triton|multi|op|task|wh|evt|msg|del|req|audit)_[0-9a-zA-Z]{16,}\b", "<$1 id>"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uuid>"),
    (r"\b[0-9a-f]{64}\b", "<digest>"),
    (r"\b[0-9a-f]{12}\b", "<short digest>"),
    (r"\d{4}-\d\d-\d\dT00:00:00Z", "<midnight>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<moment>"),
    (r"\d{4}-\d\d-\d\d", "<day>"),
    (r"127\.0\.0\.1:\d+", "<address>"),
    (r"/[^\s:`]*/(flightdeck\.toml|flightdeck[-_][a-z_-]+\.wasm|data)\b", "<folder>/$1"),
    (
        r#""(impressions|clicks|spend|ctr|cpm|revenue|completions|conversions|viewability)": [0-9.]+"#,
        r#""$1": <number>"#,
    ),
    (r#""(duration_ms|age_seconds|retry_after|waited_ms)": \d+"#, r#""$1": <number>"#),
    (r"whsec_[A-Za-z0-9+/=]+", "<secret>"),
];

/// Where the snapshots are, and what is overwritten in them.
fn settings() -> Settings {
    let mut settings = Settings::new();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (varying, fixed) in VARYING {
        settings.add_filter(varying, fixed);
    }
    settings
}

/// The answers of one story, one after the other, each under what was asked.
#[derive(Default)]
struct Story(String);

impl Story {
    fn note(&mut self, asked: &str, status: u16, body: &Value) {
        let body = serde_json::to_string_pretty(body).expect("JSON");
        self.0.push_str(&format!("# {asked}\n{status} {body}\n\n"));
    }

    /// Asks, and notes the answer under the method and the path.
    async fn ask(&mut self, house: &House, token: &str, method: Method, path: &str, body: Value) -> Answer {
        let answer = house.call(token, method.clone(), path, body).await;
        self.note(&format!("{method} {path}"), answer.status.as_u16(), &answer.body);
        answer
    }

    #[track_caller]
    fn told(self, name: &str) {
        settings().bind(|| assert_snapshot!(name, self.0.trim_end()));
    }
}

fn banner(id: &str, packages: &[&str]) -> Value {
    json!({
        "creative_id": id, "name": "Spring Campaign Banner", "format": "image", "width": 300, "height": 250,
        "media_url": "https://cdn.example.com/banner.jpg", "click_url": "https://example.com/landing",
        "package_assignments": packages,
    })
}

#[tokio::test]
async fn a_buys_life_is_told_in_these_words() {
    let house = House::new().await;
    let mut story = Story::default();
    story.ask(&house, BUYER, Method::GET, "/v1/products", Value::Null).await;
    let mut request = json!({
        "packages": [{ "package_id": "premium_sports", "pacing": "asap" }, "news"], "po_number": "PO-2024-001", "total_budget": 50_000,
        "flight_start_date": today(), "flight_end_date": day(30),
        "targeting_overlay": { "geography": ["US-CA", "US-NY"], "device_types": ["mobile", "desktop"] },
    });
    request["dry_run"] = json!(true);
    story.ask(&house, BUYER, Method::POST, "/v1/media-buys", request.clone()).await;
    request["dry_run"] = json!(false);
    let created = story.ask(&house, BUYER, Method::POST, "/v1/media-buys", request).await.expect(202);
    let (buy, task) = (created.text("/media_buy_id"), created.text("/task_id"));
    let (buy, task) = (format!("/v1/media-buys/{buy}"), format!("/v1/tasks/{task}"));
    story.ask(&house, BUYER, Method::GET, &format!("{buy}/status"), Value::Null).await;
    story.ask(&house, BUYER, Method::GET, &task, Value::Null).await;
    story.ask(&house, REVIEWER, Method::POST, &format!("{task}/assign"), json!({ "assigned_to": "ann" })).await;
    let shown = story.ask(&house, REVIEWER, Method::GET, &task, Value::Null).await;
    let decision = json!({ "resolution": "approved", "version": shown.body["version"], "resolution_detail": "fine" });
    story.ask(&house, REVIEWER, Method::POST, &format!("{task}/complete"), decision.clone()).await.expect(200);
    house.task_closed(created.text("/task_id").as_str()).await;
    story.ask(&house, REVIEWER, Method::GET, &task, Value::Null).await;
    let operation = format!("/v1/operations/{}", created.text("/operation_id"));
    story.ask(&house, OPERATOR, Method::GET, &operation, Value::Null).await;
    let assets = json!({ "assets": [banner("banner_001", &["premium_sports", "news"])] });
    story.ask(&house, BUYER, Method::POST, &format!("{buy}/creative-assets"), assets).await.expect(200);
    house.kevel.controls().clock.advance(Duration::from_secs(60));
    let change = json!({
        "flight_end_date": day(60), "total_budget": 60_000,
        "packages": [{ "package_id": "news", "active": false, "targeting_overlay": null }],
    });
    story.ask(&house, BUYER, Method::PATCH, &buy, change).await.expect(200);
    let change =
        json!({ "packages": [{ "package_id": "premium_sports", "budget": 20_000, "daily_impressions": 50_000 }] });
    story.ask(&house, BUYER, Method::PATCH, &format!("{buy}/packages"), change).await.expect(200);
    let index =
        json!({ "performance_data": [{ "package_id": "news", "performance_index": 0.7, "feedback": "few clicks" }] });
    story.ask(&house, BUYER, Method::PUT, &format!("{buy}/performance-index"), index).await.expect(200);
    let delivery = format!("{buy}/delivery?start_date={}&end_date={}", today(), day(1));
    story.ask(&house, BUYER, Method::GET, &delivery, Value::Null).await;
    story.ask(&house, BUYER, Method::PATCH, &buy, json!({ "active": false })).await.expect(200);
    // A fast host comes here before the flight's first second.
    begun(&house).await;
    story.ask(&house, BUYER, Method::GET, &format!("{buy}/status"), Value::Null).await;
    story.ask(&house, BUYER, Method::GET, "/v1/media-buys", Value::Null).await;
    story.ask(&house, REVIEWER, Method::GET, "/v1/tasks", Value::Null).await;
    story.ask(&house, OPERATOR, Method::GET, "/v1/audit", Value::Null).await;
    let listed = house.tool(BUYER, "list_media_buys", json!({})).await;
    story.note("list_media_buys over MCP", 200, &listed);
    story.told("life");
}

#[tokio::test]
async fn refusals_are_told_in_these_words() {
    let house = House::new().await;
    let buy = house.created(json!(["news"])).await;
    let path = format!("/v1/media-buys/{buy}");
    let mut story = Story::default();
    let creates = [
        json!({}),
        json!({ "packages": [], "total_budget": 0 }),
        json!({ "packages": ["nws", "news", "news"], "total_budget": "many", "flight_start": "today", "pacing": "fast" }),
        json!({ "packages": ["news"], "total_budget": 100, "daily_budget": 200, "flight_start_date": day(3), "flight_end_date": day(2) }),
        json!({ "packages": [{ "package_id": "news", "budget": 60, "impressions": 10 }, { "package_id": "entertainment", "budget": 60 }],
                "total_budget": 100 }),
        json!({ "packages": [{ "package_id": "news", "cpm": 0.01 }], "total_budget": 100, "currency": "EUR" }),
        json!({ "packages": ["news"], "total_budget": 100,
                "targeting_overlay": { "geography": ["US-CA", "Californa"], "geo_country_none_of": ["US"], "device_types": ["phone"] } }),
        json!({ "packages": [{ "package_id": "news", "pacing": "front_loaded", "targeting_overlay": { "os_any_of": ["BeOS"] } }],
                "total_budget": 100, "targeting_overlay": { "frequency_cap": { "impressions": 3, "per": "fortnight" } } }),
        json!({ "packages": ["news"], "total_budget": 100, "po_number": "a\u{202e}b" }),
    ];
    for create in creates {
        story.ask(&house, BUYER, Method::POST, "/v1/media-buys", create).await;
    }
    let updates = [
        json!({}),
        json!({ "total_budget": -5, "flight_end_date": day(-3), "colour": "red" }),
        json!({ "packages": [{ "package_id": "sport", "budget": 1 }, { "package_id": "news", "budget": 1, "impressions": 1 }] }),
        json!({ "packages": [{ "package_id": "news", "creative_ids": ["none_such"] }] }),
    ];
    for update in updates {
        story.ask(&house, BUYER, Method::PATCH, &path, update).await;
    }
    let assets = [
        json!({ "assets": [] }),
        json!({ "assets": [{ "creative_id": "x", "format": "hologram", "package_assignments": ["sport"] }] }),
        json!({ "assets": [banner("b", &["entertainment"]), banner("b", &["news"])] }),
    ];
    for batch in assets {
        story.ask(&house, BUYER, Method::POST, &format!("{path}/creative-assets"), batch).await;
    }
    let index =
        json!({ "performance_data": [{ "package_id": "sport", "performance_index": -1, "confidence_score": 2 }] });
    story.ask(&house, BUYER, Method::PUT, &format!("{path}/performance-index"), index).await;
    for (token, method, path) in [
        (OTHER, Method::GET, format!("{path}/status")),
        (BUYER, Method::GET, "/v1/media-buys/kevel_none/status".to_owned()),
        (BUYER, Method::GET, format!("{path}/delivery?start_date=yesterday")),
        (BUYER, Method::GET, "/v1/tasks/task_none".to_owned()),
        (BUYER, Method::GET, "/v1/media-buys?status=activ&limit=0".to_owned()),
        (BUYER, Method::DELETE, path.clone()),
        (REVIEWER, Method::POST, "/v1/media-buys".to_owned()),
        ("nobody", Method::GET, "/v1/products".to_owned()),
        (BUYER, Method::GET, "/v1/audit".to_owned()),
        (BUYER, Method::GET, "/v1/nothing".to_owned()),
    ] {
        story.ask(&house, token, method, &path, Value::Null).await;
    }
    let over_mcp = house.tool(BUYER, "create_media_buy", json!({ "packages": "news", "total_budget": 1e99 })).await;
    story.note("create_media_buy over MCP", 400, &over_mcp);
    story.told("refusals");
}

/// Each platform refuses and plans in words of its own.
#[tokio::test]
async fn plans_on_three_ad_servers_are_told_in_these_words() {
    let servers = Servers::new().await;
    let mut story = Story::default();
    let packages = json!(["front_page", "homepage", "drive_time"]);
    let requests = [
        json!({ "packages": packages, "total_budget": 15_000, "dry_run": true, "flight_start_date": day(1), "flight_end_date": day(31),
                "targeting_overlay": { "geography": ["US-CA"], "device_types": ["mobile"] } }),
        json!({ "packages": packages, "total_budget": 15_000, "dry_run": true, "flight_start_date": day(1), "flight_end_date": day(31),
                "pacing": "front_loaded",
                "targeting_overlay": { "geo_postal_any_of": ["94103"], "browser_any_of": ["lynx"], "language_any_of": ["tlh"],
                                       "frequency_cap": { "impressions": 3, "per": "day" } } }),
    ];
    for request in requests {
        story.ask(&servers.house, BUYER, Method::POST, "/v1/media-buys", request).await;
    }
    story.told("plans");
}

#[tokio::test]
async fn the_command_line_answers_in_these_words() {
    let house = House::empty("").await;
    let mut told = String::new();
    for arguments in [
        &["--help"][..],
        &["serve", "--help"],
        &["check", "--help"],
        &["adapter", "--help"],
        &["adapter", "inspect", "--help"],
        &["adapter", "check", "--help"],
        &["adapter", "compare", "--help"],
        &["adapter", "keygen", "--help"],
        &["adapter", "sign", "--help"],
        &["adapter", "verify", "--help"],
        &["adapter", "push", "--help"],
        &["adapter", "pull", "--help"],
        &["token", "--help"],
        &["rules", "explain", "--help"],
        &["backup", "--help"],
        &["restore", "--help"],
        &["restored", "--help"],
        &["move", "--help"],
        &["webhook", "--help"],
        &["audit", "--help"],
        &["check"],
        &["audit"],
        &["token", "list"],
    ] {
        let (fine, said) = run(&house, arguments).await;
        let ended = if fine { "" } else { " (fails)" };
        told.push_str(&format!("$ flightdeck {}{ended}\n{said}\n", arguments.join(" ")));
    }
    house.configure("[operations]", "[serverr]\ncolour = \"red\"\n\n[operations]\nleese = \"1s\"");
    house.configure("cpm = 12.5", "cpm = -1\nformat = [\"image\"]");
    let (fine, said) = run(&house, &["check"]).await;
    assert!(!fine, "{said}");
    told.push_str(&format!("$ flightdeck check (fails)\n{said}"));
    settings().bind(|| assert_snapshot!("command_line", told.trim_end()));
}
