//! A caller: the token, its role, and what the role may do.

use crate::{
    app::error::AppError,
    domain::{
        id::PrincipalId,
        person::{self, Person},
        role::Role,
    },
};

/// Who asks, after the token was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The name of the token: who acts.
    pub name: String,
    /// Who stands behind it.
    pub person: Person,
    /// What tells in a task with which token somebody approved; see [`people::fingerprint`](crate::operations::people::fingerprint).
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
