//! How the host is reached, and where it keeps its data.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroUsize,
    path::PathBuf,
    time::Duration,
};

use ipnet::IpNet;

use super::{
    mistake::Place,
    reader::{Node, Read, Reader},
    section::Section,
    values,
};
use crate::network::{allow_list, base_url::BaseUrl};

/// Overrides `listen` of `[server]`.
pub const LISTEN_VARIABLE: &str = "FLIGHTDECK_LISTEN";

/// Overrides `dir` of `[data]`. A relative path is resolved against the working directory.
pub const DATA_DIR_VARIABLE: &str = "FLIGHTDECK_DATA_DIR";

/// A host without configuration is reachable only from its own machine.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// A create with several hundred packages is 200 KiB, and buyers never upload files.
const DEFAULT_REQUEST_BYTES: NonZeroUsize = NonZeroUsize::new(1 << 20).unwrap();

/// Shorter than the 30 s after which container platforms kill a process.
const DEFAULT_SHUTDOWN_GRACE: Duration = Duration::from_secs(25);

/// Most changes end within seconds, and a longer wait could exceed the client's own timeout.
const DEFAULT_WAIT: Duration = Duration::from_secs(20);

/// Common proxies time out after 60 s.
const DEFAULT_MAX_WAIT: Duration = Duration::from_secs(55);

/// A hundred orchestrators behind one address need several connections each. One machine still
/// can't take all connections.
const DEFAULT_CONNECTIONS_PER_ADDRESS: usize = 1_000;

/// The head of a request is a few hundred bytes and is sent at once. A client on a bad connection
/// retransmits it within seconds.
const DEFAULT_HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Enough for a megabyte at 35 KiB a second.
const DEFAULT_BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Load balancers keep connections for 60 s and report errors if the other side closes them first.
const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// Enough for browsers and agents, which multiplex requests over one connection. Each request may
/// have a body.
const DEFAULT_STREAMS: u32 = 100;

/// The most connections that may be configured. With more, their buffers of 64 KiB each would take
/// gigabytes of memory.
const MOST_CONNECTIONS: i64 = 100_000;

/// `[server]`: how the host is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// `listen`: address and port. Port 0 takes a free port. Default `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// `public_url`: the address under which others reach the host, for links. Default: none.
    pub public_url: Option<BaseUrl>,
    /// `max_request_size`: the largest request body that is accepted, in bytes. Default 1 MiB.
    pub max_request_bytes: NonZeroUsize,
    /// `shutdown_grace`: how long running work may take to end after SIGTERM. Default `25s`.
    pub shutdown_grace: Duration,
    /// `default_wait`: how long a write waits for its outcome if the caller does not specify it.
    /// Default `20s`.
    pub default_wait: Duration,
    /// `max_wait`: the longest wait that a caller may ask for. Default `55s`.
    pub max_wait: Duration,
    /// `max_connections`: the maximum number of concurrent connections. Default: 10,000, or fewer
    /// if the process may not open enough files.
    pub max_connections: Option<usize>,
    /// `max_connections_per_address`: the maximum number of concurrent connections from one
    /// address. Does not apply to trusted proxies. Default 1000.
    pub max_connections_per_address: usize,
    /// `header_timeout`: how long the head of a request may take from its first byte or, on a new
    /// connection, from the connection's start. Default `10s`.
    pub header_timeout: Duration,
    /// `body_timeout`: how long the whole body of a request may take, and how long a client may
    /// stall while it receives a response. Default `30s`.
    pub body_timeout: Duration,
    /// `idle_timeout`: how long an idle connection stays open. Default `75s`.
    pub idle_timeout: Duration,
    /// `max_streams`: the maximum number of concurrent requests over one HTTP/2 connection. Default
    /// 100.
    pub max_streams: u32,
    /// `trusted_proxies`: the addresses whose `X-Forwarded-For` header is trusted. Default: none.
    pub trusted_proxies: Vec<IpNet>,
    /// `json_logs`: whether logs are JSON lines instead of text. Default `false`.
    pub json_logs: bool,
    /// `watch_files`: whether the configuration is reloaded when its file or a component that it
    /// names changes. Default `false`.
    pub watch_files: bool,
}

impl Server {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let server = Self {
            listen: section.or("listen", DEFAULT_LISTEN, |node| address(node.value.as_str().unwrap_or(""))),
            public_url: section.optional("public_url", values::parsed),
            max_request_bytes: section.or("max_request_size", DEFAULT_REQUEST_BYTES, values::size),
            shutdown_grace: section.or("shutdown_grace", DEFAULT_SHUTDOWN_GRACE, values::duration),
            default_wait: section.or("default_wait", DEFAULT_WAIT, values::duration_or_none),
            max_wait: section.or("max_wait", DEFAULT_MAX_WAIT, values::duration),
            max_connections: section.optional("max_connections", |node| values::whole(node, 1, MOST_CONNECTIONS)),
            max_connections_per_address: section.or(
                "max_connections_per_address",
                DEFAULT_CONNECTIONS_PER_ADDRESS,
                |node| values::whole(node, 1, MOST_CONNECTIONS),
            ),
            header_timeout: section.or("header_timeout", DEFAULT_HEADER_TIMEOUT, values::duration),
            body_timeout: section.or("body_timeout", DEFAULT_BODY_TIMEOUT, values::duration),
            idle_timeout: section.or("idle_timeout", DEFAULT_IDLE_TIMEOUT, values::duration),
            max_streams: section.or("max_streams", DEFAULT_STREAMS, |node| values::whole(node, 1, 1_000)),
            trusted_proxies: section.list("trusted_proxies", network).unwrap_or_default(),
            json_logs: section.or("json_logs", false, values::flag),
            watch_files: section.or("watch_files", false, values::flag),
        };
        if server.default_wait > server.max_wait {
            let at = section.place_of(if section.get("default_wait").is_some() { "default_wait" } else { "max_wait" });
            let (default, most) = (values::written(server.default_wait), values::written(server.max_wait));
            section.wrong(at, format!("`default_wait` ({default}) must not be longer than `max_wait` ({most})"));
        }
        server
    }

    /// Applies the overrides from the environment.
    pub(super) fn overridden(mut self, reader: &Reader<'_>) -> Self {
        if let Some(text) = reader.overriding(LISTEN_VARIABLE) {
            match address(&text) {
                Ok(listen) => self.listen = listen,
                Err(must) => reader.wrong_at(Place::Environment(LISTEN_VARIABLE), must),
            }
        }
        self
    }
}

/// Reads a network. A single address is a network of one.
fn network(node: Node<'_>) -> Read<IpNet> {
    allow_list::network(values::text(node)?)
        .ok_or_else(|| "must be a network (\"10.1.0.0/16\") or an address, in quotes".to_owned())
}

fn address(text: &str) -> Read<SocketAddr> {
    text.trim()
        .parse()
        .map_err(|_| "must be an address and a port, like \"127.0.0.1:8080\" or \"[::]:8080\"".to_owned())
}

/// `[data]`: where the host keeps its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// `dir`: the directory of the database and of compiled adapters. It is created if it does not
    /// exist. Default `data`, beside the configuration.
    pub dir: PathBuf,
}

impl Data {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self { dir: section.reader().path(section.or("dir", "data", values::text)) }
    }

    /// Applies the overrides from the environment.
    pub(super) fn overridden(mut self, reader: &Reader<'_>) -> Self {
        if let Some(folder) = reader.overriding(DATA_DIR_VARIABLE) {
            match std::path::absolute(&folder) {
                Ok(dir) => self.dir = dir,
                Err(error) => {
                    reader.wrong_at(Place::Environment(DATA_DIR_VARIABLE), format!("must be a folder: {error}"))
                }
            }
        }
        self
    }
}
