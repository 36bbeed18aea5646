//! The person behind a token. One person may have several tokens in several roles, but counts as
//! one reviewer.

use serde::{Deserialize, Serialize};

/// A person, by the name that the publisher gave them. Names that differ only in case or in
/// surrounding whitespace mean the same person, so that a typo in the configuration does not create
/// a second one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Person(String);

impl Person {
    /// Creates the person with this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which two names of the same person are equal.
    pub fn key(&self) -> String {
        self.0.trim().to_lowercase()
    }
}

impl PartialEq for Person {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Person {}

impl std::fmt::Display for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// How the names of the tokens begin that belong to people who sign in at an OpenID provider. No
/// token that an operator makes begins like this, so nobody at the provider can take one over.
pub const IDENTITY: &str = "oidc:";

/// The actor in histories and in the audit log: the token, and the person behind it if the names
/// differ.
pub fn signature(token: &str, person: &Person) -> String {
    let named = token.strip_prefix(IDENTITY).unwrap_or(token);
    if *person == Person::new(named) { token.to_owned() } else { format!("{token} ({person})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_makes_no_second_person() {
        assert_eq!(Person::new("Anna Ström"), Person::new(" anna STRÖM "));
        assert_ne!(Person::new("Anna"), Person::new("Anna 2"));
    }

    #[test]
    fn a_signature_names_the_person_where_the_token_does_not() {
        assert_eq!(signature("anna", &Person::new("Anna")), "anna");
        assert_eq!(signature("night-desk", &Person::new("anna")), "night-desk (anna)");
        assert_eq!(signature("oidc:anna@acme.example", &Person::new("Anna@acme.example")), "oidc:anna@acme.example");
    }
}
