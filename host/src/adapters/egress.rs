//! The only way out of the sandbox: every request of an adapter passes through here.
//!
//! A request passes these checks in order:
//!
//! - the call may use the network at all ([`Mode`]) and is within its number of requests;
//! - the origin is listed ([`origins`](crate::network::origins)) and its address is allowed
//!   ([`allow_list`](crate::network::allow_list));
//! - the method may be used now;
//! - the body is within its size limit ([`body`]);
//! - it is the request's turn ([`pace`]).
//!
//! Then credentials are added ([`credentials`], [`tokens`]), the request is recorded with the open
//! step ([`sending`]), and it leaves over the platform's own connection pool ([`platform`]).
//! Nothing is retried, no redirect is followed, no proxy is used.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use reqwest::Url;

use super::{
    JournalError,
    failures::{self, FirstFailure},
    limits::{LimitHit, Limits},
    recording::Listening,
    steps::CallSteps,
};
use crate::{
    domain::{
        failure::{Failure, FailureKind},
        purpose::Purpose,
    },
    metrics::REQUESTS_OUTSIDE_STEPS,
};

mod body;
pub(crate) mod credentials;
mod declared;
mod echo;
mod hooks;
pub(crate) mod pace;
mod platform;
pub(crate) mod replay;
mod running;
mod sending;
mod server_clock;
mod tap;
pub(crate) mod tokens;

pub(crate) use declared::{DeclaredRequests, Requests};
pub use declared::{PatternError, ReadRequest, WriteRequest};
pub(crate) use hooks::Hooks;
pub use platform::EgressError;
pub(crate) use platform::PlatformEgress;
use platform::{is_forbidden, shown};
pub(crate) use running::Running;
pub(crate) use sending::Gate;
pub use tap::{Answer, CallSeen, Exchange, Tap, Unanswered};

/// Methods that a guest may never use: they open tunnels, or make no sense through a client.
const NEVER: [Method; 2] = [Method::CONNECT, Method::TRACE];

/// Forbidden headers of one call that are logged.
const HEADERS_LOGGED: usize = 20;

/// What a call may do on the network.
#[derive(Debug, Clone)]
pub(crate) enum Mode {
    /// No requests: `describe` and `plan`.
    Offline,
    /// Only requests that read.
    Read,
    /// Also requests that write, within steps.
    Write(Arc<CallSteps>),
}

impl Mode {
    /// Returns the purpose of a call in this mode.
    pub(crate) const fn purpose(&self) -> Purpose {
        match self {
            Self::Offline => Purpose::Plan,
            Self::Read => Purpose::Read,
            Self::Write(_) => Purpose::Change,
        }
    }
}

/// How much a call has sent and received.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    requests: AtomicU32,
    sent: AtomicUsize,
    received: AtomicUsize,
}

impl Traffic {
    /// Returns the number of requests, and the bytes of their bodies and of the answers'.
    pub(crate) fn so_far(&self) -> (u32, usize, usize) {
        let (requests, sent) = (self.requests.load(Ordering::Relaxed), self.sent.load(Ordering::Relaxed));
        (requests, sent, self.received.load(Ordering::Relaxed))
    }

    fn add_request(&self) -> u32 {
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn add_sent(&self, bytes: usize) -> usize {
        self.sent.fetch_add(bytes, Ordering::Relaxed) + bytes
    }

    fn add_received(&self, bytes: usize) -> usize {
        self.received.fetch_add(bytes, Ordering::Relaxed) + bytes
    }
}

/// The egress of one call.
pub(crate) struct CallEgress {
    pub(crate) platform: Arc<PlatformEgress>,
    pub(crate) mode: Mode,
    pub(crate) declared: DeclaredRequests,
    pub(crate) limits: Limits,
    pub(crate) first_failure: FirstFailure,
    pub(crate) traffic: Traffic,
    pub(crate) gate: Gate,
    /// When the call is ended, whatever it is doing.
    pub(crate) ends_at: tokio::time::Instant,
    /// How long to wait for the answer to a request that writes, and how much time the call must
    /// have left when the request leaves.
    pub(crate) write_window: Duration,
    /// The headers that the guest tried to set although they are the host's, as far as they were
    /// logged.
    pub(crate) forbidden_headers: Mutex<BTreeSet<String>>,
    /// The requests in flight, so that the call does not end before their results are known.
    pub(crate) running: Running,
    /// Who records the requests, and what answers them instead of the ad server.
    pub(crate) listening: Listening,
}

impl CallEgress {
    /// Records that the call hit a limit.
    fn limit(&self, hit: LimitHit) {
        self.first_failure.fail(failures::limit(self.platform.name.as_str(), hit));
    }

    fn misuse(&self, what: std::fmt::Arguments<'_>) -> Failure {
        failures::fault("misuse", self.platform.name.as_str(), what)
    }

    fn journal(&self, error: &JournalError) -> Failure {
        failures::journal(self.platform.name.as_str(), error)
    }

    /// Returns the steps if the request writes and so needs an open step.
    ///
    /// # Errors
    /// When the request is not allowed in this call.
    fn writes(&self, method: &Method, url: &Url) -> Result<Option<&Arc<CallSteps>>, Failure> {
        if NEVER.contains(method) {
            return Err(self.misuse(format_args!("used the method {method}, which is never allowed")));
        }
        let reads = self.declared.only_reads(method, url);
        match (&self.mode, reads) {
            (Mode::Offline, _) => {
                Err(self.misuse(format_args!("asked for {} where no network may be used (describe, plan)", shown(url))))
            }
            (Mode::Read, true) => Ok(None),
            (Mode::Write(steps), true) => {
                self.note_outside_step(steps, method, url);
                Ok(None)
            }
            (Mode::Read, false) => Err(self.misuse(format_args!(
                "sent {method} {} in a function that only reads; if the request changes nothing, the adapter must list \
                 it in its `read-requests`, and the configuration in `read_requests` of the platform",
                shown(url)
            ))),
            (Mode::Write(steps), false) => {
                steps.may_write(self.platform.connect_timeout).map_err(|error| match error {
                    JournalError::Misuse(why) => {
                        self.misuse(format_args!("sent {method} {} outside of a step: {why}", shown(url)))
                    }
                    stopped => self.journal(&stopped),
                })?;
                Ok(Some(steps))
            }
        }
    }

    /// Counts and logs a request outside any step in a call that makes changes: nothing is recorded
    /// of it.
    fn note_outside_step(&self, steps: &CallSteps, method: &Method, url: &Url) {
        if steps.step_is_open() {
            return;
        }
        let platform = self.platform.name.as_str();
        let labels = [("platform", platform.to_owned()), ("method", method.to_string())];
        metrics::counter!(REQUESTS_OUTSIDE_STEPS, &labels).increment(1);
        if method.is_safe() {
            tracing::debug!(adapter = platform, %method, url = shown(url), "a call that writes has read outside of a step");
        } else {
            tracing::info!(
                adapter = platform,
                %method,
                url = shown(url),
                "a call that writes has sent outside of a step what is declared to read"
            );
        }
    }

    /// Logs the name of a header that the guest may not set, once in each call.
    fn note_forbidden_header(&self, name: &HeaderName) {
        let mut logged = self.forbidden_headers.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.len() < HEADERS_LOGGED && logged.insert(name.to_string()) {
            tracing::warn!(
                adapter = %self.platform.name,
                header = %name,
                code = "forbidden_header",
                "the adapter tried to set the header {name}, which only the host sets: leave it out; credentials are configured in \
                 `auth` of the platform"
            );
        }
    }

    /// Returns the guest's headers without those reserved for the host.
    fn request_headers(&self, guest: &HeaderMap) -> HeaderMap {
        let mut headers = guest.clone();
        for name in guest.keys() {
            // Compression would hide an echo of the credentials from the scrubber.
            if self.platform.is_forbidden(name) || *name == header::ACCEPT_ENCODING || *name == header::CONTENT_LENGTH {
                headers.remove(name);
            }
        }
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers
    }

    /// Refuses an answer whose encoding was not asked for: an echo of the credentials can't be
    /// found in compressed data.
    fn judge_encoding(&self, answered: &HeaderMap) -> Result<(), Failure> {
        let asked = |name: HeaderName, fine: &[&str]| {
            let words = answered.get_all(name).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
            let mut words = words.map(|word| String::from_utf8_lossy(word).trim().to_ascii_lowercase());
            words.find(|word| !word.is_empty() && !fine.contains(&word.as_str()))
        };
        let coding = asked(header::CONTENT_ENCODING, &["identity"])
            .or_else(|| asked(header::TRANSFER_ENCODING, &["identity", "chunked"]));
        let Some(coding) = coding else { return Ok(()) };
        let platform = &self.platform.name;
        let coding: String = coding.chars().filter(char::is_ascii_graphic).take(40).collect();
        Err(Failure::new(
            FailureKind::Unavailable,
            "content_encoding",
            format!(
                "the ad server of the platform {platform} answered in `{coding}`, although the host asks for what is not encoded \
                 (accept-encoding: identity): have it, or the proxy before it, send plain answers"
            ),
        ))
    }

    /// Returns the platform's headers without those reserved for the host, with any echo of the
    /// credentials removed.
    fn response_headers(&self, answered: &HeaderMap) -> HeaderMap {
        let injection = self.platform.authentication.known();
        let mut headers = HeaderMap::with_capacity(answered.len());
        for (name, value) in answered {
            let shows = injection.occurs_in(value.as_bytes()) || injection.occurs_in(name.as_str().as_bytes());
            if !self.platform.is_forbidden(name) && !shows {
                headers.append(name.clone(), value.clone());
            }
        }
        headers
    }
}
