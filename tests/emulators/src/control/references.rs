//! Counts of the objects that carry a caller's reference: whether an operation left duplicates, and
//! which of them may deliver.
//!
//! `GET /__control/references` returns every reference that an object carries, with the number of
//! its objects and of those that are active. `GET /__control/references/{reference}` returns one of
//! them, with the objects. A reference is the text in brackets at the end of a name, `Spring
//! [k3f…]`, or the value of a field that each platform has for it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::platform::Platform;

/// One object that carries a reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Carrier {
    /// The reference.
    pub reference: String,
    /// The type, as in `/__control/objects/{type}`.
    pub kind: &'static str,
    /// The id of the object.
    pub id: i64,
    /// Whether it may deliver, or make something deliver, once everything around it runs: `false`
    /// if it is deleted, archived or inactive itself.
    pub active: bool,
}

impl Carrier {
    /// Makes a carrier of an object whose name ends with a reference.
    #[must_use]
    pub fn named(kind: &'static str, id: i64, name: &str, active: bool) -> Option<Self> {
        Some(Self { reference: in_name(name)?.to_owned(), kind, id, active })
    }
}

/// Returns the reference at the end of a name.
#[must_use]
pub fn in_name(name: &str) -> Option<&str> {
    let (_, reference) = name.strip_suffix(']')?.rsplit_once(" [")?;
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (!reference.is_empty() && reference.bytes().all(fits)).then_some(reference)
}

/// The number of objects that carry a reference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// All that are not deleted.
    pub total: usize,
    /// All that are active.
    pub active: usize,
}

/// The objects with one reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Carried {
    /// Their number.
    #[serde(flatten)]
    pub count: Count,
    /// The objects, oldest first.
    pub objects: Vec<Carrier>,
}

/// Returns all references with their counts.
#[must_use]
pub fn all(platform: &dyn Platform) -> BTreeMap<String, Count> {
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    for carrier in platform.carriers() {
        let count = counts.entry(carrier.reference).or_default();
        count.total += 1;
        count.active += usize::from(carrier.active);
    }
    counts
}

/// Returns the objects that carry one reference.
#[must_use]
pub fn of(platform: &dyn Platform, reference: &str) -> Carried {
    let mut objects = platform.carriers();
    objects.retain(|carrier| carrier.reference == reference);
    objects.sort_by_key(|carrier| carrier.id);
    let active = objects.iter().filter(|carrier| carrier.active).count();
    Carried { count: Count { total: objects.len(), active }, objects }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_stands_in_brackets_at_the_end_of_a_name() {
        assert_eq!(in_name("Spring [x] [k3f]"), Some("k3f"));
        for other in ["Spring", "Spring [k3f] copy", "Spring [K3F]", "Spring []", "[k3f]", "Spring [a b]"] {
            assert_eq!(in_name(other), None, "{other}");
        }
    }
}
