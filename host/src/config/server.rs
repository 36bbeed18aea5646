//! How the host is reached, and where it keeps things.

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

/// Overrides `dir` of `[data]`. A relative path is relative to the working folder.
pub const DATA_DIR_VARIABLE: &str = "FLIGHTDECK_DATA_DIR";

/// Only this machine reaches a host that nobody configured.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// A create of some hundred packages is 200 KiB; nothing that a buyer sends is a file.
const DEFAULT_REQUEST_BYTES: NonZeroUsize = NonZeroUsize::new(1 << 20).unwrap();

/// Shorter than the 30 s after which container platforms kill.
const DEFAULT_SHUTDOWN_GRACE: Duration = Duration::from_secs(25);

/// Most changes end within seconds; a client that waits longer than its own time-out has waited for nothing.
const DEFAULT_WAIT: Duration = Duration::from_secs(20);

/// Common proxies give up after 60 s.
const DEFAULT_MAX_WAIT: Duration = Duration::from_secs(55);

/// A hundred orchestrators behind one address have some connections each; somebody with one machine can't take them all.
const DEFAULT_CONNECTIONS_PER_ADDRESS: usize = 1_000;

/// The head of a request is some hundred bytes and is sent at once; a client on a bad line sends it again within seconds.
const DEFAULT_HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// A megabyte at 35 KiB a second.
const DEFAULT_BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Load balancers keep their own connections for 60 s and take it badly if the other side closes first.
const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// What browsers and agents ask at a time over one connection; each may bring a body.
const DEFAULT_STREAMS: u32 = 100;

/// The most connections that may be configured: beyond that the memory for their buffers, 64 KiB each, is gigabytes.
const MOST_CONNECTIONS: i64 = 100_000;

/// `[server]`: how the host is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// `listen`: address and port; port 0 takes a free one. Default `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// `public_url`: how others reach the host, for links in what it sends. Default: none.
    pub public_url: Option<BaseUrl>,
    /// `max_request_size`: the largest request body that is read. Default 1 MiB.
    pub max_request_bytes: NonZeroUsize,
    /// `shutdown_grace`: how long what runs may take to end after SIGTERM. Default `25s`.
    pub shutdown_grace: Duration,
    /// `default_wait`: how long a write waits for its outcome when the caller does not say. Default `20s`.
    pub default_wait: Duration,
    /// `max_wait`: the longest wait that a caller may ask for. Default `55s`.
    pub max_wait: Duration,
    /// `max_connections`: connections at a time. Default: 10,000, or as many as the process may have files open beside what else it
    /// opens.
    pub max_connections: Option<usize>,
    /// `max_connections_per_address`: connections at a time from one address; trusted proxies may have more. Default 1000.
    pub max_connections_per_address: usize,
    /// `header_timeout`: how long the head of a request may take, from its first byte, and on a new connection from the beginning.
    /// Default `10s`.
    pub header_timeout: Duration,
    /// `body_timeout`: how long the body of a request may take in all, and how long a client may take nothing of an answer. Default
    /// `30s`.
    pub body_timeout: Duration,
    /// `idle_timeout`: how long a connection is kept on which nothing is asked. Default `75s`.
    pub idle_timeout: Duration,
    /// `max_streams`: requests at a time over one connection of HTTP/2. Default 100.
    pub max_streams: u32,
    /// `trusted_proxies`: who is believed when they say in `X-Forwarded-For` whom they speak for. Default: nobody.
    pub trusted_proxies: Vec<IpNet>,
    /// `json_logs`: whether logs are JSON lines rather than text. Default `false`.
    pub json_logs: bool,
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
        };
        if server.default_wait > server.max_wait {
            let at = section.place_of(if section.get("default_wait").is_some() { "default_wait" } else { "max_wait" });
            let (default, most) = (values::written(server.default_wait), values::written(server.max_wait));
            section.wrong(at, format!("`default_wait` ({default}) must not be longer than `max_wait` ({most})"));
        }
        server
    }

    /// Takes what the environment overrides.
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

/// A network, or an address as a network of one.
fn network(node: Node<'_>) -> Read<IpNet> {
    allow_list::network(values::text(node)?)
        .ok_or_else(|| "must be a network (\"10.1.0.0/16\") or an address, in quotes".to_owned())
}

fn address(text: &str) -> Read<SocketAddr> {
    text.trim()
        .parse()
        .map_err(|_| "must be an address and a port, like \"127.0.0.1:8080\" or \"[::]:8080\"".to_owned())
}

/// `[data]`: where the host keeps what is its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// `dir`: the folder of the database and of compiled adapters. It is made if it is not there. Default `data`,
    /// beside the configuration.
    pub dir: PathBuf,
}

impl Data {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self { dir: section.reader().path(section.or("dir", "data", values::text)) }
    }

    /// Takes what the environment overrides.
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
