//! Who asks: a bearer token, its role, and what the role may do.

use std::net::IpAddr;

use crate::{
    app::{
        App,
        callers::logins::{self, FailedLogin, Refused},
        error::AppError,
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

    /// Whether the caller belongs to the publisher, who is told everything of its ad servers; see [`crate::domain::told`].
    pub fn is_staff(&self) -> bool {
        self.role != Role::Buyer
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

/// A token, and from where it came.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'t> {
    /// The token; `None` if there was none.
    pub token: Option<&'t str>,
    /// Whose address it came from, for those who try.
    pub address: Option<IpAddr>,
}

impl App {
    /// Who a bearer token belongs to.
    ///
    /// # Errors
    /// `AUTHENTICATION_REQUIRED` if it is unknown, expired or revoked: the caller is not told which. `RATE_LIMITED` for such a token from
    /// an address from which too many of them came.
    pub async fn authenticate(&self, presented: Presented<'_>) -> Result<Caller, AppError> {
        let address = presented.address;
        let failed = |refused, token| Err(self.login_failed(FailedLogin { address, refused, token }));
        let Some(token) = presented.token.filter(|token| !token.is_empty()) else {
            return failed(Refused::Missing, None);
        };
        let sha256 = digest::sha256(token.as_bytes());
        let now = crate::operations::now();
        if let Some(known) = self.config.tokens.iter().find(|known| known.sha256 == sha256) {
            if self.door.is_revoked(&sha256) {
                return failed(Refused::Revoked, Some(known.name.clone()));
            }
            if people::lapse_of_configured(known, now).is_some() {
                return failed(Refused::Expired, Some(known.name.clone()));
            }
            return Ok(Caller {
                name: known.name.clone(),
                person: known.person.clone(),
                fingerprint: people::fingerprint(&sha256),
                role: known.role,
                principal: known.principal.clone(),
            });
        }
        if self.need_not_look(address, &sha256).await? {
            return failed(Refused::Unknown, None);
        }
        let Some(record) = self.store.token(&sha256).await? else { return failed(Refused::Unknown, None) };
        if let Some(refused) = logins::over(&record, now) {
            return failed(refused, Some(record.name));
        }
        let role = Role::parse(&record.role).filter(|role| match &record.principal {
            Some(principal) => self.config.principals.iter().any(|known| &known.id == principal),
            None => *role != Role::Buyer,
        });
        let fingerprint = people::fingerprint(&sha256);
        match role {
            Some(role) => {
                Ok(Caller { name: record.name, person: record.person, fingerprint, role, principal: record.principal })
            }
            None => failed(Refused::Orphaned, Some(record.name)),
        }
    }
}
