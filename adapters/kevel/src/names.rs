//! Names on the platform, which carry the references by which objects are found again, and custom
//! fields.
//!
//! Kevel has no searchable field for the caller's own use, so the reference is the suffix of the
//! name: `Spring [k3f…]`.

use flightdeck_adapter::prelude::*;

pub use flightdeck_adapter::names::{carries, step_name, with_reference};

/// The maximum length of a campaign's name, in characters (OpenAPI document).
pub const CAMPAIGN_LIMIT: usize = 200;
/// The maximum length of a flight's name, in characters (reference page, flights).
pub const FLIGHT_LIMIT: usize = 300;
/// The maximum length of a creative's title. The documentation names no limit; that of a campaign
/// is surely accepted.
pub const TITLE_LIMIT: usize = 200;

/// The key of this adapter's data in an object's custom fields, which others may use, too.
const OWNER: &str = "flightdeck";

/// Returns the custom fields of an object: what it belongs to, for people and tools at the
/// publisher.
#[must_use]
pub fn custom_fields(facts: &Object, reference: Option<&str>) -> String {
    let mut own = facts.without_nulls();
    if let Some(reference) = reference {
        own.set("reference", reference);
    }
    let mut fields = Object::default();
    fields.set(OWNER, own);
    fields.to_string()
}

/// Whether an object's custom fields name a media buy.
#[must_use]
pub fn is_of_buy(object: &Object, media_buy_id: &str) -> bool {
    says(object.get("CustomFieldsJson").or_else(|| object.get("CustomFieldsJSON")), "media_buy_id", media_buy_id)
}

/// Whether custom fields, as written by [`custom_fields`], contain a reference.
#[must_use]
pub fn has_reference(fields: Option<&Json>, reference: &str) -> bool {
    says(fields, "reference", reference)
}

fn says(fields: Option<&Json>, name: &str, value: &str) -> bool {
    let Some(Ok(Json::Object(fields))) = fields.and_then(Json::as_text).map(Json::parse) else { return false };
    let own = fields.get(OWNER).and_then(Json::as_object);
    own.and_then(|own| own.get(name)).and_then(Json::as_text) == Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_known_by_its_custom_fields() {
        let facts = object! { "media_buy_id": "kevel_1", "po_number": None::<&str> };
        let fields = custom_fields(&facts, Some("k1"));
        assert_eq!(fields, r#"{"flightdeck":{"media_buy_id":"kevel_1","reference":"k1"}}"#);
        let object = object! { "Id": 1, "CustomFieldsJson": fields };
        assert!(is_of_buy(&object, "kevel_1"));
        assert!(!is_of_buy(&object, "kevel_2"));
        assert!(!is_of_buy(&object! { "CustomFieldsJson": "no" }, "kevel_1"));
        assert!(has_reference(object.get("CustomFieldsJson"), "k1"));
        assert!(!has_reference(object.get("CustomFieldsJson"), "k") && !has_reference(None, "k1"));
    }
}
