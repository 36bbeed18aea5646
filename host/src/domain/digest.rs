//! Digests of what a reviewer saw and of what a caller sent.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// SHA-256 of a value's canonical JSON, in lower-case hexadecimal: objects sorted by key, no white space.
///
/// `serde_json` keeps objects sorted (the `preserve_order` feature is off), so that two bodies that differ only in the
/// order of their members have one digest.
pub fn canonical(value: &impl Serialize) -> String {
    // A `Value` in between sorts the fields of structs, too.
    let json = serde_json::to_value(value).map(|value| value.to_string()).unwrap_or_default();
    sha256(json.as_bytes())
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_members_does_not_matter_and_everything_else_does() {
        let digest = |text: &str| canonical(&serde_json::from_str::<serde_json::Value>(text).unwrap());
        assert_eq!(digest(r#"{"a":1,"b":[1,2]}"#), digest(r#"{ "b" : [1, 2], "a":1 }"#));
        assert_ne!(digest(r#"{"a":1,"b":[1,2]}"#), digest(r#"{"a":1,"b":[2,1]}"#));
        assert_ne!(digest(r#"{"a":1}"#), digest(r#"{"a":"1"}"#));
    }
}
