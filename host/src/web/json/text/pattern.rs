//! The rule for texts that a person reads, as a regular expression of a JSON Schema. The test makes the expression of the rule itself,
//! so that both say the same; it is written down because it takes a second to make.
//!
//! Beyond the first plane a character stands for itself: engines write its escape in ways of their own.

use crate::domain::text::Lines;

/// What the expression can't say.
pub(super) const COMMENT: &str =
    "U+200C, U+200D, variation selectors and tags are taken where they join letters or emoji, and refused elsewhere.";

const ONE: &str = include_str!("line.regex");
const MANY: &str = include_str!("words.regex");

/// The expression for a text of one line, or of many.
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

    /// The ranges of the characters of which something is so.
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

    /// `UPDATE_GOLDEN=1` writes the expressions anew.
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
