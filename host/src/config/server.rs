//! How the host is reached, and where it keeps things.

use std::{
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroUsize,
    path::PathBuf,
    time::Duration,
};

use super::{
    addresses::BaseUrl,
    mistake::Place,
    reader::{Read, Reader},
    section::Section,
    values,
};

/// Overrides `listen` of `[server]`.
pub const LISTEN_VARIABLE: &str = "FLIGHTDECK_LISTEN";

/// Overrides `dir` of `[data]`. A relative path is relative to the working folder.
pub const DATA_DIR_VARIABLE: &str = "FLIGHTDECK_DATA_DIR";

/// Only this machine reaches a host that nobody configured.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// A create of some hundred packages is 200 KiB; nothing that a buyer sends is a file.
const DEFAULT_REQUEST_BYTES: NonZeroUsize = NonZeroUsize::new(1 << 20).unwrap();

/// Shorter than the 30 s after which container platforms kill.
const DEFAULT_SHUTDOWN_GRACE: Duration = Duration::from_secs(25);

/// Most changes end within seconds; a client that waits longer than its own time-out has waited for nothing.
const DEFAULT_WAIT: Duration = Duration::from_secs(20);

/// Common proxies give up after 60 s.
const DEFAULT_MAX_WAIT: Duration = Duration::from_secs(55);

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
    /// `json_logs`: whether logs are JSON lines rather than text. Default `false`.
    pub json_logs: bool,
}

impl Server {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let server = Self {
            listen: section.or("listen", DEFAULT_LISTEN, |node| address(node.value.as_str().unwrap_or(""))),
            public_url: section.optional("public_url", |node| BaseUrl::parse(values::text(node)?)),
            max_request_bytes: section.or("max_request_size", DEFAULT_REQUEST_BYTES, values::size),
            shutdown_grace: section.or("shutdown_grace", DEFAULT_SHUTDOWN_GRACE, values::duration),
            default_wait: section.or("default_wait", DEFAULT_WAIT, values::duration_or_none),
            max_wait: section.or("max_wait", DEFAULT_MAX_WAIT, values::duration),
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
