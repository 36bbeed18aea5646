//! Origins: exact scheme, host and port. Any other origin is refused.
//!
//! | written | allows |
//! |---|---|
//! | `https://api.acme.example` | that host on port 443, over TLS only |
//! | `https://api.acme.example:8443` | that host on that port, and no other |
//! | `http://127.0.0.1:9001` | nothing until `allow_private` names the address, too |
//!
//! An empty list allows nothing. There are no patterns: a platform has only a handful of hosts, and
//! each has a name.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
};

use reqwest::Url;

use super::base_url::{BaseUrl, BaseUrlError};

/// A scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: String,
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// The error for a string that is not an origin. Its message follows the name of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// The string is not a URL.
    #[error(transparent)]
    Address(#[from] BaseUrlError),
    /// The URL has a path, which would be ignored.
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
    /// The origin of a URL, or `None` if its scheme is not HTTP.
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

    /// Whether the scheme is https.
    pub fn is_https(&self) -> bool {
        self.scheme == "https"
    }

    /// The IP address, if the host is written as one.
    pub(crate) fn literal(&self) -> Option<IpAddr> {
        self.host.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }

    /// The IP address, if it is certain without DNS: the host is written as one, or is `localhost`.
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
