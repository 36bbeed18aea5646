//! What carries a caller's reference, counted: what an operation done twice leaves, and what of it may
//! deliver.
//!
//! `GET /__control/references` has every reference that an object carries, each with how many objects do and
//! how many of them are active; `GET /__control/references/{reference}` has one, with the objects. A reference
//! is what stands in brackets at the end of a name, `Spring [k3f…]`, or in a field that each platform
//! has for it.

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
    /// Its id.
    pub id: i64,
    /// Whether it may deliver, or make something deliver, once everything around it runs: `false` for what is
    /// deleted, archived or switched off by itself.
    pub active: bool,
}

impl Carrier {
    /// An object with a name, if that ends with a reference.
    #[must_use]
    pub fn named(kind: &'static str, id: i64, name: &str, active: bool) -> Option<Self> {
        Some(Self { reference: in_name(name)?.to_owned(), kind, id, active })
    }
}

/// The reference at the end of a name.
#[must_use]
pub fn in_name(name: &str) -> Option<&str> {
    let (_, reference) = name.strip_suffix(']')?.rsplit_once(" [")?;
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (!reference.is_empty() && reference.bytes().all(fits)).then_some(reference)
}

/// How many objects carry a reference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// All of them that are not deleted.
    pub total: usize,
    /// Those that are active.
    pub active: usize,
}

/// The objects of one reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Carried {
    /// How many there are.
    #[serde(flatten)]
    pub count: Count,
    /// Which, oldest first.
    pub objects: Vec<Carrier>,
}

/// All references with their counts.
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

/// What carries one reference.
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
