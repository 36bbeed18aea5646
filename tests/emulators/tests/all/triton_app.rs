//! The Triton emulator for one test, with a client that is logged in, and bodies that it takes.

use flightdeck_emulators::{
    Running,
    control::clock::Move,
    triton::{Options, Triton},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::merge;

/// An emulator in November 2029, and a client that is logged in.
pub(crate) struct App {
    pub(crate) running: Running<Triton>,
    pub(crate) client: reqwest::Client,
    pub(crate) token: String,
}

impl App {
    pub(crate) async fn start() -> Self {
        let running = Triton::start(Options::default()).await.unwrap();
        let app = Self { running, client: reqwest::Client::new(), token: String::new() };
        app.clock("2029-11-01T00:00:00Z");
        let (status, body) = app.login("demo-password").await;
        assert_eq!(status, 200, "{body}");
        Self { token: body["token"].as_str().unwrap().to_owned(), ..app }
    }

    pub(crate) fn clock(&self, now: &str) {
        let how: Move = serde_json::from_value(json!({ "now": now })).unwrap();
        self.running.controls().clock.shift(&how);
    }

    pub(crate) async fn login(&self, password: &str) -> (StatusCode, Value) {
        let body = json!({ "username": "flightdeck", "password": password });
        let answer = self.client.post(format!("{}/login", self.running.url)).json(&body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    pub(crate) async fn text(&self, method: Method, path: &str, body: &Value) -> (StatusCode, String) {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}/v1{path}", self.running.url) };
        let mut request = self.client.request(method, url).bearer_auth(&self.token);
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let (status, text) = self.text(method, path, body).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.send(Method::GET, path, &Value::Null).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let (status, body) = self.send(Method::POST, path, &body).await;
        assert!(status.is_success(), "{path}: {body}");
        body
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Value {
        let (status, body) = self.send(Method::PUT, path, &body).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// The status, code and field of a refusal.
    pub(crate) async fn refused(&self, method: Method, path: &str, body: Value) -> (u16, String, String) {
        let (status, answer) = self.send(method, path, &body).await;
        let text = |name: &str| answer["error"][name].as_str().unwrap_or_default().to_owned();
        assert!(status.is_client_error() && !text("message").is_empty(), "{body}: {answer}");
        (status.as_u16(), text("code"), text("field"))
    }

    pub(crate) async fn campaign(&self, changes: Value) -> i64 {
        let made = self.post("/campaigns", with(campaign(), changes)).await;
        made["id"].as_i64().unwrap()
    }

    pub(crate) async fn flight(&self, campaign: i64, changes: Value) -> i64 {
        let made = self.post("/flights", with(flight(campaign), changes)).await;
        made["id"].as_i64().unwrap()
    }

    pub(crate) async fn creative(&self) -> i64 {
        self.post("/creatives", creative()).await["id"].as_i64().unwrap()
    }

    /// A flight that has a creative.
    pub(crate) async fn booked(&self, changes: Value) -> (i64, i64) {
        let campaign = self.campaign(json!({})).await;
        let flight = self.flight(campaign, changes).await;
        let creative = self.creative().await;
        self.play(flight, &[creative]).await;
        (campaign, flight)
    }

    /// Saves a flight's creative, spots of thirty seconds, and publishes it.
    pub(crate) async fn play(&self, flight: i64, creatives: &[i64]) -> Value {
        self.put(&format!("/flights/{flight}"), groups(creatives)).await;
        self.post(&format!("/flights/{flight}/creative/publish"), json!({})).await
    }

    pub(crate) fn impressions(&self, flight: i64) -> u64 {
        self.running.platform().delivered(flight).unwrap().impressions
    }
}

pub(crate) fn with(mut body: Value, changes: Value) -> Value {
    merge(&mut body, changes);
    body
}

pub(crate) fn campaign() -> Value {
    json!({
        "advertiserId": 501, "teamId": 31, "name": "Spring", "active": true, "purchaseOrder": "PO-1",
    })
}

pub(crate) fn flight(campaign: i64) -> Value {
    json!({
        "campaignId": campaign, "name": "Drive", "type": "STANDARD", "goal": { "type": "IMPRESSIONS", "value": 31_000 },
        "rate": 12.5, "rateType": "CPM", "rateBasis": "NET", "contentTypes": ["LIVE"], "positions": ["MID_ROLL"],
        "startDate": "2029-12-01", "endDate": "2029-12-31", "active": true,
    })
}

pub(crate) fn creative() -> Value {
    json!({
        "advertiserId": 501, "name": "Spot", "type": "AUDIO", "format": "MP3", "durationSeconds": 30,
        "url": "https://cdn.example.com/spot.mp3", "clickUrl": "https://example.com/",
    })
}

/// The change that has a flight play spots of thirty seconds.
pub(crate) fn groups(creatives: &[i64]) -> Value {
    json!({ "creative": { "adGroups": [{ "durationSeconds": 30, "adUnitIds": creatives }] } })
}
