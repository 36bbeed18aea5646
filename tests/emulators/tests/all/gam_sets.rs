//! Creative sets: a master creative with companions, in roadblocks and videos.

use flightdeck_emulators::gam::settings::GamChange;
use serde_json::{Value, json};

use crate::{
    gam_app::{GamApp, below, creative, name},
    gam_rules::{line_item, refused, turn, video},
};

fn pixels(width: i64, height: i64) -> Value {
    json!({ "width": width, "height": height, "sizeType": "PIXEL" })
}

/// A line item whose masters are 300x250, with a companion of 728x90.
fn roadblock(order: &str, changes: Value) -> Value {
    let mut body = line_item(
        order,
        json!({
            "roadblockingType": "CREATIVE_SET",
            "companionDeliveryOption": "AT_LEAST_ONE",
            "creativePlaceholders": [{ "size": pixels(300, 250), "companions": [{ "size": pixels(728, 90) }] }],
        }),
    );
    crate::app::merge(&mut body, changes);
    body
}

async fn made(app: &GamApp, width: i64, height: i64) -> String {
    name(&app.post("/creatives", &creative(json!({ "size": pixels(width, height) }))).await)
}

fn set(master: &str, companions: &[&String]) -> Value {
    json!({ "displayName": "Set", "masterCreative": master, "companionCreatives": companions })
}

async fn start() -> (GamApp, String) {
    let app = GamApp::in_2029().await;
    turn(&app, GamChange { ad_manager_360: Some(true), ..GamChange::default() });
    let order = app.order(json!({})).await;
    (app, order)
}

#[tokio::test]
async fn a_set_has_a_master_and_up_to_eight_companions_of_one_advertiser() {
    let (app, _) = start().await;
    let master = made(&app, 300, 250).await;
    let banner = made(&app, 728, 90).await;
    let mut nine = Vec::new();
    for _ in 0..9 {
        nine.push(made(&app, 728, 90).await);
    }
    let nine: Vec<&String> = nine.iter().collect();
    for (body, said) in [
        (set(&master, &[]), "companion_creatives"),
        (json!({ "displayName": "Set", "companionCreatives": [banner] }), "master_creative"),
        (json!({ "masterCreative": master, "companionCreatives": [banner] }), "display_name"),
        (set(&master, &[&master]), "is in the set twice"),
        (set(&master, &nine), "at most 8 companions"),
        (set(&master, &[&"networks/21700001/creatives/1".to_owned()]), "does not exist"),
    ] {
        refused(&app, "/creativeSets", &body, said).await;
    }
    let made = app.post("/creativeSets", &set(&master, &[&banner])).await;
    assert_eq!(made["masterCreative"], master.as_str());
    let found = app.find("creativeSets", r#"displayName : "Set""#).await;
    assert_eq!(found[0]["name"], made["name"]);
    let other = json!({ "companionCreatives": [nine[0]] });
    let changed = app.patch(&name(&made), "companionCreatives", &other).await;
    assert_eq!(changed["companionCreatives"][0], nine[0].as_str());
}

#[tokio::test]
async fn a_roadblock_by_creative_set_says_its_companions() {
    let (app, order) = start().await;
    let twice = json!({ "size": pixels(300, 250), "companions": [{ "size": pixels(728, 90) }] });
    for (body, said) in [
        (roadblock(&order, json!({ "creativePlaceholders": [{ "size": pixels(300, 250) }] })), "needs companions"),
        (roadblock(&order, json!({ "creativePlaceholders": [twice, twice] })), "stands there once"),
        (video(&order, json!({ "roadblockingType": "CREATIVE_SET" })), "exclude each other"),
    ] {
        refused(&app, "/lineItems", &body, said).await;
    }
    app.post("/lineItems", &roadblock(&order, json!({}))).await;
    turn(&app, GamChange { ad_manager_360: Some(false), ..GamChange::default() });
    refused(&app, "/lineItems", &roadblock(&order, json!({})), "not one of Ad Manager 360").await;
}

#[tokio::test]
async fn a_roadblock_shows_sets_and_nothing_else() {
    let (app, order) = start().await;
    let item = name(&app.post("/lineItems", &roadblock(&order, json!({}))).await);
    let path = format!("{}/creatives", below(&item));
    let (master, banner, tower) = (made(&app, 300, 250).await, made(&app, 728, 90).await, made(&app, 160, 600).await);
    let sets = |master: &str, companion: &String| set(master, &[companion]);
    let good = name(&app.post("/creativeSets", &sets(&master, &banner)).await);
    let wrong = name(&app.post("/creativeSets", &sets(&master, &tower)).await);
    let turned = name(&app.post("/creativeSets", &sets(&banner, &master)).await);
    for (body, said) in [
        (json!({ "lineItem": item, "creative": master }), "takes creative sets"),
        (json!({ "lineItem": item, "creativeSet": wrong }), "a companion's size"),
        (json!({ "lineItem": item, "creativeSet": turned }), "the size of its master"),
        (json!({ "lineItem": item, "creative": master, "creativeSet": good }), "leave it or creative out"),
        (json!({ "lineItem": item }), "creative"),
    ] {
        refused(&app, &path, &body, said).await;
    }
    let tie = app.post(&path, &json!({ "lineItem": item, "creativeSet": good })).await;
    assert_eq!((tie["creativeSet"].as_str(), &tie["creative"]), (Some(good.as_str()), &Value::Null));
    let found = app.get(&format!("{path}?filter=creativeSet%20%3D%20%22{good}%22")).await;
    assert_eq!(found["lineItemCreativeAssociations"][0]["name"], tie["name"]);
    assert!(app.read(&item).await.get("missingCreatives").is_none_or(|missing| missing == false));
    app.act("orders:batchApprove", &order).await;
    assert_eq!(app.status(&item).await, "READY");
    // The master is what is counted and switched.
    app.act("creatives:batchDeactivate", &master).await;
    assert_eq!(app.status(&item).await, "INACTIVE");
}
