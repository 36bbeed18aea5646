//! What Kevel does when asked properly.

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::app::{App, flight, id};

#[tokio::test]
async fn a_missing_or_wrong_key_is_401_and_never_logged() {
    let app = App::start().await;
    let client = Client::new();
    let url = format!("{}/v1/campaign?key=key-7f3a9c", app.running.url);
    let missing = client.get(&url).send().await.unwrap();
    assert_eq!(missing.status(), 401);
    assert!(missing.text().await.unwrap().contains("X-Adzerk-ApiKey"));
    let wrong = client.get(&url).header("x-adzerk-apikey", "guess").send().await.unwrap();
    assert_eq!(wrong.status(), 401);
    let right = client.get(&url).header("x-adzerk-apikey", "key-7f3a9c").send().await.unwrap();
    assert_eq!(right.status(), 200);

    let log = app.get("/__control/requests").await;
    let seen: Vec<&str> =
        log["requests"].as_array().unwrap().iter().map(|r| r["credentials"].as_str().unwrap()).collect();
    assert_eq!(seen, ["missing", "wrong", "right"]);
    let text = log.to_string();
    assert!(!text.contains("key-7f3a9c") && !text.contains("guess"), "{text}");
    assert_eq!(log["counts"]["GET /v1/campaign"], 3);
}

#[tokio::test]
async fn a_campaign_is_created_read_replaced_and_deleted() {
    let app = App::start().await;
    let body = json!({
        "AdvertiserId": 1001, "Name": "Spring ref-1", "IsActive": true, "CapType": 4,
        "LifetimeCapAmount": 500, "CustomFieldsJson": "{\"a\":1}", "Nonsense": true,
    });
    let mut made = app.post("/v1/campaign", &body).await;
    let path = format!("/v1/campaign/{}", id(&made));
    assert_eq!(app.get(&path).await, made);
    assert_eq!(made["LifetimeCapAmount"], 500);
    assert_eq!(made["IsFreqCap"], false);
    assert!(made.get("Nonsense").is_none());

    made["Name"] = json!("Summer ref-1");
    made.as_object_mut().unwrap().remove("LifetimeCapAmount");
    let changed = app.put(&path, &made).await;
    assert_eq!(changed["Name"], "Summer ref-1");
    assert_eq!(changed["LifetimeCapAmount"], Value::Null, "what is left out is gone");
    assert_eq!(changed["Version"], 2);

    app.send(Method::GET, &format!("{path}/delete"), &Value::Null).await;
    assert_eq!(app.get(&path).await["IsDeleted"], true);
    assert_eq!(app.get("/v1/campaign?advertiserId=1001").await["totalItems"], 0);
}

#[tokio::test]
async fn campaigns_are_found_by_parts_of_their_present_name() {
    let app = App::start().await;
    for n in 0..30 {
        app.campaign(&format!("Campaign {n:02} [ref-{n:04x}]")).await;
    }
    let search =
        |text: &str| app.request(Method::POST, "/v1/campaign/search").form(&[("campaignName", text.to_owned())]).send();
    let found = |value: Value| value["totalItems"].as_i64().unwrap();
    assert_eq!(found(search("[ref-0011]").await.unwrap().json().await.unwrap()), 1);
    assert_eq!(found(search("REF-00").await.unwrap().json().await.unwrap()), 30);
    assert_eq!(found(search("2").await.unwrap().json().await.unwrap()), 13);
    assert_eq!(found(search("nowhere").await.unwrap().json().await.unwrap()), 0);

    let mut one = app.get("/v1/campaign/110001").await;
    one["Name"] = json!("Renamed");
    app.put("/v1/campaign/110001", &one).await;
    assert_eq!(found(search("[ref-0000]").await.unwrap().json().await.unwrap()), 0);
    assert_eq!(found(search("renamed").await.unwrap().json().await.unwrap()), 1);
}

#[tokio::test]
async fn a_flight_brings_its_targeting_and_keeps_it_through_an_update() {
    let app = App::start().await;
    let campaign = app.campaign("c").await;
    let made = app
        .post(
            "/v1/flight",
            &flight(
                campaign,
                json!({
                    "GeoTargeting": [
                        { "CountryCode": "US", "Region": "NY", "IsExclude": false },
                        { "CountryCode": "US", "MetroCode": 803, "IsExclude": true },
                    ],
                    "SiteZoneTargeting": [{ "SiteId": 2001, "ZoneId": 2101, "IsExclude": true }],
                    "CustomTargeting": "$device.formFactor = \"mobile\"",
                    "IsFreqCap": true, "FreqCap": 3, "FreqCapDuration": 1, "FreqCapType": 2,
                }),
            ),
        )
        .await;
    assert_eq!(made["GeoTargeting"][1]["MetroCode"], 803);
    assert_eq!(made["SiteZoneTargeting"][0]["IsExcluded"], true);
    let path = format!("/v1/flight/{}", id(&made));
    let mut change = made.clone();
    change["Impressions"] = json!(20_000);
    let changed = app.put(&path, &change).await;
    assert_eq!(changed["GeoTargeting"], made["GeoTargeting"]);
    assert_eq!(changed["Impressions"], 20_000);
    assert_eq!(app.get(&path).await, changed);

    let location = made["GeoTargeting"][0]["LocationId"].as_i64().unwrap();
    let geo = format!("{path}/geotargeting/{location}");
    let put = app.put(&geo, &json!({ "CountryCode": "CA", "Region": "QC" })).await;
    assert_eq!(put["Region"], "QC");
    app.send(Method::GET, &format!("{geo}/delete"), &Value::Null).await;
    assert_eq!(app.send(Method::GET, &geo, &Value::Null).await.0, 404);
    assert_eq!(app.get(&path).await["GeoTargeting"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn day_parts_are_made_listed_and_deleted_by_post() {
    let app = App::start().await;
    let campaign = app.campaign("c").await;
    let path = format!("/v1/flight/{}/dayparting", app.flight(campaign, Value::Null).await);
    let part = json!({ "StartTime": "06:00:00", "EndTime": "10:00:00", "WeekDays": ["MO", "FR"] });
    let (status, made) = app.send(Method::POST, &path, &part).await;
    assert_eq!(status, 201);
    let part = made["TimepartId"].as_i64().unwrap();
    assert_eq!(app.get(&path).await["items"][0]["WeekDays"], json!(["MO", "FR"]));
    let delete = format!("{path}/{part}/delete");
    assert_eq!(app.send(Method::GET, &delete, &Value::Null).await.0, 404);
    assert_eq!(app.send(Method::POST, &delete, &Value::Null).await.0, 204);
    assert_eq!(app.get(&path).await["totalItems"], 0);
}

#[tokio::test]
async fn day_parts_may_pass_midnight_and_never_overlap() {
    let app = App::start().await;
    let campaign = app.campaign("c").await;
    let path = format!("/v1/flight/{}/dayparting", app.flight(campaign, Value::Null).await);
    let part = |start: &str, end: &str, day: &str| json!({ "StartTime": start, "EndTime": end, "WeekDays": [day] });
    let night = part("22:00:00", "06:00:00", "SA");
    assert_eq!(app.send(Method::POST, &path, &night).await.0, 201);
    for (start, end, day) in
        [("23:00:00", "23:30:00", "SA"), ("05:00:00", "07:00:00", "SU"), ("21:00:00", "00:00:00", "SA")]
    {
        let (status, refusal) = app.send(Method::POST, &path, &part(start, end, day)).await;
        assert_eq!(status, 400, "{start} {day}");
        assert!(refusal["Error"].as_str().unwrap().contains("overlaps"), "{refusal}");
    }
    assert_eq!(app.send(Method::POST, &path, &part("06:00:00", "22:00:00", "SU")).await.0, 201);
    assert_eq!(app.send(Method::POST, &path, &part("18:00:00", "22:00:00", "SA")).await.0, 201);
}

#[tokio::test]
async fn lists_leave_archived_objects_out_unless_they_are_asked_for() {
    let app = App::start().await;
    let campaign = app.campaign("c").await;
    let flight = app.flight(campaign, Value::Null).await;
    for path in [format!("/v1/flight/{flight}"), format!("/v1/campaign/{campaign}")] {
        let mut body = app.get(&path).await;
        body["IsArchived"] = json!(true);
        app.put(&path, &body).await;
        assert_eq!(app.get(&path).await["IsArchived"], true, "it is read by its id");
    }
    for path in [
        "/v1/flight".to_owned(),
        format!("/v1/campaign/{campaign}/flight"),
        "/v1/advertiser/1001/flight".to_owned(),
        "/v1/campaign".to_owned(),
    ] {
        assert_eq!(app.get(&path).await["totalItems"], 0, "{path}");
        assert_eq!(app.get(&format!("{path}?isArchived=true")).await["totalItems"], 1, "{path}");
    }
    let both = app.send(Method::GET, "/v1/flight?filter=x&isArchived=true", &Value::Null).await;
    assert_eq!(both.0, 400);
}

#[tokio::test]
async fn the_words_of_a_flight_are_rules_by_line() {
    use flightdeck_emulators::kevel::keywords::matches;
    let app = App::start().await;
    let campaign = app.campaign("c").await;
    let made = app.post("/v1/flight", &flight(campaign, json!({ "Keywords": "sport\nnews" }))).await;
    let kept = made["Keywords"].as_str().unwrap();
    assert!(matches(kept, &["news"]) && matches(kept, &["sport"]) && !matches(kept, &["jazz"]));
    let both = app.post("/v1/flight", &flight(campaign, json!({ "Keywords": "sport,news", "Name": "2" }))).await;
    assert!(!matches(both["Keywords"].as_str().unwrap(), &["news"]), "a comma joins");
    let turned = app.post("/v1/flight", &flight(campaign, json!({ "Keywords": "!sport", "Name": "3" }))).await;
    assert!(!matches(turned["Keywords"].as_str().unwrap(), &["sport"]), "a mark excludes");
}

#[tokio::test]
async fn a_nested_campaign_is_made_whole_or_not_at_all() {
    let app = App::start().await;
    let creative = json!({ "AdTypeId": 5, "IsActive": true, "Title": "Banner" });
    let mut flight = flight(0, json!({ "Ads": [{ "IsActive": true, "Creative": creative }] }));
    flight.as_object_mut().unwrap().remove("CampaignId");
    let mut body = json!({
        "AdvertiserId": 1001, "Name": "Nested", "IsActive": true, "Flights": [flight.clone(), flight],
    });
    let made = app.post("/v2/campaign", &body).await;
    assert_eq!(made["Flights"].as_array().unwrap().len(), 2);
    let first = id(&made["Flights"][0]);
    let ads = app.get(&format!("/v1/flight/{first}/creatives")).await;
    assert_eq!(id(&ads["items"][0]), id(&made["Flights"][0]["Ads"][0]));
    assert_eq!(ads["items"][0]["Creative"]["Title"], "Banner");

    body["Flights"][1]["Ads"][0]["Creative"]["AdTypeId"] = json!(77);
    let (status, refusal) = app.send(Method::POST, "/v2/campaign", &body).await;
    assert_eq!(status, 400);
    assert!(refusal["Error"].as_str().unwrap().starts_with("Flights[1]: Ads[0]: Creative: AdTypeId"));
    let counts = app.get("/__control/objects").await;
    assert_eq!(counts["counts"]["campaigns"], 1);
    assert_eq!(counts["counts"]["flights"], 2);
    assert_eq!(counts["counts"]["creatives"], 2);
}

#[tokio::test]
async fn ads_are_replaced_by_put_and_listed_by_flight() {
    let app = App::start().await;
    let campaign = app.campaign("c").await;
    let flight = app.flight(campaign, Value::Null).await;
    let ad = app.ad(flight).await;
    let mut body = app.get(&format!("/v1/ad/{ad}")).await;
    body["IsActive"] = json!(false);
    let changed = app.put(&format!("/v1/flight/{flight}/creative/{ad}"), &body).await;
    assert_eq!(changed["IsActive"], false);
    let listed = app.get(&format!("/v1/flight/{flight}/creatives")).await;
    assert_eq!(listed["items"][0], changed);
    let creatives = app.get("/v1/advertiser/1001/creatives").await;
    assert_eq!(id(&creatives["items"][0]), id(&changed["Creative"]));
}

#[tokio::test]
async fn lists_come_in_pages_no_larger_than_set() {
    let app = App::start().await;
    let campaign = app.campaign("c").await;
    for n in 0..7 {
        app.flight(campaign, json!({ "Name": format!("Flight {n}") })).await;
    }
    app.put("/__control/settings", &json!({ "max_page_size": 3 })).await;
    let mut names = Vec::new();
    for page in 1..=3 {
        let list = app.get(&format!("/v1/campaign/{campaign}/flight?page={page}")).await;
        assert_eq!((&list["totalPages"], &list["totalItems"]), (&json!(3), &json!(7)));
        assert_eq!((&list["pageSize"], &list["page"]), (&json!(3), &json!(page)));
        let items = list["items"].as_array().unwrap().clone();
        names.extend(items.iter().map(|item| item["Name"].as_str().unwrap().to_owned()));
    }
    assert_eq!(names.len(), 7);
    assert_eq!(names[6], "Flight 6");
    let beyond = app.get("/v1/flight?page=9&pageSize=2").await;
    assert_eq!(beyond["items"], json!([]));
    assert_eq!(app.send(Method::GET, "/v1/flight?page=0", &Value::Null).await.0, 400);
}

#[tokio::test]
async fn the_quick_list_answers_a_line_for_each_flight_found() {
    let app = App::start().await;
    let campaign = app.campaign("c").await;
    for n in 0..5 {
        app.flight(campaign, json!({ "Name": format!("P{n} #ref-{n}") })).await;
    }
    let lines = |query: &'static str| {
        let request = app.request(Method::GET, &format!("/v1/fast/flight?{query}"));
        async { request.send().await.unwrap().text().await.unwrap() }
    };
    let found = lines("nameContains=%23ref-3").await;
    assert_eq!(found.lines().count(), 1);
    assert_eq!(serde_json::from_str::<Value>(found.trim()).unwrap()["Name"], "P3 #ref-3");
    assert_eq!(lines("nameContains=ref-").await.lines().count(), 5);
    assert_eq!(lines("nameContains=none").await, "");
    assert_eq!(lines("isActive=false").await, "");
    assert_eq!(lines("afterStartDate=2029-01-01&beforeEndDate=2030-01-10").await, "");
}

#[tokio::test]
async fn what_is_seeded_can_be_looked_up() {
    let app = App::start().await;
    assert_eq!(app.get("/v1/advertiser/1002").await["Title"], "Second Agency");
    assert_eq!(app.get("/v1/advertiser").await["totalItems"], 2);
    assert_eq!(app.get("/v1/priority/3002").await["Name"], "Guaranteed");
    assert_eq!(app.get("/v1/adtypes").await["items"][1]["Width"], 300);
    assert_eq!(app.get("/v1/site").await["totalItems"], 3);
    assert_eq!(app.get("/v1/zone/2101").await["SiteId"], 2001);
    assert_eq!(app.get("/v1/channel/4002").await["Title"], "Newsletter");
    assert_eq!(
        app.get("/v1/channelSite").await["items"][3],
        json!({ "ChannelId": 4002, "SiteId": 2001, "Priority": null })
    );
    let counts = app.get("/v1/entitycounts").await;
    assert_eq!((&counts["NetworkId"], &counts["BillableAdvertisers"]), (&json!(900), &json!("2")));
    let template = app.get("/v2/creative-templates/5001").await;
    assert_eq!(template["Fields"][0]["Variable"], "ctHeadline");
    assert!(app.get("/v1/countries").await.as_array().unwrap().len() > 50);
    let us = app.get("/v1/country/US/regions?version=2").await;
    assert_eq!(us["Regions"].as_object().unwrap().len(), 51);
    assert_eq!(us["Regions"]["CA"]["Metros"]["803"]["Name"], "Los Angeles");
    let made = app.post("/v1/advertiser", &json!({ "Title": "Third", "IsActive": true })).await;
    assert_eq!(id(&made), 1003);
}
