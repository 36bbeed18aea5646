//! Names that carry references, for platforms without a searchable field for the caller's own use:
//! the name ends with the reference, as in `Spring [k3f…]`. Also the names of steps.

use crate::failure::clean;

/// The longest name of a step, in bytes, as the contract defines it.
const STEP_LIMIT: usize = 200;
/// The most bytes of a character in UTF-8.
const BYTES_OF_CHARACTER: usize = 4;

/// Appends a reference to a name, which is cut so that both fit into `limit` characters.
#[must_use]
pub fn with_reference(name: &str, reference: &str, limit: usize) -> String {
    let suffix = suffix(reference);
    let room = limit.saturating_sub(suffix.chars().count());
    let name: String = clean(name, BYTES_OF_CHARACTER * limit).chars().take(room).collect();
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

/// Returns the key under which a creative in a package is remembered, as the contract's
/// `remote-kind` defines it.
#[must_use]
pub fn association_key(package_id: &str, creative_id: &str) -> String {
    format!("{package_id}/{creative_id}")
}

/// Joins the name of a step from its parts. Ids come from the host and are short. If they are too
/// long anyway, the name is cut and ends with a hash of the whole, so that it stays unique.
#[must_use]
pub fn step_name(parts: &[&str]) -> String {
    let name = parts.join("/");
    if name.len() <= STEP_LIMIT {
        return name;
    }
    format!("{}#{}", clean(&name, STEP_LIMIT - 17), hash(&name))
}

/// Returns a short text that is the same for the same name in every release: FNV-1a, 16 hexadecimal
/// digits.
#[must_use]
pub fn hash(name: &str) -> String {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_reference_whatever_its_length() {
        assert_eq!(with_reference("Spring\n sale", "k1", 200), "Spring sale [k1]");
        let long = with_reference(&"é".repeat(500), "k1", 200);
        assert_eq!(long.chars().count(), 200);
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
    fn long_step_names_are_cut_and_stay_apart() {
        assert_eq!(step_name(&["ad", "news", "banner"]), "ad/news/banner");
        let (one, two) = (step_name(&["ad", &"x".repeat(300), "a"]), step_name(&["ad", &"x".repeat(300), "b"]));
        assert!(one.len() <= STEP_LIMIT && two.len() <= STEP_LIMIT);
        assert_ne!(one, two);
    }
}
