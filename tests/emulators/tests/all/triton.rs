//! The Triton emulator: login, bookings, what it refuses, delivery and reports.

use flightdeck_emulators::{platform::Platform, triton::settings::TritonChange};
use reqwest::Method;
use serde_json::{Value, json};

use crate::triton_app::{App, campaign, creative, flight, groups, with};

#[tokio::test]
async fn only_a_good_token_opens_the_door() {
    let app = App::start().await;
    let (status, body) = app.login("wrong").await;
    assert_eq!((status.as_u16(), body["error"]["code"].as_str()), (401, Some("BAD_CREDENTIALS")));
    let url = format!("{}/v1/stations", app.running.url);
    assert_eq!(app.client.get(&url).send().await.unwrap().status(), 401);
    assert_eq!(app.client.get(&url).bearer_auth("x").send().await.unwrap().status(), 401);
    assert_eq!(app.get("/stations").await["totalItems"], 8);
    assert_eq!(app.get("/advertisers").await["items"][0]["id"], 501);
    app.running.platform().expire_tokens();
    assert_eq!(app.send(Method::GET, "/stations", &Value::Null).await.0, 401);
    app.running.platform().change(TritonChange { token_lifetime_seconds: Some(0), ..TritonChange::default() });
    let (_, body) = app.login("demo-password").await;
    assert!(!app.running.platform().settings().token_lifetime_seconds.gt(&0));
    let short = body["token"].as_str().unwrap();
    assert_eq!(app.client.get(&url).bearer_auth(short).send().await.unwrap().status(), 401, "it is over at once");
    let log = app.client.get(format!("{}/__control/requests", app.running.url)).send().await.unwrap();
    let log = log.text().await.unwrap();
    assert!(log.contains("/login"), "{log}");
    assert!(!log.contains("demo-password"), "secrets stay out of the log");
}

#[tokio::test]
async fn bookings_are_kept_listed_and_changed() {
    let app = App::start().await;
    let campaign = app.campaign(json!({})).await;
    let other = app.campaign(json!({ "name": "Autumn" })).await;
    app.campaign(json!({ "advertiserId": 502 })).await;
    let page = app.get("/campaigns?advertiserId=501&pageSize=1&page=2").await;
    assert_eq!(
        (&page["totalItems"], &page["totalPages"], &page["items"][0]["id"]),
        (&json!(2), &json!(2), &json!(other))
    );
    assert_eq!(app.get(&format!("/campaigns?ids={campaign},{other}")).await["totalItems"], 2);
    let flight = app.flight(campaign, json!({ "stationIds": [7001, 7002] })).await;
    app.flight(other, json!({})).await;
    assert_eq!(app.get(&format!("/flights?campaignId={campaign}")).await["items"][0]["id"], flight);
    assert_eq!(app.get(&format!("/flights?campaignIds={campaign},{other}")).await["totalItems"], 2);
    let shown = app.get(&format!("/campaigns/{campaign}")).await;
    assert_eq!((&shown["status"], &shown["currency"]), (&json!("ACTIVE"), &json!("USD")));
    assert_eq!(
        (&shown["startDate"], &shown["endDate"], &shown["value"]),
        (&json!("2029-12-01"), &json!("2029-12-31"), &json!("387.5")),
        "they are those of its flights"
    );
    let creative = app.creative().await;
    let changed = app.put(&format!("/flights/{flight}"), json!({ "stationIds": null, "rate": 13 })).await;
    assert_eq!(
        (&changed["status"], &changed["rate"], &changed["stationIds"]),
        (&json!("ACTIVE"), &json!(13), &Value::Null)
    );
    assert_eq!(app.get("/creatives?advertiserId=501").await["items"][0]["status"], "READY");
    assert_eq!(app.get(&format!("/creatives/{creative}")).await["name"], "Spot");
    assert_eq!(app.put(&format!("/campaigns/{campaign}"), json!({ "active": false })).await["status"], "PAUSED");
    assert_eq!(app.get(&format!("/flights/{flight}")).await["status"], "PAUSED");
    assert_eq!(app.running.platform().count("flights"), 2);
    assert!(app.running.platform().duplicates().is_empty());
    app.flight(campaign, json!({})).await;
    assert_eq!(app.running.platform().duplicates().len(), 1, "two of one name under one campaign");
}

#[tokio::test]
async fn what_a_platform_would_refuse_is_refused_by_its_field() {
    let app = App::start().await;
    let id = app.campaign(json!({})).await;
    for (changes, field) in [
        (json!({ "advertiserId": 1 }), "advertiserId"),
        (json!({ "advertiserId": "501" }), "advertiserId"),
        (json!({ "name": " " }), "name"),
        (json!({ "name": "x".repeat(256) }), "name"),
        (json!({ "startDate": "2029-12-01" }), "startDate"),
        (json!({ "endDate": "2029-12-31" }), "endDate"),
        (json!({ "totalBudget": 5 }), "totalBudget"),
        (json!({ "currency": "EUR" }), "currency"),
        (json!({ "teamId": null }), "teamId"),
        (json!({ "teamId": 99 }), "teamId"),
        (json!({ "active": "yes" }), "active"),
        (json!({ "budget": 5 }), "budget"),
        (json!({ "archived": true }), "archived"),
    ] {
        let (status, _, found) = app.refused(Method::POST, "/campaigns", with(campaign(), changes)).await;
        assert_eq!((status, found.as_str()), (400, field));
    }
    for (changes, field) in [
        (json!({ "campaignId": 1 }), "campaignId"),
        (json!({ "type": "BONUS" }), "type"),
        (json!({ "goal": { "type": "CLICKS", "value": 1 } }), "goal.type"),
        (json!({ "goal": { "type": "IMPRESSIONS", "value": 0 } }), "goal.value"),
        (json!({ "goal": { "type": "IMPRESSIONS", "value": 1.5 } }), "goal.value"),
        (json!({ "goal": null }), "goal"),
        (json!({ "rate": -1 }), "rate"),
        (json!({ "rateType": "CPC" }), "rateType"),
        (json!({ "startDate": "2029-13-01" }), "startDate"),
        (json!({ "startDate": "2029-12-01T00:00:00Z" }), "startDate"),
        (json!({ "startDate": "2029-10-01" }), "startDate"),
        (json!({ "endDate": "2029-11-30" }), "endDate"),
        (json!({ "pacing": "FRONT" }), "pacing"),
        (json!({ "priorityLevel": 0 }), "priorityLevel"),
        (json!({ "rateBasis": null }), "rateBasis"),
        (json!({ "contentTypes": null }), "contentTypes"),
        (json!({ "contentTypes": ["ON_DEMAND"] }), "contentTypes"),
        (json!({ "positions": [] }), "positions"),
        (json!({ "dailyCap": 0 }), "dailyCap"),
        (json!({ "frequencyCap": { "impressions": 1, "period": 1 } }), "frequencyCap.periodUnit"),
        (json!({ "frequencyCap": { "impressions": 1, "periodMinutes": 90 } }), "frequencyCap.periodMinutes"),
        (
            json!({ "frequencyCap": { "impressions": 1, "periodUnit": "MINUTE", "period": 90 } }),
            "frequencyCap.periodUnit",
        ),
        (json!({ "frequencyCap": { "impressions": 1, "periodUnit": "HOUR", "period": 5 } }), "frequencyCap.period"),
        (json!({ "frequencyCap": { "impressions": 1, "periodUnit": "DAY", "period": 30 } }), "frequencyCap.period"),
        (json!({ "frequencyCap": { "impressions": 1, "periodUnit": "WEEK", "period": 5 } }), "frequencyCap.period"),
        (json!({ "targeting": { "type": "equals", "dimension": "device", "value": "ctv" } }), "targeting.value"),
        (json!({ "stationIds": [1] }), "stationIds"),
        (json!({ "stationIds": "7001" }), "stationIds"),
        (json!({ "timeZone": "America/New_York" }), "timeZone"),
        (groups(&[9]), "creative.adGroups"),
        (groups(&[]), "creative.adGroups"),
    ] {
        let (status, _, found) = app.refused(Method::POST, "/flights", with(flight(id), changes)).await;
        assert_eq!((status, found.as_str()), (400, field));
    }
    for (changes, field) in [
        (json!({ "type": "IMAGE" }), "type"),
        (json!({ "format": "MP4" }), "format"),
        (json!({ "format": "OGG" }), "format"),
        (json!({ "format": "WMA" }), "format"),
        (json!({ "durationSeconds": 0 }), "durationSeconds"),
        (json!({ "durationSeconds": 751 }), "durationSeconds"),
        (json!({ "banners": [{ "url": "https://x.example/b.png", "width": 300, "height": 250 }] }), "banners[0]"),
        (json!({ "trackingPixels": ["http://x.example/p"] }), "trackingPixels"),
        (json!({ "url": "http://x" }), "url"),
        (json!({ "url": "https://" }), "url"),
        (json!({ "url": null }), "url"),
    ] {
        let (status, _, found) = app.refused(Method::POST, "/creatives", with(creative(), changes)).await;
        assert_eq!((status, found.as_str()), (400, field));
    }
    assert_eq!(app.refused(Method::GET, "/campaigns", Value::Null).await.2, "advertiserId");
    assert_eq!(app.refused(Method::GET, "/campaigns?advertiserId=x", Value::Null).await.2, "advertiserId");
    assert_eq!(app.refused(Method::GET, "/stations?pageSize=0", Value::Null).await.2, "pageSize");
    assert_eq!(app.refused(Method::GET, "/stations?market=1", Value::Null).await.2, "market");
    assert_eq!(app.refused(Method::GET, "/flights/1", Value::Null).await.0, 404);
    assert_eq!(app.refused(Method::DELETE, "/campaigns/1", Value::Null).await.1, "NO_SUCH_ROUTE");
    assert_eq!(app.refused(Method::POST, "/campaigns", json!([])).await.1, "INVALID_JSON");
    assert_eq!((app.running.platform().count("flights"), app.running.platform().count("creatives")), (0, 0));
}

#[tokio::test]
async fn state_decides_what_may_change() {
    let app = App::start().await;
    let (campaign, flight) = app.booked(json!({})).await;
    let path = format!("/flights/{flight}");
    app.put(&path, json!({ "rate": 14 })).await;
    app.clock("2029-12-02T00:00:00Z");
    let (status, code, _) = app.refused(Method::PUT, &path, json!({ "rate": 15 })).await;
    assert_eq!((status, code.as_str()), (409, "RATE_LOCKED"));
    assert_eq!(app.refused(Method::PUT, &path, json!({ "startDate": "2029-12-05" })).await.2, "startDate");
    app.put(&path, json!({ "goal": { "type": "IMPRESSIONS", "value": 40_000 }, "rate": 14 })).await;
    for (change, field) in [(json!({ "type": "BULK" }), "type"), (json!({ "rateBasis": "GROSS" }), "rateBasis")] {
        assert_eq!(app.refused(Method::PUT, &path, change).await.2, field, "the delivery status is ready");
    }
    let silent = app.campaign(json!({})).await;
    let silent = app.flight(silent, json!({ "startDate": "2029-12-02", "active": false })).await;
    let unheard = app.creative().await;
    app.play(silent, &[unheard]).await;
    app.clock("2029-12-03T00:00:00Z");
    let changed = app.put(&format!("/flights/{silent}"), json!({ "rate": 15, "type": "BULK" })).await;
    assert_eq!(changed["deliveryStatus"], "PENDING");
    app.clock("2029-12-02T00:00:00Z");
    let late = with(self::flight(campaign), json!({ "startDate": "2029-12-01" }));
    assert_eq!(app.refused(Method::POST, "/flights", late).await.2, "startDate");
    let foreign = app.campaign(json!({ "advertiserId": 502 })).await;
    let spot = app.creative().await;
    let mut body = with(self::flight(foreign), json!({ "startDate": "2029-12-02" }));
    body["creative"] = groups(&[spot])["creative"].clone();
    assert_eq!(app.refused(Method::POST, "/flights", body).await.2, "creative.adGroups");
    app.clock("2030-02-01T00:00:00Z");
    assert_eq!(app.get(&format!("/flights/{silent}")).await["status"], "DONE");
    let later = json!({ "endDate": "2030-03-01" });
    assert_eq!(app.refused(Method::PUT, &format!("/flights/{silent}"), later).await.1, "DONE");
    let revived = json!({ "endDate": "2030-03-01", "active": true });
    assert_eq!(app.put(&format!("/flights/{silent}"), revived).await["status"], "ACTIVE");
    let path = format!("/campaigns/{campaign}");
    assert_eq!(app.put(&path, json!({ "active": false, "archived": true })).await["status"], "ARCHIVED");
    for (path, body) in
        [(path, json!({ "archived": false })), (format!("/flights/{flight}"), json!({ "active": true }))]
    {
        let (status, code, _) = app.refused(Method::PUT, &path, body).await;
        assert_eq!((status, code.as_str()), (409, "ARCHIVED"));
    }
}

#[tokio::test]
async fn delivery_follows_the_clock_the_days_and_what_is_on() {
    let app = App::start().await;
    let (campaign, flight) = app.booked(json!({})).await;
    // 2029-12-01 is a Saturday.
    let weekdays = json!([{ "days": ["MON", "TUE", "WED", "THU", "FRI"], "startTime": "06:00", "endTime": "10:00" }]);
    let (_, drive) =
        app.booked(json!({ "dayparts": weekdays, "goal": { "type": "IMPRESSIONS", "value": 21_000 } })).await;
    for (now, all, week) in [
        ("2029-12-01T00:00:00Z", 0, 0),
        ("2029-12-01T12:00:00Z", 500, 0),
        ("2029-12-03T00:00:00Z", 2000, 0),
        ("2029-12-04T00:00:00Z", 3000, 1000),
        ("2030-01-05T00:00:00Z", 31_000, 21_000),
    ] {
        app.clock(now);
        assert_eq!((app.impressions(flight), app.impressions(drive)), (all, week), "{now}");
    }
    assert_eq!(app.get(&format!("/flights/{flight}")).await["status"], "DONE");
    assert_eq!(app.get(&format!("/flights/{flight}")).await["impressionsDelivered"], 31_000);
    app.clock("2029-12-03T00:00:00Z");
    app.put(&format!("/campaigns/{campaign}"), json!({ "active": false })).await;
    app.clock("2029-12-10T00:00:00Z");
    assert_eq!(app.impressions(flight), 2000, "nothing while it is paused");
}

#[tokio::test]
async fn a_flight_runs_in_its_stations_days_and_is_done_two_days_after_them() {
    let app = App::start().await;
    let (_, flight) = app.booked(json!({ "stationIds": [7004], "dailyCap": 10 })).await;
    for (now, status, delivered) in [
        ("2029-11-20T00:00:00Z", "ACTIVE", 0),
        ("2029-12-01T08:00:00Z", "ACTIVE", 0),
        ("2029-12-02T08:00:00Z", "ACTIVE", 10),
        ("2030-01-01T08:00:00Z", "ACTIVE", 310),
        ("2030-01-03T07:59:59Z", "ACTIVE", 310),
        ("2030-01-03T08:00:00Z", "DONE", 310),
    ] {
        app.clock(now);
        let shown = app.get(&format!("/flights/{flight}")).await;
        assert_eq!((&shown["status"], app.impressions(flight)), (&json!(status), delivered), "{now}");
    }
}

#[tokio::test]
async fn a_report_is_asked_for_waited_for_and_read() {
    let app = App::start().await;
    let (campaign, flight) = app.booked(json!({ "name": "Drive, \"early\"" })).await;
    app.clock("2029-12-04T12:00:00Z");
    let columns = json!(["date", "flightId", "flightName", "impressions", "clicks", "totalRevenue"]);
    let body = json!({
        "reportType": "FLIGHT", "startDate": "2029-12-01", "endDate": "2029-12-03",
        "filters": { "campaigns": [campaign] }, "columns": columns,
    });
    let made = app.post("/reports", body.clone()).await;
    let path = format!("/reports/{}", made["id"]);
    assert_eq!(app.refused(Method::GET, &format!("{path}/data.csv"), Value::Null).await.1, "NOT_READY");
    assert_eq!(app.get(&path).await["status"], "RUNNING");
    let done = app.get(&path).await;
    app.clock("2029-12-20T00:00:00Z");
    let (status, csv) = app.text(Method::GET, done["url"].as_str().unwrap(), &Value::Null).await;
    assert_eq!(status, 200);
    let expected = format!(
        "date,flightId,flightName,impressions,clicks,totalRevenue\r\n\
         2029-12-01,{flight},\"Drive, \"\"early\"\"\",1000,5,12.5\r\n\
         2029-12-02,{flight},\"Drive, \"\"early\"\"\",1000,5,12.5\r\n\
         2029-12-03,{flight},\"Drive, \"\"early\"\"\",1000,5,12.5\r\n"
    );
    assert_eq!(csv, expected);
    for (changes, field) in [
        (json!({ "reportType": "STATION" }), "reportType"),
        (json!({ "endDate": "2029-11-01" }), "endDate"),
        (json!({ "endDate": "2029-12-20" }), "endDate"),
        (json!({ "endDate": "2029-12-21" }), "endDate"),
        (json!({ "startDate": "2028-11-19" }), "startDate"),
        (json!({ "filters": { "campaigns": [] } }), "filters.campaigns"),
        (json!({ "filters": { "campaigns": [1] } }), "filters.campaigns"),
        (json!({ "filters": { "flights": [1] } }), "filters.flights"),
        (json!({ "columns": ["reach"] }), "columns"),
        (json!({ "columns": [] }), "columns"),
    ] {
        assert_eq!(app.refused(Method::POST, "/reports", with(body.clone(), changes)).await.2, field);
    }
}

#[tokio::test]
async fn a_daily_cap_holds() {
    let app = App::start().await;
    let (_, flight) = app.booked(json!({ "dailyCap": 100 })).await;
    app.clock("2029-12-03T00:00:00Z");
    assert_eq!(app.impressions(flight), 200);
}

#[tokio::test]
async fn the_rate_limit_the_lag_of_lists_and_long_lives_of_tokens_can_be_set() {
    let app = App::start().await;
    app.running.platform().change(TritonChange { token_lifetime_seconds: Some(u64::MAX), ..TritonChange::default() });
    assert_eq!(app.login("demo-password").await.0, 200);
    app.running.controls().settings.change(serde_json::from_value(json!({ "lookup_lag_ms": 600_000 })).unwrap());
    let campaign = app.campaign(json!({})).await;
    assert_eq!(app.get("/campaigns?advertiserId=501").await["totalItems"], 0, "not shown yet");
    assert_eq!(app.get(&format!("/campaigns/{campaign}")).await["id"], campaign);
    app.running.controls().settings.change(serde_json::from_value(json!({ "rate_limit_per_second": 1 })).unwrap());
    let url = format!("{}/v1/stations", app.running.url);
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(app.client.get(&url).bearer_auth(&app.token).send().await.unwrap());
    }
    let busy = answers.iter().find(|answer| answer.status() == 429).expect("one is too many");
    assert!(busy.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn a_saved_creative_serves_once_it_is_published() {
    let app = App::start().await;
    let campaign = app.campaign(json!({})).await;
    let flight = app.flight(campaign, json!({})).await;
    let (spot, other) = (app.creative().await, app.creative().await);
    let longer =
        app.post("/creatives", with(creative(), json!({ "durationSeconds": 60 }))).await["id"].as_i64().unwrap();
    let path = format!("/flights/{flight}");
    assert_eq!(app.refused(Method::PUT, &path, groups(&[spot, longer])).await.2, "creative.adGroups");
    let saved = app.put(&path, groups(&[spot])).await;
    assert_eq!((&saved["creative"]["state"], &saved["deliveryStatus"]), (&json!("DRAFT"), &json!("PENDING")));
    app.clock("2029-12-02T00:00:00Z");
    assert_eq!(app.impressions(flight), 0, "a draft doesn't serve");
    let published = app.play(flight, &[spot]).await;
    assert_eq!((&published["creative"]["state"], &published["deliveryStatus"]), (&json!("PUBLISHED"), &json!("READY")));
    app.clock("2029-12-03T00:00:00Z");
    assert!(app.impressions(flight) > 0);
    let saved = app.put(&path, groups(&[spot, other])).await;
    assert_eq!(saved["creative"]["state"], "DRAFT", "what was published goes on serving");
}

#[tokio::test]
async fn a_flight_stands_as_the_guide_says() {
    let app = App::start().await;
    let (campaign, flight) = app.booked(json!({})).await;
    let path = format!("/flights/{flight}");
    app.clock("2029-12-02T00:00:00Z");
    let url = format!("{}/__control/triton/flights/{flight}/status", app.running.url);
    for status in ["DRAFT", "DECLINED", "APPROVED"] {
        app.client.put(&url).json(&json!(status)).send().await.unwrap().error_for_status().unwrap();
        assert_eq!(app.get(&path).await["status"], status);
    }
    app.client.put(&url).json(&Value::Null).send().await.unwrap().error_for_status().unwrap();
    assert_eq!(app.get(&path).await["status"], "ACTIVE");
    assert_eq!(app.put(&path, json!({ "active": false })).await["status"], "PAUSED");
    app.put(&format!("/campaigns/{campaign}"), json!({ "active": false, "archived": true })).await;
    assert_eq!(app.get(&path).await["status"], "ARCHIVED");
    let inactive = app.campaign(json!({ "advertiserId": 504 })).await;
    let inactive = app.flight(inactive, json!({ "startDate": "2029-12-05" })).await;
    assert_eq!(app.get(&format!("/flights/{inactive}")).await["status"], "INACTIVE");
    assert_eq!(app.get("/advertisers/504").await["status"], "INACTIVE");
    assert_eq!(app.get("/advertisers/503").await["currency"], "EUR");
}

#[tokio::test]
async fn what_the_platform_takes_is_taken() {
    let app = App::start().await;
    let campaign = app.campaign(json!({})).await;
    for changes in [
        json!({ "pacing": "FRONT_LOADED" }),
        json!({ "pacing": "TREND", "type": "SPONSORSHIP", "priorityLevel": 4, "rateBasis": "GROSS" }),
        json!({ "contentTypes": ["LIVE", "PODCAST", "OTHER"], "positions": ["PRE_ROLL", "POST_ROLL"] }),
        json!({ "frequencyCap": { "impressions": 2, "periodUnit": "HOUR", "period": 12 } }),
        json!({ "frequencyCap": { "impressions": 1, "periodUnit": "DAY", "period": 28 } }),
        json!({ "frequencyCap": { "impressions": 1, "periodUnit": "BREAK", "period": 1 } }),
        json!({ "dayparts": [{ "days": ["MON"], "startTime": "06:00", "endTime": "10:00" }] }),
        json!({ "startDate": "2029-11-20", "endDate": "2030-06-30" }),
    ] {
        app.flight(campaign, changes).await;
    }
    for changes in [
        json!({ "durationSeconds": 10 }),
        json!({ "durationSeconds": 90, "format": "WAV" }),
        json!({ "trackingPixels": ["https://x.example/p"], "banners": [{
            "url": "https://x.example/b.png", "width": 300, "height": 250, "clickThroughUrl": "https://x.example/",
        }] }),
    ] {
        app.post("/creatives", with(creative(), changes)).await;
    }
}
