//! Lists: filtered, ordered, in pages.

use std::cmp::Ordering;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    filter::Filter,
    refusal::Refusal,
    routes::{Desk, Done, exact},
    schema::{Object, camel, filterable},
};
use crate::control::settings::Paging;

/// The default page size, in items (Google's reference of every list).
const DEFAULT_PAGE: usize = 50;
/// The largest page size. Larger values are reduced to it.
const MAX_PAGE: usize = 1000;

/// The prefix of the token of a page with items, where empty pages come before them.
const FULL: &str = "full ";

/// The start and length of a page.
pub(super) struct Page {
    pub first: usize,
    pub size: usize,
    paging: Paging,
    /// Whether the page is empty although the list has items.
    empty: bool,
}

impl Page {
    /// Returns the requested page. `of` binds its token to the contents of the list.
    ///
    /// # Errors
    /// [`Refusal`] for a negative size or the token of another list.
    pub(super) fn asked(desk: &Desk<'_>, default: usize, of: &str) -> Result<Self, Refusal> {
        let wrong = |field, why: &str| Refusal::invalid("INVALID_PAGING", field, why);
        let size = match desk.param("pageSize") {
            None | Some("0") => default,
            Some(text) => text.parse().map_err(|_| wrong("pageSize", "must be a whole number of 0 or more"))?,
        };
        let (full, first) = match desk.param("pageToken") {
            None => (false, 0),
            Some(token) => {
                let read = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                let at = read.and_then(|text| {
                    let at = text.strip_prefix(of)?.strip_prefix('\n')?.to_owned();
                    let full = at.strip_prefix(FULL);
                    Some((full.is_some(), full.unwrap_or(&at).parse().ok()?))
                });
                at.ok_or_else(|| wrong("pageToken", "is none of this list; repeat the request it came from"))?
            }
        };
        let empty = desk.paging == Paging::EmptyBetween && !full;
        Ok(Self { first, size: size.min(desk.max_page).max(1), paging: desk.paging, empty })
    }

    /// Returns the items on this page.
    pub(super) fn of<T>(&self, items: impl IntoIterator<Item = T>) -> Vec<T> {
        let size = if self.empty { 0 } else { self.size };
        items.into_iter().skip(self.first).take(size).collect()
    }

    /// Returns the token of the next page, if there is one.
    pub(super) fn next(&self, of: &str, total: usize) -> Option<String> {
        let next = self.first.saturating_add(self.size);
        let named = match self.paging {
            Paging::SameToken => Some(self.first.to_string()),
            Paging::EmptyBetween if self.empty => Some(format!("{FULL}{}", self.first)),
            Paging::EmptyBetween | Paging::Full => (next < total).then(|| next.to_string()),
        };
        named.map(|at| URL_SAFE_NO_PAD.encode(format!("{of}\n{at}")))
    }
}

/// An object of a list that is shown only if the filter may want it: a list may have thousands.
pub(super) struct Candidate<'a, S> {
    /// Its name.
    pub name: String,
    /// Its id, and the field that has it, if there is one.
    pub id: Option<(&'static str, String)>,
    /// Its fields as they were stored.
    pub stored: &'a Object,
    /// Makes what is answered.
    pub show: S,
}

impl<S> Candidate<'_, S> {
    /// Returns the fields of it that a filter looks at; `None` if one of them is made for the answer.
    fn seen_by(&self, filter: &Filter, made: &[&str]) -> Option<Object> {
        let mut wanted = Vec::new();
        filter.fields(&mut wanted);
        let mut seen = Object::new();
        for field in wanted {
            let value = match &self.id {
                _ if field == "name" => Some(self.name.clone().into()),
                Some((of_id, id)) if *of_id == field => Some(id.clone().into()),
                _ if made.contains(&field) => return None,
                _ => self.stored.get(field).cloned(),
            };
            seen.extend(value.map(|value| (field.to_owned(), value)));
        }
        Some(seen)
    }
}

/// As [`answer`], and shows only what the filter may want. `made` are the fields that no stored object
/// has.
pub(super) fn answer_lazily<'a, S: FnOnce() -> Object>(
    desk: &Desk<'_>,
    collection: &str,
    (fields, made): (&[&str], &[&str]),
    candidates: impl Iterator<Item = Candidate<'a, S>>,
) -> Done {
    let filter = filter_of(desk, collection, fields)?;
    let may_fit = |one: &Candidate<'_, S>| one.seen_by(&filter, made).is_none_or(|seen| filter.fits(&seen));
    let objects = candidates.filter(may_fit).map(|one| (one.show)()).collect();
    answer(desk, collection, fields, objects)
}

fn filter_of(desk: &Desk<'_>, collection: &str, fields: &[&str]) -> Result<Filter, Refusal> {
    let published = filterable(&desk.call.path);
    let paths = published.map_or_else(|| fields.to_vec(), |paths| paths.iter().map(String::as_str).collect());
    Filter::read(desk.param("filter").unwrap_or(""), collection, &paths)
}

/// Responds with a page of objects, under the collection's name. Filters use the paths that Google
/// publishes for the list. About orderings, and about filters of some lists, it says nothing: there
/// `fields` are known.
pub(super) fn answer(desk: &Desk<'_>, collection: &str, fields: &[&str], objects: Vec<Object>) -> Done {
    desk.only_params(&["filter", "pageSize", "pageToken", "orderBy", "skip"])?;
    let source = desk.param("filter").unwrap_or("");
    let filter = filter_of(desk, collection, fields)?;
    let order = desk.param("orderBy").unwrap_or("");
    let keys = keys(order, fields)?;
    let skip = match desk.param("skip") {
        None => 0,
        Some(text) => text
            .parse()
            .map_err(|_| Refusal::invalid("INVALID_PAGING", "skip", "must be a whole number of 0 or more"))?,
    };
    let of = format!("{}\n{source}\n{order}", desk.call.path);
    let mut page = Page::asked(desk, DEFAULT_PAGE.min(MAX_PAGE), &of)?;
    page.size = page.size.min(MAX_PAGE);
    let mut found: Vec<Object> = objects.into_iter().filter(|object| filter.fits(object)).collect();
    found.sort_by(|one, other| compare(&keys, one, other));
    // Items are skipped before pages are counted.
    let found = found.split_off(skip.min(found.len()));
    let total = found.len();
    let items = page.of(found);
    // An empty list isn't in the answer.
    let mut body = if items.is_empty() { json!({}) } else { json!({ collection: items }) };
    if let Some(next) = page.next(&of, total) {
        body["nextPageToken"] = next.into();
    }
    exact(&body)
}

fn keys(order: &str, fields: &[&str]) -> Result<Vec<(String, bool)>, Refusal> {
    let mut keys = Vec::new();
    for part in order.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, down) = match part.split_once(' ').map(|(name, rest)| (name, rest.trim())) {
            None => (part, false),
            Some((name, "desc")) => (name, true),
            Some((name, "asc")) => (name, false),
            Some(_) => return Err(Refusal::invalid("INVALID_ORDER_BY", "orderBy", "use `field` or `field desc`")),
        };
        let name = camel(name);
        if !fields.contains(&name.as_str()) {
            let why = format!("{name} is no field of this list; fields: {}", fields.join(", "));
            return Err(Refusal::invalid("INVALID_ORDER_BY", "orderBy", why));
        }
        keys.push((name, down));
    }
    Ok(keys)
}

fn compare(keys: &[(String, bool)], one: &Object, other: &Object) -> Ordering {
    for (name, down) in keys {
        let text = |object: &Object| match object.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        };
        let (one, other) = (text(one), text(other));
        let order = match (one.parse::<i64>(), other.parse::<i64>()) {
            (Ok(one), Ok(other)) => one.cmp(&other),
            _ => one.cmp(&other),
        };
        if order != Ordering::Equal {
            return if *down { order.reverse() } else { order };
        }
    }
    Ordering::Equal
}
