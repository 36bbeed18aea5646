//! The Signpost emulator for one test, a client with its key, and bodies that it takes.

use flightdeck_emulators::{
    Running,
    control::clock::Move,
    signpost::{Options, Signpost},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::merge;

/// An emulator in November 2029, and a client.
pub(crate) struct App {
    pub(crate) running: Running<Signpost>,
    pub(crate) client: reqwest::Client,
}

impl App {
    pub(crate) async fn start() -> Self {
        let running = Signpost::start(Options::default()).await.unwrap();
        let app = Self { running, client: reqwest::Client::new() };
        app.clock("2029-11-01T00:00:00Z");
        app
    }

    pub(crate) fn clock(&self, now: &str) {
        let how: Move = serde_json::from_value(json!({ "now": now })).unwrap();
        self.running.controls().clock.shift(&how);
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}/v1{path}", self.running.url)).header("X-Signpost-Key", "demo-key")
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let mut request = self.request(method, path);
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
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

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Value {
        let (status, body) = self.send(Method::PATCH, path, &body).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// The status, code and field of a refusal.
    pub(crate) async fn refused(&self, method: Method, path: &str, body: Value) -> (u16, String, String) {
        let (status, answer) = self.send(method, path, &body).await;
        let text = |name: &str| answer["errors"][0][name].as_str().unwrap_or_default().to_owned();
        assert!(status.is_client_error() && !text("message").is_empty(), "{body}: {answer}");
        (status.as_u16(), text("code"), text("field"))
    }

    async fn made(&self, path: &str, body: Value) -> String {
        self.post(path, body).await["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn order(&self, changes: Value) -> String {
        self.made("/orders", with(order(), changes)).await
    }

    pub(crate) async fn line(&self, order: &str, changes: Value) -> String {
        self.made(&format!("/orders/{order}/lines"), with(line(), changes)).await
    }

    /// A live order with a line that has a creative.
    pub(crate) async fn booked(&self, changes: Value) -> (String, String) {
        let order = self.order(json!({ "state": "live" })).await;
        let line = self.line(&order, changes).await;
        let creative = self.made("/creatives", creative()).await;
        self.post(&format!("/lines/{line}/creatives"), json!({ "creative_id": creative })).await;
        (order, line)
    }

    pub(crate) async fn state(&self, line: &str) -> String {
        let status = self.get(&format!("/status?line_ids={line}")).await;
        status["lines"][0]["state"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn with(mut body: Value, changes: Value) -> Value {
    merge(&mut body, changes);
    body
}

pub(crate) fn order() -> Value {
    json!({ "name": "Spring", "advertiser_id": "701", "currency": "USD", "external_ref": "ref1", "memo": "po 7" })
}

pub(crate) fn line() -> Value {
    json!({
        "name": "News", "external_ref": "ref2", "goal_impressions": 30_000, "rate": "12.50", "rate_type": "cpm",
        "start": "2029-12-01T00:00:00Z", "end": "2029-12-31T00:00:00Z", "pacing": "even", "active": true,
        "daily_budget": null, "countries": ["US"], "devices": ["mobile", "desktop"],
    })
}

pub(crate) fn creative() -> Value {
    json!({
        "advertiser_id": "701", "name": "Banner", "external_ref": "ref3", "format": "image", "width": 300, "height": 250,
        "url": "https://cdn.example.com/banner.png", "click_url": "https://example.com/",
    })
}
