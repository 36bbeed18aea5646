//! The read-only collections: companies, users, inventory, places, devices and the rest.

use super::{
    lists,
    refusal::Refusal,
    routes::{Desk, Done, no_route, one},
    schema::text,
    seed::Lookup,
};

/// Returns a page of a collection.
pub(super) fn list(desk: &Desk<'_>, collection: &str) -> Done {
    let lookup = desk.state.lookup(collection).ok_or_else(|| no_route(desk.call))?;
    lists::answer(desk, collection, &lookup.fields(), lookup.objects.clone())
}

/// Returns one object of a collection.
pub(super) fn get(desk: &Desk<'_>, collection: &str, name: &str) -> Done {
    desk.only_params(&[])?;
    let lookup = desk.state.lookup(collection).ok_or_else(|| no_route(desk.call))?;
    one(lookup.get(name).ok_or_else(|| Refusal::no_such(name))?.clone())
}

fn values<'s>(desk: &'s Desk<'_>, key: &str) -> Result<&'s Lookup, Refusal> {
    desk.state.lookup("customTargetingKeys").and_then(|keys| keys.get(key)).ok_or_else(|| Refusal::no_such(key))?;
    desk.state.lookup("customTargetingValues").ok_or_else(|| no_route(desk.call))
}

/// Returns a page of the values of a key.
pub(super) fn values_of(desk: &Desk<'_>, key: &str) -> Done {
    let lookup = values(desk, key)?;
    let of_key = lookup.objects.iter().filter(|value| text(value, "customTargetingKey") == Some(key));
    lists::answer(desk, "customTargetingValues", &lookup.fields(), of_key.cloned().collect())
}

/// Returns one value of a key.
pub(super) fn value_of(desk: &Desk<'_>, key: &str, name: &str) -> Done {
    let value = values(desk, key)?.get(name).filter(|value| text(value, "customTargetingKey") == Some(key));
    one(value.ok_or_else(|| Refusal::no_such(name))?.clone())
}
