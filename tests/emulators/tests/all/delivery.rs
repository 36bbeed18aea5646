//! Delivery and reports under a clock that is moved by hand.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{App, flight};

const START: &str = "2029-12-31T00:00:00Z";

async fn report(app: &App, body: Value) -> Value {
    let queued = app.post("/v1/report/queue", &body).await;
    let path = format!("/v1/report/queue/{}", queued["Id"].as_str().unwrap());
    let first = app.get(&path).await;
    assert_eq!(first["Status"], 1);
    assert!(first.get("Result").is_none());
    let done = app.get(&path).await;
    assert_eq!(app.get(&path).await, done, "the same question has the same answer");
    done
}

fn by_day(campaign: i64) -> Value {
    json!({
        "StartDateISO": "2030-01-01T00:00:00", "EndDateISO": "2030-01-31T00:00:00",
        "GroupBy": ["day", "flightId"], "Parameters": [{ "campaignId": campaign }],
    })
}

async fn impressions(app: &App, flight: i64) -> i64 {
    app.get(&format!("/v1/instantcounts/flight/{flight}")).await["impressions"].as_i64().unwrap()
}

async fn booked(app: &App, changes: Value) -> (i64, i64) {
    app.clock(json!({ "now": START })).await;
    let campaign = app.campaign("c").await;
    (campaign, app.flight(campaign, changes).await)
}

#[tokio::test]
async fn a_flight_delivers_evenly_and_earns_exactly_its_price() {
    let app = App::start().await;
    let (campaign, flight) = booked(&app, Value::Null).await;
    app.ad(flight).await;
    assert_eq!(impressions(&app, flight).await, 0);
    app.clock(json!({ "now": "2030-01-03T12:00:00Z" })).await;
    let done = report(&app, by_day(campaign)).await;
    assert_eq!(done["Status"], 2);
    let records = done["Result"]["Records"].as_array().unwrap();
    let seen: Vec<(&str, i64)> =
        records.iter().map(|r| (r["Date"].as_str().unwrap(), r["Impressions"].as_i64().unwrap())).collect();
    assert_eq!(seen, [("2030-01-01T00:00:00Z", 1000), ("2030-01-02T00:00:00Z", 1000), ("2030-01-03T00:00:00Z", 500)]);
    let detail = &records[0]["Details"][0];
    assert_eq!(detail["Grouping"], json!({ "OptionId": flight, "RateTypeId": 2 }));
    assert_eq!(detail["TrueRevenue"], json!(12.34));
    assert_eq!(detail["Clicks"], 2);
    assert_eq!(records[2]["Revenue"], json!(6.17));
    assert_eq!(done["Result"]["TotalImpressions"], 2500);
    assert_eq!(done["Result"]["TotalTrueRevenue"], json!(30.85));

    app.clock(json!({ "now": "2031-01-01T00:00:00Z" })).await;
    assert_eq!(impressions(&app, flight).await, 10_500, "a goal is not a cap");
    assert_eq!(app.running.platform().delivered(flight).unwrap().revenue.to_text(), "129.57");
}

#[tokio::test]
async fn a_goal_is_passed_unless_a_cap_stops_the_flight() {
    let app = App::start().await;
    let small = json!({ "Impressions": 1000 });
    let (campaign, uncapped) = booked(&app, small).await;
    let by_impressions = json!({ "Impressions": 1000, "CapType": 1, "LifetimeCapAmount": 1000 });
    let by_impressions = app.flight(campaign, by_impressions).await;
    let by_money = json!({ "Impressions": 1000, "Price": 10, "CapType": 4, "LifetimeCapAmountDecimal": 10.0 });
    let by_money = app.flight(campaign, by_money).await;
    let short = app.flight(campaign, json!({ "Impressions": 1000, "CapType": 1, "DailyCapAmount": 10 })).await;
    for flight in [uncapped, by_impressions, by_money, short] {
        app.ad(flight).await;
    }
    app.clock(json!({ "now": "2030-01-10T23:59:00Z" })).await;
    assert_eq!(impressions(&app, uncapped).await, 999);
    app.clock(json!({ "now": "2030-01-11T00:00:00Z" })).await;
    assert_eq!(impressions(&app, uncapped).await, 1100, "a small goal is passed by a large percentage");
    assert_eq!(impressions(&app, by_impressions).await, 1000);
    assert_eq!(impressions(&app, by_money).await, 1000);
    assert_eq!(impressions(&app, short).await, 100, "a goal that is not reached is not passed");
}

#[tokio::test]
async fn what_is_off_does_not_deliver_and_what_starts_late_stays_behind() {
    let app = App::start().await;
    let (_, id) = booked(&app, Value::Null).await;
    app.clock(json!({ "now": "2030-01-02T00:00:00Z" })).await;
    assert_eq!(impressions(&app, id).await, 0, "no ads yet");
    let ad = app.ad(id).await;
    app.clock(json!({ "advance_seconds": 86_400 })).await;
    assert_eq!(impressions(&app, id).await, 1000);

    let path = format!("/v1/flight/{id}");
    let mut body = app.get(&path).await;
    body["IsActive"] = json!(false);
    app.put(&path, &body).await;
    app.clock(json!({ "advance_seconds": 86_400 })).await;
    assert_eq!(impressions(&app, id).await, 1000, "the flight is paused");
    body["IsActive"] = json!(true);
    app.put(&path, &body).await;
    app.clock(json!({ "advance_seconds": 43_200 })).await;
    assert_eq!(impressions(&app, id).await, 1500);

    let campaign = format!("/v1/campaign/{}", body["CampaignId"]);
    let mut whole = app.get(&campaign).await;
    whole["IsArchived"] = json!(true);
    app.put(&campaign, &whole).await;
    app.clock(json!({ "advance_seconds": 86_400 })).await;
    assert_eq!(impressions(&app, id).await, 1500, "the campaign is archived");
    whole["IsArchived"] = json!(false);
    app.put(&campaign, &whole).await;
    app.send(Method::GET, &format!("{path}/creative/{ad}/delete"), &Value::Null).await;
    app.clock(json!({ "advance_seconds": 86_400 })).await;
    assert_eq!(impressions(&app, id).await, 1500, "the only ad is deleted");
}

#[tokio::test]
async fn a_changed_goal_is_spread_over_what_is_left() {
    let app = App::start().await;
    let (campaign, id) = booked(&app, Value::Null).await;
    app.ad(id).await;
    app.clock(json!({ "now": "2030-01-06T00:00:00Z" })).await;
    let path = format!("/v1/flight/{id}");
    let mut body = app.get(&path).await;
    body["Impressions"] = json!(20_000);
    body["Price"] = json!(20);
    app.put(&path, &body).await;
    assert_eq!(impressions(&app, id).await, 5000, "what was delivered stays");
    app.clock(json!({ "now": "2030-01-07T00:00:00Z" })).await;
    assert_eq!(impressions(&app, id).await, 8000);
    app.clock(json!({ "now": "2030-01-20T00:00:00Z" })).await;
    let done = report(&app, by_day(campaign)).await;
    assert_eq!(done["Result"]["TotalImpressions"], 21_000);
    assert_eq!(done["Result"]["TotalTrueRevenue"], json!(381.7), "5 at 12.34 and 16 at 20");
}

#[tokio::test]
async fn daily_and_lifetime_caps_are_honoured() {
    let app = App::start().await;
    let capped = json!({ "CapType": 1, "DailyCapAmount": 600 });
    let (campaign, id) = booked(&app, capped).await;
    app.ad(id).await;
    let soon = json!({
        "GoalType": 2, "Impressions": 100, "CapType": 1, "LifetimeCapAmount": 4000, "Name": "asap",
    });
    let asap = app.flight(campaign, soon).await;
    app.ad(asap).await;
    app.clock(json!({ "now": "2030-01-01T01:12:00Z" })).await;
    assert_eq!(impressions(&app, id).await, 50);
    assert_eq!(impressions(&app, asap).await, 4000, "as fast as possible, up to the cap");
    app.clock(json!({ "now": "2030-01-02T00:00:00Z" })).await;
    assert_eq!(impressions(&app, id).await, 600);
    app.clock(json!({ "now": "2030-02-01T00:00:00Z" })).await;
    assert_eq!(impressions(&app, id).await, 6000);
}

#[tokio::test]
async fn counts_add_up_across_flights_and_ads() {
    let app = App::start().await;
    let cap = |goal: i64| json!({ "Impressions": goal, "CapType": 1, "LifetimeCapAmount": goal });
    let (campaign, one) = booked(&app, cap(10_000)).await;
    let (first, second) = (app.ad(one).await, app.ad(one).await);
    let mut other = cap(999);
    other["Name"] = json!("other");
    let other = app.flight(campaign, other).await;
    app.ad(other).await;
    app.clock(json!({ "now": "2030-01-11T00:00:00Z" })).await;
    let whole = app.get(&format!("/v1/instantcounts/campaign/{campaign}")).await;
    assert_eq!(whole["impressions"], 10_999);
    let bulk = json!({ "flights": [one, other], "ads": [first, second] });
    let bulk = app.post("/v1/instantcounts/bulk", &bulk).await;
    assert_eq!(bulk["flights"][one.to_string()]["impressions"], 10_000);
    assert_eq!(bulk["flights"][other.to_string()]["revenue"], json!(12.327_66));
    assert_eq!(bulk["ads"][first.to_string()]["impressions"], 5000);
    assert_eq!(bulk["ads"][second.to_string()]["impressions"], 5000);
    let today = app.get(&format!("/v1/instantcounts/flight/{one}?days=1")).await;
    assert_eq!(today["impressions"], 1000);
    let path = "/v1/instantcounts/flight/1";
    assert_eq!(app.send(Method::GET, path, &Value::Null).await.0, 400);

    let mut by = by_day(campaign);
    by["GroupBy"] = json!(["month", "campaignId"]);
    by["Parameters"] = json!([{ "flightId": one }, { "flightId": other }]);
    let done = report(&app, by).await;
    assert_eq!(done["Result"]["Records"].as_array().unwrap().len(), 1);
    assert_eq!(done["Result"]["Records"][0]["Details"][0]["Impressions"], 10_999);
}

#[tokio::test]
async fn reports_that_make_no_sense_are_refused_or_fail() {
    let app = App::start().await;
    let (campaign, _) = booked(&app, Value::Null).await;
    for (name, value) in [
        ("StartDateISO", json!("soon")),
        ("GroupBy", json!(["planet"])),
        ("GroupBy", json!("day")),
        ("Parameters", Value::Null),
        ("EndDateISO", json!("2029-01-01")),
    ] {
        let mut body = by_day(campaign);
        body[name] = value;
        let (status, answer) = app.send(Method::POST, "/v1/report/queue", &body).await;
        assert_eq!(status, 400, "{name}: {answer}");
    }
    let mut body = by_day(campaign);
    body["GroupBy"] = json!(["city"]);
    let failed = report(&app, body).await;
    assert_eq!(failed["Status"], 3);
    assert!(failed["Message"].is_string());
    let empty = report(&app, by_day(campaign)).await;
    assert_eq!(empty["Result"]["Records"], json!([]));
    assert_eq!(flight(campaign, Value::Null)["CampaignId"], campaign);
}
