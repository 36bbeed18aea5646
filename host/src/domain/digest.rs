//! Digests of what a reviewer saw and of what a caller sent.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// The SHA-256 of a value's canonical JSON (RFC 8785), in lower-case hexadecimal.
///
/// Numbers are compared by value: `50000`, `50000.0` and `5e4` have the same digest. So do two
/// numbers that a double can't distinguish; requests with such a number are refused when they are
/// parsed.
pub fn canonical(value: &impl Serialize) -> String {
    // Convert to a `Value` first. Its canonical form always exists, because it has neither NaN nor
    // keys that are not strings.
    let value = serde_json::to_value(value).unwrap_or_default();
    sha256(&serde_json_canonicalizer::to_vec(&value).unwrap_or_default())
}

/// Whether a stored digest is that of a value, in the form of this release or of earlier ones.
/// Idempotency keys and approvals that are older than an upgrade of the host stay valid.
pub fn is_of(stored: &str, value: &impl Serialize) -> bool {
    stored == canonical(value) || stored == before_rfc_8785(value)
}

/// The digest of releases before [`canonical`]: sorted keys, and numbers as `serde_json` writes
/// them.
fn before_rfc_8785(value: &impl Serialize) -> String {
    let json = serde_json::to_value(value).map(|value| value.to_string()).unwrap_or_default();
    sha256(json.as_bytes())
}

/// The SHA-256 in lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::money::Micros;

    fn digest(text: &str) -> String {
        canonical(&serde_json::from_str::<Value>(text).unwrap())
    }

    #[test]
    fn the_order_of_members_does_not_matter_and_everything_else_does() {
        assert_eq!(digest(r#"{"a":1,"b":[1,2]}"#), digest(r#"{ "b" : [1, 2], "a":1 }"#));
        assert_eq!(digest(r#"{"a":1}"#), digest(r#"{"\u0061":1}"#));
        assert_ne!(digest(r#"{"a":1,"b":[1,2]}"#), digest(r#"{"a":1,"b":[2,1]}"#));
        assert_ne!(digest(r#"{"a":1}"#), digest(r#"{"a":"1"}"#));
    }

    #[test]
    fn a_number_is_one_however_it_is_written() {
        for same in [["50000", "50000.0", "5e4"], ["0.000001", "1e-6", "0.0000010"], ["0", "-0", "0.0"]] {
            for text in same {
                assert_eq!(digest(text), digest(same[0]), "{text}");
            }
        }
        assert_ne!(digest("7999999999.999999"), digest("8000000000"));
    }

    /// Asserts the bytes that RFC 8785 specifies, so that no feature of `serde_json` changes a
    /// digest: neither the order of members nor the representation of numbers. `€` sorts before the
    /// emoji both in UTF-8 and in UTF-16; `\u{fb33}` does not.
    #[test]
    fn the_form_is_that_of_rfc_8785() {
        let text = r#"{"z":1e21,"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"\ufb33":1,"\ud83d\ude00":2,
                       "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#;
        let form = r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"#.to_owned()
            + r#""string":"€$\u000f\nA'B\"\\\\\"/","z":1e+21,"😀":2,"#
            + "\"\u{fb33}\":1}";
        assert_eq!(digest(text), sha256(form.as_bytes()));
    }

    #[test]
    fn a_digest_of_an_earlier_release_is_known_again() {
        let request = json!({ "operation": "create", "request": { "total_budget": 50000.0, "cpm": 0.000_001 } });
        let earlier = sha256(br#"{"operation":"create","request":{"cpm":1e-6,"total_budget":50000.0}}"#);
        assert!(is_of(&earlier, &request) && is_of(&canonical(&request), &request));
        assert!(!is_of(&earlier, &json!({ "operation": "create" })));
    }

    proptest! {
        #[test]
        fn amounts_have_one_digest_only_if_they_are_one(one in 0..=Micros::MAX.get(), apart in 0..3i64) {
            let other = (one + apart).min(Micros::MAX.get());
            let of = |micros| canonical(&json!({ "total_budget": Micros::new(micros).unwrap() }));
            prop_assert_eq!(of(one) == of(other), one == other);
            // The same number with an exponent, or with trailing zeros.
            let amount = Micros::new(one).unwrap();
            prop_assert_eq!(digest(&format!("{{\"total_budget\":{one}e-6}}")), of(one));
            let zeros = if one % Micros::UNIT == 0 { format!("{amount}.000") } else { format!("{amount}000") };
            prop_assert_eq!(digest(&format!("{{\"total_budget\":{zeros}}}")), of(one));
        }

        #[test]
        fn members_have_no_order(members in proptest::collection::btree_map(".{0,8}", any::<i32>(), 0..8)) {
            // The members as `serde_json` would return them if it preserved their order.
            let backwards = Backwards(members.clone());
            let bytes = serde_json_canonicalizer::to_vec(&backwards).unwrap();
            prop_assert_eq!(sha256(&bytes), canonical(&members));
        }
    }

    struct Backwards(BTreeMap<String, i32>);

    impl Serialize for Backwards {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().rev())
        }
    }
}
