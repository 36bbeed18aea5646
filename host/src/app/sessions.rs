//! Sessions of the review desk: a person signs in with a token, or at an OpenID provider
//! ([`single_sign_on`](crate::app::single_sign_on)), and the browser gets a secret in a cookie
//! instead.
//!
//! A session stores no rights. Each request acts with what the token may do at that moment, so a
//! token that is revoked, expired or gone from the configuration ends its sessions at once.

use std::time::Duration;

use crate::{
    app::{
        App,
        authentication::Presented,
        caller::Caller,
        error::{AppError, ErrorCode},
    },
    domain::{audit::AuditEntry, digest, time::Timestamp},
    operations::now,
    store::sessions::Session,
};

/// The length of a session's secret in bytes.
const SECRET_BYTES: usize = 32;

/// How precisely the last request of a session is recorded, at most.
const SEEN_EVERY: Duration = Duration::from_secs(60);

/// A session that has just begun.
#[derive(Debug)]
pub struct SignedIn {
    /// The caller who signed in.
    pub caller: Caller,
    /// The secret for the cookie. Only its SHA-256 is stored.
    pub secret: String,
}

impl App {
    /// Begins a session for the bearer of a token.
    ///
    /// # Errors
    /// As [`App::authenticate`]; `PERMISSION_DENIED` for buyers, who have no pages.
    pub async fn sign_in(&self, presented: Presented<'_>) -> Result<SignedIn, AppError> {
        let caller = self.authenticate(presented).await?;
        caller.reviewer().map_err(|_| {
            AppError::denied("this is a buyer's token; the desk is for the publisher's reviewers and operators")
                .suggest("buyers use the API; see /docs")
        })?;
        self.begin_session(caller, digest::sha256(presented.token.unwrap_or_default().as_bytes())).await
    }

    /// Begins a session for a caller, with the SHA-256 of the token whose rights it has.
    ///
    /// # Errors
    /// When the store can't be written.
    pub(super) async fn begin_session(&self, caller: Caller, token_sha256: String) -> Result<SignedIn, AppError> {
        let secret = random()?;
        let at = now();
        let session =
            Session { secret_sha256: digest::sha256(secret.as_bytes()), token_sha256, created_at: at, seen_at: at };
        self.store.begin_session(&session, &caller.person, line("session.begun", &caller, at)).await?;
        Ok(SignedIn { caller, secret })
    }

    /// Returns the caller of a session; `None` if the session has ended or its token is no longer
    /// valid.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn session_caller(&self, secret: &str) -> Result<Option<Caller>, AppError> {
        let Some(session) = self.store.session(&digest::sha256(secret.as_bytes())).await? else { return Ok(None) };
        let (at, desk) = (now(), &self.config.desk);
        if session.seen_at.until(at) >= desk.idle_timeout || session.created_at.until(at) >= desk.session_lifetime {
            return Ok(None);
        }
        let caller = match self.configured_caller(&session.token_sha256, at) {
            Some(found) => found.ok(),
            None => self.stored_caller(&session.token_sha256, at).await?.ok(),
        };
        let caller = caller.filter(|caller| caller.reviewer().is_ok());
        if caller.is_some() {
            let every = SEEN_EVERY.min(desk.idle_timeout / 4);
            self.store.see_session(&session, every, at).await?;
        }
        Ok(caller)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the store can't be written.
    pub async fn sign_out(&self, caller: &Caller, secret: &str) -> Result<(), AppError> {
        let line = line("session.ended", caller, now());
        Ok(self.store.end_session(&digest::sha256(secret.as_bytes()), line).await?)
    }

    /// Ends all sessions of the caller's person, on every browser.
    ///
    /// # Errors
    /// When the store can't be written.
    pub async fn sign_out_everywhere(&self, caller: &Caller) -> Result<(), AppError> {
        let line = line("session.ended_everywhere", caller, now());
        Ok(self.store.end_sessions_of(&caller.person, line).await?)
    }
}

/// Returns a text that nobody can guess.
pub(super) fn random() -> Result<String, AppError> {
    let mut secret = [0; SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(|error| {
        tracing::error!(%error, "there are no random numbers");
        AppError::new(ErrorCode::Internal, "nobody can be signed in now")
    })?;
    Ok(hex::encode(secret))
}

fn line(action: &str, caller: &Caller, at: Timestamp) -> AuditEntry {
    AuditEntry {
        at,
        actor: caller.signature(),
        action: action.to_owned(),
        subject: caller.person.to_string(),
        digest: String::new(),
        reason: None,
    }
}
