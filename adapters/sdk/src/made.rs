//! Objects that carry a step's reference on the platform: one lookup, both for the step itself and
//! for the host's later lookups.
//!
//! A platform may show an object late, or make it late: a request that got no answer may be carried
//! out an hour after its connection closed. So a lookup never stops at the first match. It returns
//! all of them, as [`Seen`]s:
//!
//! ```ignore
//! fn with_reference(api: &Api, reference: &str) -> Fallible<Vec<Seen<i64>>> { /* every page of the list */ }
//!
//! step("order").find(|reference| with_reference(&api, reference)).create(…)?;
//!
//! fn find_made(ctx: Context, made: MadeStep) -> Result<Vec<MadeObject>, Failure> {
//!     let seen = with_reference(&api, &made.reference)?;
//!     Ok(made::objects(seen, TYPE, &RemoteKind::Order, ""))
//! }
//! ```
//!
//! A step takes the first match, in the order of [`in_order`]. The host handles the others: it
//! calls `find_made` again minutes, an hour and a day later, and has `stop_made` stop the surplus.

use std::cmp::Ordering;

use time::OffsetDateTime;

use crate::{
    failure::Fallible,
    moment, names,
    step::RemoteId,
    types::{MadeObject, RemoteKind, RemoteObject},
};

/// One object that carries a step's reference, as found by a lookup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen<T> {
    /// What the step records of the object: usually its id.
    pub id: T,
    /// The object's name on the platform; empty if it has none.
    pub name: String,
    /// Whether it may deliver, or make something deliver. See the contract's `made-object`.
    pub active: bool,
    /// When the platform made it, if known.
    pub made_at: Option<OffsetDateTime>,
}

impl<T> Seen<T> {
    /// Makes an object of which only the id is known: active, without a name.
    #[must_use]
    pub const fn new(id: T) -> Self {
        Self { id, name: String::new(), active: true, made_at: None }
    }

    /// Replaces the id.
    #[must_use]
    pub fn map<U>(self, id: impl FnOnce(T) -> U) -> Seen<U> {
        Seen { id: id(self.id), name: self.name, active: self.active, made_at: self.made_at }
    }

    /// Sets the name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets whether it may deliver or make something deliver.
    #[must_use]
    pub fn active(mut self, active: bool) -> Self {
        self.active = active;
        self
    }

    /// Sets when it was made, from the platform's text. Text that can't be parsed counts as
    /// missing.
    #[must_use]
    pub fn made_at(mut self, text: Option<&str>) -> Self {
        self.made_at = text.and_then(moment::parse);
        self
    }
}

/// Returns all objects of a list whose names [carry](names::carries) a reference.
///
/// # Errors
/// When the list fails.
pub fn carrying<T>(list: impl Iterator<Item = Fallible<Seen<T>>>, reference: &str) -> Fallible<Vec<Seen<T>>> {
    list.filter(|seen| seen.as_ref().map_or(true, |seen| names::carries(Some(&seen.name), reference))).collect()
}

/// Sorts the objects of one step by precedence: the earliest first, and among those made at the
/// same time, the smallest id. If the platform doesn't give the time of each of them, only the ids
/// count, because platforms number what they make.
#[must_use]
pub fn in_order<T: RemoteId>(mut seen: Vec<Seen<T>>) -> Vec<Seen<T>> {
    let told = seen.iter().all(|one| one.made_at.is_some());
    seen.sort_by(|one, other| {
        let by_time = if told { one.made_at.cmp(&other.made_at) } else { Ordering::Equal };
        by_time.then_with(|| by_number(&one.id.remote_id(), &other.id.remote_id()))
    });
    seen
}

/// Compares ids made of digits as numbers of any length, and others as text.
fn by_number(one: &str, other: &str) -> Ordering {
    let digits = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    if digits(one) && digits(other) {
        let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
        return one.len().cmp(&other.len()).then_with(|| one.cmp(other));
    }
    one.cmp(other)
}

/// Converts objects to the contract's form, in the order of [`in_order`]. `kind` and `key` are
/// those under which the step remembers what it makes; `remote_type` is the platform's name for the
/// type.
#[must_use]
pub fn objects<T: RemoteId>(seen: Vec<Seen<T>>, remote_type: &str, kind: &RemoteKind, key: &str) -> Vec<MadeObject> {
    let object = |one: Seen<T>| MadeObject {
        object: RemoteObject { kind: kind.clone(), key: key.to_owned(), id: one.id.remote_id() },
        remote_type: remote_type.to_owned(),
        name: one.name,
        active: one.active,
        made_at: one.made_at.map(moment::format),
        extensions: Vec::new(),
    };
    in_order(seen).into_iter().map(object).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(seen: Vec<Seen<String>>) -> Vec<String> {
        in_order(seen).into_iter().map(|one| one.id).collect()
    }

    fn at(id: &str, moment: Option<&str>) -> Seen<String> {
        Seen::new(id.to_owned()).made_at(moment)
    }

    #[test]
    fn what_was_made_first_comes_first_and_then_the_smallest_id() {
        let (early, late) = (Some("2026-11-01T00:00:00Z"), Some("2026-11-01T00:00:01"));
        assert_eq!(ids(vec![at("9", late), at("10", early)]), ["10", "9"]);
        assert_eq!(ids(vec![at("10", early), at("9", early)]), ["9", "10"], "as numbers, not as texts");
        assert_eq!(ids(vec![at("7/b", None), at("7/a", None)]), ["7/a", "7/b"]);
    }

    #[test]
    fn only_the_id_counts_where_one_does_not_tell_when_it_was_made() {
        let late = Some("2026-11-02T00:00:00Z");
        assert_eq!(ids(vec![at("3", Some("2026-11-01T00:00:00Z")), at("2", None), at("1", late)]), ["1", "2", "3"]);
        assert_eq!(ids(vec![at("2", Some("some day")), at("1", late)]), ["1", "2"], "unreadable is not told");
    }

    #[test]
    fn they_are_told_as_the_contract_wants_it() {
        let seen = Seen::new(7_i64).named("Spring [k1]").active(false).made_at(Some("2026-11-01T10:00:00+01:00"));
        let objects = objects(vec![seen], "Flight", &RemoteKind::Package, "news");
        let [object] = objects.as_slice() else { panic!("{objects:?}") };
        assert_eq!((object.object.id.as_str(), object.object.key.as_str()), ("7", "news"));
        assert_eq!(
            (object.remote_type.as_str(), object.name.as_str(), object.active),
            ("Flight", "Spring [k1]", false)
        );
        assert_eq!(object.made_at.as_deref(), Some("2026-11-01T09:00:00Z"));
    }
}
