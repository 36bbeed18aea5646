//! The real Google Ad Manager emulator, started for one test, and a client with a token.

use std::time::Duration;

use aws_lc_rs::{rand::SystemRandom, rsa::KeyPair, signature::RSA_PKCS1_SHA256};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use flightdeck_emulators::{
    Running,
    control::clock::Move,
    gam::{
        Gam, Options,
        seed::{ADVERTISER, TRAFFICKER},
    },
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::merge;

pub(crate) const NETWORK: &str = "/v1/networks/21700001";

pub(crate) struct GamApp {
    pub running: Running<Gam>,
    client: reqwest::Client,
    token: String,
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_secs()).unwrap()
}

/// The claims Google asks for, of a key file.
pub(crate) fn claims(key: &Value) -> Value {
    json!({
        "iss": key["client_email"], "aud": key["token_uri"], "iat": now(), "exp": now() + 3600,
        "scope": "https://www.googleapis.com/auth/admanager",
    })
}

/// A signed assertion.
pub(crate) fn assertion(key: &Value, head: &Value, claims: &Value) -> String {
    let pem = key["private_key"].as_str().unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let pair = KeyPair::from_pkcs8(&STANDARD.decode(body).unwrap()).unwrap();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(head), part(claims));
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

pub(crate) fn head() -> Value {
    json!({ "alg": "RS256", "typ": "JWT" })
}

impl GamApp {
    pub(crate) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let running = Gam::start(options).await.unwrap();
        let mut app = Self { running, client: reqwest::Client::new(), token: String::new() };
        app.renew().await;
        app
    }

    /// The clock at the beginning of 2030, where the tests' flights are not far off.
    pub(crate) async fn in_2029() -> Self {
        let app = Self::start().await;
        app.clock("2029-12-01T00:00:00Z");
        app
    }

    pub(crate) fn clock(&self, now: &str) {
        let how: Move = serde_json::from_value(json!({ "now": now })).unwrap();
        self.running.controls().clock.shift(&how);
    }

    pub(crate) async fn renew(&mut self) {
        let key = self.running.platform().key_file();
        let (status, body) = self.ask_token(&assertion(&key, &head(), &claims(&key))).await;
        assert_eq!(status, 200, "{body}");
        self.token = body["access_token"].as_str().unwrap().to_owned();
    }

    pub(crate) async fn ask_token(&self, assertion: &str) -> (StatusCode, Value) {
        let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
        self.form(&[("grant_type", grant), ("assertion", assertion)]).await
    }

    pub(crate) async fn form(&self, form: &[(&str, &str)]) -> (StatusCode, Value) {
        let answer = self.client.post(format!("{}/token", self.running.url)).form(form).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.running.url)).bearer_auth(&self.token)
    }

    /// Sends to a path below the network. The requests of a batch that creates get the parent of the
    /// path, unless they say another one or none (`null`).
    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let mut body = body.clone();
        if let (Some(collection), Some(Value::Array(requests))) =
            (path.strip_suffix(":batchCreate"), body.get_mut("requests"))
        {
            let parent = format!("{NETWORK}{}", collection.rsplit_once('/').map_or("", |(parent, _)| parent));
            for request in requests.iter_mut().filter_map(Value::as_object_mut) {
                request.entry("parent").or_insert_with(|| json!(parent.trim_start_matches("/v1/")));
            }
        }
        let body = &body;
        let path = if path.starts_with("/__") { path.to_owned() } else { format!("{NETWORK}{path}") };
        let mut request = self.request(method, &path);
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.send(Method::GET, path, &Value::Null).await;
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    pub(crate) async fn find(&self, collection: &str, filter: &str) -> Value {
        let request = self.request(Method::GET, &format!("{NETWORK}/{collection}")).query(&[("filter", filter)]);
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert_eq!(status, 200, "{filter}: {body}");
        // An empty list isn't in the answer.
        body.get(collection).cloned().unwrap_or_else(|| json!([]))
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.send(Method::POST, path, body).await;
        assert_eq!(status, 200, "POST {path}: {answer}");
        answer
    }

    pub(crate) async fn patch(&self, name: &str, mask: &str, body: &Value) -> Value {
        let path = format!("{}?updateMask={mask}", below(name));
        let (status, answer) = self.send(Method::PATCH, &path, body).await;
        assert_eq!(status, 200, "PATCH {path}: {answer}");
        answer
    }

    /// What a call is refused with: code, status and reason, and the message.
    pub(crate) async fn refused(&self, method: Method, path: &str, body: &Value) -> (String, String) {
        let (code, answer) = self.send(method, path, body).await;
        let error = &answer["error"];
        assert_eq!(error["code"], code.as_u16(), "{path}: {answer}");
        let info = &error["details"][0];
        assert_eq!(info["domain"], "admanager.googleapis.com", "{answer}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let line = format!("{} {} {}", code.as_u16(), text(&error["status"]), text(&info["reason"]));
        (line, text(&error["message"]))
    }

    pub(crate) async fn order(&self, changes: Value) -> String {
        let body = json!({ "requests": [{ "order": order(changes) }] });
        name(&self.post("/orders:batchCreate", &body).await["orders"][0])
    }

    pub(crate) async fn line_item(&self, order: &str, changes: Value) -> String {
        name(&self.post("/lineItems", &line_item(order, changes)).await)
    }

    /// A creative that fits, tied to a line item.
    pub(crate) async fn creative(&self, item: &str) -> String {
        let creative = name(&self.post("/creatives", &creative(json!({}))).await);
        self.post(&format!("{}/creatives", below(item)), &json!({ "lineItem": item, "creative": creative })).await;
        creative
    }

    /// Does something to one object of a collection.
    pub(crate) async fn act(&self, action: &str, name: &str) {
        self.post(&format!("/{action}"), &json!({ "names": [name] })).await;
    }

    pub(crate) async fn read(&self, name: &str) -> Value {
        self.get(below(name)).await
    }

    pub(crate) async fn status(&self, name: &str) -> String {
        self.read(name).await["status"].as_str().unwrap().to_owned()
    }
}

/// The path of a name below the network.
pub(crate) fn below(name: &str) -> &str {
    name.strip_prefix("networks/21700001").unwrap()
}

pub(crate) fn id(name: &str) -> i64 {
    name.rsplit('/').next().unwrap().parse().unwrap()
}

pub(crate) fn name(value: &Value) -> String {
    value["name"].as_str().unwrap_or_else(|| panic!("no name in {value}")).to_owned()
}

pub(crate) fn order(changes: Value) -> Value {
    let mut body = json!({ "displayName": "Order", "advertiser": ADVERTISER, "trafficker": TRAFFICKER });
    merge(&mut body, changes);
    body
}

/// A line item of ten days and ten thousand impressions at 12.34 CPM, with changes; a change to
/// null takes the field out.
pub(crate) fn line_item(order: &str, changes: Value) -> Value {
    let mut body = json!({
        "order": order, "displayName": "Line item", "startTime": "2030-01-01T00:00:00Z",
        "targetEndTime": "2030-01-11T00:00:00Z", "creativeRotationType": "EVENLY", "lineItemType": "STANDARD",
        "rate": { "currencyCode": "USD", "units": "12", "nanos": 340_000_000 }, "costType": "CPM",
        "creativePlaceholders": [{ "size": { "width": 300, "height": 250, "sizeType": "PIXEL" } }],
        "goal": { "goalType": "LIFETIME", "unitType": "IMPRESSIONS", "units": "10000" },
        "targeting": { "inventoryTargeting": { "targetedAdUnits": [
            { "adUnit": "networks/21700001/adUnits/6001", "includeDescendants": true },
        ] } },
    });
    merge(&mut body, changes);
    body
}

pub(crate) fn creative(changes: Value) -> Value {
    let mut body = json!({
        "displayName": "Creative", "advertiser": ADVERTISER,
        "size": { "width": 300, "height": 250, "sizeType": "PIXEL" },
        "imageRedirectCreative": { "imageUrl": "https://cdn.example/a.png", "destinationUrl": "https://acme.example/" },
    });
    merge(&mut body, changes);
    body
}
