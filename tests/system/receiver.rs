//! A receiver of webhooks, which keeps what it is sent and answers as it is told, and a verifier that we did not write.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, response::IntoResponse, routing::any};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, process::Command};

use crate::house::PATIENCE;

/// Everything that happens to buys and tasks.
pub(crate) const EVENTS: &[&str] = &[
    "task.created",
    "task.assigned",
    "task.escalated",
    "task.question_asked",
    "task.question_answered",
    "task.completed",
    "task.failed",
    "media_buy.status_changed",
    "operation.succeeded",
    "operation.failed",
    "operation.duplicate_found",
    "creative.status_changed",
];

/// A request that came.
#[derive(Debug, Clone)]
pub(crate) struct Hook {
    /// Its path.
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Hook {
    pub(crate) fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the body is JSON")
    }

    pub(crate) fn kind(&self) -> String {
        self.json()["type"].as_str().expect("a type").to_owned()
    }
}

/// How it treats an event that it sees for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It fails.
    Fails,
    /// It answers after so long, or never, if nobody waits for so long.
    Answers(Duration),
}

#[derive(Default)]
struct Kept {
    hooks: Vec<Hook>,
    /// What the next requests are answered with; then 204.
    answers: VecDeque<StatusCode>,
    mood: Option<Mood>,
    /// Events that came.
    seen: BTreeSet<String>,
    /// Events that were treated so. Sent once more, they are taken.
    ill_treated: BTreeSet<String>,
}

/// The receiver; it ends with the test.
#[derive(Clone)]
pub(crate) struct Receiver {
    kept: Arc<Mutex<Kept>>,
    pub(crate) url: String,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let kept: Arc<Mutex<Kept>> = Arc::default();
        let router = Router::new().fallback(any(take)).with_state(kept.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { kept, url }
    }

    /// Answers the next requests so, and those after them with 204.
    pub(crate) fn answer(&self, statuses: &[u16]) {
        let statuses = statuses.iter().map(|status| StatusCode::from_u16(*status).expect("a status"));
        self.kept.lock().unwrap().answers.extend(statuses);
    }

    /// Treats each event so that it sees for the first time, from now on; `None`: it takes them.
    pub(crate) fn be(&self, mood: Option<Mood>) {
        self.kept.lock().unwrap().mood = mood;
    }

    /// How many events were not just taken.
    pub(crate) fn ill_treated(&self) -> usize {
        self.kept.lock().unwrap().ill_treated.len()
    }

    /// What came so far.
    pub(crate) fn hooks(&self) -> Vec<Hook> {
        self.kept.lock().unwrap().hooks.clone()
    }

    /// Waits until what came is as wanted.
    pub(crate) async fn until(&self, wanted: impl Fn(&[Hook]) -> bool) -> Vec<Hook> {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            let hooks = self.hooks();
            if wanted(&hooks) {
                return hooks;
            }
            assert!(tokio::time::Instant::now() < until, "what came never was as wanted: {hooks:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn take(
    State(kept): State<Arc<Mutex<Kept>>>,
    uri: axum::http::Uri,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("").to_owned()));
    let hook = Hook {
        path: uri.path().to_owned(),
        headers: headers.collect(),
        body: String::from_utf8(body.to_vec()).expect("UTF-8"),
    };
    let (status, pause) = {
        let mut kept = kept.lock().unwrap();
        let id = hook.headers.get("webhook-id").cloned().unwrap_or_default();
        let first = kept.seen.insert(id.clone());
        kept.hooks.push(hook);
        let status = kept.answers.pop_front().unwrap_or(StatusCode::NO_CONTENT);
        match kept.mood.filter(|_| first) {
            None => (status, Duration::ZERO),
            Some(mood) => {
                kept.ill_treated.insert(id);
                match mood {
                    Mood::Fails => (StatusCode::INTERNAL_SERVER_ERROR, Duration::ZERO),
                    Mood::Answers(after) => (status, after),
                }
            }
        }
    };
    tokio::time::sleep(pause).await;
    (status, [("location", "http://127.0.0.1:1/elsewhere")])
}

/// Fails unless each request was signed with the secret, by the standard's library in another language.
pub(crate) async fn verify(hooks: &[Hook], secret: &str) {
    let Some(python) = std::env::var_os("FLIGHTDECK_PYTHON") else {
        panic!("FLIGHTDECK_PYTHON is not set: run `make test`, which installs the verifier and sets it");
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/webhooks/verify.py");
    let mut verifier = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python runs");
    let lines: String = hooks
        .iter()
        .map(|hook| format!("{}\n", json!({ "secret": secret, "headers": hook.headers, "body": hook.body })))
        .collect();
    let mut input = verifier.stdin.take().expect("its input");
    input.write_all(lines.as_bytes()).await.expect("it reads");
    drop(input);
    let done = verifier.wait_with_output().await.expect("it ends");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(String::from_utf8_lossy(&done.stdout).trim(), hooks.len().to_string());
}
