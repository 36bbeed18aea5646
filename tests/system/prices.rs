//! Packages that are sold otherwise than by the thousand impressions: bought, delivered and paid for in their own terms.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    house::{Answer, BUYER, REVIEWER, day, today},
    servers::{Endpoints, Server, Servers},
};

const DAY: Duration = Duration::from_secs(86_400);

/// All ad servers, with products at every price that each of them knows.
async fn servers() -> Servers {
    let product = |id: &str, platform: &str, format: &str, price: &str, settings: &str| {
        format!(
            "[[products]]\nid = \"{id}\"\nname = \"{id}\"\nplatform = \"{platform}\"\nformats = [\"{format}\"]\n{price}\n\
             settings = {{ {settings} }}\n\n"
        )
    };
    let pages = "ad_units = [{ id = \"6004\" }], sizes = [\"300x250\"]";
    let videos = "ad_units = [{ id = \"6005\" }], sizes = [\"640x480\"], video = { max_duration_seconds = 30 }";
    let sponsored = format!("{pages}, line_item_type = \"SPONSORSHIP\", share_percent = 50");
    let products = [
        product("kevel_clicks", "kevel", "image", "cpc = 0.80\nfloor_cpc = 0.50", "priority_id = 3002"),
        product("kevel_takeover", "kevel", "image", "flat_price = 600", "priority_id = 3002, share_percent = 10"),
        product("gam_clicks", "gam", "image", "cpc = 0.80\nfloor_cpc = 0.50", pages),
        product("gam_views", "gam", "video", "cpcv = 0.05", videos),
        product("gam_sponsorship", "gam", "image", "flat_price = 600", &sponsored),
    ];
    let mut servers = Servers::with(&products.concat(), |gam, triton| Endpoints {
        gam: format!("\"{gam}\""),
        triton: format!("\"{triton}\""),
        login: format!("\"{triton}/login\""),
    })
    .await;
    servers.house.start(&[]).await;
    servers
}

/// A create of a package for thirty days from today.
fn order(package: &Value, total: i64) -> Value {
    json!({
        "packages": [package], "total_budget": total, "flight_start_date": today(), "flight_end_date": day(29),
    })
}

/// Creates a buy of one package, has it approved and uploads a creative, so that it delivers; its id.
async fn delivering(servers: &Servers, server: Server<'_>, package: &str, request: Value) -> String {
    let house = &servers.house;
    let created = house.post(BUYER, "/v1/media-buys", request).await.expect(202);
    let (buy, task) = (created.text("/media_buy_id"), created.text("/task_id"));
    house.approve(&task).await.expect(200);
    let closed = house.task_closed(&task).await;
    assert_eq!(closed.body["status"], "completed", "{:#}", closed.body);
    let mut creative = server.creative("one");
    creative["package_assignments"] = json!([package]);
    if package.ends_with("views") {
        creative["format"] = json!("video");
        creative["media_url"] = json!("https://ads.example.com/vast.xml");
        (creative["duration"], creative["width"], creative["height"]) = (json!(15), json!(640), json!(480));
    }
    let path = format!("/v1/media-buys/{buy}/creative-assets");
    house.post(BUYER, &path, json!({ "assets": [creative] })).await.expect(200);
    servers.pass(Duration::from_secs(600));
    house.until(BUYER, &format!("/v1/media-buys/{buy}/status"), |answer| answer.body["status"] == "active").await;
    buy
}

/// What a buy delivered in so many days. Ask for another number each time: an adapter may keep a report for a while.
async fn totals(servers: &Servers, buy: &str, days: i64) -> Value {
    let path = format!("/v1/media-buys/{buy}/delivery?start_date={}&end_date={}", today(), day(days));
    servers.house.get(BUYER, &path).await.expect(200).body["totals"].clone()
}

#[track_caller]
fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn same(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-6
}

/// The package of an answer, which has one.
fn only(answer: &Answer) -> Value {
    answer.body["packages"][0].clone()
}

async fn clicks_are_bought_delivered_and_paid_for(name: &str, terms: &[(&str, Value)]) {
    let servers = servers().await;
    let (house, server) = (&servers.house, servers.server(name));
    let package = format!("{name}_clicks");
    let products = house.get(BUYER, "/v1/products").await.expect(200).body["products"].clone();
    let offer = products.as_array().and_then(|all| all.iter().find(|one| one["package_id"] == *package)).expect("it");
    assert_eq!((&offer["cpc"], &offer["floor_cpc"]), (&json!(0.8), &json!(0.5)));
    assert!(offer.get("cpm").is_none() && offer.get("floor_cpm").is_none(), "{offer:#}");

    let mut asked = order(&json!(package), 1_000);
    asked["dry_run"] = json!(true);
    let tried = house.post(BUYER, "/v1/media-buys", asked.clone()).await;
    let notes = tried.body["plan"][0]["notes"].to_string();
    assert!(notes.contains(&format!("{package}: 1250 clicks at a CPC of 0.8 USD, for 1000 USD in all")), "{notes}");
    let bought = only(&tried);
    assert_eq!((&bought["clicks"], &bought["cpc"], &bought["budget"]), (&json!(1_250), &json!(0.8), &json!(1_000)));
    assert!(bought.get("impressions").is_none() && bought.get("cpm").is_none(), "{bought:#}");

    let buy = delivering(&servers, server, &package, order(&json!(package), 1_000)).await;
    let (path, status) = (format!("/v1/media-buys/{buy}"), format!("/v1/media-buys/{buy}/status"));
    let item = server.all(server.kinds[1])[0].clone();
    for (pointer, wanted) in terms {
        assert_eq!(item.pointer(pointer), Some(wanted), "{pointer} of {item:#}");
    }

    servers.pass(15 * DAY);
    let so_far = totals(&servers, &buy, 20).await;
    let clicks = number(&so_far["clicks"]);
    assert!((550.0..700.0).contains(&clicks), "half of 1250: {so_far:#}");
    assert!(same(number(&so_far["spend"]), clicks * 0.8), "{so_far:#}");
    let part = |answer: &Answer| number(&answer.body["package_statuses"][0]["delivery_percentage"]);
    let shown = house.until(BUYER, &status, |answer| part(answer) > 40.0).await;
    assert!((part(&shown) - clicks / 12.5).abs() < 0.1, "a part of the clicks: {:#}", shown.body);

    let more = json!({ "packages": [{ "package_id": package, "clicks": 1_500 }] });
    let preview = json!({ "packages": more["packages"], "dry_run": true });
    let preview = house.patch(BUYER, &format!("{path}/packages"), preview).await.expect(200);
    let notes = preview.body["plan"][0]["notes"].to_string();
    assert!(notes.contains("1500 clicks at a CPC of 0.8 USD, for 1200 USD in all; so far 1250 clicks"), "{notes}");
    house.patch(BUYER, &format!("{path}/packages"), more).await.expect(200);
    let listed = house.get(BUYER, "/v1/media-buys").await.body["media_buys"][0]["packages"][0].clone();
    assert_eq!((&listed["clicks"], &listed["budget"], &listed["cpc"]), (&json!(1_500), &json!(1_200), &json!(0.8)));
    assert_eq!(listed["daily_clicks"], Value::Null);
    assert!(listed.get("daily_clicks").is_some() && listed.get("daily_impressions").is_none(), "{listed:#}");

    servers.pass(60 * DAY);
    let all = totals(&servers, &buy, 100).await;
    assert_eq!(all["clicks"], 1_500, "no more than was bought: {all:#}");
    assert!(same(number(&all["spend"]), 1_200.0), "{all:#}");
}

#[tokio::test]
async fn clicks_are_bought_on_kevel() {
    let terms = [
        ("/RateType", json!(3)),
        ("/Price", json!(0.8)),
        ("/GoalType", json!(3)),
        ("/Impressions", json!(1_250)),
        ("/CapType", json!(2)),
        ("/LifetimeCapAmount", json!(1_250)),
    ];
    clicks_are_bought_delivered_and_paid_for("kevel", &terms).await;
}

#[tokio::test]
async fn clicks_are_bought_on_google_ad_manager() {
    let terms = [
        ("/costType", json!("CPC")),
        ("/goal/goalType", json!("LIFETIME")),
        ("/goal/unitType", json!("CLICKS")),
        ("/goal/units", json!("1250")),
    ];
    clicks_are_bought_delivered_and_paid_for("gam", &terms).await;
}

#[tokio::test]
async fn completed_views_are_bought_on_google_ad_manager() {
    let servers = servers().await;
    let (house, server) = (&servers.house, servers.server("gam"));
    let asked = order(&json!({ "package_id": "gam_views", "video_completions": 12_000 }), 600);
    let buy = delivering(&servers, server, "gam_views", asked).await;
    let item = server.all("lineItems")[0].clone();
    assert_eq!((&item["costType"], &item["goal"]["unitType"]), (&json!("CPCV"), &json!("COMPLETED_VIEWS")));
    assert_eq!(item["goal"]["units"], "12000");
    let listed = house.get(BUYER, "/v1/media-buys").await.body["media_buys"][0]["packages"][0].clone();
    assert_eq!((&listed["video_completions"], &listed["cpcv"]), (&json!(12_000), &json!(0.05)));
    servers.pass(15 * DAY);
    let so_far = totals(&servers, &buy, 20).await;
    let views = number(&so_far["video_completions"]);
    assert!((5_500.0..6_500.0).contains(&views), "{so_far:#}");
    assert!(same(number(&so_far["spend"]), views * 0.05), "{so_far:#}");
    servers.pass(60 * DAY);
    let all = totals(&servers, &buy, 100).await;
    assert_eq!(all["video_completions"], 12_000);
    assert!(same(number(&all["spend"]), 600.0), "{all:#}");
}

async fn a_flat_price_is_paid_as_a_whole(name: &str, package: &str, terms: &[(&str, Value)]) {
    let servers = servers().await;
    let (house, server) = (&servers.house, servers.server(name));
    let mut asked = order(&json!(package), 600);
    asked["dry_run"] = json!(true);
    let tried = house.post(BUYER, "/v1/media-buys", asked).await;
    let notes = tried.body["plan"][0]["notes"].to_string();
    assert!(notes.contains(&format!("{package}: a flat price of 600 USD for the whole flight")), "{notes}");
    let bought = only(&tried);
    assert_eq!((&bought["flat_price"], &bought["budget"]), (&json!(600), &json!(600)));
    for goal in ["impressions", "clicks", "video_completions"] {
        assert!(bought.get(goal).is_none(), "{bought:#}");
    }
    let buy = delivering(&servers, server, package, order(&json!(package), 600)).await;
    let item = server.all(server.kinds[1])[0].clone();
    for (pointer, wanted) in terms {
        assert_eq!(item.pointer(pointer), Some(wanted), "{pointer} of {item:#}");
    }
    servers.pass(60 * DAY);
    let all = totals(&servers, &buy, 100).await;
    assert!(number(&all["impressions"]) > 100_000.0, "a share of all there are: {all:#}");
    assert!((number(&all["spend"]) - 600.0).abs() < 1.0, "{all:#}");
    let status = house.get(BUYER, &format!("/v1/media-buys/{buy}/status")).await.expect(200);
    assert_eq!(status.body["package_statuses"][0]["delivery_percentage"], Value::Null, "there is no goal");
}

#[tokio::test]
async fn a_flat_price_buys_a_share_on_kevel() {
    let terms = [("/RateType", json!(1)), ("/Price", json!(600)), ("/GoalType", json!(2)), ("/Impressions", json!(10))];
    a_flat_price_is_paid_as_a_whole("kevel", "kevel_takeover", &terms).await;
}

#[tokio::test]
async fn a_flat_price_buys_a_sponsorship_on_google_ad_manager() {
    let terms = [("/costType", json!("CPF")), ("/goal/goalType", json!("DAILY")), ("/goal/units", json!("50"))];
    a_flat_price_is_paid_as_a_whole("gam", "gam_sponsorship", &terms).await;
}

#[tokio::test]
async fn what_does_not_fit_a_price_is_refused_where_it_stands_with_the_cure() {
    let servers = servers().await;
    let house = &servers.house;
    for (package, total, field, cure) in [
        (json!({ "package_id": "kevel_clicks", "impressions": 5 }), 1_000, "/packages/0/impressions", "give clicks"),
        (json!({ "package_id": "kevel_clicks", "cpm": 9 }), 1_000, "/packages/0/cpm", "give cpc"),
        (
            json!({ "package_id": "kevel_clicks", "cpc": 0.4 }),
            1_000,
            "/packages/0/cpc",
            "at least 0.5, the floor price of kevel_clicks",
        ),
        (
            json!({ "package_id": "kevel_clicks", "clicks": 5, "budget": 4 }),
            4,
            "/packages/0",
            "can't be given together",
        ),
        (
            json!({ "package_id": "kevel_clicks", "cpc": 0.8, "cpm": 9 }),
            1_000,
            "/packages/0/cpc",
            "can't be given together with cpm: a package has one price",
        ),
        (
            json!({ "package_id": "kevel_clicks", "daily_clicks": 1_251 }),
            1_000,
            "/packages/0/daily_clicks",
            "more than the package's whole goal of 1250",
        ),
        (
            json!({ "package_id": "kevel_takeover", "daily_budget": 5 }),
            600,
            "/packages/0/daily_budget",
            "a flat price is paid as a whole",
        ),
        (json!("kevel_takeover"), 601, "/total_budget", "more than the packages' own budgets"),
        (json!({ "package_id": "kevel_takeover", "budget": 599 }), 599, "/packages/0/budget", "at least 600"),
    ] {
        let refused = house.post(BUYER, "/v1/media-buys", order(&package, total)).await.expect(400);
        let (code, named) = refused.error();
        assert_eq!(code, "INVALID_PARAMETER", "{:#}", refused.body);
        assert!(named.is_some_and(|named| named.starts_with(field)), "{field}: {:#}", refused.body);
        assert!(refused.text("/error/message").contains(cure), "{cure}: {:#}", refused.body);
    }
    assert_eq!(servers.server("kevel").counts(), (0, 0));
}

/// A product whose price its ad server does not know is refused when the host starts, and by `check`.
#[tokio::test]
async fn a_price_that_the_ad_server_does_not_know_is_refused_by_the_check() {
    let servers = servers().await;
    servers.house.configure("id = \"midday_audio\"", "id = \"midday_listens\"");
    let path = servers.house.dir().join("flightdeck.toml");
    let config = std::fs::read_to_string(&path).expect("the configuration");
    let (before, after) = config.split_once("id = \"midday_listens\"").expect("the product");
    std::fs::write(&path, format!("{before}id = \"midday_listens\"{}", after.replacen("cpm = 10", "cpcv = 0.05", 1)))
        .expect("the configuration is written");
    let checked = servers.house.command().arg("check").output().await.expect("the command runs");
    let said = String::from_utf8_lossy(&checked.stdout).into_owned() + &String::from_utf8_lossy(&checked.stderr);
    assert!(!checked.status.success(), "{said}");
    let wanted = "product midday_listens: it is sold by the completed view, and Triton Digital does not sell so; it sells \
                  by cpm";
    assert!(said.contains(wanted), "{said}");
    let task = servers.house.get(REVIEWER, "/v1/tasks").await.expect(200);
    assert_eq!(task.body["total_count"], 0);
}
