//! Updates: replaces the fields of an object that a mask names.

use super::{
    refusal::Refusal,
    schema::{Is, Kind, Object, Shape, camel, inner, shape},
};

/// Returns the object after an update. `mask` names the fields. Without a mask, every field that
/// was sent is replaced; `*` replaces the whole object.
///
/// # Errors
/// [`Refusal`] for an unknown name, a field that only Google writes, or a change of an immutable
/// field.
pub(super) fn apply(message: &Shape, before: &Object, sent: &Object, mask: Option<&str>) -> Result<Object, Refusal> {
    let paths: Vec<String> = match mask.map(str::trim) {
        None | Some("") => sent.keys().filter(|name| *name != "name").cloned().collect(),
        Some("*") => {
            message.fields.iter().filter(|field| !field.is_googles()).map(|field| field.name.clone()).collect()
        }
        Some(mask) => mask.split(',').map(|path| camel(path.trim())).collect(),
    };
    let mut after = before.clone();
    for path in &paths {
        let parts: Vec<&str> = path.split('.').collect();
        check(message, path, &parts)?;
        replace(&mut after, sent, &parts);
    }
    for field in message.fields.iter().filter(|field| field.is(Is::Immutable)) {
        if before.get(&field.name) != after.get(&field.name) {
            return Err(Refusal::invalid("IMMUTABLE", &field.name, "can't be changed; leave it out of the update"));
        }
    }
    Ok(after)
}

fn check(message: &Shape, path: &str, parts: &[&str]) -> Result<(), Refusal> {
    let wrong = |why: String| Refusal::invalid("INVALID_UPDATE_MASK", "updateMask", why);
    let Some((name, rest)) = parts.split_first() else { return Ok(()) };
    let field = message.field(name).ok_or_else(|| wrong(format!("{path} is no field of {}", message.name)))?;
    if field.is_googles() {
        return Err(wrong(format!("{path} is written by Google alone; leave it out")));
    }
    match (rest.is_empty(), &field.kind) {
        (true, _) => Ok(()),
        (false, Kind::Message(inner)) if !field.list && field.map.is_none() => check(shape(inner), path, rest),
        (false, _) => Err(wrong(format!("{path} leads into {name}, which is no message; name {name} itself"))),
    }
}

fn replace(after: &mut Object, sent: &Object, parts: &[&str]) {
    let Some((name, rest)) = parts.split_first() else { return };
    if rest.is_empty() {
        match sent.get(*name) {
            Some(value) => after.insert((*name).to_owned(), value.clone()),
            None => after.remove(*name),
        };
        return;
    }
    let empty = Object::new();
    let place = after.entry((*name).to_owned()).or_insert_with(|| Object::new().into());
    if let Some(object) = place.as_object_mut() {
        replace(object, inner(sent, name).unwrap_or(&empty), rest);
    }
}
