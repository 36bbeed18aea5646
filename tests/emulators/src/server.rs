//! The HTTP server. It has its own accept loop, because a fault that drops the connection needs
//! access to the connection.
//!
//! Every request is processed in the same order for every platform: log; faults before acting;
//! latency; credentials; rate limit; the platform's action; faults after acting. All of that runs
//! in a separate task: hyper drops the future of a request whose client has hung up, and an action
//! must not be interrupted half-way. Once a request was read, it acts, however long it was stalled
//! or held, and however long ago its client disconnected.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    http::{HeaderName, HeaderValue, Request, Response, StatusCode, request::Parts},
};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};
use tower::ServiceExt;

use crate::{
    control::{
        Controls,
        faults::{Action, Then},
        log::{Entry, Line, Outcome},
        routes,
    },
    platform::{Call, Credentials, Platform, bytes, json, route_of},
};

/// The largest accepted request body, in bytes: more than any campaign, and harmless.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// How long a graceful shutdown waits for requests in flight.
const STOP_WAIT: Duration = Duration::from_secs(2);

/// Why an emulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address could not be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The configured address.
        address: String,
        /// The system's error.
        source: io::Error,
    },
    /// No key could be made for the platform's service account.
    #[error("cannot make a key for the service account: the system gives no randomness")]
    Key,
}

/// A running emulator. It stops when dropped.
#[derive(Debug)]
pub struct Running<P> {
    /// The base URL, without a trailing slash: `http://127.0.0.1:49152`.
    pub url: String,
    /// The address that it listens on.
    pub addr: SocketAddr,
    platform: Arc<P>,
    controls: Arc<Controls>,
    stop: watch::Sender<bool>,
    accepting: Option<JoinHandle<()>>,
}

impl<P: Platform> Running<P> {
    /// Starts a platform on an address such as `127.0.0.1:0` (port 0 picks a free port).
    ///
    /// # Errors
    /// [`StartError::Listen`] when the address can't be listened on.
    pub async fn start(platform: Arc<P>, controls: Arc<Controls>, listen: &str) -> Result<Self, StartError> {
        let refused = |source| StartError::Listen { address: listen.to_owned(), source };
        let listener = TcpListener::bind(listen).await.map_err(refused)?;
        let addr = listener.local_addr().map_err(refused)?;
        let shared: Arc<dyn Platform> = Arc::clone(&platform) as Arc<dyn Platform>;
        let house = Arc::new(House {
            panel: routes::router(Arc::clone(&controls), Arc::clone(&shared)),
            platform: shared,
            controls: Arc::clone(&controls),
        });
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(listener, house, stopped));
        Ok(Self { url: format!("http://{addr}"), addr, platform, controls, stop, accepting: Some(accepting) })
    }

    /// Returns the platform, for a test in the same process.
    #[must_use]
    pub fn platform(&self) -> &P {
        &self.platform
    }

    /// Returns the controls: clock, faults, log and settings.
    #[must_use]
    pub fn controls(&self) -> &Controls {
        &self.controls
    }

    /// Shuts down gracefully: no new connections, and two seconds for requests in flight.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if let Some(task) = self.accepting.take() {
            let _ = task.await;
        }
        let _ = tokio::time::timeout(STOP_WAIT, self.stop.closed()).await;
    }
}

impl<P> Drop for Running<P> {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(task) = self.accepting.take() {
            task.abort();
        }
    }
}

struct House {
    platform: Arc<dyn Platform>,
    controls: Arc<Controls>,
    panel: Router,
}

/// The connection must be closed without a response. As the error of a hyper service, this makes
/// hyper drop the connection before it has written anything.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped on purpose")]
struct Dropped;

type Answer = Result<Response<Body>, Dropped>;

async fn accept(listener: TcpListener, house: Arc<House>, mut stopped: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, Arc::clone(&house), stopped.clone()));
            }
            // Most likely out of file descriptors: give other connections a moment to finish.
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, house: Arc<House>, mut stopped: watch::Receiver<bool>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY was refused");
    }
    let service = service_fn(move |request| serve(Arc::clone(&house), request));
    let mut served = std::pin::pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = until_stopped(&mut stopped) => {
            served.as_mut().graceful_shutdown();
            match tokio::time::timeout(STOP_WAIT, served).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn until_stopped(stopped: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which also means a stop.
    let _ = stopped.wait_for(|stop| *stop).await;
}

async fn serve(house: Arc<House>, request: Request<Incoming>) -> Answer {
    if request.uri().path().starts_with("/__control/") {
        let panel = house.panel.clone();
        return match panel.oneshot(request.map(Body::new)).await {
            Ok(response) => Ok(response),
            Err(never) => match never {},
        };
    }
    let (parts, body) = request.into_parts();
    let Ok(collected) = Limited::new(body, MAX_BODY).collect().await else {
        return Err(Dropped);
    };
    let call = to_call(&parts, collected.to_bytes());
    // A separate task: see the module's documentation.
    tokio::spawn(async move { handle(house, parts, call).await }).await.unwrap_or(Err(Dropped))
}

fn to_call(parts: &Parts, body: Bytes) -> Call {
    let query = parts.uri.query().unwrap_or("");
    Call {
        method: parts.method.clone(),
        path: parts.uri.path().to_owned(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: parts.headers.clone(),
        body,
    }
}

async fn handle(house: Arc<House>, parts: Parts, call: Call) -> Answer {
    let begun = Instant::now();
    let credentials = house.platform.credentials(&call);
    let action = house.controls.faults.take(&call.method, &call.path, house.platform.writes(&call));
    let line = house.begin(&parts, &call, credentials, action.as_ref());
    if action.as_ref().is_some_and(Action::hangs_up) {
        // The client sees a closed connection now, but its request is still processed.
        tokio::spawn(async move {
            let answer = house.perform(line, &call, credentials, action).await;
            drop(answer);
            house.ended(line, begun, &Err(Dropped));
        });
        return Err(Dropped);
    }
    let answer = house.perform(line, &call, credentials, action).await;
    house.ended(line, begun, &answer);
    answer
}

impl House {
    fn begin(&self, parts: &Parts, call: &Call, credentials: Credentials, action: Option<&Action>) -> Line {
        let mut path = parts.uri.to_string();
        let mut route = route_of(&call.path);
        for secret in self.platform.secrets().iter().filter(|secret| !secret.is_empty()) {
            path = path.replace(secret.as_str(), "***");
            route = route.replace(secret.as_str(), "***");
        }
        self.controls.log.begin(Entry {
            seq: 0,
            at: self.controls.clock.now(),
            method: call.method.to_string(),
            path,
            route,
            credentials,
            outcome: Outcome::Running,
            acted: false,
            status: None,
            ms: 0,
            fault: action.map(Action::name),
        })
    }

    fn ended(&self, line: Line, begun: Instant, answer: &Answer) {
        self.controls.log.mark(line, |entry| {
            entry.ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            entry.status = answer.as_ref().ok().map(|response| response.status().as_u16());
            entry.outcome = if answer.is_ok() { Outcome::Answered } else { Outcome::Dropped };
        });
    }

    async fn perform(&self, line: Line, call: &Call, credentials: Credentials, action: Option<Action>) -> Answer {
        match &action {
            Some(Action::DropBeforeActing) => return Err(Dropped),
            Some(Action::Fail { status, body, headers }) => {
                return Ok(made_up(*status, body.as_ref(), headers));
            }
            Some(Action::Refuse { status, reason, headers }) => {
                return Ok(made_up(*status, Some(&self.platform.refusal(*status, reason)), headers));
            }
            Some(Action::Hold { .. }) => {
                let Some(released) = self.controls.held.wait().await else { return Err(Dropped) };
                let answer = self.act(line, call, credentials);
                released.done();
                return Ok(answer);
            }
            Some(Action::Stall { ms, then, .. }) => {
                tokio::time::sleep(Duration::from_millis(*ms)).await;
                if *then == Then::Drop {
                    return Err(Dropped);
                }
            }
            _ => {}
        }
        let latency = self.controls.settings.get().latency_ms;
        if latency > 0 {
            tokio::time::sleep(Duration::from_millis(latency)).await;
        }
        let answer = self.act(line, call, credentials);
        match action {
            Some(Action::DropAfterActing) => Err(Dropped),
            Some(Action::FailAfterActing { status, body, headers }) => Ok(made_up(status, body.as_ref(), &headers)),
            Some(Action::StallAfterActing { ms }) => {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                Ok(answer)
            }
            _ => Ok(answer),
        }
    }

    fn act(&self, line: Line, call: &Call, credentials: Credentials) -> Response<Body> {
        if matches!(credentials, Credentials::Wrong | Credentials::Missing) {
            return self.platform.unauthorised(credentials);
        }
        if let Some(seconds) = self.controls.settings.over_limit() {
            return self.platform.too_many(seconds);
        }
        self.controls.log.mark(line, |entry| entry.acted = true);
        self.platform.act(call)
    }
}

/// Makes the response that a fault rule asks for.
fn made_up(status: u16, body: Option<&Value>, headers: &BTreeMap<String, String>) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match body {
        Some(Value::String(text)) if text.starts_with('<') => {
            bytes(status, "text/html; charset=utf-8", text.clone().into())
        }
        Some(Value::String(text)) => bytes(status, "text/plain; charset=utf-8", text.clone().into()),
        Some(body) => json(status, body),
        None => bytes(status, "text/plain; charset=utf-8", Vec::new()),
    };
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
