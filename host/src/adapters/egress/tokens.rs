//! Credentials that are fetched first: the host logs in for a token and keeps it until shortly
//! before it expires.
//!
//! One token serves all calls of a platform; calls that need one while it is being fetched wait for
//! the same answer. A guest sees neither the token nor the credentials it is fetched with. Tokens
//! are kept in memory only: another replica fetches its own.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{EgressError, credentials::Injection};
use crate::{
    adapters::PlatformConfig,
    domain::failure::{Failure, FailureKind},
    network::{allow_list::AllowList, resolver::Resolver},
};

mod answer;
mod grant;

pub use grant::{Grant, ServiceAccountKey, ServiceAccountKeyError, TokenGrant};

/// How long the platform's login may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long before its expiry a token is renewed; a fifth of its lifetime if that is shorter.
const MARGIN: Duration = Duration::from_secs(60);

/// How long a refused login is not tried again, so that a wrong password does not lock an account.
const REFUSED_FOR: Duration = Duration::from_secs(60);

/// A token, and when it must be renewed.
#[derive(Clone)]
struct Token {
    injection: Arc<Injection>,
    /// Whether the platform has ever accepted the token. If it has and no longer does, the token
    /// was revoked. If it never has, the account lacks the permission.
    was_accepted: bool,
    renew_at: Instant,
    dies_at: Instant,
}

/// The results of the latest attempts.
#[derive(Default)]
struct State {
    token: Option<Token>,
    refused: Option<(Instant, Failure)>,
}

/// A platform's tokens.
pub(crate) struct Tokens {
    grant: TokenGrant,
    /// The credentials that are sent together with a token.
    others: Injection,
    client: reqwest::Client,
    /// Held while a token is fetched.
    state: tokio::sync::Mutex<State>,
    /// The last token, for code that must hide it.
    known: Mutex<Arc<Injection>>,
}

impl Tokens {
    pub(crate) fn new(grant: TokenGrant, others: Injection, allow_list: AllowList) -> Result<Self, EgressError> {
        let origin = grant.url.origin().clone();
        allow_list.check_literal(&origin).map_err(|refused| EgressError::Login { url: grant.url.clone(), refused })?;
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("flightdeck/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(PlatformConfig::CONNECT_TIMEOUT)
            .timeout(PATIENCE)
            .dns_resolver(Arc::new(Resolver::new(allow_list, &[origin])))
            .build()
            .map_err(EgressError::Client)?;
        let known = Mutex::new(Arc::new(others.clone().hiding(grant.secrets())));
        Ok(Self { grant, others, client, state: tokio::sync::Mutex::default(), known })
    }

    /// Returns what must be hidden now.
    pub(crate) fn known(&self) -> Arc<Injection> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns a token that is valid for a request now.
    ///
    /// # Errors
    /// `permission` when the platform refuses the login, `unavailable` when it does not answer.
    pub(crate) async fn ready(&self) -> Result<Arc<Injection>, Failure> {
        let mut state = self.state.lock().await;
        let now = Instant::now();
        if let Some(token) = state.token.as_ref().filter(|token| now < token.renew_at) {
            return Ok(token.injection.clone());
        }
        if let Some((_, failure)) = state.refused.as_ref().filter(|(since, _)| now < *since + REFUSED_FOR) {
            return Err(failure.clone());
        }
        match self.fetch().await {
            Ok(token) => {
                let injection = token.injection.clone();
                *state = State { token: Some(token), refused: None };
                Ok(injection)
            }
            Err(failure) => {
                tracing::warn!(code = failure.code, "no token could be fetched: {}", failure.message);
                if failure.kind == FailureKind::Permission {
                    state.refused = Some((now, failure.clone()));
                }
                match &state.token {
                    Some(token) if Instant::now() < token.dies_at => Ok(token.injection.clone()),
                    _ => Err(failure),
                }
            }
        }
    }

    /// Records whether the platform accepted a token. Returns `true` if it did not and another
    /// token is worth a try.
    pub(crate) async fn judged(&self, used: &Arc<Injection>, accepted: bool) -> bool {
        let mut state = self.state.lock().await;
        match &mut state.token {
            Some(token) if Arc::ptr_eq(&token.injection, used) => {
                let was_revoked = !accepted && token.was_accepted;
                token.was_accepted |= accepted;
                if was_revoked {
                    state.token = None;
                }
                was_revoked
            }
            // Another call has fetched a new one meanwhile.
            _ => !accepted,
        }
    }

    async fn fetch(&self) -> Result<Token, Failure> {
        let request = self.grant.request(&self.client)?;
        let asked_at = Instant::now();
        let answer = answer::of(self.client.execute(request).await, &self.grant).await?;
        let previous = self.known();
        let mut secrets = self.grant.secrets();
        secrets.extend(previous.token().map(str::to_owned));
        let injection = self.others.with_bearer(&answer.token, secrets).map_err(|_| {
            Failure::new(
                FailureKind::Unavailable,
                "token_unusable",
                "the platform's login answered with a token that no header can carry",
            )
        })?;
        let injection = Arc::new(injection);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = injection.clone();
        let margin = MARGIN.min(answer.lifetime / 5);
        let dies_at = asked_at + answer.lifetime;
        Ok(Token { injection, was_accepted: false, renew_at: dies_at - margin, dies_at })
    }
}
