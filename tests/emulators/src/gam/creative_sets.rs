//! Creative sets: a master creative and its companions, which are shown together.

use super::{
    lists, mask,
    messages::creative_set::CREATIVE_SET,
    refusal::Refusal,
    routes::{Desk, Done, one},
    schema::{Object, text, write_millis},
    state::{CreativeSet, State, id_in, name, visible},
};

/// Fields that orderings of the list may use.
const FIELDS: &[&str] = &["name", "displayName", "masterCreative", "companionCreatives", "updateTime"];
/// The most companions of a set (help 2666929).
const MOST_COMPANIONS: usize = 8;

/// Returns a page of creative sets.
pub(super) fn list(desk: &Desk<'_>) -> Done {
    let seen = desk.state.creative_sets.iter().filter(|(_, set)| visible(set.born, desk.lag));
    let objects = seen.map(|(id, set)| show(*id, set)).collect();
    lists::answer(desk, "creativeSets", FIELDS, objects)
}

/// Returns one creative set.
pub(super) fn get(desk: &Desk<'_>, name: &str) -> Done {
    desk.only_params(&[])?;
    let (id, set) = find(desk.state, name)?;
    one(show(id, set))
}

/// Creates one.
pub(super) fn create(desk: &mut Desk<'_>) -> Done {
    desk.only_params(&[])?;
    let object = desk.read(&CREATIVE_SET, "creative_set")?;
    check(desk.state, &object)?;
    let id = desk.state.next_id();
    let set = CreativeSet { object, updated: desk.now, born: std::time::Instant::now() };
    let shown = show(id, &set);
    desk.state.creative_sets.insert(id, set);
    one(shown)
}

/// Changes one.
pub(super) fn patch(desk: &mut Desk<'_>, name: &str) -> Done {
    desk.only_params(&["updateMask"])?;
    let sent = desk.read(&CREATIVE_SET, "creative_set")?;
    let (id, set) = find(desk.state, name)?;
    let after = mask::apply(&CREATIVE_SET, &set.object, &sent, desk.param("updateMask"))?;
    check(desk.state, &after)?;
    let set = CreativeSet { object: after, updated: desk.now, born: set.born };
    let shown = show(id, &set);
    desk.state.creative_sets.insert(id, set);
    one(shown)
}

/// Returns a creative set by its name.
pub(super) fn find<'s>(state: &'s State, name: &str) -> Result<(i64, &'s CreativeSet), Refusal> {
    id_in(name, "creativeSets")
        .and_then(|id| state.creative_sets.get(&id).map(|set| (id, set)))
        .ok_or_else(|| Refusal::no_such(name))
}

/// Iterates over the names of a set's companions.
pub(super) fn companions(set: &Object) -> impl Iterator<Item = &str> {
    set.get("companionCreatives").and_then(|list| list.as_array()).into_iter().flatten().filter_map(|one| one.as_str())
}

/// Returns a creative set as in a response.
pub(super) fn show(id: i64, set: &CreativeSet) -> Object {
    let mut shown = set.object.clone();
    shown.insert("name".to_owned(), name("creativeSets", id).into());
    shown.insert("updateTime".to_owned(), write_millis(set.updated).into());
    shown
}

/// Checks a set: its creatives exist and belong to one advertiser, and none is in it twice.
fn check(state: &State, set: &Object) -> Result<(), Refusal> {
    CREATIVE_SET.require("creative_set", set)?;
    let master = text(set, "masterCreative").unwrap_or("");
    let mut seen = Vec::new();
    let mut advertiser = None;
    for (field, creative) in
        std::iter::once(("masterCreative", master)).chain(companions(set).map(|one| ("companionCreatives", one)))
    {
        let missing = |_| Refusal::invalid("NOT_FOUND", field, format!("{creative} does not exist; create it first"));
        let (_, known) = state.creative(creative).map_err(missing)?;
        let of = text(&known.object, "advertiser");
        if advertiser.is_some_and(|first| first != of) {
            let why = format!("{creative} belongs to another advertiser than the master");
            return Err(Refusal::invalid("CREATIVE_IN_WRONG_ADVERTISERS_LIBRARY", field, why));
        }
        advertiser = Some(of);
        if seen.contains(&creative) {
            return Err(Refusal::invalid("NOT_UNIQUE", field, format!("{creative} is in the set twice")));
        }
        seen.push(creative);
    }
    if seen.len() > MOST_COMPANIONS + 1 {
        let why = format!("a master has at most {MOST_COMPANIONS} companions");
        return Err(Refusal::invalid("TOO_MANY", "companionCreatives", why));
    }
    Ok(())
}
