//! Base URLs of HTTP services, as the configuration has them.

use std::{fmt, str::FromStr};

use url::{Position, Url};

use super::origins::Origin;

/// An http or https URL without a trailing slash. Paths are appended to it.
///
/// It may have a path, but no user, password, query or fragment: those would be lost or leak.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    url: Url,
    text: String,
    origin: Origin,
}

/// The error for a string that is not a base URL. Its message follows the name of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an http or https address without user, query and fragment, like \"https://api.acme.example\"")]
pub struct BaseUrlError;

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, BaseUrlError> {
        let url = Url::parse(text.trim()).map_err(|_| BaseUrlError)?;
        let bare =
            url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
        let origin = Origin::of(&url).filter(|_| bare).ok_or(BaseUrlError)?;
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { url, text, origin })
    }
}

impl BaseUrl {
    /// The URL, without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The parsed URL. An empty path is a slash here.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The scheme, host and port.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The host, and the port unless it is the default port: the value of the `Host` header.
    pub fn authority(&self) -> String {
        self.url[Position::BeforeHost..Position::AfterPort].to_owned()
    }

    /// Whether the URL has no path.
    pub fn is_origin(&self) -> bool {
        self.url.path() == "/"
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As a string, because `Credentials::identity`, which identifies a credential on every
        // host, is derived from this output.
        fmt::Debug::fmt(&self.text, f)
    }
}
