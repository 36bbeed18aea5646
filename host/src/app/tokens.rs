//! The tokens of the configuration and of the database, for the publisher's people.

use crate::{
    app::{App, caller::Caller, error::AppError},
    domain::{audit::AuditEntry, id::PrincipalId, person::Person, time::Timestamp},
    operations::{
        now,
        people::{Lapse, fingerprint, lapse_of_configured, lapse_of_stored},
    },
    store::Revocation,
};

/// A token, without anything that would let somebody use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenView {
    /// Its name.
    pub name: String,
    /// The person behind it.
    pub person: Person,
    /// `buyer`, `reviewer` or `operator`.
    pub role: String,
    /// The buyer whom it belongs to.
    pub principal: Option<PrincipalId>,
    /// What identifies it; see [`fingerprint`].
    pub fingerprint: String,
    /// The time from which it is refused, if it expires.
    pub expires_at: Option<Timestamp>,
    /// Why it is not valid any more.
    pub lapse: Option<Lapse>,
    /// Whether it stands in the configuration.
    pub configured: bool,
}

impl App {
    /// Returns every token, those of the configuration first.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` unless an operator asks, or when the store can't be read.
    pub async fn list_tokens(&self, caller: &Caller) -> Result<Vec<TokenView>, AppError> {
        caller.operator()?;
        let (stored, revoked, at) = (self.store.tokens().await?, self.store.revocations().await?, now());
        let configured = self.config.tokens.iter().map(|token| TokenView {
            name: token.name.clone(),
            person: token.person.clone(),
            role: token.role.as_str().to_owned(),
            principal: token.principal.clone(),
            fingerprint: fingerprint(&token.sha256),
            expires_at: token.expires_at,
            lapse: revoked
                .iter()
                .find(|revocation| revocation.sha256 == token.sha256)
                .map(|revocation| Lapse::Revoked(revocation.at))
                .or_else(|| lapse_of_configured(token, at)),
            configured: true,
        });
        let stored = stored.iter().map(|token| TokenView {
            name: token.name.clone(),
            person: token.person.clone(),
            role: token.role.clone(),
            principal: token.principal.clone(),
            fingerprint: fingerprint(&token.sha256),
            expires_at: token.expires_at,
            lapse: lapse_of_stored(token, at),
            configured: false,
        });
        Ok(configured.chain(stored).collect())
    }

    /// Revokes a token. Every host refuses it within seconds.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` unless an operator asks, `NOT_FOUND`, or when the store can't be written.
    pub async fn revoke_token(&self, caller: &Caller, token: &str, reason: &str) -> Result<String, AppError> {
        caller.operator()?;
        let stored = self.store.tokens().await?;
        let made = stored.iter().map(|token| (&token.name, &token.sha256, true));
        let configured = self.config.tokens.iter().map(|token| (&token.name, &token.sha256, false));
        let meant = made.chain(configured).find(|(_, sha256, _)| fingerprint(sha256) == token);
        let (name, sha256, is_stored) = meant.ok_or_else(|| AppError::not_found("token"))?;
        let line = AuditEntry {
            at: now(),
            actor: caller.signature(),
            action: "token.revoked".to_owned(),
            subject: format!("token:{name}"),
            digest: sha256.clone(),
            reason: Some(reason.to_owned()),
        };
        if is_stored {
            self.store.revoke_token(name, line).await?;
        } else {
            let revocation = Revocation { name: name.clone(), sha256: sha256.clone(), at: line.at };
            self.store.revoke_digest(&revocation, line).await?;
        }
        Ok(name.clone())
    }
}
