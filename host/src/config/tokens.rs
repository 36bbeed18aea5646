//! The bearer tokens of callers.

use super::{
    reader::Kind,
    secret,
    section::Section,
    values::{self, LONGEST_NAME},
};
use crate::domain::{
    digest,
    id::PrincipalId,
    person::{IDENTITY, Person},
    role::Role,
    text::{Lines, readable},
    time::Timestamp,
};

/// The minimum length of a token. A plain digest protects a token only if nobody can guess it: 24
/// random characters have more than 120 bits.
const SHORTEST_SECRET: usize = 24;

/// `[[tokens]]`: a bearer token. Only its digest is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// `name`: identifies the caller in histories and in the audit log.
    pub name: String,
    /// `person`: the person who uses the token. Nobody may approve their own request, whichever of
    /// their tokens they use. Default: `name`.
    pub person: Person,
    /// `sha256`, or the SHA-256 of `secret`, in lower-case hexadecimal.
    pub sha256: String,
    /// `role`: what the token may do.
    pub role: Role,
    /// `principal`: the buyer. Required for the role `buyer` and refused for others.
    pub principal: Option<PrincipalId>,
    /// `expires`: the time from which the token is refused. Default: never.
    pub expires_at: Option<Timestamp>,
}

impl Token {
    pub(super) fn read(section: &Section<'_>) -> Option<Self> {
        let name = section.defined("name", Kind::Token, "\"anna\"", |node| {
            let found = values::short(node)?;
            name(&found).map(|()| found)
        });
        let person = section.optional("person", |node| {
            let found = values::short(node)?;
            self::name(&found).map(|()| found)
        });
        let role = section.required("role", "\"buyer\"", |node| values::choice(node, Role::ALL, Role::as_str));
        let principal = principal(section, role);
        let expires_at = section.optional("expires", values::moment);
        let sha256 = digest_of(section);
        let name = name?;
        let person = Person::new(person.unwrap_or_else(|| name.clone()));
        section.reader().person(person.as_str());
        Some(Self { name, person, sha256: sha256?, role: role?, principal, expires_at })
    }

    /// The part of the token that the digest of a configuration covers. The token's own digest is
    /// hashed once more.
    pub(super) fn for_digest(&self) -> serde_json::Value {
        serde_json::json!({
            "name": self.name,
            "person": self.person.as_str(),
            "role": self.role.as_str(),
            "principal": self.principal.as_ref().map(PrincipalId::as_str),
            "expires": self.expires_at.map(Timestamp::as_micros),
            "token": digest::sha256(self.sha256.as_bytes()),
        })
    }
}

/// Checks the name of a token, which identifies the actor in the audit log.
///
/// # Errors
/// When the name is not allowed. The error says what it must be.
pub fn name(text: &str) -> Result<(), String> {
    let must = || format!("must be a text of one line and at most {LONGEST_NAME} characters");
    if text.chars().count() > LONGEST_NAME {
        return Err(must());
    }
    readable(text, Lines::One).map_err(|unreadable| format!("{}: {unreadable}", must()))?;
    let begins = text.get(..IDENTITY.len());
    if begins.is_some_and(|begins| begins.eq_ignore_ascii_case(IDENTITY)) {
        return Err(format!(
            "must not begin with `{IDENTITY}`: so are those called who sign in at the OpenID provider"
        ));
    }
    let plain: String = text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    if matches!(plain.as_str(), "flightdeck" | "commandline") {
        return Err("must not be what the audit log calls the host itself: flightdeck, or command line".to_owned());
    }
    Ok(())
}

/// Reads `principal`, which only buyers have.
fn principal(section: &Section<'_>, role: Option<Role>) -> Option<PrincipalId> {
    let node = section.get("principal");
    match (role, node) {
        (Some(Role::Buyer), None) => section.missing("principal", "\"demo-agency\""),
        (Some(Role::Reviewer | Role::Operator), Some(node)) => {
            section.wrong(node.at, "`principal` goes with the role `buyer` only; leave it out");
        }
        _ => {}
    }
    let id = section.referred("principal", Kind::Principal, values::id)?;
    Some(PrincipalId::from(id))
}

/// Reads `secret` or `sha256`. Exactly one of them is required.
fn digest_of(section: &Section<'_>) -> Option<String> {
    let allow_weak = section.or("allow_weak", false, values::flag);
    let secret = secret::read(section, "secret");
    let sha256 = section.optional("sha256", values::sha256);
    match section.present(&["secret", "sha256"]).as_slice() {
        [_only] => {}
        [] => section.missing("secret", "{ env = \"ANNAS_TOKEN\" }, or the token's `sha256`"),
        _ => section.wrong(section.place_of("sha256"), "a token takes `secret` or `sha256`, not both; leave one out"),
    }
    if let Some(found) = &secret {
        judge(section, found, allow_weak);
    }
    let at = secret.as_ref().map_or_else(|| section.place_of("sha256"), |found| found.at);
    let sha256 = secret.map(|found| digest::sha256(found.secret.expose().as_bytes())).or(sha256)?;
    section.reader().define(Kind::TokenSecret, &sha256, at);
    Some(sha256)
}

/// Checks a token. Messages do not repeat it.
fn judge(section: &Section<'_>, found: &secret::FoundSecret, allow_weak: bool) {
    let secret = found.secret.expose();
    if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        // It is sent in `Authorization: Bearer …`, which can carry only these characters.
        section.wrong(found.at, "`secret` must be ASCII without spaces and line breaks: it travels in a header");
    } else if secret.len() >= SHORTEST_SECRET {
        if found.plain {
            section.warn(
                found.at,
                "`secret` stands here in plain text; prefer `sha256`, { env = \"NAME\" } or { file = \"path\" }",
            );
        }
    } else if allow_weak {
        section.warn(found.at, "`secret` can be guessed: for demonstrations only");
    } else {
        section.wrong(
            found.at,
            format!(
                "`secret` must have {SHORTEST_SECRET} characters at least, so that nobody guesses it \
                 (`flightdeck token create` makes one); for a demonstration say allow_weak = true"
            ),
        );
    }
}
