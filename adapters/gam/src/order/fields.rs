//! What the publisher's settings say about orders: the fields of every order.

use flightdeck_adapter::prelude::*;

use crate::settings::Platform;

/// Returns the fields that the publisher's settings add to every order.
pub(super) fn more(platform: &Platform) -> Object {
    let names = |collection: &str, ids: &[String]| {
        let names: Vec<String> = ids.iter().map(|id| platform.name_of(collection, id)).collect();
        (!names.is_empty()).then_some(names)
    };
    let one = |collection: &str, id: &Option<String>| id.as_ref().map(|id| platform.name_of(collection, id));
    let labels = platform.labels(&platform.order_label_ids);
    let values = platform.custom_fields(&platform.order_custom_fields);
    let more = object! {
        "salesperson": one("users", &platform.salesperson_id),
        "secondarySalespeople": names("users", &platform.secondary_salesperson_ids),
        "secondaryTraffickers": names("users", &platform.secondary_trafficker_ids),
        "agency": one("companies", &platform.agency_id),
        "appliedTeams": names("teams", &platform.team_ids),
        "appliedLabels": (!labels.is_empty()).then_some(labels),
        "customFieldValues": (!values.is_empty()).then_some(values),
        "notes": platform.order_notes.as_ref(),
    };
    more.without_nulls()
}
