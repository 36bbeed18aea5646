//! The audit log: who did what, in an order that nobody can change unnoticed.
//!
//! Each line carries a link: the name of a [`Key`] and, made with it, the HMAC-SHA-256 of the link before it, its number, the key's name and
//! its text. A line that is edited has another link than its own; one that is taken out leaves a gap in the numbers; one that is put elsewhere
//! does not fit the link before it; and who can write to the database and has not the key can make no other chain. Lines that are cut off at the
//! end are missed by whoever kept a later [`Head`].
//!
//! The links of lines from before there were keys are plain SHA-256; older ones have none. From the first line with a key on, all have one.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{digest, keys::Key, time::Timestamp};

mod verifier;

pub use verifier::{Span, Verifier};

/// One line for the audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who: the name of a token, with the person behind it if that is another name, or `flightdeck`.
    pub actor: String,
    /// What: `operation.accepted`, `task.approved`, ...
    pub action: String,
    /// About what: an id.
    pub subject: String,
    /// Digest of what it was about.
    pub digest: String,
    /// Why, in the actor's words.
    pub reason: Option<String>,
}

/// A line as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// Its number: one more than the line before it.
    pub number: i64,
    /// When, as the column says by which lines are found.
    pub at: Timestamp,
    /// About what, as the column says.
    pub subject: String,
    /// The entry as JSON, exactly as it was written.
    pub text: String,
    /// Its link: `KEY:HEX`, or `HEX` from before there were keys; empty on lines older than the chain.
    pub link: String,
}

/// The name of the key that made a link, if one did.
#[must_use]
pub fn key_of(link: &str) -> Option<&str> {
    link.rsplit_once(':').map(|(key, _)| key)
}

/// How far a log goes: the last line's number and link. To keep one elsewhere proves later that nothing was cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The line's number; 0 before the first.
    pub number: i64,
    /// Its link; empty before the first.
    pub link: String,
}

impl Head {
    /// Before the first line.
    pub const START: Self = Self { number: 0, link: String::new() };

    /// The line after this one, for an entry's text.
    #[must_use]
    pub fn next(&self, text: &str, key: &Key) -> Self {
        let (number, name) = (self.number + 1, key.name());
        let signed = key.sign(&format!("{}\n{number}\n{name}\n{text}", self.link));
        Self { number, link: format!("{name}:{signed}") }
    }

    /// As [`Head::next`], for a line from before there were keys: whoever has the lines can make it.
    fn next_without_key(&self, text: &str) -> Self {
        let number = self.number + 1;
        let link = digest::sha256(format!("{}\n{number}\n{text}", self.link).as_bytes());
        Self { number, link }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, self.link)
    }
}

impl FromStr for Head {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "must be a number, the key's name and 64 hexadecimal digits, with colons between, as `audit verify` prints it";
        let (number, link) = text.trim().split_once(':').ok_or(FORM)?;
        let digits = link.rsplit_once(':').map_or(link, |(_, digits)| digits);
        let hexadecimal = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = number.parse().ok().filter(|number| *number > 0);
        match (number, key_of(link)) {
            (Some(number), key) if hexadecimal && key != Some("") => {
                let digits = digits.to_ascii_lowercase();
                Ok(Self { number, link: key.map_or(digits.clone(), |key| format!("{key}:{digits}")) })
            }
            _ => Err(FORM),
        }
    }
}

/// What is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuditFault {
    /// Lines are gone, or stand elsewhere.
    #[error("line {expected} is missing: after line {after} comes line {found}")]
    Missing {
        /// The line before.
        after: i64,
        /// The one that should follow.
        expected: i64,
        /// The one that does.
        found: i64,
    },
    /// A line is not what was written there.
    #[error("line {number} was changed: its link is not that of its text and of the line before it")]
    Changed {
        /// The line.
        number: i64,
    },
    /// A line's columns say something else than its text.
    #[error("line {number} was changed: it is filed under another time or subject than its text says")]
    Misfiled {
        /// The line.
        number: i64,
    },
    /// A line stands where none can.
    #[error("line {number} was put in: the log begins at line 1")]
    BeforeTheFirst {
        /// The line.
        number: i64,
    },
    /// A line has no link although the chain has begun.
    #[error("line {number} has no link: it was put in without one, or its link was taken away")]
    Unlinked {
        /// The line.
        number: i64,
    },
    /// A line has no key although lines before it have one.
    #[error("line {number} has no key, and lines before it have one: it was put in without, or written anew")]
    WithoutKey {
        /// The line.
        number: i64,
    },
    /// No line has a key.
    #[error(
        "no line of the log has a key: it was written anew, or no host has served from this database since there are keys"
    )]
    NoKeys,
    /// The log ends before a line that it once had, or has another there.
    #[error("line {number} is not the one that was kept: the log was cut off or written anew")]
    NotTheKept {
        /// The line that was kept.
        number: i64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_has_one_form() {
        let link = "a".repeat(64);
        for text in [format!("7:{link}"), format!("7:key.1f:{link}"), format!(" 7:{} ", link.to_uppercase())] {
            let head = text.parse::<Head>().unwrap();
            assert_eq!(head.to_string(), text.trim().to_lowercase());
        }
        for text in [
            "",
            "7",
            "7:abc",
            &format!("0:{link}"),
            &format!("x:{link}"),
            &format!("7::{link}"),
            &format!("7:key:{}", "g".repeat(64)),
        ] {
            assert!(text.parse::<Head>().is_err(), "{text}");
        }
    }
}
