//! Names on the platform, which carry the references that objects are found again by.
//!
//! Kevel has no field of a caller's own that can be searched, so the reference ends the name: `Spring [k3f…]`.

use flightdeck_adapter::{failure::clean, prelude::*};

/// The longest name of a campaign, in characters (OpenAPI document).
pub const CAMPAIGN_LIMIT: usize = 200;
/// The longest name of a flight, in characters (reference page, flights).
pub const FLIGHT_LIMIT: usize = 300;
/// The longest title that a creative is given. The documents name no limit; a campaign's is surely taken.
pub const TITLE_LIMIT: usize = 200;

/// Under what this adapter's facts stand among an object's custom fields, which others may use, too.
const OWNER: &str = "flightdeck";
/// The longest name of a step, in bytes (the contract).
const STEP_LIMIT: usize = 200;
/// More bytes than any name that is cut to characters can need.
const BYTES: usize = 4 * FLIGHT_LIMIT;

/// A name with a reference at its end, within so many characters.
#[must_use]
pub fn with_reference(name: &str, reference: &str, limit: usize) -> String {
    let suffix = suffix(reference);
    let room = limit.saturating_sub(suffix.chars().count());
    let name: String = clean(name, BYTES).chars().take(room).collect();
    format!("{name}{suffix}")
}

/// Whether a name ends with a reference.
#[must_use]
pub fn carries(name: Option<&str>, reference: &str) -> bool {
    name.is_some_and(|name| name.ends_with(&suffix(reference)))
}

fn suffix(reference: &str) -> String {
    format!(" [{reference}]")
}

/// The custom fields of an object: what it belongs to, for people and for tools at the publisher.
#[must_use]
pub fn custom_fields(facts: &Object, reference: Option<&str>) -> String {
    let mut own = Object::default();
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_null()) {
        own.set(name, value.clone());
    }
    if let Some(reference) = reference {
        own.set("reference", reference);
    }
    let mut fields = Object::default();
    fields.set(OWNER, own);
    fields.to_string()
}

/// Whether an object's custom fields say that it belongs to a media buy.
#[must_use]
pub fn is_of_buy(object: &Object, media_buy_id: &str) -> bool {
    let text = object.get("CustomFieldsJson").or_else(|| object.get("CustomFieldsJSON")).and_then(Json::as_text);
    let Some(Ok(Json::Object(fields))) = text.map(Json::parse) else { return false };
    let own = fields.get(OWNER).and_then(Json::as_object);
    own.and_then(|own| own.get("media_buy_id")).and_then(Json::as_text) == Some(media_buy_id)
}

/// The name of a step from its parts. Ids are the host's and short; should they be long all the same, the name is cut
/// and keeps apart what differs by a hash of the whole.
#[must_use]
pub fn step_name(parts: &[&str]) -> String {
    let name = parts.join("/");
    if name.len() <= STEP_LIMIT {
        return name;
    }
    // FNV-1a, 64 bits: stable in every release, which the standard library's hash is not.
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{}#{hash:016x}", clean(&name, STEP_LIMIT - 17))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_reference_whatever_its_length() {
        assert_eq!(with_reference("Spring\n sale", "k1", 200), "Spring sale [k1]");
        let long = with_reference(&"é".repeat(500), "k1", CAMPAIGN_LIMIT);
        assert_eq!(long.chars().count(), CAMPAIGN_LIMIT);
        assert!(carries(Some(&long), "k1"));
    }

    #[test]
    fn a_reference_is_found_only_at_the_end() {
        assert!(carries(Some("x [k1]"), "k1"));
        for other in [None, Some("x [k12]"), Some("x [k1] copy"), Some("x [ k1]"), Some("k1")] {
            assert!(!carries(other, "k1"), "{other:?}");
        }
    }

    #[test]
    fn an_object_is_known_by_its_custom_fields() {
        let facts = object! { "media_buy_id": "kevel_1", "po_number": None::<&str> };
        let fields = custom_fields(&facts, Some("k1"));
        assert_eq!(fields, r#"{"flightdeck":{"media_buy_id":"kevel_1","reference":"k1"}}"#);
        let object = object! { "Id": 1, "CustomFieldsJson": fields };
        assert!(is_of_buy(&object, "kevel_1"));
        assert!(!is_of_buy(&object, "kevel_2"));
        assert!(!is_of_buy(&object! { "CustomFieldsJson": "no" }, "kevel_1"));
    }

    #[test]
    fn long_step_names_are_cut_and_stay_apart() {
        assert_eq!(step_name(&["ad", "news", "banner"]), "ad/news/banner");
        let (one, two) = (step_name(&["ad", &"x".repeat(300), "a"]), step_name(&["ad", &"x".repeat(300), "b"]));
        assert!(one.len() <= STEP_LIMIT && two.len() <= STEP_LIMIT);
        assert_ne!(one, two);
    }
}
