//! The audit log: who did what, in an order that nobody can change unnoticed.
//!
//! Each line carries a link: the SHA-256 of the link before it, its number and its text. A line that is edited has another
//! link than its own; one that is taken out leaves a gap in the numbers; one that is put elsewhere does not fit the link
//! before it. Lines that are cut off at the end are missed by whoever kept a later [`Head`].

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{digest, time::Timestamp};

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
    /// Its link; empty on lines older than the chain.
    pub link: String,
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
    pub fn next(&self, text: &str) -> Self {
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
        const FORM: &str = "must be a number, a colon and 64 hexadecimal digits, as `audit verify` prints it";
        let (number, link) = text.trim().split_once(':').ok_or(FORM)?;
        let hexadecimal = link.len() == 64 && link.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = number.parse().ok().filter(|number| *number > 0);
        match number {
            Some(number) if hexadecimal => Ok(Self { number, link: link.to_ascii_lowercase() }),
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
    /// The log ends before a line that it once had, or has another there.
    #[error("line {number} is not the one that was kept: the log was cut off or written anew")]
    NotTheKept {
        /// The line that was kept.
        number: i64,
    },
}

/// Goes through a log from its first line.
#[derive(Debug)]
pub struct Verifier {
    head: Head,
    begins: i64,
    kept: Option<Head>,
    /// Lines that were read.
    pub lines: u64,
    /// Lines among them that are older than the chain.
    pub unlinked: u64,
}

impl Verifier {
    /// A verifier of a log whose chain begins at line `begins`, that also looks for a line that somebody kept.
    #[must_use]
    pub fn new(begins: i64, kept: Option<Head>) -> Self {
        Self { head: Head::START, begins, kept, lines: 0, unlinked: 0 }
    }

    /// Takes the next line.
    ///
    /// # Errors
    /// The first [`AuditFault`].
    pub fn take(&mut self, line: &AuditLine) -> Result<(), AuditFault> {
        let number = line.number;
        if number < 1 {
            return Err(AuditFault::BeforeTheFirst { number });
        }
        if number != self.head.number + 1 {
            let (after, expected) = (self.head.number, self.head.number + 1);
            return Err(AuditFault::Missing { after, expected, found: number });
        }
        self.lines += 1;
        let entry: Option<AuditEntry> = serde_json::from_str(&line.text).ok();
        if entry.is_none_or(|entry| entry.at != line.at || entry.subject != line.subject) {
            return Err(AuditFault::Misfiled { number });
        }
        if line.link.is_empty() {
            if number >= self.begins || !self.head.link.is_empty() {
                return Err(AuditFault::Unlinked { number });
            }
            self.unlinked += 1;
            self.head.number = number;
        } else {
            let expected = self.head.next(&line.text);
            if expected.link != line.link {
                return Err(AuditFault::Changed { number });
            }
            self.head = expected;
        }
        if self.kept.as_ref().is_some_and(|kept| kept.number == number) {
            let kept = self.kept.take();
            if kept.as_ref() != Some(&self.head) {
                return Err(AuditFault::NotTheKept { number });
            }
        }
        Ok(())
    }

    /// Ends; how far the log goes.
    ///
    /// # Errors
    /// [`AuditFault::NotTheKept`] if the log ends before the line that was kept.
    pub fn end(self) -> Result<Head, AuditFault> {
        match self.kept {
            Some(kept) => Err(AuditFault::NotTheKept { number: kept.number }),
            None => Ok(self.head),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: i64) -> AuditEntry {
        AuditEntry {
            at: Timestamp::from_micros(number * 1_000_000),
            actor: "reviewer".to_owned(),
            action: "task.approved".to_owned(),
            subject: format!("t{number}"),
            digest: "d".to_owned(),
            reason: None,
        }
    }

    /// A log of so many lines, the first `old` of which have no link.
    fn log(lines: i64, old: i64) -> Vec<AuditLine> {
        let mut head = Head::START;
        let line = |number| {
            let entry = entry(number);
            let text = serde_json::to_string(&entry).unwrap();
            head = if number <= old { Head { number, link: String::new() } } else { head.next(&text) };
            AuditLine { number, at: entry.at, subject: entry.subject, text, link: head.link.clone() }
        };
        (1..=lines).map(line).collect()
    }

    /// The chain begins where the log says so, as it does before anybody forged it.
    fn verify(lines: &[AuditLine], kept: Option<Head>) -> Result<Head, AuditFault> {
        let begins = lines.iter().find(|line| !line.link.is_empty()).map_or(1, |line| line.number);
        verify_from(begins, lines, kept)
    }

    fn verify_from(begins: i64, lines: &[AuditLine], kept: Option<Head>) -> Result<Head, AuditFault> {
        let mut verifier = Verifier::new(begins, kept);
        lines.iter().try_for_each(|line| verifier.take(line))?;
        verifier.end()
    }

    #[test]
    fn an_untouched_log_is_fine() {
        assert_eq!(verify(&[], None), Ok(Head::START));
        let lines = log(9, 3);
        let head = verify(&lines, None).unwrap();
        assert_eq!((head.number, &head.link), (9, &lines[8].link));
        for length in 4..=9 {
            let kept = verify(&lines[..length], None).unwrap();
            assert_eq!(kept.to_string().parse(), Ok(kept.clone()));
            assert_eq!(verify(&lines, Some(kept)), Ok(head.clone()));
        }
    }

    #[test]
    fn every_change_of_every_line_is_found_and_named() {
        for old in [0, 2] {
            for at in 0..6 {
                let linked = at >= usize::try_from(old).unwrap();
                let number = i64::try_from(at).unwrap() + 1;
                let mut edited = log(6, old);
                edited[at].text = edited[at].text.replace("approved", "rejected");
                // What is older than the chain can be edited unseen; its place can't.
                assert_eq!(verify_from(old + 1, &edited, None).is_err(), linked, "{at}");
                let mut removed = log(6, old);
                removed.remove(at);
                let gone = verify(&removed, None);
                assert!(
                    at == 5 || matches!(gone, Err(AuditFault::Missing { expected, .. }) if expected == number),
                    "{at}: {gone:?}"
                );
                let mut swapped = log(6, old);
                swapped.swap(at, (at + 1) % 6);
                assert!(verify(&swapped, None).is_err(), "{at}");
                let mut unlinked = log(6, old);
                unlinked[at].link.clear();
                let fault = verify_from(old + 1, &unlinked, None);
                assert_eq!(fault.is_err(), linked, "{at}: {fault:?}");
                let mut misfiled = log(6, old);
                misfiled[at].subject.push('x');
                assert_eq!(verify(&misfiled, None), Err(AuditFault::Misfiled { number }));
            }
        }
    }

    #[test]
    fn a_log_all_of_whose_links_were_taken_away_is_found() {
        for old in [0, 2] {
            let mut lines = log(6, old);
            lines.iter_mut().for_each(|line| line.link.clear());
            assert_eq!(verify_from(old + 1, &lines, None), Err(AuditFault::Unlinked { number: old + 1 }));
        }
    }

    #[test]
    fn a_line_before_the_first_is_found() {
        for number in [i64::MIN, -3, 0] {
            let mut lines = log(6, 0);
            lines.insert(0, AuditLine { number, ..lines[0].clone() });
            assert_eq!(verify_from(1, &lines, None), Err(AuditFault::BeforeTheFirst { number }));
        }
    }

    #[test]
    fn lines_that_trade_places_and_numbers_are_found() {
        let mut lines = log(6, 0);
        let (one, two) = (lines[2].clone(), lines[3].clone());
        lines[2] = AuditLine { number: 3, ..two };
        lines[3] = AuditLine { number: 4, ..one };
        assert_eq!(verify(&lines, None), Err(AuditFault::Changed { number: 3 }));
    }

    #[test]
    fn a_log_that_was_cut_off_or_written_anew_is_not_the_kept_one() {
        let lines = log(6, 0);
        let kept = verify(&lines, None).unwrap();
        assert_eq!(verify(&lines[..5], Some(kept.clone())), Err(AuditFault::NotTheKept { number: 6 }));
        let mut head = Head::START;
        let anew: Vec<AuditLine> = lines
            .iter()
            .map(|line| {
                let text = line.text.replace("reviewer", "somebody");
                head = head.next(&text);
                AuditLine { text, link: head.link.clone(), ..line.clone() }
            })
            .collect();
        assert!(verify(&anew, None).is_ok(), "a whole new chain fits itself");
        assert_eq!(verify(&anew, Some(kept)), Err(AuditFault::NotTheKept { number: 6 }));
    }

    #[test]
    fn a_head_has_one_form() {
        let link = "a".repeat(64);
        assert!(format!("7:{link}").parse::<Head>().is_ok());
        for text in ["", "7", "7:abc", &format!("0:{link}"), &format!("x:{link}"), &format!("7:{}", "g".repeat(64))] {
            assert!(text.parse::<Head>().is_err(), "{text}");
        }
    }
}
