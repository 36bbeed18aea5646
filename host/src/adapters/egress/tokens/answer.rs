//! Reads the answer to a login.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use flightdeck_prose::prose;
use serde_json::Value;

use super::grant::{Grant, TokenGrant};
use crate::{
    adapters::egress::credentials::Injection,
    clock,
    domain::failure::{Failure, FailureKind, PlatformAnswer},
};

/// Maximum size of the answer, which is a token and a few words.
const MOST_BYTES: usize = 256 * 1024;

/// The lifetime of an OAuth token that doesn't state its own.
const UNSAID: Duration = Duration::from_secs(300);

/// The longest lifetime that is accepted, whatever the token states.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// A token and its remaining lifetime.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) token: String,
    pub(super) lifetime: Duration,
}

/// Reads an answer. The platform's own words are passed on only where they can't contain what was
/// sent.
pub(super) async fn of(
    answered: Result<reqwest::Response, reqwest::Error>,
    grant: &TokenGrant,
) -> Result<Answer, Failure> {
    let mut response = answered.map_err(|error| unavailable(&format!("can't be reached ({})", error.without_url())))?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| unavailable("broke off its answer"))? {
        body.extend_from_slice(&chunk);
        if body.len() > MOST_BYTES {
            return Err(unavailable("answered with more than a token"));
        }
    }
    let said: Value = serde_json::from_slice(&body).unwrap_or_default();
    if !status.is_success() {
        return Err(refusal(status, &said, grant));
    }
    let (token, lifetime) = match &grant.grant {
        Grant::ClientCredentials { .. } | Grant::ServiceAccount { .. } => {
            let seconds = said
                .get("expires_in")
                .and_then(|value| value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok())));
            (said.get("access_token"), seconds.map_or(UNSAID, Duration::from_secs))
        }
        Grant::Login { token, lifetime, .. } => {
            let found = said.pointer(token);
            (found, found.and_then(Value::as_str).and_then(life_of).unwrap_or(*lifetime))
        }
    };
    let token = token.and_then(Value::as_str).filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| unavailable("answered without a token where the configuration looks for it"))?;
    Ok(Answer { token: token.to_owned(), lifetime: lifetime.min(LONGEST) })
}

/// Returns the remaining lifetime of a JSON Web Token by the `exp` of its payload. Its signature is
/// the platform's concern.
fn life_of(token: &str) -> Option<Duration> {
    let payload = token.split('.').nth(1)?;
    let payload = BASE64_URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let payload: Value = serde_json::from_slice(&payload).ok()?;
    let expires = payload.get("exp")?.as_i64()?;
    let seconds = expires.checked_sub(clock::now().as_micros() / 1_000_000)?;
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

fn refusal(status: reqwest::StatusCode, said: &Value, grant: &TokenGrant) -> Failure {
    if status.is_redirection() {
        let said = format!("sends elsewhere ({}) instead of answering: correct its address in `auth`", status.as_u16());
        return unavailable(&said);
    }
    if !matches!(status.as_u16(), 400 | 401 | 403 | 404 | 422) {
        return unavailable(&format!("answered {}", status.as_u16()));
    }
    let words = |name: &str| {
        let text = said.get(name).and_then(Value::as_str).unwrap_or_default();
        let shows = Injection::default().hiding(grant.secrets()).occurs_in(text.as_bytes());
        if shows { String::new() } else { prose(text, 300) }
    };
    let message = ["error_description", "message"].map(words).into_iter().find(|text| !text.is_empty());
    let mut failure = Failure::new(
        FailureKind::Permission,
        "credentials_refused",
        "the platform's login refuses the host's credentials: correct `auth` of the platform and start the host anew",
    );
    failure.platform =
        Some(PlatformAnswer { status: status.as_u16(), code: words("error"), message: message.unwrap_or_default() });
    failure
}

fn unavailable(what: &str) -> Failure {
    Failure::new(FailureKind::Unavailable, "login_unavailable", format!("the platform's login {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_by_itself_how_long_it_is_good() {
        let token = |payload: &str| format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(payload));
        let soon = clock::now().as_micros() / 1_000_000 + 100;
        let life = life_of(&token(&format!("{{\"exp\":{soon}}}"))).unwrap();
        assert!((95..=100).contains(&life.as_secs()), "{life:?}");
        assert_eq!(life_of(&token("{\"exp\":1}")), Some(Duration::ZERO), "it is over");
        for odd in ["opaque", "a.b.c", &token("{}"), &token("[]"), &token("{\"exp\":\"soon\"}")] {
            assert_eq!(life_of(odd), None, "{odd}");
        }
    }
}
