//! From a provider's claims to a person with a role, and to their token.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::{
    app::{
        App,
        error::{AppError, ErrorCode},
        sessions::random,
    },
    config::{Oidc, tokens},
    domain::{
        audit::AuditEntry,
        digest, nfc,
        person::{IDENTITY, Person},
        role::Role,
        text::{Lines, readable},
        time::Timestamp,
    },
    operations::now,
    store::{StoreError, TokenRecord},
};

/// How long after somebody's last sign-in their token is valid, and their approvals count: longer
/// than a holiday. A session that may last longer keeps its token as long.
pub const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 3_600);

/// How many groups of a person are looked at.
const MOST_GROUPS: usize = 2_000;

/// A person for whom the provider vouches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    person: Person,
    groups: Vec<String>,
}

impl Identity {
    /// Reads the claims of a person.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` if the claims do not say who it is, or the provider does not know it for
    /// sure.
    pub fn of(oidc: &Oidc, claims: &Map<String, Value>) -> Result<Self, AppError> {
        let claim = &oidc.person_claim;
        let person = claims.get(claim).and_then(Value::as_str).map(|person| nfc::composed(person.trim()));
        let person = person.filter(|person| !person.is_empty()).ok_or_else(|| {
            AppError::denied(format!("the provider does not say who you are: its ID token has no claim `{claim}`"))
                .suggest("an operator can ask for it with `scopes`, or name another claim in `person_claim`")
        })?;
        if claim == "email" && claims.get("email_verified") == Some(&Value::Bool(false)) {
            return Err(AppError::denied("the provider has not verified your e-mail address; verify it there first"));
        }
        // Everybody may be called what a token may be called, and the token gets a prefix.
        let most = 64 - IDENTITY.len();
        if person.chars().count() > most || readable(&person, Lines::One).is_err() || tokens::name(&person).is_err() {
            return Err(AppError::denied(format!(
                "the provider's claim `{claim}` is no name for the audit log: it must be one line of at most {most} \
                 characters"
            )));
        }
        let groups = match claims.get(&oidc.groups_claim) {
            Some(Value::String(group)) => vec![group.clone()],
            Some(Value::Array(groups)) => {
                groups.iter().take(MOST_GROUPS).filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        Ok(Self { person: Person::new(person), groups })
    }

    /// The name of the person's token: the same however the provider writes the person.
    pub fn token_name(&self) -> String {
        format!("{IDENTITY}{}", self.person.key())
    }

    /// Returns the role that the person's groups give.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` if they give none.
    pub fn role(&self, oidc: &Oidc) -> Result<Role, AppError> {
        let is_in = |list: &[String]| list.iter().any(|group| self.groups.contains(group));
        if is_in(&oidc.operators) {
            return Ok(Role::Operator);
        }
        if is_in(&oidc.reviewers) {
            return Ok(Role::Reviewer);
        }
        let groups: Vec<&str> = oidc.reviewers.iter().chain(&oidc.operators).map(String::as_str).collect();
        Err(AppError::denied(format!(
            "you are signed in at the provider as {}, but in no group that may open the desk; it is for: {}",
            self.person,
            groups.join(", ")
        ))
        .suggest("ask who runs the provider to add you, and sign in again"))
    }
}

impl App {
    /// Gives the token of a person the role of this sign-in, and the time after it. Makes the token
    /// if it is the first sign-in.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` if the token was revoked, or its name is another token's.
    pub(super) async fn admit(&self, oidc: &Oidc, identity: &Identity, role: Role) -> Result<TokenRecord, AppError> {
        let name = identity.token_name();
        if self.config.tokens.iter().any(|known| known.name == name) {
            return Err(taken(&name));
        }
        let at = now();
        let expires_at = at.plus(REMEMBERED.max(self.config.desk.session_lifetime));
        // The second look is for the case that the person signs in twice at the same moment.
        for _ in 0..2 {
            let Some(known) = self.store.token_named(&name).await? else {
                // Nobody has seen the text, so nobody can send it.
                let sha256 = digest::sha256(random()?.as_bytes());
                let line = line("token.created", &name, &sha256, at, format!("{role}, by {}", oidc.issuer));
                let record = TokenRecord {
                    name: name.clone(),
                    person: identity.person.clone(),
                    sha256,
                    role: role.to_string(),
                    principal: None,
                    created_at: at,
                    expires_at: Some(expires_at),
                    revoked_at: None,
                };
                match self.store.add_token(&record, line).await {
                    Err(StoreError::Stale(_)) => continue,
                    added => return Ok(added.map(|()| record)?),
                }
            };
            if known.principal.is_some() || known.expires_at.is_none() || known.person != identity.person {
                return Err(taken(&name));
            }
            if known.revoked_at.is_some() {
                return Err(revoked(&name));
            }
            let was = &known.role;
            let changed = (*was != role.as_str()).then(|| {
                let why = format!("from {was} to {role}, by {}", oidc.issuer);
                line("token.role_changed", &name, &known.sha256, at, why)
            });
            return match self.store.renew_token(&known.sha256, role.as_str(), expires_at, changed).await {
                Err(StoreError::Stale(_)) => Err(revoked(&name)),
                renewed => Ok(renewed.map(|()| known)?),
            };
        }
        Err(AppError::new(ErrorCode::Conflict, "you are signing in twice at the same moment; begin again"))
    }
}

/// Returns what is shown to somebody whose token was revoked.
pub(super) fn revoked(name: &str) -> AppError {
    AppError::denied(format!(
        "your access was revoked; an operator gives it back with `flightdeck token restore {name}`"
    ))
}

fn taken(name: &str) -> AppError {
    AppError::denied(format!("a token that an operator made is called {name}, so you can't be"))
        .suggest("an operator can give that token another name")
}

fn line(action: &str, name: &str, sha256: &str, at: Timestamp, why: String) -> AuditEntry {
    AuditEntry {
        at,
        actor: name.to_owned(),
        action: action.to_owned(),
        subject: format!("token:{name}"),
        digest: sha256.to_owned(),
        reason: Some(why),
    }
}
