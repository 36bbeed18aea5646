//! Limits on what an adapter may return. Texts are measured in characters, as they are where a
//! buyer supplies them: an adapter may repeat anything a buyer may supply, however many bytes its
//! characters take.

use super::{Bad, bad};
use crate::domain::{money::Micros, redaction::without_addresses, time::Timestamp};

/// Characters of a short text: an id, a name, a code, a field.
pub(super) const SHORT: usize = 1_000;

/// Characters of a text for people: a note, a message, a reason.
pub(super) const LONG: usize = 4_000;

/// Characters of one value of a planned field. Targeting is long, and longest as an expression in
/// the platform's own language.
pub(super) const VALUE: usize = 1024 * 1024;

/// Notes in one answer. A reviewer reads them.
pub(super) const NOTES: usize = 200;

/// Changes in one plan. A buy of 100 packages with 20 creatives each makes some 4,000.
pub(super) const CHANGES: usize = 10_000;

/// Bytes of all texts in one plan, which is stored with its operation. Twice the largest targeting
/// that a buy may have (`domain::weight`) at four bytes a character, for the values before and
/// after a change.
pub(super) const PLAN: usize = 16 * 1024 * 1024;

/// Items in one failure.
pub(super) const ITEMS: usize = 1_000;

/// Rows in one buy's delivery: 100 packages over three years.
pub(super) const ROWS: usize = 120_000;

/// Checks the length of a text.
pub(super) fn text(what: &str, text: String, most: usize) -> Result<String, Bad> {
    // A character takes at least one byte, so most texts need not be counted.
    if text.len() > most {
        let count = text.chars().count();
        if count > most {
            bad!("returned a {what} of {count} characters; at most {most} are taken");
        }
    }
    Ok(text)
}

/// Checks the length of a text that buyers read, and redacts internal details. The operator finds
/// the full text in the log.
pub(super) fn for_buyers(what: &str, words: String, most: usize) -> Result<String, Bad> {
    let words = text(what, words, most)?;
    let plain = without_addresses(&words);
    if plain != words {
        tracing::info!(what, words, "a text of an adapter is shown to buyers without its addresses");
    }
    Ok(plain)
}

/// Checks that a text is not blank and not too long.
pub(super) fn named(what: &str, value: String) -> Result<String, Bad> {
    if value.trim().is_empty() {
        bad!("returned an empty {what}");
    }
    text(what, value, SHORT)
}

/// Checks the length of a list.
pub(super) fn list<T>(what: &str, list: Vec<T>, most: usize) -> Result<Vec<T>, Bad> {
    if list.len() > most {
        bad!("returned {} {what}; at most {most} are taken", list.len());
    }
    Ok(list)
}

/// Checks the number and length of notes.
pub(super) fn notes(notes: Vec<String>) -> Result<Vec<String>, Bad> {
    list("notes", notes, NOTES)?.into_iter().map(|note| text("note", note, LONG)).collect()
}

/// Checks that a count is not negative and is exactly representable as a double.
pub(super) fn count(what: &str, number: i64) -> Result<i64, Bad> {
    // Beyond 2^53, a guest whose only number type is a double has lost precision.
    if !(0..1 << 53).contains(&number) {
        bad!("returned {number} {what}");
    }
    Ok(number)
}

/// Checks an amount of money.
pub(super) fn money(what: &str, micros: i64) -> Result<Micros, Bad> {
    Micros::new(micros).ok_or_else(|| Bad::new(format!("returned a {what} of {micros} micros")))
}

/// Returns the value of a name in the extensions of a record.
pub(super) fn extension<'e>(extensions: &'e [(String, String)], name: &str) -> Option<&'e str> {
    extensions.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// Checks an ISO 4217 code.
pub(super) fn currency(code: String) -> Result<String, Bad> {
    if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        bad!("returned `{}` as a currency, which is no code like USD", cut(&code, 40));
    }
    Ok(code)
}

/// Parses a timestamp.
pub(super) fn moment(what: &str, text: &str) -> Result<Timestamp, Bad> {
    match Timestamp::parse(text) {
        Ok(moment) if moment <= Timestamp::LATEST => Ok(moment),
        _ => bad!("returned `{}` as {what}, which is no moment like 2026-12-01T00:00:00Z", cut(text, 40)),
    }
}

/// Returns the beginning of a text, at most `most` bytes long.
pub(super) fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}
