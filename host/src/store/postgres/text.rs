//! Text that PostgreSQL can't hold as it is: its TEXT has no character NUL, and ad servers' ids are whatever they are.
//!
//! NUL is stored as an escape character of the private use area and `0`, that character itself as it and `1`. Both ways are
//! exact, and equal texts stay equal, so that what is looked up is found.

use std::borrow::Cow;

const ESCAPE: char = '\u{f8f0}';

/// Text as it is stored.
pub(in crate::store) fn to_stored(text: String) -> String {
    if !text.contains(['\0', ESCAPE]) {
        return text;
    }
    text.replace(ESCAPE, "\u{f8f0}1").replace('\0', "\u{f8f0}0")
}

/// Text as it was before it was stored.
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
