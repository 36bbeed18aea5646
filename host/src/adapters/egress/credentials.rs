//! Credentials: added to a request after the guest has handed it over, and removed from whatever
//! comes back.

use std::{fmt, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderName, HeaderValue, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

use super::{
    EgressError,
    echo::Echoes,
    tokens::{TokenGrant, Tokens},
};
use crate::{domain::failure::Failure, network::allow_list::AllowList};

/// What is encoded in a query parameter: all but the characters that never need it.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text that is never printed. Code that needs the text calls [`Secret::expose`], which is easy
/// to search for.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the secret text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// How requests to a platform are authenticated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Credentials {
    /// No authentication.
    #[default]
    None,
    /// A header of the platform's own, such as `X-Acme-Key`.
    Header {
        /// The header's name. Guests can neither set nor see it.
        name: String,
        /// The header's value.
        value: Secret,
    },
    /// A header that is no secret, such as `X-Acme-Network`. Guests can neither set nor see it.
    PlainHeader {
        /// The header's name.
        name: String,
        /// The header's value. It is not hidden.
        value: String,
    },
    /// A query parameter, such as `api_key`.
    Query {
        /// The parameter's name. If a guest sets it, the host's value replaces the guest's.
        name: String,
        /// The parameter's value.
        value: Secret,
    },
    /// A query parameter that is no secret, such as `network`.
    PlainQuery {
        /// The parameter's name. If a guest sets it, the host's value replaces the guest's.
        name: String,
        /// The parameter's value. It is not hidden.
        value: String,
    },
    /// `Authorization: Bearer …`.
    Bearer(Secret),
    /// `Authorization: Basic …`.
    Basic {
        /// The user name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// `Authorization: Bearer …`, with a token that is fetched first.
    Token(Box<TokenGrant>),
    /// Several of these, all of which are added to each request. At most one of them is a token.
    Several(Vec<Credentials>),
}

impl Credentials {
    /// Returns the identity under which the ad server knows the host, or `None` if there is none.
    /// Where nothing else identifies the host, this is the credential itself.
    pub(crate) fn identity(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Header { name, value } => Some(format!("{name} {}", value.expose())),
            Self::PlainHeader { name, value } => Some(format!("{name} {value}")),
            Self::Query { name, value } => Some(format!("?{name}={}", value.expose())),
            Self::PlainQuery { name, value } => Some(format!("?{name}={value}")),
            Self::Bearer(token) => Some(format!("bearer {}", token.expose())),
            Self::Basic { username, .. } => Some(format!("basic {username}")),
            // Where the token is fetched and under which name; its `Debug` output omits secrets.
            Self::Token(grant) => Some(format!("{grant:?}")),
            Self::Several(all) => {
                let parts: Vec<String> = all.iter().filter_map(Self::identity).collect();
                (!parts.is_empty()).then(|| parts.join("\n"))
            }
        }
    }

    /// Returns the token among these credentials, if there is one.
    fn token(&self) -> Option<&TokenGrant> {
        match self {
            Self::Token(grant) => Some(grant),
            Self::Several(all) => all.iter().find_map(Self::token),
            _ => None,
        }
    }
}

/// Why credentials can't be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// The header's name is invalid.
    #[error("`{0}` is no name of an HTTP header")]
    Name(String),
    /// The value contains characters that a header can't carry. It is not shown.
    #[error("the credential has characters that an HTTP header can't carry; look for a line break at its end")]
    Value,
}

/// Credentials prepared for adding to requests.
#[derive(Clone, Default)]
pub(crate) struct Injection {
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Query parameters, not encoded.
    query: Vec<(String, String)>,
    /// The token in a header, if it was fetched.
    token: Option<String>,
    /// The texts that must never come back or be printed.
    secrets: Vec<String>,
    /// The search for them.
    echoes: Echoes,
}

impl Injection {
    /// Prepares everything that does not have to be fetched first.
    pub(crate) fn new(credentials: &Credentials) -> Result<Self, CredentialsError> {
        let mut injection = Self::default();
        injection.add(credentials)?;
        injection.echoes = Echoes::of(&injection.secrets);
        Ok(injection)
    }

    fn add(&mut self, credentials: &Credentials) -> Result<(), CredentialsError> {
        match credentials {
            Credentials::None | Credentials::Token(_) => {}
            Credentials::Header { name, value: secret } => {
                self.headers.push((header_name(name)?, value(secret.expose())?));
                self.secrets.push(secret.expose().to_owned());
            }
            Credentials::PlainHeader { name, value } => {
                let value = HeaderValue::from_str(value).map_err(|_| CredentialsError::Value)?;
                self.headers.push((header_name(name)?, value));
            }
            Credentials::Query { name, value: secret } => {
                self.query.push((name.clone(), secret.expose().to_owned()));
                self.secrets.push(secret.expose().to_owned());
            }
            Credentials::PlainQuery { name, value } => self.query.push((name.clone(), value.clone())),
            Credentials::Bearer(secret) => {
                self.headers.push((header::AUTHORIZATION, value(&format!("Bearer {}", secret.expose()))?));
                self.secrets.push(secret.expose().to_owned());
            }
            Credentials::Basic { username, password } => {
                let token = BASE64_STANDARD.encode(format!("{username}:{}", password.expose()));
                self.headers.push((header::AUTHORIZATION, value(&format!("Basic {token}"))?));
                self.secrets.extend([token, password.expose().to_owned()]);
            }
            Credentials::Several(all) => all.iter().try_for_each(|one| self.add(one))?,
        }
        Ok(())
    }

    /// Adds a fetched bearer token to these credentials, and other secrets to hide.
    pub(crate) fn with_bearer(&self, token: &str, secrets: Vec<String>) -> Result<Self, CredentialsError> {
        let mut injection = self.clone();
        injection.headers.push((header::AUTHORIZATION, value(&format!("Bearer {token}"))?));
        injection.token = Some(token.to_owned());
        injection.secrets.push(token.to_owned());
        Ok(injection.hiding(secrets))
    }

    /// Adds secrets to hide.
    pub(crate) fn hiding(mut self, secrets: Vec<String>) -> Self {
        self.secrets.extend(secrets);
        self.echoes = Echoes::of(&self.secrets);
        self
    }

    /// Returns the fetched token.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Returns whether a header is one of those that guests may not touch.
    pub(crate) fn sets_header(&self, name: &HeaderName) -> bool {
        self.headers.iter().any(|(known, _)| known == name)
    }

    /// Adds the headers, replacing any value already there.
    pub(crate) fn apply(&self, headers: &mut http::HeaderMap) {
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
    }

    /// Adds the query parameters. A parameter of the same name is replaced, because an address that
    /// the ad server itself has given, such as that of a next page, may repeat it.
    pub(crate) fn apply_query(&self, url: &mut Url) {
        if self.query.is_empty() {
            return;
        }
        // The guest's parameters stay as they are spelled.
        let is_the_hosts = |pair: &str| {
            let name = url::form_urlencoded::parse(pair.as_bytes()).next().map(|(name, _)| name);
            name.is_some_and(|name| self.query.iter().any(|(known, _)| *known == *name))
        };
        let given = url.query().unwrap_or_default();
        let kept = given.split('&').filter(|pair| !pair.is_empty() && !is_the_hosts(pair)).map(str::to_owned);
        let encoded = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
        let added = self.query.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        let query: Vec<String> = kept.chain(added).collect();
        url.set_query(Some(&query.join("&")));
    }

    /// Overwrites every secret with asterisks, however it is spelled.
    pub(crate) fn redact(&self, bytes: &mut [u8]) {
        self.echoes.scrub_all(bytes);
    }

    /// Returns whether any secret occurs, however it is spelled.
    pub(crate) fn occurs_in(&self, bytes: &[u8]) -> bool {
        self.echoes.occur_in(bytes)
    }

    /// Returns the texts that must never come back or be printed.
    pub(super) fn echoes(&self) -> &Echoes {
        &self.echoes
    }
}

fn header_name(name: &str) -> Result<HeaderName, CredentialsError> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| CredentialsError::Name(name.to_owned()))
}

fn value(text: &str) -> Result<HeaderValue, CredentialsError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| CredentialsError::Value)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The authentication of a platform's requests.
pub(crate) enum Authentication {
    /// The same credentials for every request.
    Fixed(Arc<Injection>),
    /// A token that is fetched and renewed.
    Fetched(Box<Tokens>),
}

impl Authentication {
    pub(crate) fn new(credentials: &Credentials, allow_list: &AllowList) -> Result<Self, EgressError> {
        let fixed = Injection::new(credentials)?;
        Ok(match credentials.token() {
            Some(grant) => Self::Fetched(Box::new(Tokens::new(grant.clone(), fixed, allow_list.clone())?)),
            None => Self::Fixed(Arc::new(fixed)),
        })
    }

    /// Returns what must be hidden now, and which headers guests may not touch.
    pub(crate) fn known(&self) -> Arc<Injection> {
        match self {
            Self::Fixed(injection) => injection.clone(),
            Self::Fetched(tokens) => tokens.known(),
        }
    }

    /// Returns the credentials for a request that is sent now.
    ///
    /// # Errors
    /// When the token it needs can't be fetched.
    pub(crate) async fn ready(&self) -> Result<Arc<Injection>, Failure> {
        match self {
            Self::Fixed(injection) => Ok(injection.clone()),
            Self::Fetched(tokens) => tokens.ready().await,
        }
    }

    /// Records whether the platform accepted a request's credentials. Returns `true` if it did not
    /// and the next request will carry different ones.
    pub(crate) async fn judged(&self, used: &Arc<Injection>, accepted: bool) -> bool {
        match self {
            Self::Fixed(_) => false,
            Self::Fetched(tokens) => tokens.judged(used, accepted).await,
        }
    }
}

#[cfg(test)]
mod tests;
