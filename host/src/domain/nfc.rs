//! Unicode normalisation of text that is compared.
//!
//! `é` is either one character or an `e` followed by an accent. Both look the same, and keyboards,
//! files and programs differ in which one they produce. All input is converted to the composed form
//! (NFC) where it is parsed: requests in `web/json`, the configuration in `config/values`.
//! Internally, texts are equal if their bytes are.

use serde_json::Value;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Converts a text to its composed form.
pub fn composed(text: impl Into<String>) -> String {
    let text = text.into();
    if is_nfc_quick(text.chars()) == IsNormalized::Yes { text } else { text.nfc().collect() }
}

/// Converts all strings of a value, including the names of members.
pub fn composed_json(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(composed(text)),
        Value::Array(elements) => elements.into_iter().map(composed_json).collect(),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, member)| (composed(name), composed_json(member))).collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_looks_the_same_becomes_the_same() {
        for (one, other) in
            [("Que\u{301}bec", "Qu\u{e9}bec"), ("\u{212b}", "\u{c5}"), ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}")]
        {
            assert_eq!(composed(one), other);
            assert_eq!(composed(composed(one)), composed(one));
        }
        assert_eq!(composed("Toronto, CA-ON"), "Toronto, CA-ON");
    }

    #[test]
    fn a_value_is_composed_to_its_leaves() {
        let taken = json!({ "cafe\u{301}": ["e\u{301}", 1, { "e\u{301}": null }] });
        assert_eq!(composed_json(taken), json!({ "caf\u{e9}": ["\u{e9}", 1, { "\u{e9}": null }] }));
    }
}
