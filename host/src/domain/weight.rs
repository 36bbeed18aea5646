//! Limits the amount of targeting in a media buy. Every package has the buy's targeting besides its
//! own, and a plan spells all of it out in the platform's terms. Targeting that is too much for a
//! person to review is refused by its size, before it exceeds a limit of an adapter.

use super::{
    field::{Subject, TargetingPart},
    media_buy::MediaBuy,
    problem::Problem,
    targeting::Targeting,
};

/// The maximum weight of all packages' targeting, in characters: fifty packages with a thousand
/// postal codes each.
pub const MOST: usize = 1_000_000;

/// The weight of a value in addition to its characters, for the text that a platform puts around
/// it.
const AROUND_A_VALUE: usize = 8;

impl Targeting {
    /// The size of the targeting, in characters.
    fn weight(&self) -> usize {
        let rules = self.rules.iter().flat_map(|rule| &rule.values);
        let presets = self.dayparting.iter().flat_map(|dayparting| &dayparting.presets);
        let values: usize = rules.chain(presets).map(|value| value.chars().count() + AROUND_A_VALUE).sum();
        let custom: usize = self.custom.values().map(|own| own.to_string().chars().count()).sum();
        values + custom
    }
}

/// Returns a problem if a buy has more targeting than can be planned.
pub fn check(buy: &MediaBuy) -> Option<Problem> {
    let weight: usize = buy.packages.iter().map(|package| buy.targeting_of(package).weight()).sum();
    (weight > MOST).then(|| {
        Problem::new(
            Subject::Buy.targeting(TargetingPart::Whole),
            format!(
                "is too much: the targeting of all packages together has {weight} characters (the buy's counts once for each \
                 package), and may have {MOST}; give fewer values, or buy fewer packages at once"
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        targeting::{Dimension, Operator},
        testing,
    };

    #[test]
    fn what_the_buy_has_counts_for_each_package() {
        let values = |count: usize| (0..count).map(|number| format!("US:{number:05}"));
        let mut buy = testing::buy(50);
        buy.targeting.add(Dimension::GeoPostal, Operator::AnyOf, values(1_000));
        assert_eq!(check(&buy), None, "fifty packages with a thousand postal codes");
        buy.targeting.add(Dimension::GeoCity, Operator::NoneOf, values(1_000));
        let problem = check(&buy).unwrap();
        assert!(problem.message.contains("1600000 characters"), "{}", problem.message);
        buy.packages.truncate(20);
        assert_eq!(check(&buy), None);
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        let mut buy = testing::buy(1);
        let wide = |count: usize| std::iter::once("\u{1f389}".repeat(count));
        buy.targeting.add(Dimension::GeoCity, Operator::AnyOf, wide(MOST - AROUND_A_VALUE));
        assert_eq!(check(&buy), None);
        buy.targeting.add(Dimension::Os, Operator::AnyOf, wide(1));
        assert!(check(&buy).is_some());
    }
}
