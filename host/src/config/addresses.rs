//! Addresses of ad servers, and which of them may be private.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
};

use ipnet::IpNet;
use url::{Host, Position, Url};

use super::reader::Read;
use crate::network::addresses::is_public;

/// An http or https address without a slash at its end: paths are appended to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    url: Url,
    text: String,
}

impl BaseUrl {
    /// Reads an address. It may have a path, but no user, password, query or fragment: those would be lost or leak.
    pub(super) fn parse(text: &str) -> Read<Self> {
        let url = Url::parse(text.trim()).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.host_str().is_some_and(|host| !host.is_empty())
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        });
        let must =
            "must be an http or https address without user, query and fragment, like \"https://api.acme.example\"";
        let url = url.ok_or_else(|| must.to_owned())?;
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { url, text })
    }

    /// The address, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and, if it is not the usual one, port.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Whether it is spoken to over TLS.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Host and, if it is not the usual one, port: what clients send as `Host`.
    pub fn authority(&self) -> String {
        self.url[Position::BeforeHost..Position::AfterPort].to_owned()
    }

    /// Whether its host is certainly not on the internet: this machine's own name, or an address for local use.
    pub(super) fn is_private(&self) -> bool {
        match self.url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(four)) => !is_public(IpAddr::V4(four)),
            Some(Host::Ipv6(six)) => !is_public(IpAddr::V6(six)),
            None => false,
        }
    }

    /// Whether there is nothing behind host and port.
    pub(super) fn is_origin(&self) -> bool {
        self.url.path() == "/"
    }

    /// Host and port, as `allow_private` may name them.
    pub(super) fn host_and_port(&self) -> (String, u16) {
        let host = self.url.host_str().unwrap_or("").trim_end_matches('.').to_owned();
        (host, self.url.port_or_known_default().unwrap_or(0))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An entry of `allow_private`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Allowed {
    /// Every address of a network; a single address is a network of one.
    Network(IpNet),
    /// Whatever address this host has, on this port only.
    Host {
        /// In lower case.
        host: String,
        /// The port.
        port: u16,
    },
}

impl Allowed {
    pub(super) fn parse(text: &str) -> Read<Self> {
        if let Ok(network) = text.parse::<IpNet>() {
            return Ok(Self::Network(network.trunc()));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Network(IpNet::from(address)));
        }
        let must = "must be a network (\"10.1.0.0/16\"), an address, or host and port (\"ads.internal:8080\")";
        let (host, port) = text.rsplit_once(':').ok_or_else(|| must.to_owned())?;
        let port: u16 = port.parse().ok().filter(|port| *port > 0).ok_or_else(|| must.to_owned())?;
        // The same reading as an endpoint's host gets, so that both compare.
        let url = BaseUrl::parse(&format!("http://{host}:{port}")).ok().filter(BaseUrl::is_origin);
        let (host, port) = url.ok_or_else(|| must.to_owned())?.host_and_port();
        Ok(Self::Host { host, port })
    }

    /// Whether it allows this address, as far as that is known without looking names up.
    pub(super) fn covers(&self, url: &BaseUrl) -> bool {
        match self {
            Self::Network(network) => {
                let literal = match url.url.host() {
                    Some(Host::Ipv4(four)) => Some(IpAddr::V4(four)),
                    Some(Host::Ipv6(six)) => Some(IpAddr::V6(six).to_canonical()),
                    Some(Host::Domain(_)) => url.is_private().then_some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                    None => None,
                };
                literal.is_some_and(|address| network.contains(&address))
            }
            Self::Host { host, port } => (host.clone(), *port) == url.host_and_port(),
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => write!(f, "{network}"),
            Self::Host { host, port } => write!(f, "{host}:{port}"),
        }
    }
}
