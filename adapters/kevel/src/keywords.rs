//! Keywords, which an ad request carries and a flight asks for.
//!
//! A flight's `Keywords` are rules, one a line: a comma within a line means *and*, a mark at its
//! beginning means *not* (dev.kevel.com, "Keyword Logic"). So each keyword is a line of its own, and
//! a keyword that contains one of the marks is refused: it would turn the rule round or join it with
//! another, and no request can carry it ("Keyword Targeting").

/// The longest keyword, in characters: a request's is cut there (guide, keyword targeting).
pub const LONGEST: usize = 256;
/// Characters that no keyword contains, besides line breaks (guide, keyword targeting).
const MARKS: [char; 4] = [',', ':', '!', '~'];

/// Whether a request can carry this keyword, and a rule can ask for it.
#[must_use]
pub fn is_keyword(text: &str) -> bool {
    !text.is_empty()
        && text.trim() == text
        && text.chars().count() <= LONGEST
        && !text.chars().any(|char| MARKS.contains(&char) || char.is_control())
}

/// What a keyword is, for messages.
#[must_use]
pub fn rule() -> String {
    format!(
        "A keyword on Kevel has 1 to {LONGEST} characters, no spaces around it, and none of , : ! ~ and line breaks."
    )
}

/// Returns the rules of a flight that asks for any of some keywords.
#[must_use]
pub fn any_of(keywords: &[String]) -> Option<String> {
    (!keywords.is_empty()).then(|| keywords.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_is_what_a_request_can_carry() {
        for text in ["sport", "potato cat", "Köln", "a-b_c.d", &"x".repeat(256)] {
            assert!(is_keyword(text), "{text}");
        }
        for text in ["", "a,b", "!a", "a:b", "~a", "a\nb", "a\r", " a", "a ", &"x".repeat(257)] {
            assert!(!is_keyword(text), "{text:?}");
        }
        assert_eq!(any_of(&["a".to_owned(), "b c".to_owned()]).as_deref(), Some("a\nb c"));
        assert_eq!(any_of(&[]), None);
    }
}
