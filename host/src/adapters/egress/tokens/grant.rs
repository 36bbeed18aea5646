//! The grants with which tokens are fetched, and the requests for them.

use std::{fmt, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderValue, header};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    adapters::Secret,
    clock,
    domain::failure::{Failure, FailureKind},
    network::base_url::BaseUrl,
};

/// The lifetime of an assertion: the longest that token endpoints accept.
const ASSERTION_SECONDS: i64 = 3_600;

/// Where a token is fetched, and with which grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenGrant {
    /// The address to which the request is posted.
    pub url: BaseUrl,
    /// The grant that is posted.
    pub grant: Grant,
}

/// A way to obtain a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// OAuth 2.0 client credentials (RFC 6749, section 4.4), with the client's secret in the
    /// header.
    ClientCredentials {
        /// The client's id.
        client_id: String,
        /// The client's secret.
        client_secret: Secret,
        /// The scope that the token is requested for.
        scope: Option<String>,
    },
    /// A service account: OAuth 2.0 with an assertion signed with the account's key (RFC 7523).
    ServiceAccount {
        /// The account's key.
        key: ServiceAccountKey,
        /// The scope that the token is requested for.
        scope: String,
    },
    /// A user name and password, posted as JSON.
    Login {
        /// The body's fields for user name and password.
        fields: (String, String),
        /// The user name.
        username: String,
        /// The password.
        password: Secret,
        /// A JSON pointer to the token in the answer.
        token: String,
        /// The lifetime of a token that doesn't state its own.
        lifetime: Duration,
    },
}

/// Why a text is not a valid service account key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServiceAccountKeyError {
    /// It is not the file that the console provides.
    #[error("is not the JSON key of a service account ({0}): take the file that was made with the key")]
    Shape(String),
    /// Its key is not an RSA key.
    #[error("has a `private_key` that is no RSA key in PEM form")]
    Key,
}

/// A service account's key. Its private part is never printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct ServiceAccountKey {
    /// The account's email address, which identifies it.
    pub client_email: String,
    /// The endpoint that issues its tokens.
    pub token_uri: String,
    /// The id of the key within the account.
    #[serde(default)]
    private_key_id: Option<String>,
    private_key: String,
}

impl fmt::Debug for ServiceAccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccountKey").field("client_email", &self.client_email).finish_non_exhaustive()
    }
}

impl ServiceAccountKey {
    /// Parses the JSON file that comes with a key.
    ///
    /// # Errors
    /// [`ServiceAccountKeyError`], which reveals nothing of the key.
    pub fn parse(text: &str) -> Result<Self, ServiceAccountKeyError> {
        let key: Self = serde_json::from_str(text).map_err(|error| {
            // The error's own message may quote the file.
            let what = if error.is_data() { "a member is missing or of another type" } else { "it is no JSON" };
            ServiceAccountKeyError::Shape(what.to_owned())
        })?;
        EncodingKey::from_rsa_pem(key.private_key.as_bytes()).map_err(|_| ServiceAccountKeyError::Key)?;
        Ok(key)
    }

    /// Returns the signed assertion.
    fn assertion(&self, scope: &str, now: i64) -> Result<String, Failure> {
        #[derive(Serialize)]
        struct Claims<'a> {
            iss: &'a str,
            scope: &'a str,
            aud: &'a str,
            iat: i64,
            exp: i64,
        }
        let claims =
            Claims { iss: &self.client_email, scope, aud: &self.token_uri, iat: now, exp: now + ASSERTION_SECONDS };
        let header = Header { kid: self.private_key_id.clone(), ..Header::new(Algorithm::RS256) };
        EncodingKey::from_rsa_pem(self.private_key.as_bytes())
            .and_then(|key| jsonwebtoken::encode(&header, &claims, &key))
            .map_err(|_| {
                let words = "the service account's key can't sign: check the key in the configuration";
                Failure::new(FailureKind::Permission, "credentials_unusable", words)
            })
    }
}

impl TokenGrant {
    /// Returns the texts that must never be shown.
    pub(super) fn secrets(&self) -> Vec<String> {
        match &self.grant {
            Grant::ClientCredentials { client_secret, .. } => vec![client_secret.expose().to_owned()],
            Grant::ServiceAccount { key, .. } => vec![key.private_key.clone()],
            Grant::Login { password, .. } => vec![password.expose().to_owned()],
        }
    }

    /// Builds the request for a token.
    pub(super) fn request(&self, client: &reqwest::Client) -> Result<reqwest::Request, Failure> {
        let form = |pairs: &[(&str, &str)]| {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(pairs);
            form.finish()
        };
        let (body, kind) = match &self.grant {
            Grant::ClientCredentials { scope, .. } => {
                let mut pairs = vec![("grant_type", "client_credentials")];
                pairs.extend(scope.as_deref().map(|scope| ("scope", scope)));
                (form(&pairs), FORM)
            }
            Grant::ServiceAccount { key, scope } => {
                let assertion = key.assertion(scope, clock::now().as_micros() / 1_000_000)?;
                let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
                (form(&[("grant_type", grant), ("assertion", &assertion)]), FORM)
            }
            Grant::Login { fields: (name, secret), username, password, .. } => {
                (json!({ name: username, secret: password.expose() }).to_string(), "application/json")
            }
        };
        let mut request = client
            .post(self.url.as_str())
            .header(header::CONTENT_TYPE, kind)
            .header(header::ACCEPT, "application/json")
            .body(body);
        if let Grant::ClientCredentials { client_id, client_secret, .. } = &self.grant {
            let quote = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = format!("{}:{}", quote(client_id), quote(client_secret.expose()));
            let value = HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(pair)));
            request = request.header(header::AUTHORIZATION, sensitive(value)?);
        }
        request.build().map_err(|_| unusable())
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

fn sensitive(value: Result<HeaderValue, http::header::InvalidHeaderValue>) -> Result<HeaderValue, Failure> {
    let mut value = value.map_err(|_| unusable())?;
    value.set_sensitive(true);
    Ok(value)
}

fn unusable() -> Failure {
    let words = "the request for a token can't be made of what the configuration says";
    Failure::new(FailureKind::Permission, "credentials_unusable", words)
}
