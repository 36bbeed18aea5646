//! Who asks: a bearer token, its role, and what the role may do.

use crate::{
    app::{
        App,
        error::{AppError, ErrorCode},
    },
    domain::{
        digest,
        id::PrincipalId,
        person::{self, Person},
        role::Role,
    },
    operations::people,
};

/// Who asks, after the token was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The name of the token: who acts.
    pub name: String,
    /// Who stands behind it.
    pub person: Person,
    /// What tells in a task with which token somebody approved; see [`people::fingerprint`].
    pub fingerprint: String,
    /// Its role.
    pub role: Role,
    /// For a buyer: whose.
    pub principal: Option<PrincipalId>,
}

impl Caller {
    /// Who acts, for histories and the audit log: the token, and the person behind it where that is another name.
    pub fn signature(&self) -> String {
        person::signature(&self.name, &self.person)
    }

    /// The principal whose things the caller sees; `None`: everybody's.
    pub fn scope(&self) -> Option<&PrincipalId> {
        match self.role {
            Role::Buyer => self.principal.as_ref(),
            Role::Reviewer | Role::Operator => None,
        }
    }

    /// Whether the caller may see what belongs to this principal.
    pub fn sees(&self, owner: &PrincipalId) -> bool {
        self.role != Role::Buyer || self.principal.as_ref() == Some(owner)
    }

    /// The principal that a write is made for.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` for whoever is no buyer.
    pub fn buyer(&self) -> Result<&PrincipalId, AppError> {
        match (&self.role, &self.principal) {
            (Role::Buyer, Some(principal)) => Ok(principal),
            _ => Err(AppError::denied("a buyer's token is needed: only buyers change media buys")),
        }
    }

    /// Checks that the caller may work tasks.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` for buyers.
    pub fn reviewer(&self) -> Result<(), AppError> {
        match self.role {
            Role::Reviewer | Role::Operator => Ok(()),
            Role::Buyer => {
                Err(AppError::denied("a reviewer's token is needed: only the publisher's people work tasks"))
            }
        }
    }

    /// Fails unless the caller can own what the host does beside media buys: endpoints of webhooks.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` for reviewers.
    pub fn owner(&self) -> Result<(), AppError> {
        match self.role {
            Role::Operator | Role::Buyer => Ok(()),
            Role::Reviewer => {
                Err(AppError::denied("a buyer's or an operator's token is needed: reviewers own no webhooks"))
            }
        }
    }

    /// Fails unless the caller runs the host.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` for everybody else.
    pub fn operator(&self) -> Result<(), AppError> {
        match self.role {
            Role::Operator => Ok(()),
            Role::Reviewer | Role::Buyer => {
                Err(AppError::denied("an operator's token is needed: only those who run the host see this"))
            }
        }
    }
}

impl App {
    /// Who a bearer token belongs to.
    ///
    /// # Errors
    /// `AUTHENTICATION_REQUIRED` if it is unknown, expired or revoked: the caller is not told which.
    pub async fn authenticate(&self, token: Option<&str>) -> Result<Caller, AppError> {
        let unknown = || {
            AppError::new(
                ErrorCode::AuthenticationRequired,
                "a valid token is needed: send it as `Authorization: Bearer <token>`",
            )
        };
        let token = token.filter(|token| !token.is_empty()).ok_or_else(unknown)?;
        let sha256 = digest::sha256(token.as_bytes());
        let now = crate::operations::now();
        if let Some(known) = self.config.tokens.iter().find(|known| known.sha256 == sha256) {
            if people::lapse_of_configured(known, now).is_some() {
                return Err(unknown());
            }
            return Ok(Caller {
                name: known.name.clone(),
                person: known.person.clone(),
                fingerprint: people::fingerprint(&sha256),
                role: known.role,
                principal: known.principal.clone(),
            });
        }
        let record = self.store.token(&sha256).await?.ok_or_else(unknown)?;
        let over = people::lapse_of_stored(&record, now).is_some();
        let role = Role::parse(&record.role).filter(|_| !over).ok_or_else(unknown)?;
        let principal_exists = match &record.principal {
            Some(principal) => self.config.principals.iter().any(|known| &known.id == principal),
            None => role != Role::Buyer,
        };
        if !principal_exists {
            return Err(unknown());
        }
        let fingerprint = people::fingerprint(&sha256);
        Ok(Caller { name: record.name, person: record.person, fingerprint, role, principal: record.principal })
    }
}
