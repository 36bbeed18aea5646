//! What a browser keeps while somebody is at the provider.
//!
//! The browser may come back to another host than it left, so the ticket is sealed with the key that
//! all hosts of a database have, and nothing is stored.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    app::{error::AppError, sessions::random},
    domain::{
        keys::{KeyError, Keyring},
        time::Timestamp,
    },
};

/// How long somebody may take at the provider: long enough to look for a second factor.
pub const LIFETIME: Duration = Duration::from_secs(600);

/// A sign-in that has begun.
#[derive(Serialize, Deserialize)]
pub(super) struct Ticket {
    /// Ties the answer to this browser.
    pub(super) state: String,
    /// Ties the ID token to this sign-in.
    pub(super) nonce: String,
    /// Ties the code to this sign-in (PKCE).
    pub(super) verifier: String,
    /// Where the browser goes afterwards.
    pub(super) next: String,
    issuer: String,
    at: Timestamp,
}

impl Ticket {
    pub(super) fn new(issuer: &str, next: &str, at: Timestamp) -> Result<Self, AppError> {
        Ok(Self {
            state: random()?,
            nonce: random()?,
            verifier: random()?,
            next: next.to_owned(),
            issuer: issuer.to_owned(),
            at,
        })
    }

    pub(super) fn sealed(&self, keys: &Keyring) -> Result<String, KeyError> {
        keys.seal_sign_in(&serde_json::json!(self).to_string())
    }

    /// Reads a ticket; `None` if no host of this database made it for this provider, or it is too
    /// old.
    pub(super) fn open(sealed: &str, keys: &Keyring, issuer: &str, now: Timestamp) -> Option<Self> {
        let ticket: Self = serde_json::from_str(&keys.open_sign_in(sealed).ok()?).ok()?;
        (ticket.issuer == issuer && ticket.at.until(now) < LIFETIME).then_some(ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_for_ten_minutes_and_for_its_provider() {
        let (keys, at) = (Keyring::of_this_process(), Timestamp::from_micros(1_000_000));
        let ticket = Ticket::new("https://a.example", "/admin/queue", at).unwrap();
        assert!(ticket.verifier.len() >= 43, "as long as RFC 7636 wants it");
        let sealed = ticket.sealed(&keys).unwrap();
        assert!(!sealed.contains(&ticket.state) && !sealed.contains(|letter: char| ";, \"\\".contains(letter)));
        let read = |sealed: &str, issuer, after: u64| {
            Ticket::open(sealed, &keys, issuer, at.plus(Duration::from_secs(after))).map(|ticket| ticket.state)
        };
        assert_eq!(read(&sealed, "https://a.example", 599), Some(ticket.state.clone()));
        assert_eq!(read(&sealed, "https://a.example", 600), None);
        assert_eq!(read(&sealed, "https://b.example", 1), None);
        assert_eq!(read("", "https://a.example", 1), None);
        assert_eq!(read(&serde_json::json!(ticket).to_string(), "https://a.example", 1), None, "not sealed");
    }
}
