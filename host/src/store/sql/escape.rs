//! Escapes NUL in text for PostgreSQL, whose TEXT can't hold it. Ids of ad servers may contain NUL.
//!
//! NUL is stored as an escape character of the private use area followed by `0`, and the escape
//! character itself as that character followed by `1`. The mapping is exact in both directions and
//! preserves equality, so that lookups by text work.

use std::borrow::Cow;

const ESCAPE: char = '\u{f8f0}';

/// Returns the text in the form in which PostgreSQL stores it.
pub(in crate::store) fn to_stored(text: String) -> String {
    if !text.contains(['\0', ESCAPE]) {
        return text;
    }
    text.replace(ESCAPE, "\u{f8f0}1").replace('\0', "\u{f8f0}0")
}

/// Reverses [`to_stored`].
pub(in crate::store) fn from_stored(text: &str) -> Cow<'_, str> {
    if !text.contains(ESCAPE) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\u{f8f0}0", "\0").replace("\u{f8f0}1", "\u{f8f0}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_comes_back_and_holds_no_nul(text in "[\0\u{f8f0}01ab]{0,12}") {
            let stored = to_stored(text.clone());
            prop_assert!(!stored.contains('\0'));
            prop_assert_eq!(from_stored(&stored), text);
        }
    }
}
