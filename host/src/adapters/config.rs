//! What the host is told about its platforms.

use std::{path::PathBuf, time::Duration};

use serde_json::Value;

use super::{
    egress::{EgressError, ReadRequest, WriteRequest, credentials::Credentials},
    engine::EngineOptions,
    limits::Limits,
    release::InstallError,
};
use crate::{
    domain::id::PlatformName,
    network::{allow_list::AllowedAddress, base_url::BaseUrl, origins::Origin},
};

/// What [`super::Adapters::start`] needs.
#[derive(Debug, Clone)]
pub struct AdaptersConfig {
    /// Where releases and the cache of native code are kept: `releases/` and `code/` below it.
    pub data_dir: PathBuf,
    /// The program that compiles components: this program itself, but in tests.
    pub compiler: PathBuf,
    /// The engine.
    pub engine: EngineOptions,
    /// The platforms.
    pub platforms: Vec<PlatformConfig>,
}

/// One platform: an ad server, the adapter that speaks to it, and what it may do.
#[derive(Debug, Clone)]
pub struct PlatformConfig {
    /// Its name in configuration, ids and products.
    pub name: PlatformName,
    /// The adapter, a file.
    pub component: PathBuf,
    /// The base address of the platform's API.
    pub endpoint: BaseUrl,
    /// Other base addresses of the same ad server: what began at one of them goes on at `endpoint`.
    pub endpoint_aliases: Vec<BaseUrl>,
    /// Every origin that the adapter may reach; empty: the endpoint's.
    pub origins: Vec<Origin>,
    /// Private networks, addresses or `host:port` that may be dialled.
    pub allow_private: Vec<AllowedAddress>,
    /// What is added to requests.
    pub credentials: Credentials,
    /// The `POST`s that may pass as reads if the adapter declares them, as `POST /v1/report/queue`.
    pub read_requests: Vec<ReadRequest>,
    /// The `GET`s that write, whatever the adapter declares, as `GET /v1/flight/*/delete`.
    pub write_requests: Vec<WriteRequest>,
    /// The adapter's settings; valid by its `settings-schema`.
    pub settings: Value,
    /// What one call may use.
    pub limits: Limits,
    /// Requests a second; `None`: as many as there are.
    pub rate_per_second: Option<u32>,
    /// Requests at a time.
    pub max_concurrent_requests: usize,
    /// How long to let pass, at least, before a step in doubt is looked up; the adapter's own lag counts if it is longer.
    pub in_doubt_wait_ms: u32,
    /// How long the ad server may go on with a request after the host gave up waiting for its answer.
    pub processing_bound_ms: u32,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
}

impl PlatformConfig {
    /// The default of `max_concurrent_requests`.
    pub const MAX_CONCURRENT_REQUESTS: usize = 16;

    /// The default of `processing_bound_ms`. Gateways in front of ad servers give up after one to two minutes, reports and batches
    /// take up to three: five minutes after the host hung up, hardly anything is still on its way. What is gets looked for again all
    /// the same.
    pub const PROCESSING_BOUND_MS: u32 = 300_000;

    /// The default of `connect_timeout`. A connection that takes longer to be made is given up, and its request counts as never sent.
    /// Platforms that change something take less where leases are short: a request must leave while the lease holds under which it
    /// was allowed.
    pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

    /// A platform with the defaults: its endpoint's origin only, no credentials, no rate.
    pub fn new(name: impl Into<PlatformName>, component: impl Into<PathBuf>, endpoint: BaseUrl) -> Self {
        Self {
            name: name.into(),
            component: component.into(),
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
        }
    }
}

/// Why adapters could not be started. All platforms are looked at before it is returned.
#[derive(Debug, thiserror::Error)]
pub enum AdapterSetupError {
    /// The engine does not work on this machine.
    #[error("the WebAssembly engine can't be started: {0}")]
    Engine(String),
    /// The data directory can't be used.
    #[error("{path}: {source}; the data directory must be writable by this user alone")]
    DataDir {
        /// Which directory.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
    /// Platforms that can't be used, each with its reason.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Platforms(Vec<PlatformError>),
}

/// Why one platform can't be used.
#[derive(Debug, thiserror::Error)]
#[error("platform {platform}: {reason}")]
pub struct PlatformError {
    /// Which one.
    pub platform: PlatformName,
    /// Why.
    pub reason: PlatformErrorReason,
}

/// Why one platform can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PlatformErrorReason {
    /// Two platforms have this name.
    #[error("is configured twice; give each platform a name of its own")]
    Twice,
    /// Credentials, or the HTTP client.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// The adapter.
    #[error(transparent)]
    Install(#[from] InstallError),
}
