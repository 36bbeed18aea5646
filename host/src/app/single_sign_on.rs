//! Signing in to the review desk at an OpenID provider: authorization code with PKCE.
//!
//! | step | file |
//! |---|---|
//! | the browser leaves with a sealed ticket | `ticket` |
//! | the provider's code becomes claims that the provider has signed | [`provider`] |
//! | the claims become a person and a role | [`identity`] |
//! | the person becomes a token without a text, whose rights the session has | [`identity`] |
//!
//! A session and an approval hold on to the token. Revocations, expiry and the rule that nobody
//! decides on their own request therefore need no second way.

use std::net::IpAddr;

use aws_lc_rs::constant_time::verify_slices_are_equal;

use self::{identity::Identity, ticket::Ticket};
use crate::{
    app::{
        App,
        authentication::login_limits::{FailedLogin, Refused},
        error::{AppError, ErrorCode},
        sessions::SignedIn,
    },
    config::Oidc,
    domain::{account::Severity, digest},
    operations::{checklist::Check, now},
};

pub mod identity;
pub mod provider;
mod ticket;

pub use provider::Providers;
pub use ticket::LIFETIME;

/// The longest code or state that a provider sends back. Real ones have some hundred characters.
const LONGEST: usize = 4_096;

/// A sign-in that has begun.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser goes: the provider.
    pub to: String,
    /// What the browser keeps until it comes back.
    pub ticket: String,
}

/// What a browser brings back from the provider.
#[derive(Debug, Clone, Copy)]
pub struct Returned<'r> {
    /// The ticket that it was given.
    pub ticket: Option<&'r str>,
    /// The state that the provider repeats.
    pub state: &'r str,
    /// The code, which the provider gives if it knows the person.
    pub code: Option<&'r str>,
    /// The provider's error code, if it gives none.
    pub error: Option<&'r str>,
    /// The client's address.
    pub address: Option<IpAddr>,
}

/// Why somebody who came back from the provider is not signed in.
struct Rejected {
    error: AppError,
    /// The token of the person, if the provider vouched for them.
    name: Option<String>,
}

impl Rejected {
    fn new(error: AppError) -> Self {
        Self { error, name: None }
    }
}

impl App {
    /// Begins a sign-in at the provider, after which the browser goes to `next`.
    ///
    /// # Errors
    /// `NOT_FOUND` if no provider is configured, `PLATFORM_UNAVAILABLE` if it can't be reached.
    pub async fn begin_single_sign_on(&self, next: &str) -> Result<Begun, AppError> {
        let oidc = self.oidc()?;
        let provider = self.authentication.providers.get(oidc, None).await.map_err(|error| error.shown(oidc))?;
        let ticket = Ticket::new(&oidc.issuer, next, now())?;
        let to = provider.authorize(oidc, &ticket).map_err(|error| error.shown(oidc))?;
        let ticket = ticket.sealed(self.store.keys()).map_err(|error| {
            tracing::error!(%error, "nobody can sign in at the OpenID provider");
            AppError::new(ErrorCode::Internal, "nobody can sign in this way now; the host's log says why")
        })?;
        Ok(Begun { to, ticket })
    }

    /// Ends a sign-in at the provider. Returns the session, and the path to which the browser goes.
    ///
    /// # Errors
    /// `INVALID_STATE` if the browser did not begin this sign-in here, or too long ago.
    /// `AUTHENTICATION_REQUIRED` if the provider does not vouch for the person,
    /// `PERMISSION_DENIED` if the person may not enter, `RATE_LIMITED` if this happened too often
    /// from this address, and `PLATFORM_UNAVAILABLE` if the provider can't be reached.
    pub async fn finish_single_sign_on(&self, returned: Returned<'_>) -> Result<(SignedIn, String), AppError> {
        let oidc = self.oidc()?;
        let ticket = returned.ticket.and_then(|sealed| Ticket::open(sealed, self.store.keys(), &oidc.issuer, now()));
        let ticket = ticket.ok_or_else(|| {
            AppError::state("this sign-in was not begun in this browser, or more than ten minutes ago; begin again")
                .suggest(format!("open the desk at {}/admin", oidc.public_url))
        })?;
        if verify_slices_are_equal(ticket.state.as_bytes(), returned.state.as_bytes()).is_err() {
            return Err(AppError::state("this is the answer to another sign-in than the last one; begin again"));
        }
        self.not_too_many_failed(returned.address)?;
        let refused = match self.enter_with(oidc, &ticket, &returned).await {
            Ok(signed_in) => return Ok((signed_in, ticket.next)),
            Err(refused) => refused,
        };
        // What is nobody's attempt to get in is not counted: a provider that is down, our own store.
        if !matches!(refused.error.code, ErrorCode::AuthenticationRequired | ErrorCode::PermissionDenied) {
            return Err(refused.error);
        }
        let failed = FailedLogin { address: returned.address, refused: Refused::SignOn, token: refused.name };
        let counted = self.login_failed(failed);
        Err(if counted.code == ErrorCode::RateLimited { counted } else { refused.error })
    }

    async fn enter_with(&self, oidc: &Oidc, ticket: &Ticket, returned: &Returned<'_>) -> Result<SignedIn, Rejected> {
        let code = match (returned.code, returned.error) {
            (Some(code), None) if code.len() <= LONGEST => code,
            (_, error) => return Err(Rejected::new(provider_said(error))),
        };
        let providers = &self.authentication.providers;
        let claims = providers
            .redeem(oidc, ticket, code)
            .await
            .inspect_err(|error| tracing::warn!(error = %error.told(), issuer = oidc.issuer, "a sign-in failed"))
            .map_err(|error| Rejected::new(error.shown(oidc)))?;
        let identity = Identity::of(oidc, &claims).map_err(Rejected::new)?;
        let name = identity.token_name();
        let rejected = |error| Rejected { error, name: Some(name.clone()) };
        let role = identity.role(oidc).map_err(rejected)?;
        let record = self.admit(oidc, &identity, role).await.map_err(rejected)?;
        let found = self.stored_caller(&record.sha256, now()).await.map_err(rejected)?;
        let caller = found.map_err(|_| rejected(identity::revoked(&name)))?;
        self.begin_session(caller, record.sha256).await.map_err(rejected)
    }

    fn oidc(&self) -> Result<&Oidc, AppError> {
        self.config.desk.oidc.as_ref().ok_or_else(|| AppError::not_found("page"))
    }
}

/// Asks a provider for its metadata and keys, for the list of what an installation needs.
pub async fn check(oidc: &Oidc) -> Check {
    let (severity, found, cure) = match Providers::default().get(oidc, None).await {
        Ok(_) => (Severity::Fine, format!("{} is reached, and says where to sign in", oidc.issuer), None),
        // Tokens still work, so no buy waits for it.
        Err(error) => {
            let issuer = oidc.issuer.trim_end_matches('/');
            let cure = format!("compare `issuer` with what {issuer}/.well-known/openid-configuration says");
            (Severity::Warning, error.to_string(), Some(cure))
        }
    };
    Check { subject: "single sign-on".to_owned(), severity, found, cure }
}

/// Returns what is shown if the provider sent no code. Its own words are not shown: whoever writes a
/// link could put theirs there.
fn provider_said(error: Option<&str>) -> AppError {
    let known = ["access_denied", "login_required", "consent_required", "interaction_required"];
    match error.filter(|error| known.contains(error)) {
        Some(error) => AppError::new(
            ErrorCode::AuthenticationRequired,
            format!("the provider did not sign you in ({error}); begin again, or ask who runs it"),
        ),
        None => {
            let digest = error.map(|error| digest::sha256(error.as_bytes()));
            tracing::warn!(?digest, "the OpenID provider sent an error instead of a code");
            AppError::new(
                ErrorCode::AuthenticationRequired,
                "the provider did not sign you in; begin again, and if it stays so, have an operator compare client_id, \
                 scopes and redirect URI with what the provider knows",
            )
        }
    }
}
