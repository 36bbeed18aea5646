//! The wire between a sender and a server: it remembers what passed, and can hold one call while the sender is killed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse as _, Response},
    routing::any,
};
use serde_json::Value;
use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};

use crate::house::PATIENCE;

/// What happens to the next call of a tool.
#[derive(Debug, Clone, Copy)]
pub(super) enum Moment {
    /// It is held before it has reached the host.
    BeforeTheHost,
    /// The host has acted and answered, and the answer is held.
    AfterTheHost,
    /// It does not reach the host, and is answered with 503 and this many seconds to wait.
    Busy { retry_after: u64 },
}

/// A request that passed, and what it was answered.
#[derive(Debug, Clone)]
pub(super) struct Passed {
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
    pub(super) status: u16,
}

struct Shared {
    client: reqwest::Client,
    target: Mutex<String>,
    held: Mutex<Option<(String, Moment, oneshot::Sender<()>)>>,
    /// Tools that were called, in order.
    calls: Mutex<Vec<(String, Instant)>>,
    passed: watch::Sender<Vec<Passed>>,
}

/// The wire; it ends with the test.
#[derive(Clone)]
pub(super) struct Wire {
    pub(super) url: String,
    shared: Arc<Shared>,
}

impl Wire {
    pub(super) async fn to(target: &str) -> Self {
        let shared = Arc::new(Shared {
            client: reqwest::Client::new(),
            target: Mutex::new(target.to_owned()),
            held: Mutex::default(),
            calls: Mutex::default(),
            passed: watch::Sender::default(),
        });
        let router = Router::new().fallback(any(pass)).with_state(shared.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    /// Leads elsewhere from now on.
    pub(super) fn lead_to(&self, target: &str) {
        target.clone_into(&mut self.shared.target.lock().unwrap());
    }

    /// Holds the next call of a tool at this moment; returns when it is there.
    pub(super) fn hold(&self, tool: &str, moment: Moment) -> impl Future<Output = ()> + use<> {
        let (there, held) = oneshot::channel();
        *self.shared.held.lock().unwrap() = Some((tool.to_owned(), moment, there));
        async move { held.await.expect("the wire is there") }
    }

    /// When a tool was called, and how often.
    pub(super) fn calls(&self, tool: &str) -> Vec<Instant> {
        let calls = self.shared.calls.lock().unwrap();
        calls.iter().filter(|(called, _)| called == tool).map(|(_, at)| *at).collect()
    }

    /// How often any tool was called.
    pub(super) fn all_calls(&self) -> usize {
        self.shared.calls.lock().unwrap().len()
    }

    /// Waits until what passed is as wanted.
    pub(super) async fn until(&self, wanted: impl Fn(&[Passed]) -> bool) -> Vec<Passed> {
        let mut passed = self.shared.passed.subscribe();
        let waited = tokio::time::timeout(PATIENCE, passed.wait_for(|passed| wanted(passed))).await;
        waited.expect("what passed never was as wanted").expect("the wire is there").clone()
    }

    /// Sends a request to where the wire leads; the status of its answer.
    pub(super) async fn send(&self, headers: &BTreeMap<String, String>, body: &str) -> u16 {
        let target = self.shared.target.lock().unwrap().clone();
        let mut request = self.shared.client.post(target).body(body.to_owned());
        for (name, value) in headers.iter().filter(|(name, _)| !["host", "content-length"].contains(&name.as_str())) {
            request = request.header(name, value);
        }
        request.send().await.expect("an answer").status().as_u16()
    }
}

async fn pass(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    mut headers: HeaderMap,
    body: Bytes,
) -> Response {
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let tool = message["params"]["name"].as_str().filter(|_| message["method"] == "tools/call");
    let held = tool.and_then(|tool| {
        shared.calls.lock().unwrap().push((tool.to_owned(), Instant::now()));
        shared.held.lock().unwrap().take_if(|(held, ..)| held == tool)
    });
    match held {
        Some((_, Moment::Busy { retry_after }, _)) => {
            return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", retry_after.to_string())]).into_response();
        }
        Some((_, Moment::BeforeTheHost, there)) => {
            let _ = there.send(());
            return std::future::pending().await;
        }
        Some((_, Moment::AfterTheHost, there)) => {
            forward(&shared, method, &uri, headers, body).await;
            let _ = there.send(());
            return std::future::pending().await;
        }
        None => {}
    }
    let of_request: BTreeMap<String, String> =
        headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned())).collect();
    headers.remove("accept-encoding");
    let text = String::from_utf8_lossy(&body).into_owned();
    let response = forward(&shared, method, &uri, headers, body).await;
    let status = response.status().as_u16();
    shared.passed.send_modify(|passed| passed.push(Passed { headers: of_request, body: text, status }));
    response
}

async fn forward(shared: &Shared, method: Method, uri: &Uri, mut headers: HeaderMap, body: Bytes) -> Response {
    let target = shared.target.lock().unwrap().clone();
    headers.remove("host");
    headers.remove("content-length");
    let sent = shared.client.request(method, format!("{target}{}", uri.path())).headers(headers).body(body).send();
    let Ok(answer) = sent.await else { return StatusCode::BAD_GATEWAY.into_response() };
    let (status, kind) = (answer.status(), answer.headers().get("content-type").cloned());
    let mut response = (status, answer.bytes().await.unwrap_or_default()).into_response();
    if let Some(kind) = kind {
        response.headers_mut().insert("content-type", kind);
    }
    response
}
