//! The token endpoint: exchanges a signed assertion for an opaque token (RFC 7523, as in Google's
//! documentation of service accounts).
//!
//! It uses the real time, not the emulator's clock, because the caller's signature does, too.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use aws_lc_rs::rand;
use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::json as object;
use time::OffsetDateTime;

use super::keys::{Account, CLIENT_EMAIL};
use crate::platform::{Call, json};

/// The scope that assertions must request.
pub const SCOPE: &str = "https://www.googleapis.com/auth/admanager";
/// The only supported grant type.
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// The longest validity of an assertion, in seconds: Google's limit.
const LONGEST: i64 = 3600;
/// The accepted skew of the caller's clock, in seconds.
const SKEW: i64 = 60;

/// The issued tokens, with the expiry of each.
#[derive(Debug, Default)]
pub(super) struct Tokens(HashMap<String, Instant>);

impl Tokens {
    /// Whether a token is valid now.
    pub(super) fn good(&self, token: &str) -> bool {
        self.0.get(token).is_some_and(|ends| Instant::now() < *ends)
    }

    /// Returns all valid tokens.
    pub(super) fn all(&self) -> Vec<String> {
        let now = Instant::now();
        self.0.iter().filter(|(_, ends)| now < **ends).map(|(token, _)| token.clone()).collect()
    }

    /// Drops all tokens, so that their holders must request new ones.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Issues a token.
    pub(super) fn give(&mut self, lifetime: Duration) -> Option<String> {
        let mut bytes = [0_u8; 48];
        rand::fill(&mut bytes).ok()?;
        let token = format!("ya29.c.{}", URL_SAFE_NO_PAD.encode(bytes));
        let now = Instant::now();
        self.0.retain(|_, ends| now < *ends);
        self.0.insert(token.clone(), now + lifetime);
        Some(token)
    }
}

#[derive(Debug, Deserialize)]
struct Head {
    alg: String,
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: Option<String>,
    aud: Option<String>,
    scope: Option<String>,
    iat: Option<i64>,
    exp: Option<i64>,
}

/// Why no token was issued: an OAuth 2 error (RFC 6749, section 5.2) and a sentence.
#[derive(Debug, PartialEq, Eq)]
struct Denied(&'static str, String);

fn denied<T>(error: &'static str, why: impl Into<String>) -> Result<T, Denied> {
    Err(Denied(error, why.into()))
}

/// Handles a request to the token endpoint.
pub(super) fn token(
    call: &Call,
    account: &Account,
    token_uri: &str,
    lifetime: Duration,
    tokens: &mut Tokens,
) -> Response<Body> {
    match judge(call, account, token_uri) {
        Ok(()) => match tokens.give(lifetime) {
            Some(token) => {
                let answer =
                    object!({ "access_token": token, "expires_in": lifetime.as_secs(), "token_type": "Bearer" });
                json(StatusCode::OK, &answer)
            }
            None => json(StatusCode::INTERNAL_SERVER_ERROR, &object!({ "error": "internal_failure" })),
        },
        Err(Denied(error, why)) => {
            let status = if error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
            json(status, &object!({ "error": error, "error_description": why }))
        }
    }
}

fn judge(call: &Call, account: &Account, token_uri: &str) -> Result<(), Denied> {
    if call.method != "POST" {
        return denied("invalid_request", "Use POST with a form.");
    }
    let field = |name: &str| {
        form_urlencoded::parse(&call.body).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    match field("grant_type").as_deref() {
        None => return denied("invalid_request", "Required parameter is missing: grant_type"),
        Some(GRANT) => {}
        Some(other) => return denied("unsupported_grant_type", format!("Invalid grant_type: {other}; use {GRANT}")),
    }
    let Some(assertion) = field("assertion") else {
        return denied("invalid_request", "Required parameter is missing: assertion");
    };
    let claims = read(&assertion, account)?;
    check(&claims, token_uri, OffsetDateTime::now_utc().unix_timestamp())
}

fn read(assertion: &str, account: &Account) -> Result<Claims, Denied> {
    let parts: Vec<&str> = assertion.split('.').collect();
    let [head, claims, signature] = parts.as_slice() else {
        return denied("invalid_grant", "Bad Request: the assertion is not a JWT of three parts.");
    };
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part.trim_end_matches('='));
    let (Ok(head_bytes), Ok(claim_bytes), Ok(signature)) = (decode(head), decode(claims), decode(signature)) else {
        return denied("invalid_grant", "Bad Request: a part of the assertion is not base64url.");
    };
    let Ok(head_read) = serde_json::from_slice::<Head>(&head_bytes) else {
        return denied("invalid_grant", "Bad Request: the assertion's header is not JSON with an alg.");
    };
    if head_read.alg != "RS256" {
        return denied("invalid_grant", format!("Invalid JWT: the algorithm must be RS256, not {}.", head_read.alg));
    }
    let Ok(claims_read) = serde_json::from_slice::<Claims>(&claim_bytes) else {
        return denied("invalid_grant", "Invalid JWT: the claims are not JSON of the right types.");
    };
    if claims_read.iss.as_deref() != Some(CLIENT_EMAIL) {
        return denied("invalid_grant", "Invalid grant: account not found (iss must be the key file's client_email).");
    }
    if !account.signed(format!("{head}.{claims}").as_bytes(), &signature) {
        return denied("invalid_grant", "Invalid JWT Signature.");
    }
    Ok(claims_read)
}

fn check(claims: &Claims, token_uri: &str, now: i64) -> Result<(), Denied> {
    if claims.aud.as_deref() != Some(token_uri) {
        return denied("invalid_grant", format!("Invalid JWT: aud must be the token endpoint, {token_uri}."));
    }
    match claims.scope.as_deref() {
        None | Some("") => return denied("invalid_scope", "Empty or missing scope not allowed."),
        Some(scopes) if scopes.split(' ').any(|scope| scope == SCOPE) => {}
        Some(_) => return denied("invalid_scope", format!("Invalid scope: ask for {SCOPE}.")),
    }
    let (Some(iat), Some(exp)) = (claims.iat, claims.exp) else {
        return denied("invalid_grant", "Invalid JWT: iat and exp are required, in seconds since 1970.");
    };
    if exp.saturating_sub(iat) > LONGEST || exp <= iat {
        return denied("invalid_grant", "Invalid JWT: exp must be after iat and at most 1 hour after it.");
    }
    if iat > now + SKEW {
        return denied("invalid_grant", "Invalid JWT: iat is in the future. Check your clock.");
    }
    if exp <= now - SKEW {
        return denied("invalid_grant", "Invalid JWT: Token must be a short-lived token; this one has expired.");
    }
    Ok(())
}
