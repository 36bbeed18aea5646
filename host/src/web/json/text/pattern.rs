//! The rule for texts that people read, as a regular expression for JSON Schema. The test generates
//! the expression from the rule itself, so that the two agree; it is stored because generating it
//! takes a second.
//!
//! Characters beyond the basic multilingual plane are written literally, because regex engines
//! differ in how they escape them.

use crate::domain::text::Lines;

/// The part of the rule that the expression can't state.
pub(super) const COMMENT: &str =
    "U+200C, U+200D, variation selectors and tags are taken where they join letters or emoji, and refused elsewhere.";

const ONE: &str = include_str!("line.regex");
const MANY: &str = include_str!("words.regex");

/// Returns the expression for a text of one line, or of many.
pub(super) fn of(lines: Lines) -> &'static str {
    match lines {
        Lines::One => ONE.trim_end(),
        Lines::Many => MANY.trim_end(),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::domain::text::{is_blank, is_unseen, may_join, tests::every_character};

    /// Returns the ranges of the characters for which `holds` is true.
    fn class(holds: impl Fn(char) -> bool) -> String {
        let mut ranges: Vec<(char, char)> = Vec::new();
        let mut open = false;
        for letter in every_character() {
            let held = holds(letter);
            match (held, open) {
                (true, true) => ranges.last_mut().unwrap().1 = letter,
                (true, false) => ranges.push((letter, letter)),
                (false, _) => {}
            }
            open = held;
        }
        let mut class = String::new();
        for (first, last) in ranges {
            push(&mut class, first);
            if first != last {
                class.push('-');
                push(&mut class, last);
            }
        }
        class
    }

    fn push(class: &mut String, letter: char) {
        match u32::from(letter) {
            code @ ..=0xffff => write!(class, "\\u{code:04X}").unwrap(),
            _ => class.push(letter),
        }
    }

    /// `UPDATE_GOLDEN=1` regenerates the expressions.
    #[test]
    fn the_expressions_are_the_rule() {
        for (lines, file) in [(Lines::One, "line.regex"), (Lines::Many, "words.regex")] {
            let broken = |letter: char| lines == Lines::Many && matches!(letter, '\n' | '\r' | '\t');
            let never = class(|letter| is_unseen(letter) && !may_join(letter) && !broken(letter));
            let blank = class(is_blank);
            let made = format!("^[^{never}]*[^{blank}][^{never}]*$");
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/json/text").join(file);
                std::fs::write(path, format!("{made}\n")).unwrap();
            } else {
                assert_eq!(of(lines), made);
            }
        }
    }
}
