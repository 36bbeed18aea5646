//! The audit log: who did what, in a tamper-evident order.
//!
//! Each line carries a link: the name of a [`Key`] and an HMAC-SHA-256, made with that key, of the
//! previous link, the line's number, the key's name and the line's text. An edited line no longer
//! matches its link. A removed line leaves a gap in the numbers. A moved line does not match the
//! previous link. Without the key, nobody can make another valid chain, even with write access to
//! the database. Lines that are cut off at the end are detected by anyone who kept a later
//! [`Head`].
//!
//! Lines that are older than the keys have plain SHA-256 links, and still older ones have none.
//! From the first line with a key on, every line has one.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{digest, keys::Key, time::Timestamp};

mod verifier;

pub use verifier::{Span, Verifier};

/// The content of one line of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// The time of the action.
    pub at: Timestamp,
    /// The actor: the name of a token, with the person behind it if the names differ, or
    /// `flightdeck`.
    pub actor: String,
    /// The action: `operation.accepted`, `task.approved`, ...
    pub action: String,
    /// The id of the object of the action.
    pub subject: String,
    /// The digest of the object of the action.
    pub digest: String,
    /// The reason, in the actor's words.
    pub reason: Option<String>,
}

/// A line as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// Its number: one more than the previous line's.
    pub number: i64,
    /// The time, from the column by which lines are found.
    pub at: Timestamp,
    /// The subject, from the column by which lines are found.
    pub subject: String,
    /// The entry as JSON, exactly as it was written.
    pub text: String,
    /// The link: `KEY:HEX`, or only `HEX` on lines from before there were keys. Empty on lines
    /// older than the chain.
    pub link: String,
}

/// The name of the key that made a link, or `None` if it was made without a key.
#[must_use]
pub fn key_of(link: &str) -> Option<&str> {
    link.rsplit_once(':').map(|(key, _)| key)
}

/// The head of a log: the number and link of its last line. A copy that is kept elsewhere proves
/// later that nothing was cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The number of the last line; 0 before the first line.
    pub number: i64,
    /// The link of the last line; empty before the first line.
    pub link: String,
}

impl Head {
    /// The head of an empty log.
    pub const START: Self = Self { number: 0, link: String::new() };

    /// The head after one more line with this text, signed with `key`.
    #[must_use]
    pub fn next(&self, text: &str, key: &Key) -> Self {
        let (number, name) = (self.number + 1, key.name());
        let signed = key.sign(&format!("{}\n{number}\n{name}\n{text}", self.link));
        Self { number, link: format!("{name}:{signed}") }
    }

    /// Like [`Head::next`], for a line from before there were keys. Anyone who has the lines can
    /// compute it.
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

/// A fault found in a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuditFault {
    /// Lines are missing or out of order.
    #[error("line {expected} is missing: after line {after} comes line {found}")]
    Missing {
        /// The number of the previous line.
        after: i64,
        /// The number that should follow.
        expected: i64,
        /// The number that follows instead.
        found: i64,
    },
    /// A line does not match its link.
    #[error("line {number} was changed: its link is not that of its text and of the line before it")]
    Changed {
        /// The number of the line.
        number: i64,
    },
    /// The columns of a line differ from its text.
    #[error("line {number} was changed: it is filed under another time or subject than its text says")]
    Misfiled {
        /// The number of the line.
        number: i64,
    },
    /// A line comes before the first one.
    #[error("line {number} was put in: the log begins at line 1")]
    BeforeTheFirst {
        /// The number of the line.
        number: i64,
    },
    /// A line has no link although the chain has begun.
    #[error("line {number} has no link: it was put in without one, or its link was taken away")]
    Unlinked {
        /// The number of the line.
        number: i64,
    },
    /// A line has no key although earlier lines have one.
    #[error("line {number} has no key, and lines before it have one: it was put in without, or written anew")]
    WithoutKey {
        /// The number of the line.
        number: i64,
    },
    /// No line has a key.
    #[error(
        "no line of the log has a key: it was written anew, or no host has served from this database since there are keys"
    )]
    NoKeys,
    /// The log ends before the line that was kept, or has a different line there.
    #[error("line {number} is not the one that was kept: the log was cut off or written anew")]
    NotTheKept {
        /// The number of the line that was kept.
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
