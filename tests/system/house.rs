//! A host of its own for each test: the real binary on a new SQLite file, beside an emulated ad server.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use flightdeck_emulators::{
    Running,
    kevel::{Kevel, Options},
};
use flightdeck_test_support::{component, native_code};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::host::Host;

/// How long anything may take that a test waits for. Far more than it takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Buyer, second buyer, reviewer, second reviewer, operator: as in the configuration below.
pub(crate) const BUYER: &str = "buyer-token-0123456789abcdef";
pub(crate) const OTHER: &str = "other-token-0123456789abcdef";
pub(crate) const REVIEWER: &str = "reviewer-token-0123456789abcdef";
pub(crate) const REVIEWER_2: &str = "second-reviewer-token-0123456789abcdef";
pub(crate) const OPERATOR: &str = "operator-token-0123456789abcdef";

/// Stands in the configuration of a test that is about the approvals that are needed if the file says nothing of them. Others say what
/// they want, or have the house's own rule: creates need a reviewer, and nothing else does.
pub(crate) const APPROVALS_BY_DEFAULT: &str = "# approvals: no rule at all\n";

/// The host, the ad server, and the folder that they share.
pub(crate) struct House {
    pub(crate) kevel: Running<Kevel>,
    pub(crate) client: reqwest::Client,
    dir: TempDir,
    config: PathBuf,
    host: Option<Host>,
}

/// What the host answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// A text in the body.
    #[track_caller]
    pub(crate) fn text(&self, pointer: &str) -> String {
        let found = self.body.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("no text at {pointer} in {} {:#}", self.status, self.body)).to_owned()
    }

    /// Fails unless the status is this one.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{:#}", self.body);
        self
    }

    /// The code of an error, if it is one.
    pub(crate) fn error_code(&self) -> Option<String> {
        self.body.pointer("/error/code").and_then(Value::as_str).map(str::to_owned)
    }

    /// The code and the field of an error.
    #[track_caller]
    pub(crate) fn error(&self) -> (String, Option<String>) {
        let error = self.body.get("error").unwrap_or_else(|| panic!("no error in {} {:#}", self.status, self.body));
        let text = |name: &str| error.get(name).and_then(Value::as_str).map(str::to_owned);
        (text("code").expect("an error has a code"), text("field"))
    }
}

impl House {
    /// A house with the usual configuration, its host serving.
    pub(crate) async fn new() -> Self {
        let mut house = Self::empty("").await;
        house.start(&[]).await;
        house
    }

    /// A house whose configuration has `more` at its end; the host is not started yet.
    pub(crate) async fn empty(more: &str) -> Self {
        Self::with(&[], |_| more.to_owned()).await
    }

    /// A house whose first buyer also buys on `platforms`, each with its advertiser there. `more` configures them, given the
    /// emulator's address.
    pub(crate) async fn with(platforms: &[(&str, &str)], more: impl FnOnce(&str) -> String) -> Self {
        let kevel = Kevel::start(Options { api_key: "test-key".to_owned(), ..Options::default() })
            .await
            .expect("the emulator starts");
        let dir = TempDir::new().expect("a folder for the test");
        let config = dir.path().join("flightdeck.toml");
        std::fs::write(&config, configuration(platforms, &more(&kevel.url))).expect("the configuration is written");
        native_code::borrow(&dir.path().join("data"));
        let client = reqwest::Client::builder().timeout(PATIENCE).build().expect("a client");
        Self { kevel, client, dir, config, host: None }
    }

    /// Edits the configuration: what must stand in it, and what takes its place.
    #[track_caller]
    pub(crate) fn configure(&self, instead_of: &str, text: &str) {
        let config = std::fs::read_to_string(&self.config).expect("the configuration");
        assert!(config.contains(instead_of), "{instead_of:?} is not in {config}");
        std::fs::write(&self.config, config.replace(instead_of, text)).expect("the configuration is written");
    }

    /// Calls a tool over MCP; its structured content.
    pub(crate) async fn tool(&self, token: &str, name: &str, arguments: Value) -> Value {
        let result = self.mcp(token, "tools/call", json!({ "name": name, "arguments": arguments })).await;
        result["structuredContent"].clone()
    }

    /// The tools that are offered over MCP.
    pub(crate) async fn tools(&self, token: &str) -> Value {
        self.mcp(token, "tools/list", json!({})).await["tools"].clone()
    }

    async fn mcp(&self, token: &str, method: &str, params: Value) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let sent = self.client.post(format!("{}/mcp", self.url())).bearer_auth(token).json(&request);
        let sent = sent
            .header("Accept", "application/json, text/event-stream")
            .header("MCP-Protocol-Version", "2025-06-18")
            .send();
        let text = sent.await.expect("an answer").text().await.expect("a body");
        let line = text.lines().find_map(|line| line.strip_prefix("data: ").filter(|data| data.starts_with('{')));
        let answer: Value = serde_json::from_str(line.unwrap_or(&text)).unwrap_or_else(|_| panic!("no JSON: {text}"));
        answer["result"].clone()
    }

    /// Fails unless every fault that the test planned has happened: one that has not proves nothing.
    #[track_caller]
    pub(crate) fn assert_faults_happened(&self) {
        for rule in self.kevel.controls().faults.list() {
            assert_eq!(rule.fired, rule.rule.times, "{rule:?}");
        }
    }

    /// The folder of the configuration.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The host's address.
    pub(crate) fn url(&self) -> &str {
        &self.host.as_ref().expect("the host runs").url
    }

    /// A command of the host's binary with this house's configuration in its environment.
    pub(crate) fn command(&self) -> Command {
        // A copy may be named, so that a long run is not disturbed by what is built meanwhile.
        let built = env!("CARGO_BIN_EXE_flightdeck").into();
        let mut command = Command::new(std::env::var_os("FLIGHTDECK_TEST_BINARY").unwrap_or(built));
        command
            .env("FLIGHTDECK_CONFIG", &self.config)
            .env("FLIGHTDECK_LISTEN", "127.0.0.1:0")
            .env("FLIGHTDECK_DATA_DIR", self.dir.path().join("data"))
            .env("KEVEL_ENDPOINT", &self.kevel.url)
            .env("KEVEL_API_KEY", "test-key")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        command
    }

    /// Starts the host with more in its environment, and waits until it is ready.
    pub(crate) async fn start(&mut self, environment: &[(&str, &str)]) {
        assert!(self.host.is_none(), "the host runs already");
        let mut command = self.command();
        command.envs(environment.iter().copied());
        let host = Host::start(command, &self.dir.path().join("flightdeck.log")).await;
        native_code::lend(&self.dir.path().join("data"));
        self.host = Some(host);
    }

    /// What the host wrote to its log since its last start.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("flightdeck.log")).unwrap_or_default()
    }

    /// Stops the host as an operator would.
    pub(crate) async fn stop(&mut self) {
        self.host.take().expect("the host runs").stop().await;
    }

    /// Kills the host without a word.
    pub(crate) async fn kill(&mut self) {
        self.host.take().expect("the host runs").kill().await;
    }

    /// Waits until the host has ended.
    pub(crate) async fn ended(&mut self) -> std::process::ExitStatus {
        self.host.take().expect("the host ran").ended().await
    }

    /// Sends the host SIGHUP.
    pub(crate) async fn hang_up(&self) {
        self.host.as_ref().expect("the host runs").signal("HUP").await;
    }

    /// Whether the host still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.host.as_mut().is_some_and(Host::runs)
    }

    /// Asks the host; `None` if the connection broke.
    pub(crate) async fn try_call(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Option<Answer> {
        ask(&self.client, self.url(), token, method, path, body, headers).await
    }

    /// Asks the host.
    #[track_caller]
    pub(crate) fn call<'a>(
        &'a self,
        token: &'a str,
        method: Method,
        path: &'a str,
        body: Value,
    ) -> impl Future<Output = Answer> + 'a {
        let place = std::panic::Location::caller();
        async move {
            let body = if body.is_null() { None } else { Some(&body) };
            let answer = self.try_call(token, method.clone(), path, body, &[]).await;
            answer.unwrap_or_else(|| panic!("no answer to {method} {path} at {place}:\n{}", self.log()))
        }
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        self.call(token, Method::GET, path, Value::Null).await
    }

    pub(crate) async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        self.call(token, Method::POST, path, body).await
    }

    pub(crate) async fn patch(&self, token: &str, path: &str, body: Value) -> Answer {
        self.call(token, Method::PATCH, path, body).await
    }

    /// Approves a task as it stands.
    pub(crate) async fn approve(&self, task: &str) -> Answer {
        let path = format!("/v1/tasks/{task}");
        let version = self.get(REVIEWER, &path).await.body["version"].clone();
        self.post(REVIEWER, &format!("{path}/complete"), json!({ "resolution": "approved", "version": version })).await
    }

    /// Asks until the answer is as wanted.
    pub(crate) async fn until(&self, token: &str, path: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
        let until = tokio::time::Instant::now() + PATIENCE;
        let mut last = None;
        while tokio::time::Instant::now() < until {
            if let Some(answer) = self.try_call(token, Method::GET, path, None, &[]).await {
                if wanted(&answer) {
                    return answer;
                }
                last = Some(answer);
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{path} never was as wanted; at last: {last:#?}\n{}", self.log());
    }

    /// Waits until a task is completed or failed.
    pub(crate) async fn task_closed(&self, task: &str) -> Answer {
        let closed = |answer: &Answer| matches!(answer.body["status"].as_str(), Some("completed" | "failed"));
        self.until(REVIEWER, &format!("/v1/tasks/{task}"), closed).await
    }

    /// Creates a buy of these packages and has it approved; its id.
    pub(crate) async fn created(&self, packages: Value) -> String {
        let request = json!({ "packages": packages, "total_budget": 10_000, "flight_start_date": today() });
        let answer = self.post(BUYER, "/v1/media-buys", request).await.expect(202);
        let (buy, task) = (answer.text("/media_buy_id"), answer.text("/task_id"));
        self.approve(&task).await.expect(200);
        let closed = self.task_closed(&task).await;
        assert_eq!(closed.body["status"], "completed", "{:#}", closed.body);
        buy
    }
}

/// Asks a host; `None` if the connection broke.
pub(crate) async fn ask(
    client: &reqwest::Client,
    url: &str,
    token: &str,
    method: Method,
    path: &str,
    body: Option<&Value>,
    headers: &[(&str, &str)],
) -> Option<Answer> {
    let mut request = client.request(method, format!("{url}{path}")).bearer_auth(token);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    let answer = request.send().await.ok()?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let text = answer.text().await.ok()?;
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Some(Answer { status, headers, body })
}

/// Today in UTC, as the host reads it.
pub(crate) fn today() -> String {
    day(0)
}

/// The day so many days from now.
pub(crate) fn day(days: i64) -> String {
    let then = time::OffsetDateTime::now_utc() + time::Duration::days(days);
    then.date().to_string()
}

fn configuration(platforms: &[(&str, &str)], more: &str) -> String {
    let product = |id: &str, formats: &str, cpm: &str| {
        format!(
            "[[products]]\nid = \"{id}\"\nname = \"{id}\"\nplatform = \"kevel\"\nformats = [{formats}]\ncpm = {cpm}\n\
             settings = {{ priority_id = 3002 }}\n\n"
        )
    };
    let mut text = include_str!("flightdeck.toml")
        .replace("ADAPTER", &component("flightdeck-adapter-kevel").display().to_string());
    let first = "kevel = { advertiser_id = \"1001\" }";
    let mapped: String =
        platforms.iter().map(|(name, id)| format!(", {name} = {{ advertiser_id = \"{id}\" }}")).collect();
    text = text.replace(first, &format!("{first}{mapped}"));
    text.push_str(&product("premium_sports", "\"image\", \"video\", \"custom\"", "12.5"));
    text.push_str(&product("entertainment", "\"image\", \"video\"", "8"));
    text.push_str(&product("news", "\"image\", \"video\"", "6.25"));
    text.push_str(&product("drive_time_audio", "\"custom\"", "10"));
    text.push_str(more);
    if !more.contains("approvals") {
        text.push_str("\n[[approvals]]\noperations = [\"create_media_buy\"]\n");
    }
    text
}
