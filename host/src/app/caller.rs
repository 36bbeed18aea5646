//! Who asks: a bearer token, its role, and what the role may do.

use std::net::IpAddr;

use crate::{
    app::{
        App,
        door::Refused,
        error::{AppError, ErrorCode},
    },
    domain::{digest, id::PrincipalId, role::Role, time::Timestamp},
};

/// Why a token that is known is not good.
const REVOKED: &str = "was revoked";
const EXPIRED: &str = "has expired";

/// Who asks, after the token was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The name of the token: who acts.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// For a buyer: whose.
    pub principal: Option<PrincipalId>,
}

impl Caller {
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
    /// Who a bearer token belongs to, that came `from` an address.
    ///
    /// # Errors
    /// `AUTHENTICATION_REQUIRED` if it is unknown, expired or revoked: the caller is not told which. The audit log is.
    pub async fn authenticate(&self, token: Option<&str>, from: Option<IpAddr>) -> Result<Caller, AppError> {
        self.known(token).await?.map_err(|refused| {
            self.door.refuse(from, refused);
            AppError::new(
                ErrorCode::AuthenticationRequired,
                "a valid token is needed: send it as `Authorization: Bearer <token>`",
            )
        })
    }

    /// Whose a token is, or why it is nobody's.
    async fn known(&self, token: Option<&str>) -> Result<Result<Caller, Refused>, AppError> {
        let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(Err(Refused::NoToken)) };
        let sha256 = digest::sha256(token.as_bytes());
        let now = crate::operations::now();
        let no_longer = |name: &str, why| Ok(Err(Refused::NoLonger(name.to_owned(), why)));
        let over = |expires_at: Option<Timestamp>| expires_at.is_some_and(|at| at <= now);
        if let Some(known) = self.config.tokens.iter().find(|known| known.sha256 == sha256) {
            return match known {
                _ if self.door.is_revoked(&sha256) => no_longer(&known.name, REVOKED),
                _ if over(known.expires_at) => no_longer(&known.name, EXPIRED),
                _ => Ok(Ok(Caller { name: known.name.clone(), role: known.role, principal: known.principal.clone() })),
            };
        }
        let Some(record) = self.store.token(&sha256).await? else { return Ok(Err(Refused::Unknown)) };
        let Some(role) = Role::parse(&record.role) else {
            return no_longer(&record.name, "has a role that there is not");
        };
        let principal_exists = match &record.principal {
            Some(principal) => self.config.principals.iter().any(|known| &known.id == principal),
            None => role != Role::Buyer,
        };
        match record {
            record if record.revoked_at.is_some() => no_longer(&record.name, REVOKED),
            record if over(record.expires_at) => no_longer(&record.name, EXPIRED),
            record if !principal_exists => no_longer(&record.name, "is a principal's that the configuration has not"),
            record => Ok(Ok(Caller { name: record.name, role, principal: record.principal })),
        }
    }
}
