//! The protocol document's examples over HTTP, as they stand.

use reqwest::Method;
use serde_json::{Value, json};

use crate::house::{Answer, BUYER, House, OPERATOR, REVIEWER, day, today};

/// The document's request, to the letter.
fn example() -> Value {
    json!({
        "packages": ["premium_sports", "drive_time_audio"],
        "po_number": "PO-2024-001",
        "total_budget": 50000,
        "targeting_overlay": { "geography": ["US-CA", "US-NY"], "device_types": ["mobile", "desktop"] }
    })
}

#[tokio::test]
async fn the_documents_flow_runs_from_create_to_resume() {
    let house = House::new().await;
    let asked_at = day(0);
    let created = house.post(BUYER, "/v1/media-buys", example()).await.expect(202);
    assert_eq!(created.text("/status"), "pending_manual");
    // A review takes 48 hours, and a day is left for creatives.
    let (after_a_day, after_the_review) = if asked_at == day(0) { (day(2), day(4)) } else { (day(1), day(3)) };
    assert_eq!(created.text("/creative_deadline"), format!("{after_a_day}T00:00:00Z"), "{:#}", created.body);
    assert_eq!(created.text("/packages/0/flight_start_date"), format!("{after_the_review}T00:00:00Z"));
    let (buy, task) = (created.text("/media_buy_id"), created.text("/task_id"));
    assert!(buy.starts_with("kevel_"), "{buy}");
    assert!(created.text("/detail").contains(&task), "{:#}", created.body);
    assert_eq!(house.kevel.platform().count("campaigns"), 0, "nothing before the approval");

    let open = house.get(BUYER, "/v1/tasks?task_type=manual_approval").await.expect(200);
    assert_eq!(open.text("/tasks/0/task_id"), task);
    let shown = house.get(REVIEWER, &format!("/v1/tasks/{task}")).await.expect(200);
    assert!(
        !shown.body["plan"].is_null() && shown.body["context_data"]["po_number"] == "PO-2024-001",
        "{:#}",
        shown.body
    );
    house.approve(&task).await.expect(200);
    assert_eq!(house.task_closed(&task).await.body["status"], "completed");
    let status_path = format!("/v1/media-buys/{buy}/status");
    assert_eq!(house.get(BUYER, &status_path).await.text("/status"), "pending_activation");

    let assets = json!({ "assets": [{
        "creative_id": "banner_001", "name": "Spring Campaign Banner", "format": "image",
        "media_url": "https://cdn.example.com/banner.jpg", "click_url": "https://example.com/landing",
        "package_assignments": ["premium_sports"]
    }]});
    let uploaded = house.post(BUYER, &format!("/v1/media-buys/{buy}/creative-assets"), assets).await.expect(200);
    assert_eq!(uploaded.text("/asset_statuses/0/creative_id"), "banner_001");
    assert_eq!(uploaded.text("/asset_statuses/0/status"), "approved", "{:#}", uploaded.body);
    let status = house.get(BUYER, &status_path).await;
    assert_eq!(status.text("/status"), "pending_activation", "its flight lies ahead: {:#}", status.body);
    let banner = (status.text("/creative_statuses/0/creative_id"), status.text("/creative_statuses/0/status"));
    assert_eq!(banner, ("banner_001".to_owned(), "approved".to_owned()));
    assert_eq!(house.kevel.platform().count("ads"), 1);

    let both = json!({ "active": false, "total_budget": 60000 });
    let updated = house.patch(BUYER, &format!("/v1/media-buys/{buy}"), both).await.expect(200);
    assert_eq!(updated.text("/status"), "accepted", "{:#}", updated.body);
    assert!(updated.body["implementation_date"].is_string());
    assert_eq!(house.get(BUYER, &status_path).await.text("/status"), "paused");
    let resumed = house.patch(BUYER, &format!("/v1/media-buys/{buy}"), json!({ "active": true })).await.expect(200);
    assert_eq!(resumed.text("/status"), "accepted");
    assert_eq!((house.kevel.platform().count("campaigns"), house.kevel.platform().count("flights")), (1, 2));
}

#[tokio::test]
async fn the_documents_package_update_runs_as_it_stands_but_for_its_pacing() {
    let house = House::new().await;
    let buy = house.created(json!(["premium_sports", "entertainment"])).await;
    let path = format!("/v1/media-buys/{buy}/packages");
    let update = |pacing: &str| {
        json!({ "packages": [
            { "package_id": "premium_sports", "active": false, "budget": 25000 },
            { "package_id": "entertainment", "impressions": 750000, "daily_impressions": 50000, "pacing": pacing },
        ]})
    };
    // The document's example is for another platform: this one can't deliver front-loaded, and says so before anything changes.
    let refused = house.patch(BUYER, &path, update("front_loaded")).await.expect(400);
    assert_eq!(refused.error().1.as_deref(), Some("/packages/1/pacing"), "{:#}", refused.body);
    let updated = house.patch(BUYER, &path, update("even")).await.expect(200);
    assert_eq!(updated.text("/status"), "accepted", "{:#}", updated.body);
    assert_eq!(updated.body["affected_packages"], json!(["premium_sports", "entertainment"]));
    use flightdeck_emulators::platform::Platform;
    let flights = house.kevel.platform().objects("flights").expect("flights");
    let impressions: Vec<&Value> = flights.iter().map(|flight| &flight["Impressions"]).collect();
    assert_eq!(impressions, [&json!(2_000_000), &json!(750_000)]);
    let status = house.get(BUYER, &format!("/v1/media-buys/{buy}/status")).await;
    let paused = &status.body["package_statuses"][0];
    assert_eq!((&paused["package_id"], &paused["status"]), (&json!("premium_sports"), &json!("paused")));
}

#[tokio::test]
async fn the_documents_comprehensive_update_changes_campaign_and_package() {
    let house = House::new().await;
    let buy = house.created(json!(["news", "premium_sports"])).await;
    let asset = |id: &str, format: &str| {
        json!({
            "creative_id": id, "name": id, "format": format, "media_url": format!("https://cdn.example.com/{id}"),
            "click_url": "https://example.com/landing", "width": 300, "height": 250,
            "package_assignments": ["premium_sports"],
        })
    };
    let mut video = asset("video_v2", "video");
    video["duration"] = json!(30);
    video["media_url"] = json!("https://cdn.example.com/video_v2.mp4");
    let assets = json!({ "assets": [asset("banner_v2", "image"), video] });
    house.post(BUYER, &format!("/v1/media-buys/{buy}/creative-assets"), assets).await.expect(200);
    let update = json!({
        "flight_end_date": day(60), "daily_budget": 5000,
        "packages": [{ "package_id": "news", "budget": 15000, "creative_ids": ["banner_v2", "video_v2"] }],
    });
    let updated = house.patch(BUYER, &format!("/v1/media-buys/{buy}"), update).await.expect(200);
    assert_eq!(updated.text("/status"), "accepted", "{:#}", updated.body);
    assert_eq!(house.kevel.platform().count("ads"), 4, "both creatives run in both packages");
    assert_eq!(house.kevel.platform().count("creatives"), 2);
    // A flight that starts today starts at the next full second.
    let active = |answer: &Answer| answer.body["status"] == "active";
    house.until(BUYER, &format!("/v1/media-buys/{buy}/status"), active).await;
}

#[tokio::test]
async fn delivery_adds_up_to_the_cent_and_by_day() {
    let house = House::new().await;
    let buy = house.created(json!(["premium_sports", "news"])).await;
    let assets = json!({ "assets": [{
        "creative_id": "b", "name": "b", "format": "image", "media_url": "https://cdn.example.com/b.jpg",
        "click_url": "https://example.com/", "width": 300, "height": 250, "package_assignments": ["premium_sports", "news"],
    }]});
    house.post(BUYER, &format!("/v1/media-buys/{buy}/creative-assets"), assets).await.expect(200);
    house.kevel.controls().clock.advance(std::time::Duration::from_secs(5 * 86_400));
    let path = format!("/v1/media-buys/{buy}/delivery?start_date={}&end_date={}", today(), day(5));
    let delivery = house.get(BUYER, &path).await.expect(200);
    let sum = |list: &str, field: &str| -> f64 {
        let rows = delivery.body[list].as_array().expect("rows");
        rows.iter().filter_map(|row| row[field].as_f64()).sum()
    };
    let total = |field: &str| delivery.body["totals"][field].as_f64().expect("a total");
    assert!(total("impressions") > 0.0, "{:#}", delivery.body);
    for field in ["impressions", "spend"] {
        for list in ["by_package", "daily_breakdown"] {
            assert!((sum(list, field) - total(field)).abs() < 1e-6, "{list} {field}: {:#}", delivery.body);
        }
    }
    assert_eq!(delivery.body["by_package"].as_array().map(Vec::len), Some(2));
    assert_eq!(delivery.text("/currency"), "USD");
}

#[tokio::test]
async fn performance_is_recorded_and_answered_with_actions() {
    let house = House::new().await;
    let buy = house.created(json!(["premium_sports"])).await;
    let told = json!({ "performance_data": [{ "package_id": "premium_sports", "performance_index": 1.2, "confidence_score": 0.9 }] });
    let path = format!("/v1/media-buys/{buy}/performance-index");
    let answer = house.call(BUYER, Method::PUT, &path, told).await.expect(200);
    assert_eq!(answer.text("/status"), "accepted", "{:#}", answer.body);
    assert_eq!(answer.text("/optimization_actions/0/package_id"), "premium_sports");
}

#[tokio::test]
async fn the_same_key_gives_the_first_answer_again_and_another_body_is_refused() {
    let house = House::new().await;
    let key = [("Idempotency-Key", "order-7")];
    let request = example();
    let ask = async |body: &Value| {
        house.try_call(BUYER, Method::POST, "/v1/media-buys", Some(body), &key).await.expect("an answer")
    };
    let first = ask(&request).await.expect(202);
    let again = ask(&request).await.expect(202);
    assert_eq!(again.body["replayed"], true);
    assert_eq!(first.text("/media_buy_id"), again.text("/media_buy_id"));
    let mut other = request.clone();
    other["total_budget"] = json!(1);
    let refused = ask(&other).await.expect(422);
    assert_eq!(refused.error().0, "IDEMPOTENCY_CONFLICT");
    let buys = house.get(BUYER, "/v1/media-buys").await;
    assert_eq!(buys.body["media_buys"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_dry_run_shows_the_plan_and_stores_nothing() {
    let house = House::new().await;
    let mut request = example();
    request["dry_run"] = json!(true);
    let answer = house.post(BUYER, "/v1/media-buys", request).await;
    assert!(answer.status.is_success(), "{:#}", answer.body);
    assert_eq!(answer.body["dry_run"], true);
    assert!(answer.body["plan"].to_string().contains("Campaign"), "{:#}", answer.body);
    let buys = house.get(BUYER, "/v1/media-buys").await;
    assert_eq!(buys.body["media_buys"], json!([]));
    assert_eq!(house.get(REVIEWER, "/v1/tasks").await.body["total_count"], 0);
}

#[tokio::test]
async fn the_host_says_how_it_is_and_what_it_offers() {
    let house = House::new().await;
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        let answer = house.client.get(format!("{}{path}", house.url())).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 200, "{path}");
    }
    let docs = house.client.get(format!("{}/docs", house.url())).send().await.expect("an answer");
    let page = docs.text().await.expect("a page");
    assert!(page.contains("tool</span> <code>create_media_buy</code>"));
    // Webhooks are managed over HTTP, and no tool of an agent's.
    assert!(page.contains("id=\"create_webhook\"") && !page.contains("<code>create_webhook</code>"));
    let products = house.get(BUYER, "/v1/products").await.expect(200);
    assert_eq!(products.body["products"].as_array().map(Vec::len), Some(4), "{:#}", products.body);
}

#[tokio::test]
async fn a_host_that_is_stopped_and_started_again_knows_everything() {
    let mut house = House::new().await;
    let buy = house.created(json!(["news"])).await;
    let waiting = house.post(BUYER, "/v1/media-buys", example()).await.expect(202);
    house.stop().await;
    house.start(&[]).await;
    let status = house.get(BUYER, &format!("/v1/media-buys/{buy}/status")).await.expect(200);
    assert_eq!(status.text("/status"), "pending_activation", "{:#}", status.body);
    let task = house.get(REVIEWER, &format!("/v1/tasks/{}", waiting.text("/task_id"))).await.expect(200);
    assert_eq!(task.text("/status"), "pending");
}

#[tokio::test]
async fn a_token_made_by_the_command_line_works_beside_a_running_host() {
    let house = House::new().await;
    let made = house
        .command()
        .args(["token", "create", "--name", "night-shift", "--role", "reviewer"])
        .output()
        .await
        .expect("the command runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let token = String::from_utf8(made.stdout).expect("a token").trim().to_owned();
    house.get(&token, "/v1/tasks").await.expect(200);
    let again = house.command().args(["token", "create", "--name", "night-shift", "--role", "reviewer"]).output().await;
    assert!(!again.expect("the command runs").status.success());
    let operator = house.get(OPERATOR, "/v1/tasks").await;
    assert_eq!(operator.status.as_u16(), 200);
}
