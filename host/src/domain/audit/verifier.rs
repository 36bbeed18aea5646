//! Verifies an audit log.

use std::collections::BTreeMap;

use super::{AuditEntry, AuditFault, AuditLine, Head, key_of};
use crate::domain::keys::Keyring;

/// The lines that were signed with one key. Lines with other keys may lie between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The number of the first line.
    pub first: i64,
    /// The number of the last line.
    pub last: i64,
    /// How many lines there are.
    pub lines: u64,
}

/// Verifies a log, line by line, from its first line.
#[derive(Debug, Clone)]
pub struct Verifier {
    head: Head,
    begins: i64,
    kept: Option<Head>,
    keys: Keyring,
    /// The lines that were read.
    pub lines: u64,
    /// The lines among them that are older than the chain.
    pub unlinked: u64,
    /// The lines that are linked without a key. Anyone with write access to the database can
    /// rewrite them.
    pub without_key: u64,
    /// The verified lines, by the name of their key.
    pub proven: BTreeMap<String, Span>,
    /// The lines whose key is not available, by the name of that key. Only their number, position
    /// and columns are verified.
    pub unproven: BTreeMap<String, Span>,
}

impl Verifier {
    /// Creates a verifier for a log whose chain begins at line `begins`. If `kept` is given, the
    /// log must contain that line.
    #[must_use]
    pub fn new(begins: i64, kept: Option<Head>) -> Self {
        Self {
            head: Head::START,
            begins,
            kept,
            keys: Keyring::default(),
            lines: 0,
            unlinked: 0,
            without_key: 0,
            proven: BTreeMap::new(),
            unproven: BTreeMap::new(),
        }
    }

    /// Sets the keys with which lines are verified. Lines with other keys are only counted.
    #[must_use]
    pub fn with_keys(self, keys: Keyring) -> Self {
        Self { keys, ..self }
    }

    /// Verifies the next line.
    ///
    /// # Errors
    /// When the line has a fault.
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
        self.head = self.linked(line)?;
        if self.kept.as_ref().is_some_and(|kept| kept.number == number) {
            let kept = self.kept.take();
            if kept.as_ref() != Some(&self.head) {
                return Err(AuditFault::NotTheKept { number });
            }
        }
        Ok(())
    }

    /// Returns the head after a line if its link is right.
    fn linked(&mut self, line: &AuditLine) -> Result<Head, AuditFault> {
        let number = line.number;
        let Some(name) = key_of(&line.link) else { return self.without_key(line) };
        let (spans, head) = match self.keys.named(name) {
            Some(key) => (&mut self.proven, self.head.next(&line.text, key)),
            None => (&mut self.unproven, Head { number, link: line.link.clone() }),
        };
        if head.link != line.link {
            return Err(AuditFault::Changed { number });
        }
        let span = spans.entry(name.to_owned()).or_insert(Span { first: number, last: number, lines: 0 });
        span.last = number;
        span.lines += 1;
        Ok(head)
    }

    fn without_key(&mut self, line: &AuditLine) -> Result<Head, AuditFault> {
        let number = line.number;
        if key_of(&self.head.link).is_some() {
            return Err(AuditFault::WithoutKey { number });
        }
        if line.link.is_empty() {
            if number >= self.begins || !self.head.link.is_empty() {
                return Err(AuditFault::Unlinked { number });
            }
            self.unlinked += 1;
            return Ok(Head { number, link: String::new() });
        }
        let head = self.head.next_without_key(&line.text);
        if head.link != line.link {
            return Err(AuditFault::Changed { number });
        }
        self.without_key += 1;
        Ok(head)
    }

    /// Ends the verification and returns the head of the log.
    ///
    /// # Errors
    /// [`AuditFault::NotTheKept`] if the log ends before the line that was kept;
    /// [`AuditFault::NoKeys`] if there are keys and no line of the log has one.
    pub fn end(self) -> Result<Head, AuditFault> {
        if let Some(kept) = self.kept {
            return Err(AuditFault::NotTheKept { number: kept.number });
        }
        if !self.keys.is_empty() && self.lines > 0 && key_of(&self.head.link).is_none() {
            return Err(AuditFault::NoKeys);
        }
        Ok(self.head)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{AuditEntry, AuditFault, AuditLine, Head},
        *,
    };
    use crate::domain::{keys::Key, time::Timestamp};

    fn key(id: &str) -> Key {
        Key::new(id, format!("the secret of {id}").as_bytes())
    }

    fn ring(ids: &[&str]) -> Keyring {
        Keyring::new(ids.iter().map(|id| key(id)).collect())
    }

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

    /// How a line is linked.
    #[derive(Clone, Copy, PartialEq)]
    enum Linked {
        Not,
        Plainly,
        With(&'static str),
    }
    use Linked::{Not, Plainly, With};

    /// A log with one line for each of these links.
    fn log(links: &[Linked]) -> Vec<AuditLine> {
        let mut head = Head::START;
        let mut lines = Vec::new();
        for (number, linked) in (1..).zip(links) {
            let entry = entry(number);
            let text = serde_json::to_string(&entry).unwrap();
            head = match linked {
                Not => Head { number, link: String::new() },
                Plainly => head.next_without_key(&text),
                With(id) => head.next(&text, &key(id)),
            };
            lines.push(AuditLine { number, at: entry.at, subject: entry.subject, text, link: head.link.clone() });
        }
        lines
    }

    /// The log of a new host; of a host after one upgrade; after two upgrades; after a key
    /// rotation.
    const LOGS: [&[Linked]; 4] = [
        &[With("a"); 6],
        &[Plainly, Plainly, With("a"), With("a"), With("a"), With("a")],
        &[Not, Not, Plainly, With("a"), With("a"), With("a")],
        &[With("b"), With("b"), With("a"), With("b"), With("a"), With("a")],
    ];

    fn verifier(links: &[Linked], keys: &[&str], kept: Option<Head>) -> Verifier {
        let begins = links.iter().take_while(|linked| **linked == Not).count();
        Verifier::new(i64::try_from(begins).unwrap() + 1, kept).with_keys(ring(keys))
    }

    fn verified(mut verifier: Verifier, lines: &[AuditLine]) -> Result<Head, AuditFault> {
        lines.iter().try_for_each(|line| verifier.take(line))?;
        verifier.end()
    }

    #[test]
    fn an_untouched_log_is_fine_and_each_head_of_it_is_found_again() {
        assert_eq!(verified(verifier(&[], &["a"], None), &[]), Ok(Head::START));
        for links in LOGS {
            let lines = log(links);
            let head = verified(verifier(links, &["a", "b"], None), &lines).unwrap();
            assert_eq!((head.number, &head.link), (6, &lines[5].link));
            for length in 4..=6 {
                let kept = verified(verifier(links, &["a", "b"], None), &lines[..length]).unwrap();
                assert_eq!(kept.to_string().parse(), Ok(kept.clone()));
                assert_eq!(verified(verifier(links, &["a", "b"], Some(kept)), &lines), Ok(head.clone()));
            }
        }
    }

    #[test]
    fn every_change_of_every_line_is_found_and_named() {
        for links in LOGS {
            for at in 0..6 {
                let number = i64::try_from(at).unwrap() + 1;
                let fault = |lines: &[AuditLine]| verified(verifier(links, &["a", "b"], None), lines);
                let mut edited = log(links);
                edited[at].text = edited[at].text.replace("approved", "rejected");
                // An edit of a line that is older than the chain goes unnoticed. A change of its
                // position does not.
                let expected = if links[at] == Not { None } else { Some(AuditFault::Changed { number }) };
                assert_eq!(fault(&edited).err(), expected, "{at}");
                let mut removed = log(links);
                removed.remove(at);
                let gone = fault(&removed);
                assert!(
                    at == 5 || matches!(gone, Err(AuditFault::Missing { expected, .. }) if expected == number),
                    "{at}: {gone:?}"
                );
                let mut swapped = log(links);
                swapped.swap(at, (at + 1) % 6);
                assert!(fault(&swapped).is_err(), "{at}");
                let mut unlinked = log(links);
                unlinked[at].link.clear();
                assert_eq!(fault(&unlinked).is_err(), links[at] != Not, "{at}");
                let mut misfiled = log(links);
                misfiled[at].subject.push('x');
                assert_eq!(fault(&misfiled), Err(AuditFault::Misfiled { number }));
            }
        }
    }

    #[test]
    fn a_log_all_of_whose_links_were_taken_away_is_found() {
        for links in LOGS {
            let mut lines = log(links);
            lines.iter_mut().for_each(|line| line.link.clear());
            let begins = i64::try_from(links.iter().take_while(|linked| **linked == Not).count()).unwrap() + 1;
            let fault = verified(verifier(links, &["a"], None), &lines);
            assert_eq!(fault, Err(AuditFault::Unlinked { number: begins }));
        }
    }

    #[test]
    fn a_line_before_the_first_is_found() {
        for number in [i64::MIN, -3, 0] {
            let mut lines = log(LOGS[0]);
            lines.insert(0, AuditLine { number, ..lines[0].clone() });
            let fault = verified(verifier(LOGS[0], &["a"], None), &lines);
            assert_eq!(fault, Err(AuditFault::BeforeTheFirst { number }));
        }
    }

    #[test]
    fn lines_that_trade_places_and_numbers_are_found() {
        let mut lines = log(LOGS[0]);
        let (one, two) = (lines[2].clone(), lines[3].clone());
        lines[2] = AuditLine { number: 3, ..two };
        lines[3] = AuditLine { number: 4, ..one };
        assert_eq!(verified(verifier(LOGS[0], &["a"], None), &lines), Err(AuditFault::Changed { number: 3 }));
    }

    #[test]
    fn a_log_that_was_cut_off_is_not_the_kept_one() {
        let lines = log(LOGS[0]);
        let kept = verified(verifier(LOGS[0], &["a"], None), &lines).unwrap();
        let cut = verified(verifier(LOGS[0], &["a"], Some(kept)), &lines[..5]);
        assert_eq!(cut, Err(AuditFault::NotTheKept { number: 6 }));
        assert!(verified(verifier(LOGS[0], &["a"], None), &lines[..5]).is_ok(), "a chain alone does not show it");
    }

    /// A chain over other texts, as an attacker with write access to the database would make it.
    fn written_anew(links: &[Linked]) -> Vec<AuditLine> {
        let mut head = Head::START;
        let lines = log(links);
        let anew = lines.iter().zip(links).map(|(line, linked)| {
            let text = line.text.replace("reviewer", "somebody");
            head = match linked {
                Not => Head { number: line.number, link: String::new() },
                Plainly => head.next_without_key(&text),
                With(id) => head.next(&text, &key(id)),
            };
            AuditLine { text, link: head.link.clone(), ..line.clone() }
        });
        anew.collect()
    }

    #[test]
    fn a_whole_chain_that_was_made_without_the_key_is_found() {
        // Plain links, which anyone can make.
        let plain = [Plainly; 6];
        assert_eq!(verified(verifier(&plain, &["a"], None), &written_anew(&plain)), Err(AuditFault::NoKeys));
        // The name of the key, on links that were made with another one.
        let mut forged = written_anew(&[With("b"); 6]);
        for line in &mut forged {
            line.link = line.link.replace(key("b").name(), key("a").name());
        }
        assert_eq!(verified(verifier(LOGS[0], &["a"], None), &forged), Err(AuditFault::Changed { number: 1 }));
        // The attacker's own key proves nothing.
        let mut theirs = verifier(LOGS[0], &["a"], None);
        written_anew(&[With("b"); 6]).iter().try_for_each(|line| theirs.take(line)).unwrap();
        assert_eq!((theirs.proven.len(), theirs.unproven[key("b").name()].lines), (0, 6));
        // Rewritten old lines do not match the first line that has a key, and no line without a key
        // may follow it.
        let mixed = [Plainly, Plainly, Plainly, With("a"), With("a"), With("a")];
        let mut old = written_anew(&mixed[..3]);
        old.extend_from_slice(&log(&mixed)[3..]);
        assert_eq!(verified(verifier(&mixed, &["a"], None), &old), Err(AuditFault::Changed { number: 4 }));
        let after = log(&[With("a"), With("a"), With("a"), Plainly, Plainly, With("a")]);
        assert_eq!(verified(verifier(LOGS[0], &["a"], None), &after), Err(AuditFault::WithoutKey { number: 4 }));
    }

    #[test]
    fn what_was_proven_and_what_was_not_is_told_by_key() {
        let lines = log(LOGS[3]);
        let read = |keys: &[&str]| {
            let mut verifier = verifier(LOGS[3], keys, None);
            lines.iter().try_for_each(|line| verifier.take(line)).unwrap();
            verifier
        };
        let (a, b) = (key("a").name().to_owned(), key("b").name().to_owned());
        let of_a = BTreeMap::from([(a, Span { first: 3, last: 6, lines: 3 })]);
        let of_b = BTreeMap::from([(b, Span { first: 1, last: 4, lines: 3 })]);
        let rotated = read(&["a", "b"]);
        assert_eq!((rotated.proven.len(), rotated.unproven.len()), (2, 0));
        let without_the_old_one = read(&["a"]);
        assert_eq!((&without_the_old_one.proven, &without_the_old_one.unproven), (&of_a, &of_b));
        let without_any = read(&[]);
        assert_eq!((without_any.proven.len(), without_any.unproven.len()), (0, 2));
        let (_, upgraded) = (LOGS[2], log(LOGS[2]));
        let mut verifier = verifier(LOGS[2], &["a"], None);
        upgraded.iter().try_for_each(|line| verifier.take(line)).unwrap();
        assert_eq!((verifier.lines, verifier.unlinked, verifier.without_key), (6, 2, 1));
        assert_eq!(verifier.proven[key("a").name()], Span { first: 4, last: 6, lines: 3 });
    }
}
