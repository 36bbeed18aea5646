//! The only way out of the sandbox: every request of an adapter passes here.
//!
//! In order: is this call allowed the network at all ([`Mode`]), is it within its number of requests, is the origin
//! listed ([`origins`](crate::network::origins)), is the address allowed ([`allow_list`](crate::network::allow_list)), may this method be used now, is the body within its
//! size ([`body`]), is it the request's turn ([`pace`]). Then credentials are added ([`credentials`], [`tokens`]), the journal is
//! told ([`sending`]) and the request leaves over the platform's own pool of connections. Nothing is repeated, no
//! redirect is followed, no proxy is asked.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use reqwest::Url;

use super::{
    JournalError, PlatformConfig,
    limits::{LimitHit, Limits},
    shared::Shared,
    steps::CallSteps,
    verdict::{self, Verdict},
};
use crate::{
    domain::{
        failure::{Failure, FailureKind},
        id::PlatformName,
        purpose::Purpose,
    },
    metrics::REQUESTS_OUTSIDE_STEPS,
    network::{
        allow_list::{AddressRefused, AllowList},
        base_url::BaseUrl,
        origins::Origin,
        resolver::Resolver,
    },
};

mod body;
pub(crate) mod credentials;
mod declared;
mod echo;
mod hooks;
pub(crate) mod pace;
mod running;
mod sending;
pub(crate) mod tokens;

use credentials::Authentication;
pub(crate) use declared::{DeclaredRequests, Requests};
pub use declared::{PatternError, ReadRequest, WriteRequest};
pub(crate) use hooks::Hooks;
use pace::Pace;
pub(crate) use running::Running;
pub(crate) use sending::Gate;

/// How long an idle connection is kept. Shorter than the 60 s after which common load balancers close it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// Requests that a guest may not make at all, whatever the step: they make no sense through a client, or open tunnels.
const NEVER: [Method; 2] = [Method::CONNECT, Method::TRACE];

/// Why the egress of a platform can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// Tokens are fetched at a private address that is not allowed.
    #[error("tokens are fetched at {url}, but {refused}; if it is meant, add \"{}:{}\" to `allow_private`", url.origin().host, url.origin().port)]
    Login {
        /// Where.
        url: BaseUrl,
        /// What it is.
        refused: AddressRefused,
    },
    /// The credentials.
    #[error(transparent)]
    Credentials(#[from] credentials::CredentialsError),
    /// The HTTP client.
    #[error("the HTTP client can't be set up: {0}")]
    Client(#[source] reqwest::Error),
}

/// The way out of one platform's adapters.
pub(crate) struct PlatformEgress {
    pub(crate) name: PlatformName,
    /// The endpoint's origin and path, from which declared patterns are counted, and the only origin that is sent credentials.
    endpoint: BaseUrl,
    /// Where the same ad server can be reached, too: an operation that began there goes on at `endpoint`.
    aliases: HashSet<Origin>,
    origins: HashSet<Origin>,
    allow_list: AllowList,
    pub(crate) authentication: Authentication,
    /// Which requests are not what their method says, by the operator's word.
    pub(crate) granted: Arc<Requests>,
    pub(crate) pace: Pace,
    /// Who the host is to the ad server: whoever is the same there shares its limits. It may be the credential.
    identity: credentials::Secret,
    connect_timeout: Duration,
    client: reqwest::Client,
}

impl PlatformEgress {
    pub(crate) fn new(config: &PlatformConfig) -> Result<Self, EgressError> {
        let origins: Vec<Origin> =
            if config.origins.is_empty() { vec![config.endpoint.origin().clone()] } else { config.origins.clone() };
        let allow_list = AllowList::new(&config.allow_private);
        let authentication = Authentication::new(&config.credentials, &allow_list)?;
        let granted = Requests::new(config.read_requests.clone(), config.write_requests.clone());
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("flightdeck/", env!("CARGO_PKG_VERSION")))
            .tcp_nodelay(true)
            .connect_timeout(config.connect_timeout)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(config.max_concurrent_requests.max(1))
            .dns_resolver(Arc::new(Resolver::new(allow_list.clone(), &origins)))
            .build()
            .map_err(EgressError::Client)?;
        // Without a credential an ad server counts by whatever it likes: each platform is on its own.
        let identity = config.credentials.identity().unwrap_or_else(|| format!("platform {}", config.name));
        Ok(Self {
            name: config.name.clone(),
            endpoint: config.endpoint.clone(),
            aliases: config.endpoint_aliases.iter().map(|alias| alias.origin().clone()).collect(),
            origins: origins.into_iter().collect(),
            allow_list,
            authentication,
            granted: Arc::new(granted),
            identity: credentials::Secret::new(identity),
            pace: Pace::new(config.max_concurrent_requests, config.rate_per_second),
            connect_timeout: config.connect_timeout,
            client,
        })
    }

    /// What hosts know the credential by at this ad server, and never the credential; `None`: this host shares with nobody.
    pub(crate) fn limit_key(&self, shared: &dyn Shared) -> Option<String> {
        let origin = self.endpoint.origin();
        let name = shared.name_of(&format!("{origin} {}", self.identity.expose()))?;
        Some(format!("{origin} {name}"))
    }

    /// Refuses an address that is not the platform's.
    fn judge(&self, url: &Url) -> Result<(), Failure> {
        let listed = Origin::of(url).filter(|origin| self.origins.contains(origin));
        let shown = shown(url);
        // Connections are pooled by the authority as it is spelled: each spelling would have a pool of its own.
        let spelled = url.username().is_empty() && url.password().is_none();
        if !spelled || url.host_str().is_some_and(|host| host.ends_with('.')) {
            return Err(self.denied(format_args!("asked for {shown} with a user's name or a full stop after the host")));
        }
        let Some(origin) = listed else {
            let line = Origin::of(url).map_or_else(String::new, |origin| {
                format!("; if it should be reached, add \"{origin}\" to `origins` of the platform {}", self.name)
            });
            return Err(self.denied(format_args!("asked for {shown}, which is none of its origins{line}")));
        };
        self.allow_list.check_literal(&origin).map_err(|refused| self.refused(&shown, &origin, &refused))
    }

    fn refused(&self, shown: &str, origin: &Origin, refused: &AddressRefused) -> Failure {
        self.denied(format_args!(
            "asked for {shown}, but {refused}; if it is meant, add \"{}:{}\" to `allow_private` of the platform {}",
            origin.host, origin.port, self.name
        ))
    }

    fn denied(&self, what: std::fmt::Arguments<'_>) -> Failure {
        verdict::fault("egress_denied", self.name.as_str(), what)
    }

    /// The endpoint of the configuration, and what patterns are counted from unless a call has another.
    pub(crate) fn endpoint(&self) -> &BaseUrl {
        &self.endpoint
    }

    /// Whether an address is the endpoint's: credentials are for it alone, whatever else may be reached.
    pub(crate) fn is_endpoint(&self, url: &Url) -> bool {
        Origin::of(url).as_ref() == Some(self.endpoint.origin())
    }

    /// Whether an address is another one of the same ad server, where nothing is sent to.
    pub(crate) fn is_alias(&self, url: &Url) -> bool {
        Origin::of(url).is_some_and(|origin| self.aliases.contains(&origin))
    }

    /// Whether a guest may neither set nor see a header.
    fn is_forbidden(&self, name: &HeaderName) -> bool {
        is_forbidden(self.authentication.known().header_name(), name)
    }
}

/// An address without what may be secret in it.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Fails only for addresses that can have neither.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

/// Headers that are the host's own: authentication, routing, connection. `key` is the platform's own header.
fn is_forbidden(key: Option<&HeaderName>, name: &HeaderName) -> bool {
    wasmtime_wasi_http::DEFAULT_FORBIDDEN_HEADERS.contains(name)
        || matches!(*name, header::AUTHORIZATION | header::COOKIE | header::SET_COOKIE | header::FORWARDED | header::TE)
        || matches!(name.as_str(), "set-cookie2" | "x-forwarded-host" | "x-forwarded-for")
        // A method in disguise would pass for another one.
        || matches!(name.as_str(), "x-http-method-override" | "x-http-method" | "x-method-override")
        || name.as_str().starts_with("proxy-")
        || key == Some(name)
}

/// What a call may do on the network.
#[derive(Debug, Clone)]
pub(crate) enum Mode {
    /// Nothing: `describe` and `plan`.
    Offline,
    /// Requests that only read.
    Read,
    /// Requests that write, too, inside of steps.
    Write(Arc<CallSteps>),
}

impl Mode {
    /// What a call with it is for.
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

/// The way out of one call.
pub(crate) struct CallEgress {
    pub(crate) platform: Arc<PlatformEgress>,
    pub(crate) mode: Mode,
    pub(crate) declared: DeclaredRequests,
    pub(crate) limits: Limits,
    pub(crate) verdict: Verdict,
    pub(crate) traffic: Traffic,
    pub(crate) gate: Gate,
    /// When the call is ended, whatever it does.
    pub(crate) ends_at: tokio::time::Instant,
    /// For how long the answer to a request that writes is waited for, and how much of the call must be left when it leaves.
    pub(crate) write_window: Duration,
    /// The requests that run, so that a call does not end before it is known what became of them.
    pub(crate) running: Running,
}

impl CallEgress {
    /// Records that a limit was run into.
    fn limit(&self, hit: LimitHit) {
        self.verdict.fail(verdict::limit(self.platform.name.as_str(), hit));
    }

    fn misuse(&self, what: std::fmt::Arguments<'_>) -> Failure {
        verdict::fault("misuse", self.platform.name.as_str(), what)
    }

    fn journal(&self, error: &JournalError) -> Failure {
        verdict::journal(self.platform.name.as_str(), error)
    }

    /// Whether a request writes, and so needs an open step.
    ///
    /// # Errors
    /// It may not be made in this call.
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

    /// Counts and logs a request of a call that changes something which no step covers: nothing is recorded of it.
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

    /// The guest's headers without those that are the host's.
    fn request_headers(&self, guest: &HeaderMap) -> HeaderMap {
        let mut headers = guest.clone();
        for name in guest.keys() {
            // Compression would hide an echo of the credentials from the one who looks for it.
            if self.platform.is_forbidden(name) || *name == header::ACCEPT_ENCODING || *name == header::CONTENT_LENGTH {
                headers.remove(name);
            }
        }
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers
    }

    /// Refuses an answer that is not as it was asked for: in what is compressed, no echo of the credentials can be seen.
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

    /// The platform's headers without those that are the host's, and without an echo of the credentials.
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
