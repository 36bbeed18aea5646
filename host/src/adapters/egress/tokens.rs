//! Credentials that are fetched first: a token for which the host logs in, kept until shortly before it expires.
//!
//! One token serves all calls of a platform; whoever needs one while it is fetched waits for the same answer. A guest sees
//! neither the token nor what it is fetched with. Tokens live in memory only: another replica fetches its own.

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

/// A token is renewed so long before it expires, or a fifth of its life, if that is shorter.
const MARGIN: Duration = Duration::from_secs(60);

/// How long a refusal is believed, so that a wrong password does not lock an account.
const REFUSED_FOR: Duration = Duration::from_secs(60);

/// A token, and when it must be another one.
#[derive(Clone)]
struct Token {
    injection: Arc<Injection>,
    /// Whether the platform has ever taken it: if it has and does no more, the token was revoked. If it never has, the account
    /// may not do what was asked.
    was_accepted: bool,
    renew_at: Instant,
    dies_at: Instant,
}

/// What is remembered of the last attempts.
#[derive(Default)]
struct State {
    token: Option<Token>,
    refused: Option<(Instant, Failure)>,
}

/// A platform's tokens.
pub(crate) struct Tokens {
    grant: TokenGrant,
    client: reqwest::Client,
    /// Held while a token is fetched.
    state: tokio::sync::Mutex<State>,
    /// The last token, for whoever must hide it.
    known: Mutex<Arc<Injection>>,
}

impl Tokens {
    pub(crate) fn new(grant: TokenGrant, allow_list: AllowList) -> Result<Self, EgressError> {
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
        let known = Mutex::new(Arc::new(Injection::hiding(grant.secrets())));
        Ok(Self { grant, client, state: tokio::sync::Mutex::default(), known })
    }

    /// What must be hidden now.
    pub(crate) fn known(&self) -> Arc<Injection> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A token that is good for a request now.
    ///
    /// # Errors
    /// `permission` if the platform refuses the login, `unavailable` if it does not answer.
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

    /// Notes whether the platform accepted a token. `true`: it did not, and it is worth trying with another one.
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
            // Somebody fetched another one meanwhile.
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
        let injection = Injection::bearer(&answer.token, secrets).map_err(|_| {
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
