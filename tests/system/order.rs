//! Changes of one buy: what is said last holds, and there is an end to how many may be open.

use flightdeck_emulators::{
    control::faults::{Action, Rule},
    platform::Platform as _,
};
use reqwest::Method;
use serde_json::json;
use sqlx::{Connection as _, SqliteConnection};

use crate::house::{BUYER, House};

/// The host that was told something before may have a clock that is ahead of the one that is told something now.
#[tokio::test]
async fn the_last_word_holds_even_if_the_one_before_it_is_dated_later() {
    let house = House::new().await;
    let buy = house.created(json!(["premium_sports"])).await;
    let database = format!("sqlite://{}", house.dir().join("data/flightdeck.db").display());
    let mut beside = SqliteConnection::connect(&database).await.expect("the database");
    let ahead = "UPDATE media_buys SET doc = json_set(doc, '$.switched_at', '2099-01-01T00:00:00.000000Z', \
                 '$.packages[0].switched_at', '2099-01-01T00:00:00.000000Z')";
    sqlx::query(ahead).execute(&mut beside).await.expect("it is written");
    for active in [false, true, false] {
        let path = format!("/v1/media-buys/{buy}");
        let answer = house.patch(BUYER, &path, json!({ "active": active })).await.expect(200);
        assert_eq!(answer.text("/status"), "accepted");
        let packages = json!({ "packages": [{ "package_id": "premium_sports", "active": active }] });
        house.patch(BUYER, &format!("{path}/packages"), packages).await.expect(200);
        let status = house.get(BUYER, &format!("{path}/status")).await.expect(200).text("/status");
        assert_eq!(status == "paused", !active, "{status}");
        let campaign = &house.kevel.platform().objects("campaigns").expect("campaigns")[0];
        assert_eq!(campaign["IsActive"], active, "{campaign:#}");
    }
}

#[tokio::test]
async fn no_more_changes_of_a_buy_are_open_than_somebody_can_look_at_and_a_pause_is_still_taken() {
    let house = House::new().await;
    let buy = house.created(json!(["premium_sports"])).await;
    let away: Action = serde_json::from_value(json!({ "fail": { "status": 503 } })).expect("an action");
    for method in ["PUT", "POST", "GET"] {
        let mut rule = Rule::new(method, "/", away.clone());
        rule.times = 0;
        house.kevel.controls().faults.add(rule);
    }
    let path = format!("/v1/media-buys/{buy}");
    let now = [("Prefer", "wait=0")];
    let ask = async |body: serde_json::Value| {
        house.try_call(BUYER, Method::PATCH, &path, Some(&body), &now).await.expect("an answer")
    };
    for index in 0..100 {
        let body = json!({ "total_budget": 10_001 + index });
        ask(body).await.expect(202);
    }
    let body = json!({ "total_budget": 20_000 });
    let refused = ask(body).await.expect(409);
    assert_eq!(refused.error().0, "OPERATION_IN_PROGRESS");
    assert!(refused.headers.contains_key("retry-after"));
    ask(json!({ "active": false })).await.expect(202);
}
