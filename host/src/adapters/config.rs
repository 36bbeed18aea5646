//! The configuration of the host's platforms.

use std::{path::PathBuf, time::Duration};

use serde_json::Value;

use super::{
    egress::{EgressError, ReadRequest, WriteRequest, credentials::Credentials},
    engine::EngineOptions,
    limits::Limits,
    release::InstallError,
    signature::PublicKey,
};
use crate::{
    domain::id::PlatformName,
    network::{allow_list::AllowedAddress, base_url::BaseUrl, origins::Origin},
};

/// The input to [`super::Adapters::start`].
#[derive(Debug, Clone)]
pub struct AdaptersConfig {
    /// The directory of releases (`releases/`) and cached native code (`code/`).
    pub data_dir: PathBuf,
    /// The program that compiles components: this program itself, except in tests.
    pub compiler: PathBuf,
    /// Engine settings.
    pub engine: EngineOptions,
    /// One entry for each platform.
    pub platforms: Vec<PlatformConfig>,
}

/// One platform: an ad server, its adapter, and what the adapter may do.
#[derive(Debug, Clone, PartialEq)]
pub struct PlatformConfig {
    /// The platform's name in configuration, ids and products.
    pub name: PlatformName,
    /// Path of the adapter's component file. `None`: the platform's adapter is installed while the
    /// host serves.
    pub component: Option<PathBuf>,
    /// The keys of which one must have signed the component. Empty means that any component is
    /// taken.
    pub trusted_keys: Vec<PublicKey>,
    /// The base address of the platform's API.
    pub endpoint: BaseUrl,
    /// Other base addresses of the same ad server. Operations that began at one of them continue at
    /// `endpoint`.
    pub endpoint_aliases: Vec<BaseUrl>,
    /// Every origin that the adapter may reach. Empty means the endpoint's origin only.
    pub origins: Vec<Origin>,
    /// Private networks, addresses or `host:port` that may be dialled.
    pub allow_private: Vec<AllowedAddress>,
    /// Credentials that the host adds to requests.
    pub credentials: Credentials,
    /// The `POST`s that may pass as reads if the adapter declares them, such as
    /// `POST /v1/report/queue`.
    pub read_requests: Vec<ReadRequest>,
    /// The `GET`s that count as writes whatever the adapter declares, such as
    /// `GET /v1/flight/*/delete`.
    pub write_requests: Vec<WriteRequest>,
    /// The adapter's settings, valid against its `settings-schema`.
    pub settings: Value,
    /// The limits of one call.
    pub limits: Limits,
    /// Maximum requests per second. `None` means unlimited.
    pub rate_per_second: Option<u32>,
    /// Maximum concurrent requests.
    pub max_concurrent_requests: usize,
    /// Minimum wait, in milliseconds, before a step in doubt is looked up. The adapter's own lookup
    /// lag applies if it is longer.
    pub in_doubt_wait_ms: u32,
    /// How long, in milliseconds, the ad server may keep processing a request after the host
    /// stopped waiting for the answer.
    pub processing_bound_ms: u32,
    /// How long establishing a connection may take.
    pub connect_timeout: Duration,
    /// Whether the host keeps its failed calls, with the requests and answers, for the adapter's
    /// author. They hold buyers' data.
    pub record_failures: bool,
}

impl PlatformConfig {
    /// The default of `max_concurrent_requests`.
    pub const MAX_CONCURRENT_REQUESTS: usize = 16;

    /// The default of `processing_bound_ms`. Gateways in front of ad servers give up after one to
    /// two minutes; reports and batches take up to three. Five minutes after the host hung up,
    /// hardly anything is still being processed, and a request that is will be found by a later
    /// lookup.
    pub const PROCESSING_BOUND_MS: u32 = 300_000;

    /// The default of `connect_timeout`. A connection attempt that takes longer is abandoned, and
    /// its request counts as never sent. Platforms that write use a shorter time-out where leases
    /// are short, because a request must leave while the lease under which it was allowed still
    /// holds.
    pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

    /// Returns a platform with the defaults: its endpoint's origin only, no credentials, no rate
    /// limit, and a component that needs no signature.
    pub fn new(name: impl Into<PlatformName>, component: impl Into<PathBuf>, endpoint: BaseUrl) -> Self {
        Self {
            name: name.into(),
            component: Some(component.into()),
            trusted_keys: Vec::new(),
            endpoint,
            endpoint_aliases: Vec::new(),
            origins: Vec::new(),
            allow_private: Vec::new(),
            credentials: Credentials::None,
            read_requests: Vec::new(),
            write_requests: Vec::new(),
            settings: Value::Object(serde_json::Map::new()),
            limits: Limits::default(),
            rate_per_second: None,
            max_concurrent_requests: Self::MAX_CONCURRENT_REQUESTS,
            in_doubt_wait_ms: 0,
            processing_bound_ms: Self::PROCESSING_BOUND_MS,
            connect_timeout: Self::CONNECT_TIMEOUT,
            record_failures: false,
        }
    }
}

/// Why the adapters could not be started. All platforms are checked before it is returned.
#[derive(Debug, thiserror::Error)]
pub enum AdapterSetupError {
    /// The engine doesn't work on this machine.
    #[error("the WebAssembly engine can't be started: {0}")]
    Engine(String),
    /// The data directory can't be used.
    #[error("{path}: {source}; the data directory must be writable by this user alone")]
    DataDir {
        /// The directory's path.
        path: PathBuf,
        /// The I/O error.
        source: std::io::Error,
    },
    /// The platforms that can't be used, each with its reason.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Platforms(Vec<PlatformError>),
}

/// A platform that can't be used, and why.
#[derive(Debug, thiserror::Error)]
#[error("platform {platform}: {reason}")]
pub struct PlatformError {
    /// The platform's name.
    pub platform: PlatformName,
    /// The reason.
    pub reason: PlatformErrorReason,
}

/// Why a platform can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PlatformErrorReason {
    /// Two platforms have this name.
    #[error("is configured twice; give each platform a name of its own")]
    Twice,
    /// The credentials are invalid, or the HTTP client can't be built.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// The adapter can't be loaded.
    #[error(transparent)]
    Install(#[from] InstallError),
}
