//! Origins, which name exactly where an adapter may send requests: scheme, host and port. The host
//! refuses every origin that is not listed.
//!
//! | written | allows |
//! |---|---|
//! | `https://api.acme.example` | that host on port 443, over TLS only |
//! | `https://api.acme.example:8443` | that host on that port, and no other |
//! | `http://127.0.0.1:9001` | nothing until `allow_private` names the address, too |
//!
//! An empty list allows nothing. There are no wildcard patterns: a platform has only a handful of
//! hosts, and each has a name.

use std::fmt;

use reqwest::Url;

/// The scheme, host and port of a URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    scheme: String,
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// A string that is not an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no origin: write scheme, host and, if it is not the usual one, port, like https://api.acme.example"
)]
pub struct OriginError {
    text: String,
}

impl Origin {
    /// Returns the origin of a URL, or `None` if its scheme is not `http` or `https`.
    pub(crate) fn of(url: &Url) -> Option<Self> {
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        Some(Self {
            scheme: url.scheme().to_owned(),
            host: url.host_str()?.trim_end_matches('.').to_owned(),
            port: url.port_or_known_default()?,
        })
    }

    /// Parses an origin from the configuration. Refuses a path, because it would have no effect.
    pub(crate) fn parse(text: &str) -> Result<Self, OriginError> {
        let error = || OriginError { text: text.to_owned() };
        let url = Url::parse(text).map_err(|_| error())?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !bare || !url.username().is_empty() || url.password().is_some() {
            return Err(error());
        }
        Self::of(&url).ok_or_else(error)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usual = if self.scheme == "https" { 443 } else { 80 };
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
        let origin = |text: &str| Origin::parse(text).unwrap();
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
            assert!(Origin::parse(text).is_err(), "{text}");
        }
    }
}
