//! Readable text from an ad server's error responses.
//!
//! Ad servers and the proxies in front of them respond with sentences, but also with HTML pages,
//! XML faults and JSON envelopes. [`prose`] extracts the text of any of these: no tags, scripts,
//! styles, comments or field names. Adapters use it for their platform's responses, and the host
//! for what adapters pass on.

mod envelope;
mod markup;

/// The most bytes of a text that are read. Error pages include their style sheets.
const LOOKED_AT: usize = 64 * 1024;

/// Extracts the readable text on one line, cut to `limit` bytes.
///
/// ```
/// use flightdeck_prose::prose;
///
/// assert_eq!(prose("<html><body><h1>Not now</h1><p>Try &amp; wait.</body></html>", 100), "Not now Try & wait.");
/// assert_eq!(prose(r#"{"error": {"code": 7, "message": "The price is too low"}}"#, 100), "The price is too low");
/// assert_eq!(prose("between 1 < 2 and 3 > 2", 100), "between 1 < 2 and 3 > 2");
/// ```
#[must_use]
pub fn prose(text: &str, limit: usize) -> String {
    let text = head(text, LOOKED_AT).trim_start_matches('\u{feff}').trim();
    let words = match envelope::words(text) {
        Some(words) => words.iter().map(|words| markup::words(words)).collect::<Vec<_>>().join("; "),
        None => markup::words(text),
    };
    clean(&words, limit)
}

/// Removes control characters, collapses whitespace, and cuts the text to `limit` bytes.
#[must_use]
pub fn clean(text: &str, limit: usize) -> String {
    let mut cleaned = String::new();
    for char in text.chars() {
        // A line break between two words must not join them.
        let char = if char.is_whitespace() { ' ' } else { char };
        if char.is_control() || (char == ' ' && (cleaned.is_empty() || cleaned.ends_with(' '))) {
            continue;
        }
        if cleaned.len() + char.len_utf8() > limit {
            break;
        }
        cleaned.push(char);
    }
    cleaned.truncate(cleaned.trim_end().len());
    cleaned
}

/// Returns the beginning of a text, at most `most` bytes long.
fn head(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_cleaned_and_cut_at_a_character() {
        assert_eq!(clean(" a\r\n\tb\u{7}c  d ", 100), "a bc d");
        assert_eq!(clean("ééé", 5), "éé");
        assert_eq!(prose("<p>ééé</p>", 5), "éé");
        assert!(prose(&"x".repeat(200_000), 2_048).len() <= 2_048);
    }

    #[test]
    fn what_is_inside_an_envelope_is_reduced_too() {
        assert_eq!(prose(r#"{"Message": "<p>Price &lt; 1 is <b>too low</b></p>"}"#, 100), "Price < 1 is too low");
        assert_eq!(prose("\u{feff}  {\"Error\": \"no\"}", 100), "no");
        assert_eq!(prose(r#""Price is wrong""#, 100), "Price is wrong");
    }

    proptest! {
        #[test]
        fn any_text_is_reduced_within_its_limit(text in ".{0,400}", limit in 0_usize..300) {
            let words = prose(&text, limit);
            prop_assert!(words.len() <= limit);
            prop_assert!(!words.chars().any(char::is_control));
        }

        #[test]
        fn a_page_loses_its_tags_and_keeps_its_words(
            words in prop::collection::vec("[a-zA-Z0-9é]{1,9}", 1..12),
            tags in prop::collection::vec("(p|div|h1|span|b|td|li)( class=\"[a-z >]{0,9}\")?", 12),
        ) {
            let mut page = String::from("<!DOCTYPE html><html><head><style>p > b { x: y }</style></head><body>");
            for (word, tag) in words.iter().zip(&tags) {
                let name = tag.split(' ').next().unwrap();
                page.push_str(&format!("<script>var {word} = '<p>';</script><!-- <p>no</p> --> <{tag}>{word}</{name}> "));
            }
            page.push_str("</body></html>");
            prop_assert_eq!(prose(&page, 2_048), words.join(" "));
        }
    }
}
