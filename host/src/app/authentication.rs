//! From a bearer token to a caller.
//!
//! - [`revocations`]: revoked tokens of the configuration.
//! - [`login_limits`]: how many failed logins from one address are answered.
//! - [`failed_logins`]: failed logins on their way to the audit log.

use std::{net::IpAddr, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use self::{
    failed_logins::FailedLogins,
    login_limits::{FailedLogin, Refused},
    revocations::Revocations,
};
use crate::{
    app::{App, caller::Caller, error::AppError, single_sign_on::Providers},
    domain::{digest, role::Role, time::Timestamp},
    operations::{now, people, setup::LiveSetup},
    store::Store,
};

pub mod failed_logins;
pub mod login_limits;
pub mod revocations;

/// How often revocations are read.
const REFRESH: Duration = Duration::from_secs(1);

/// How often failed logins are written to the audit log.
const FLUSH: Duration = Duration::from_secs(60);

/// The authentication state of a host.
#[derive(Debug, Default)]
pub struct Authentication {
    /// Revoked tokens of the configuration.
    pub revocations: Revocations,
    /// Failed logins that are not yet in the audit log.
    pub failed_logins: FailedLogins,
    /// What is known of the OpenID provider.
    pub providers: Providers,
}

impl Authentication {
    /// Writes failed logins to the audit log, or logs a warning if that fails.
    pub async fn flush(&self, store: &Store) {
        if let Err(error) = self.failed_logins.flush(store).await {
            tracing::warn!(%error, "failed logins could not be told to the audit log");
        }
    }
}

/// Reads revocations and writes failed logins until `stop`. The failed logins left over then are
/// for [`Authentication::flush`].
pub async fn serve(authentication: Arc<Authentication>, live: LiveSetup, store: Store, stop: CancellationToken) {
    let mut flushed = tokio::time::Instant::now();
    let watch = async {
        loop {
            tokio::time::sleep(REFRESH).await;
            if let Err(error) = authentication.revocations.refresh(&live.current().config, &store).await {
                tracing::warn!(%error, "it is not known which tokens were revoked since the last look");
            }
            if flushed.elapsed() >= FLUSH {
                flushed = tokio::time::Instant::now();
                authentication.flush(&store).await;
            }
        }
    };
    // An unresponsive database must not keep the host from stopping.
    stop.run_until_cancelled(watch).await;
}

/// A presented token and where it came from.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'t> {
    /// The token; `None` if none was sent.
    pub token: Option<&'t str>,
    /// The client's address, by which failed logins are limited.
    pub address: Option<IpAddr>,
}

/// The caller to whom a token belongs, or why the token is refused, with its name if it is known.
pub(super) type Found = Result<Caller, (Refused, Option<String>)>;

impl App {
    /// Returns the caller to whom a bearer token belongs.
    ///
    /// # Errors
    /// `AUTHENTICATION_REQUIRED` if the token is unknown, expired or revoked; the answer does not
    /// say which. `RATE_LIMITED` for such a token if too many of them came from its address.
    pub async fn authenticate(&self, presented: Presented<'_>) -> Result<Caller, AppError> {
        let address = presented.address;
        let failed = |refused, token| Err(self.login_failed(FailedLogin { address, refused, token }));
        let Some(token) = presented.token.filter(|token| !token.is_empty()) else {
            return failed(Refused::Missing, None);
        };
        let sha256 = digest::sha256(token.as_bytes());
        let now = now();
        let found = match self.configured_caller(&sha256, now) {
            Some(found) => found,
            None if self.is_known_to_be_bad(address, &sha256).await? => Err((Refused::Unknown, None)),
            None => self.stored_caller(&sha256, now).await?,
        };
        found.or_else(|(refused, name)| failed(refused, name))
    }

    /// Returns the caller to whom a token of the configuration belongs, by the token's SHA-256;
    /// `None` if the configuration has no such token.
    pub(super) fn configured_caller(&self, sha256: &str, now: Timestamp) -> Option<Found> {
        let known = self.config.tokens.iter().find(|known| known.sha256 == sha256)?;
        if self.authentication.revocations.contains(sha256) {
            return Some(Err((Refused::Revoked, Some(known.name.clone()))));
        }
        if people::lapse_of_configured(known, now).is_some() {
            return Some(Err((Refused::Expired, Some(known.name.clone()))));
        }
        Some(Ok(Caller {
            name: known.name.clone(),
            person: known.person.clone(),
            fingerprint: people::fingerprint(sha256),
            role: known.role,
            principal: known.principal.clone(),
        }))
    }

    /// Returns the caller to whom a token of the database belongs, by the token's SHA-256.
    ///
    /// # Errors
    /// When the store can't be read.
    pub(super) async fn stored_caller(&self, sha256: &str, now: Timestamp) -> Result<Found, AppError> {
        let Some(record) = self.store.token(sha256).await? else { return Ok(Err((Refused::Unknown, None))) };
        if let Some(refused) = login_limits::lapsed(&record, now) {
            return Ok(Err((refused, Some(record.name))));
        }
        let role = Role::parse(&record.role).filter(|role| match &record.principal {
            Some(principal) => self.config.principals.iter().any(|known| &known.id == principal),
            None => *role != Role::Buyer,
        });
        let fingerprint = people::fingerprint(sha256);
        Ok(match role {
            Some(role) => {
                Ok(Caller { name: record.name, person: record.person, fingerprint, role, principal: record.principal })
            }
            None => Err((Refused::Orphaned, Some(record.name))),
        })
    }
}
