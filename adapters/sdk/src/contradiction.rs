//! Contradictory targeting that only an adapter can detect: in a publisher's settings, in a buyer's
//! `custom` targeting, or between platform ids.
//!
//! The host has already refused contradictions between the rules of a request. Each half of a
//! contradiction becomes an item of its own, so that the reader of the refusal finds both.

use crate::failure::Problems;

const CODE: &str = "contradictory_targeting";

/// A value, and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The value as it was written.
    pub value: String,
    /// A JSON pointer, as the contract's `failure-item` says.
    pub pointer: String,
}

impl Said {
    /// Makes a value with its location.
    pub fn new(value: impl Into<String>, pointer: impl Into<String>) -> Self {
        Self { value: value.into(), pointer: pointer.into() }
    }
}

impl Problems {
    /// Adds a contradiction: a value that is wanted in one place and excluded in another, by itself
    /// or as part of a larger exclusion.
    ///
    /// ```
    /// use flightdeck_adapter::{contradiction::Said, failure::Problems};
    ///
    /// let mut problems = Problems::default();
    /// let overlay = "/packages/news/targeting_overlay";
    /// let wanted = Said::new("jazz", format!("{overlay}/custom/acme/genres"));
    /// problems.wanted_and_excluded(&wanted, &Said::new("jazz", format!("{overlay}/content_genre_none_of")));
    /// assert_eq!(problems.check().unwrap_err().items.len(), 2);
    /// ```
    pub fn wanted_and_excluded(&mut self, wanted: &Said, excluded: &Said) {
        let here = format!(
            "It is wanted here, and {} excludes {}. Leave one of the two out.",
            excluded.pointer, excluded.value
        );
        let there =
            format!("It is excluded here, and {} wants {}. Leave one of the two out.", wanted.pointer, wanted.value);
        self.invalid(CODE, &wanted.pointer, &wanted.value, here);
        self.invalid(CODE, &excluded.pointer, &excluded.value, there);
    }

    /// Adds a contradiction for every value that is both wanted and excluded. The function says
    /// whether an excluded value covers a wanted one.
    pub fn contradictions<'s>(
        &mut self,
        wanted: impl IntoIterator<Item = &'s Said>,
        excluded: &[Said],
        takes_with_it: impl Fn(&Said, &Said) -> bool,
    ) {
        for wanted in wanted {
            if let Some(excluded) = excluded.iter().find(|excluded| takes_with_it(excluded, wanted)) {
                self.wanted_and_excluded(wanted, excluded);
            }
        }
    }

    /// Adds a contradiction between two lists that must both match but have nothing in common.
    pub fn nothing_in_common(&mut self, one: &Said, other: &Said) {
        for (here, there) in [(one, other), (other, one)] {
            let message = format!("Nothing is both this and {} of {}, and both must hold.", there.value, there.pointer);
            self.invalid(CODE, &here.pointer, &here.value, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_halves_are_named() {
        let mut problems = Problems::default();
        let wanted = [Said::new("a", "/w"), Said::new("b", "/w"), Said::new("c", "/w")];
        let excluded = [Said::new("B", "/x"), Said::new("d", "/x")];
        problems.contradictions(&wanted, &excluded, |one, other| one.value.eq_ignore_ascii_case(&other.value));
        problems.nothing_in_common(&wanted[0], &excluded[1]);
        let items = problems.check().unwrap_err().items;
        let said: Vec<(&str, &str)> = items.iter().map(|item| (item.field.as_str(), item.value.as_str())).collect();
        assert_eq!(said, [("/w", "b"), ("/x", "B"), ("/w", "a"), ("/x", "d")]);
        assert!(items[0].message.contains("/x") && items[1].message.contains("/w"));
    }
}
