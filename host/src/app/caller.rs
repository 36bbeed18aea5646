//! A caller: the token, its role, and what the role may do.

use crate::{
    app::error::AppError,
    domain::{
        id::PrincipalId,
        person::{self, Person},
        role::Role,
    },
};

/// The caller, after the token was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The name of the token, under which the caller acts.
    pub name: String,
    /// The person behind the token.
    pub person: Person,
    /// The fingerprint by which a task records which token approved; see
    /// [`people::fingerprint`](crate::operations::people::fingerprint).
    pub fingerprint: String,
    /// The role of the token.
    pub role: Role,
    /// The principal of a buyer's token.
    pub principal: Option<PrincipalId>,
}

impl Caller {
    /// Returns the actor name for histories and the audit log: the token's name, and the person's
    /// if that is different.
    pub fn signature(&self) -> String {
        person::signature(&self.name, &self.person)
    }

    /// Returns the principal whose data the caller may see; `None` for everybody's.
    pub fn scope(&self) -> Option<&PrincipalId> {
        match self.role {
            Role::Buyer => self.principal.as_ref(),
            Role::Reviewer | Role::Operator => None,
        }
    }

    /// Returns whether the caller may see the data of this principal.
    pub fn sees(&self, owner: &PrincipalId) -> bool {
        self.role != Role::Buyer || self.principal.as_ref() == Some(owner)
    }

    /// Returns whether the caller belongs to the publisher, who sees everything about its ad
    /// servers; see [`crate::domain::told`].
    pub fn is_staff(&self) -> bool {
        self.role != Role::Buyer
    }

    /// Returns the principal that a write is made for.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` unless the caller is a buyer.
    pub fn buyer(&self) -> Result<&PrincipalId, AppError> {
        match (&self.role, &self.principal) {
            (Role::Buyer, Some(principal)) => Ok(principal),
            _ => Err(AppError::denied("a buyer's token is needed: only buyers change media buys")),
        }
    }

    /// Checks that the caller may work on tasks.
    pub fn reviewer(&self) -> Result<(), AppError> {
        match self.role {
            Role::Reviewer | Role::Operator => Ok(()),
            Role::Buyer => {
                Err(AppError::denied("a reviewer's token is needed: only the publisher's people work tasks"))
            }
        }
    }

    /// Checks that the caller may own endpoints of webhooks.
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

    /// Checks that the caller is an operator.
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
