//! The egress of one platform: its addresses, credentials and pace, shared by all calls.

use std::{
    collections::HashSet,
    sync::{Arc, OnceLock},
    time::Duration,
};

use http::{HeaderName, header};
use reqwest::Url;

use super::{
    Requests,
    credentials::{self, Authentication, Injection},
    pace::Pace,
    server_clock::ServerClock,
    tap::Tap,
};
use crate::{
    adapters::{PlatformConfig, failures, shared::Shared},
    domain::{failure::Failure, id::PlatformName},
    network::{
        allow_list::{AddressRefused, AllowList},
        base_url::BaseUrl,
        origins::Origin,
        resolver::Resolver,
    },
};

/// How long an idle connection is kept: less than the 60 s after which common load balancers close
/// it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// Why the egress of a platform can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// Tokens would be fetched from a private address that is not allowed.
    #[error("tokens are fetched at {url}, but {refused}; if it is meant, add \"{}:{}\" to `allow_private`", url.origin().host, url.origin().port)]
    Login {
        /// The token endpoint.
        url: BaseUrl,
        /// Why its address is refused.
        refused: AddressRefused,
    },
    /// The credentials are invalid.
    #[error(transparent)]
    Credentials(#[from] credentials::CredentialsError),
    /// The HTTP client can't be built.
    #[error("the HTTP client can't be set up: {0}")]
    Client(#[source] reqwest::Error),
}

/// The egress of one platform's adapters.
pub(crate) struct PlatformEgress {
    pub(crate) name: PlatformName,
    /// The endpoint. Declared patterns are relative to its path, and credentials are sent to its
    /// origin only.
    endpoint: BaseUrl,
    /// Other origins of the same ad server. An operation that began at one of them continues at
    /// `endpoint`.
    aliases: HashSet<Origin>,
    origins: HashSet<Origin>,
    allow_list: AllowList,
    pub(crate) authentication: Authentication,
    /// The requests that the operator grants to be classified against their method.
    pub(crate) granted: Arc<Requests>,
    pub(crate) pace: Pace,
    /// The host's identity at the ad server; platforms with the same identity share its limits. It
    /// may be the credential itself.
    identity: credentials::Secret,
    pub(super) connect_timeout: Duration,
    pub(super) client: reqwest::Client,
    /// What its answers say of its clock.
    pub(crate) clock: ServerClock,
    /// Who is shown every request, if anybody is.
    pub(crate) tap: OnceLock<Arc<dyn Tap>>,
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
        // Without a credential there is no telling how an ad server counts, so each platform is on
        // its own.
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
            clock: ServerClock::default(),
            tap: OnceLock::new(),
        })
    }

    /// Returns the key under which hosts share the credential's limits at this ad server, never the
    /// credential itself. `None` if this host shares with nobody.
    pub(crate) fn limit_key(&self, shared: &dyn Shared) -> Option<String> {
        let origin = self.endpoint.origin();
        let name = shared.name_of(&format!("{origin} {}", self.identity.expose()))?;
        Some(format!("{origin} {name}"))
    }

    /// Refuses an address that is not the platform's.
    pub(super) fn judge(&self, url: &Url) -> Result<(), Failure> {
        let listed = Origin::of(url).filter(|origin| self.origins.contains(origin));
        let shown = shown(url);
        // Connections are pooled by the authority as spelled, so each spelling would have a pool of
        // its own.
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

    pub(super) fn refused(&self, shown: &str, origin: &Origin, refused: &AddressRefused) -> Failure {
        self.denied(format_args!(
            "asked for {shown}, but {refused}; if it is meant, add \"{}:{}\" to `allow_private` of the platform {}",
            origin.host, origin.port, self.name
        ))
    }

    fn denied(&self, what: std::fmt::Arguments<'_>) -> Failure {
        failures::fault("egress_denied", self.name.as_str(), what)
    }

    /// Returns the configured endpoint, to which patterns are relative unless a call has another
    /// one.
    pub(crate) fn endpoint(&self) -> &BaseUrl {
        &self.endpoint
    }

    /// Returns whether a URL is at the endpoint's origin. Credentials are sent only there, whatever
    /// else may be reached.
    pub(crate) fn is_endpoint(&self, url: &Url) -> bool {
        Origin::of(url).as_ref() == Some(self.endpoint.origin())
    }

    /// Returns whether a URL is at an alias of the same ad server, to which nothing is sent.
    pub(crate) fn is_alias(&self, url: &Url) -> bool {
        Origin::of(url).is_some_and(|origin| self.aliases.contains(&origin))
    }

    /// Returns whether a header may neither be set nor seen by a guest.
    pub(super) fn is_forbidden(&self, name: &HeaderName) -> bool {
        is_forbidden(&self.authentication.known(), name)
    }
}

/// Formats a URL without the parts that may be secret.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Fails only for URLs that can have neither.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

/// Returns whether a header is reserved for the host: authentication, routing, connection, and
/// those that the host adds for this platform.
pub(super) fn is_forbidden(added: &Injection, name: &HeaderName) -> bool {
    wasmtime_wasi_http::DEFAULT_FORBIDDEN_HEADERS.contains(name)
        || matches!(*name, header::AUTHORIZATION | header::COOKIE | header::SET_COOKIE | header::FORWARDED | header::TE)
        || matches!(name.as_str(), "set-cookie2" | "x-forwarded-host" | "x-forwarded-for")
        // A method override would let one method pass as another.
        || matches!(name.as_str(), "x-http-method-override" | "x-http-method" | "x-method-override")
        || name.as_str().starts_with("proxy-")
        || added.sets_header(name)
}
