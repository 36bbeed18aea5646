//! Base addresses of services over HTTP, as the configuration has them.

use std::{fmt, str::FromStr};

use url::{Position, Url};

use super::origins::Origin;

/// An http or https address without a slash at its end: paths are appended to it.
///
/// It may have a path, but no user, password, query or fragment: those would be lost or leak.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    url: Url,
    text: String,
    origin: Origin,
}

/// A text is no base address. The words follow the name of a setting.
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
    /// The address, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The address, parsed. A path that is empty is a slash here.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Host and, if it is not the usual one, port: what clients send as `Host`.
    pub fn authority(&self) -> String {
        self.url[Position::BeforeHost..Position::AfterPort].to_owned()
    }

    /// Whether nothing follows host and port.
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
        // As a text: what hosts call a credential by (`Credentials::identity`) is made of this.
        fmt::Debug::fmt(&self.text, f)
    }
}
