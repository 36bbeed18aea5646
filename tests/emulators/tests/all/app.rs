//! The real emulator, started for one test, and an adapter's side of the wire.

use std::time::Duration;

use flightdeck_emulators::{
    Running,
    kevel::{Kevel, Options},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

pub(crate) const KEY: &str = "key-7f3a9c";

pub(crate) struct App {
    pub running: Running<Kevel>,
    client: reqwest::Client,
}

impl App {
    pub(crate) async fn start() -> Self {
        let options = Options { api_key: KEY.to_owned(), ..Options::default() };
        let running = Kevel::start(options).await.unwrap();
        Self { running, client: reqwest::Client::new() }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.running.url)).header("X-Adzerk-ApiKey", KEY)
    }

    pub(crate) async fn try_post(&self, path: &str, body: &Value) -> reqwest::Result<reqwest::Response> {
        self.request(Method::POST, path).json(body).send().await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let mut request = self.request(method, path);
        if !body.is_null() {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.send(Method::GET, path, &Value::Null).await;
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.send(Method::POST, path, body).await;
        assert!(status.is_success(), "POST {path}: {status} {answer}");
        answer
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.send(Method::PUT, path, body).await;
        assert_eq!(status, 200, "PUT {path}: {answer}");
        answer
    }

    pub(crate) async fn fault(&self, rule: Value) {
        let (status, body) = self.send(Method::POST, "/__control/faults", &rule).await;
        assert_eq!(status, 201, "{body}");
    }

    pub(crate) async fn clock(&self, how: Value) -> Value {
        self.put("/__control/clock", &how).await
    }

    pub(crate) async fn campaign(&self, name: &str) -> i64 {
        let body = json!({ "AdvertiserId": 1001, "Name": name, "IsActive": true });
        id(&self.post("/v1/campaign", &body).await)
    }

    pub(crate) async fn flight(&self, campaign: i64, changes: Value) -> i64 {
        id(&self.post("/v1/flight", &flight(campaign, changes)).await)
    }

    /// Maps a new active creative to a flight and answers the ad's id.
    pub(crate) async fn ad(&self, flight: i64) -> i64 {
        let creative = json!({ "AdvertiserId": 1001, "AdTypeId": 5, "IsActive": true, "Title": "c" });
        let creative = id(&self.post("/v1/creative", &creative).await);
        let ad = json!({ "FlightId": flight, "Creative": { "Id": creative }, "IsActive": true });
        id(&self.post(&format!("/v1/flight/{flight}/creative"), &ad).await)
    }
}

pub(crate) fn id(value: &Value) -> i64 {
    value["Id"].as_i64().unwrap_or_else(|| panic!("no Id in {value}"))
}

/// A flight of ten days and ten thousand impressions at 12.34 CPM, with changes; a change to null
/// takes the field out.
pub(crate) fn flight(campaign: i64, changes: Value) -> Value {
    let mut body = json!({
        "CampaignId": campaign, "Name": "Flight", "StartDateISO": "2030-01-01T00:00:00Z",
        "EndDateISO": "2030-01-11T00:00:00Z", "PriorityId": 3002, "GoalType": 1,
        "Impressions": 10_000, "RateType": 2, "Price": 12.34, "IsActive": true,
    });
    merge(&mut body, changes);
    body
}

pub(crate) fn merge(body: &mut Value, changes: Value) {
    let body = body.as_object_mut().unwrap();
    if let Value::Object(changes) = changes {
        for (name, value) in changes {
            if value.is_null() {
                body.remove(&name);
            } else {
                body.insert(name, value);
            }
        }
    }
}

/// Waits until something is so, for ten seconds at most.
pub(crate) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let waiting = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap_or_else(|_| panic!("never came: {what}"));
}
