//! The login: exchanges a user's name and password for a token whose payload contains its expiry.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::rand;
use axum::{
    body::Body,
    http::{Method, Response, StatusCode},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json as object};

use super::{fields::Fields, refusal::Refusal};
use crate::platform::{Call, json};

/// The longest validity of a token, whatever the settings say: a year.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3_600);
/// The maximum length of name and password, in characters.
const MAX_TEXT: usize = 200;

/// The issued tokens, with the expiry of each.
#[derive(Debug, Default)]
pub(super) struct Tokens(BTreeMap<String, Instant>);

impl Tokens {
    /// Whether a token is valid now.
    pub(super) fn good(&self, token: &str) -> bool {
        self.0.get(token).is_some_and(|ends| Instant::now() < *ends)
    }

    /// Returns all issued tokens.
    pub(super) fn all(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// Drops all tokens.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Issues a token; `None` if the system provides no randomness.
    pub(super) fn give(&mut self, username: &str, lifetime: Duration) -> Option<String> {
        let lifetime = lifetime.min(LONGEST);
        let mut signature = [0_u8; 32];
        rand::fill(&mut signature).ok()?;
        let expires = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + lifetime;
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let token = format!(
            "{}.{}.{}",
            part(object!({ "alg": "HS256", "typ": "JWT" })),
            part(object!({ "sub": username, "exp": expires.as_secs() })),
            URL_SAFE_NO_PAD.encode(signature)
        );
        let now = Instant::now();
        self.0.retain(|_, ends| now < *ends);
        self.0.insert(token.clone(), now + lifetime);
        Some(token)
    }
}

/// Handles a login.
pub(super) fn login(
    call: &Call,
    (username, password): (&str, &str),
    lifetime: Duration,
    tokens: &mut Tokens,
) -> Response<Body> {
    match judge(call, username, password) {
        Ok(()) => match tokens.give(username, lifetime) {
            Some(token) => json(StatusCode::OK, &object!({ "token": token })),
            None => Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "no random numbers").answer(),
        },
        Err(refusal) => refusal.answer(),
    }
}

fn judge(call: &Call, username: &str, password: &str) -> Result<(), Refusal> {
    if call.method != Method::POST {
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "log in with POST"));
    }
    let body: Value = serde_json::from_slice(&call.body)
        .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, "INVALID_JSON", error.to_string()))?;
    let Value::Object(body) = body else {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "INVALID_JSON", "an object is needed"));
    };
    let fields = Fields::of(&body, &["username", "password"])?;
    let sent = (fields.required_text("username", MAX_TEXT)?, fields.required_text("password", MAX_TEXT)?);
    if sent == (username, password) {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::UNAUTHORIZED, "BAD_CREDENTIALS", "user name or password is wrong"))
}
