//! Credentials: added to a request after the guest has handed it over, and removed from whatever
//! comes back.

use std::{fmt, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderName, HeaderValue, header};

use super::{
    EgressError,
    echo::Echoes,
    tokens::{TokenGrant, Tokens},
};
use crate::{domain::failure::Failure, network::allow_list::AllowList};

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
}

impl Credentials {
    /// Returns the identity under which the ad server knows the host, or `None` if there is none.
    /// Where nothing else identifies the host, this is the credential itself.
    pub(crate) fn identity(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Header { name, value } => Some(format!("{name} {}", value.expose())),
            Self::Bearer(token) => Some(format!("bearer {}", token.expose())),
            Self::Basic { username, .. } => Some(format!("basic {username}")),
            // Where the token is fetched and under which name; its `Debug` output omits secrets.
            Self::Token(grant) => Some(format!("{grant:?}")),
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
    header: Option<(HeaderName, HeaderValue)>,
    /// The token in the header, if it was fetched.
    token: Option<String>,
    /// The texts that must never come back or be printed.
    echoes: Echoes,
}

impl Injection {
    pub(crate) fn new(credentials: &Credentials) -> Result<Self, CredentialsError> {
        let (header, secrets) = match credentials {
            Credentials::None | Credentials::Token(_) => (None, Vec::new()),
            Credentials::Header { name, value: secret } => {
                let header =
                    HeaderName::from_bytes(name.as_bytes()).map_err(|_| CredentialsError::Name(name.clone()))?;
                (Some((header, value(secret.expose())?)), vec![secret.expose().to_owned()])
            }
            Credentials::Bearer(secret) => {
                let header = (header::AUTHORIZATION, value(&format!("Bearer {}", secret.expose()))?);
                (Some(header), vec![secret.expose().to_owned()])
            }
            Credentials::Basic { username, password } => {
                let token = BASE64_STANDARD.encode(format!("{username}:{}", password.expose()));
                let header = (header::AUTHORIZATION, value(&format!("Basic {token}"))?);
                (Some(header), vec![token, password.expose().to_owned()])
            }
        };
        Ok(Self { header, ..Self::hiding(secrets) })
    }

    /// Prepares a fetched bearer token, and the other secrets to hide.
    pub(crate) fn bearer(token: &str, mut secrets: Vec<String>) -> Result<Self, CredentialsError> {
        let header = Some((header::AUTHORIZATION, value(&format!("Bearer {token}"))?));
        secrets.push(token.to_owned());
        Ok(Self { header, token: Some(token.to_owned()), ..Self::hiding(secrets) })
    }

    /// Prepares secrets to hide, with nothing to add yet.
    pub(crate) fn hiding(secrets: Vec<String>) -> Self {
        Self { header: None, token: None, echoes: Echoes::of(&secrets) }
    }

    /// Returns the fetched token.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Returns the name of the header that guests may not touch.
    pub(crate) fn header_name(&self) -> Option<&HeaderName> {
        self.header.as_ref().map(|(name, _)| name)
    }

    /// Adds the credentials, replacing any value already there.
    pub(crate) fn apply(&self, headers: &mut http::HeaderMap) {
        if let Some((name, value)) = &self.header {
            headers.insert(name.clone(), value.clone());
        }
    }

    /// Overwrites every secret with asterisks, however it is spelled.
    pub(crate) fn redact(&self, bytes: &mut [u8]) {
        self.echoes.scrub(bytes, true);
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
        Ok(match credentials {
            Credentials::Token(grant) => Self::Fetched(Box::new(Tokens::new((**grant).clone(), allow_list.clone())?)),
            fixed => Self::Fixed(Arc::new(Injection::new(fixed)?)),
        })
    }

    /// Returns what must be hidden now, and which header guests may not touch.
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
mod tests {
    use super::*;

    #[test]
    fn nothing_prints_a_secret() {
        let credentials = [
            Credentials::Bearer(Secret::new("hunter2-token")),
            Credentials::Basic { username: "me".to_owned(), password: Secret::new("hunter2-token") },
            Credentials::Header { name: "x-key".to_owned(), value: Secret::new("hunter2-token") },
        ];
        for credentials in credentials {
            assert!(!format!("{credentials:?}").contains("hunter2"));
            let mut headers = http::HeaderMap::new();
            Injection::new(&credentials).unwrap().apply(&mut headers);
            assert_eq!(headers.len(), 1);
            assert!(!format!("{headers:?}").contains("hunter2"));
        }
    }

    #[test]
    fn secrets_are_overwritten_wherever_they_stand() {
        let injection = Injection::new(&Credentials::Bearer(Secret::new("abcab"))).unwrap();
        let mut text = b"ab abcabcab abcab".to_vec();
        injection.redact(&mut text);
        assert_eq!(text, b"ab *****cab *****");
    }

    #[test]
    fn a_value_that_no_header_can_carry_is_refused_without_showing_it() {
        let error = Injection::new(&Credentials::Bearer(Secret::new("hunter2\n"))).err().unwrap();
        assert_eq!(error, CredentialsError::Value);
        assert!(!error.to_string().contains("hunter2"));
    }
}
