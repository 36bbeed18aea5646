//! Origins: exact scheme, host and port. What is not listed is refused.
//!
//! | written | allows |
//! |---|---|
//! | `https://api.acme.example` | that host on port 443, over TLS only |
//! | `https://api.acme.example:8443` | that host on that port, and no other |
//! | `http://127.0.0.1:9001` | nothing until `allow_private` names the address, too |
//!
//! An empty list allows nothing. There are no patterns: a platform has a handful of hosts, and each has a name.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

use reqwest::Url;

use super::base_url::{BaseUrl, BaseUrlError};

/// Scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: String,
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// A text is no origin. The words follow the name of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// It is no address at all.
    #[error(transparent)]
    Address(#[from] BaseUrlError),
    /// It has a path, which nothing would look at.
    #[error("must be scheme, host and port without a path, like \"https://files.acme.example\"")]
    Path,
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let url: BaseUrl = text.parse()?;
        if url.is_origin() { Ok(url.origin().clone()) } else { Err(OriginError::Path) }
    }
}

impl Origin {
    /// The origin of an address; `None` for what is not fetched over HTTP.
    pub(crate) fn of(url: &Url) -> Option<Self> {
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        Some(Self {
            scheme: url.scheme().to_owned(),
            host: url.host_str().filter(|host| !host.is_empty())?.trim_end_matches('.').to_owned(),
            port: url.port_or_known_default()?,
        })
    }

    /// Whether it is spoken to over TLS.
    pub fn is_https(&self) -> bool {
        self.scheme == "https"
    }

    /// The address, if the host is written as one.
    pub(crate) fn literal(&self) -> Option<IpAddr> {
        self.host.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }

    /// The address, if it is certain without asking a resolver: it is written, or the host is this machine's own name.
    pub(crate) fn certain_address(&self) -> Option<IpAddr> {
        let is_own = self.host == "localhost" || self.host.ends_with(".localhost");
        self.literal().or_else(|| is_own.then_some(IpAddr::V4(Ipv4Addr::LOCALHOST)))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usual = if self.is_https() { 443 } else { 80 };
        if self.port == usual {
            write!(f, "{}://{}", self.scheme, self.host)
        } else {
            write!(f, "{}://{}:{}", self.scheme, self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_compared_by_what_would_be_dialled() {
        let origin = |text: &str| text.parse::<Origin>().unwrap();
        assert_eq!(origin("https://API.acme.example:443"), origin("https://api.acme.example"));
        assert_eq!(origin("https://api.acme.example."), origin("https://api.acme.example"));
        assert_eq!(origin("http://2130706433"), origin("http://127.0.0.1"));
        assert_eq!(origin("http://0x7f.1"), origin("http://127.0.0.1"));
        assert_ne!(origin("http://api.acme.example"), origin("https://api.acme.example"));
        assert_ne!(origin("https://api.acme.example:8443"), origin("https://api.acme.example"));
    }

    #[test]
    fn what_says_more_or_less_than_an_origin_is_refused() {
        for text in ["api.acme.example", "https://a.example/v1", "https://me@a.example", "ftp://a.example", "https://"]
        {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }
}
