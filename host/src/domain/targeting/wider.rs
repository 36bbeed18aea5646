//! Whether targeting may match something that other targeting does not.
//!
//! The host does not know what the values of a platform mean, so it compares them as they are
//! written. Wherever that can't tell, the answer is "wider":
//!
//! | not wider | wider |
//! |---|---|
//! | fewer included values, or a first inclusion in a dimension | another included value, or no inclusion any more |
//! | more excluded values | an excluded value that is not excluded any more, also if an inclusion leaves it out |
//! | a place in a geographic dimension where no place was included before | a place in another geographic dimension beside those of before: ad servers deliver to either |
//! | a first dayparting; fewer hours or presets in the same time zone | none any more; other hours or presets; another time zone |
//! | a first frequency cap, a longer time, the whole buy instead of each package | none any more, a shorter time, each package instead of the whole buy |
//! | the same `custom` | any other |
//!
//! The comparison is transitive: targeting that is narrowed step by step is narrower in the end.

use super::{CapScope, Dayparting, Dimension, FrequencyCap, Operator, Targeting, Weekday};

const HOURS: u8 = 24;

impl Dimension {
    const fn is_geographic(self) -> bool {
        matches!(self, Self::GeoCountry | Self::GeoRegion | Self::GeoMetro | Self::GeoCity | Self::GeoPostal)
    }
}

impl Targeting {
    /// Returns what may match that did not match under `before`, in words that follow "the
    /// targeting"; `None` if nothing does.
    pub fn wider_than(&self, before: &Self) -> Option<String> {
        Dimension::ALL
            .iter()
            .find_map(|dimension| self.values_are_wider(before, *dimension))
            .or_else(|| self.is_elsewhere(before))
            .or_else(|| hours_are_wider(before.dayparting.as_ref(), self.dayparting.as_ref()).map(str::to_owned))
            .or_else(|| cap_is_wider(before.frequency_cap, self.frequency_cap).map(str::to_owned))
            .or_else(|| {
                // Nobody but the platform can tell what these mean.
                (self.custom != before.custom).then(|| "has other terms of the platform's own".to_owned())
            })
    }

    fn values(&self, dimension: Dimension, operator: Operator) -> Option<&[String]> {
        let rule = self.rules.iter().find(|rule| (rule.dimension, rule.operator) == (dimension, operator))?;
        Some(&rule.values)
    }

    fn values_are_wider(&self, before: &Self, dimension: Dimension) -> Option<String> {
        match (before.values(dimension, Operator::AnyOf), self.values(dimension, Operator::AnyOf)) {
            (None, _) => {}
            (Some(_), None) => return Some(format!("is not limited by {dimension} any more")),
            (Some(before), Some(now)) => {
                if let Some(new) = now.iter().find(|value| !before.contains(value)) {
                    return Some(format!("includes the {dimension} {new}"));
                }
            }
        }
        let excluded = before.values(dimension, Operator::NoneOf).unwrap_or_default();
        let now = self.values(dimension, Operator::NoneOf).unwrap_or_default();
        let freed = excluded.iter().find(|value| !now.contains(value))?;
        Some(format!("does not exclude the {dimension} {freed} any more"))
    }

    /// Ad servers have one list of places, whatever their kind, and deliver in any of them.
    fn is_elsewhere(&self, before: &Self) -> Option<String> {
        let places = |of: &Self, dimension| of.values(dimension, Operator::AnyOf).is_some();
        let geographic = || Dimension::ALL.iter().copied().filter(|dimension| dimension.is_geographic());
        let had = geographic().any(|dimension| places(before, dimension));
        let new = geographic().find(|dimension| places(self, *dimension) && !places(before, *dimension))?;
        had.then(|| format!("includes places by {new} beside those of before"))
    }
}

fn hours_are_wider(before: Option<&Dayparting>, now: Option<&Dayparting>) -> Option<&'static str> {
    let (before, now) = match (before, now) {
        (None, _) => return None,
        (Some(_), None) => return Some("is not limited to hours any more"),
        (Some(before), Some(now)) => (before, now),
    };
    if before == now {
        return None;
    }
    if before.timezone != now.timezone {
        return Some("has its hours in another time zone");
    }
    // Without any hours, it is not limited to hours.
    let limits_nothing = now.schedules.is_empty() && now.presets.is_empty();
    let other_presets = now.presets.iter().any(|preset| !before.presets.contains(preset));
    (limits_nothing || other_presets || has_other_hours(before, now)).then_some("has other hours")
}

fn has_other_hours(before: &Dayparting, now: &Dayparting) -> bool {
    let has = |of: &Dayparting, day: &Weekday, hour: u8| {
        of.schedules.iter().any(|part| part.days.contains(day) && (part.start_hour..part.end_hour).contains(&hour))
    };
    Weekday::ALL.iter().any(|day| (0..HOURS).any(|hour| has(now, day, hour) && !has(before, day, hour)))
}

fn cap_is_wider(before: Option<FrequencyCap>, now: Option<FrequencyCap>) -> Option<&'static str> {
    match (before, now) {
        (None, _) => None,
        (Some(_), None) => Some("has no frequency cap any more"),
        (Some(before), Some(now)) if now.suppress_minutes < before.suppress_minutes => {
            Some("has a looser frequency cap")
        }
        (Some(before), Some(now)) if before.scope == CapScope::MediaBuy && now.scope == CapScope::Package => {
            Some("has a frequency cap for each package instead of the whole buy")
        }
        (Some(_), Some(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::targeting::{Daypart, tests::targeting};

    use Dimension::{DeviceType, GeoCountry, GeoRegion};
    use Operator::{AnyOf, NoneOf};

    #[test]
    fn values_widen_when_more_are_included_or_fewer_excluded() {
        let none = Targeting::default();
        let us = targeting(&[(GeoCountry, AnyOf, &["US"])]);
        let both = targeting(&[(GeoCountry, AnyOf, &["US", "CA"])]);
        let turned = targeting(&[(GeoCountry, AnyOf, &["CA", "US"])]);
        let without = targeting(&[(GeoCountry, NoneOf, &["FR"])]);
        let region = targeting(&[(GeoCountry, AnyOf, &["US"]), (GeoRegion, AnyOf, &["US-NY"])]);
        let device = targeting(&[(GeoCountry, AnyOf, &["US"]), (DeviceType, AnyOf, &["ctv"])]);
        for (before, now, wider) in [
            (&none, &none, None),
            (&none, &us, None),
            (&us, &none, Some("is not limited by geo_country any more")),
            (&us, &both, Some("includes the geo_country CA")),
            (&both, &us, None),
            (&both, &turned, None),
            (&none, &without, None),
            (&without, &none, Some("does not exclude the geo_country FR any more")),
            (&without, &us, Some("does not exclude the geo_country FR any more")),
            (&us, &region, Some("includes places by geo_region beside those of before")),
            (&region, &us, Some("is not limited by geo_region any more")),
            (&none, &region, None),
            (&us, &device, None),
        ] {
            assert_eq!(now.wider_than(before).as_deref(), wider, "{before:?} -> {now:?}");
        }
    }

    fn hours(timezone: &str, days: &[Weekday], start_hour: u8, end_hour: u8, presets: &[&str]) -> Targeting {
        let schedules = match days.is_empty() {
            true => Vec::new(),
            false => vec![Daypart { days: days.to_vec(), start_hour, end_hour }],
        };
        let presets = presets.iter().map(|name| (*name).to_owned()).collect();
        Targeting {
            dayparting: Some(Dayparting { timezone: timezone.to_owned(), schedules, presets }),
            ..Targeting::default()
        }
    }

    #[test]
    fn hours_widen_where_one_is_new_and_where_nobody_can_tell() {
        use Weekday::{Monday, Tuesday};
        let none = Targeting::default();
        let morning = hours("UTC", &[Monday], 6, 12, &[]);
        for (before, now, is_wider) in [
            (&none, &morning, false),
            (&morning, &none, true),
            (&morning, &hours("UTC", &[Monday], 7, 12, &[]), false),
            (&morning, &hours("UTC", &[Monday], 6, 13, &[]), true),
            (&morning, &hours("UTC", &[Monday, Tuesday], 6, 12, &[]), true),
            (&morning, &hours("Europe/Paris", &[Monday], 7, 8, &[]), true),
            (&morning, &hours("UTC", &[], 0, 0, &["drive"]), true),
            (&hours("UTC", &[], 0, 0, &["drive"]), &hours("UTC", &[], 0, 0, &[]), true),
            (&hours("UTC", &[Monday], 6, 12, &["drive"]), &hours("UTC", &[], 0, 0, &["drive"]), false),
        ] {
            assert_eq!(now.wider_than(before).is_some(), is_wider, "{before:?} -> {now:?}");
        }
    }

    #[test]
    fn caps_and_the_platforms_own_terms_widen_unless_they_are_stricter_or_the_same() {
        let cap = |suppress_minutes, scope| Targeting {
            frequency_cap: Some(FrequencyCap { suppress_minutes, scope }),
            ..Targeting::default()
        };
        let own = |value: i32| Targeting {
            custom: [("acme".to_owned(), serde_json::json!(value))].into(),
            ..Targeting::default()
        };
        let none = Targeting::default();
        for (before, now, is_wider) in [
            (&none, &cap(60, CapScope::Package), false),
            (&cap(60, CapScope::Package), &none, true),
            (&cap(60, CapScope::Package), &cap(61, CapScope::MediaBuy), false),
            (&cap(60, CapScope::Package), &cap(59, CapScope::MediaBuy), true),
            (&cap(60, CapScope::MediaBuy), &cap(61, CapScope::Package), true),
            (&none, &own(1), true),
            (&own(1), &none, true),
            (&own(1), &own(2), true),
            (&own(1), &own(1), false),
        ] {
            assert_eq!(now.wider_than(before).is_some(), is_wider, "{before:?} -> {now:?}");
        }
    }

    fn any_targeting() -> impl Strategy<Value = Targeting> {
        let rule = (
            prop::sample::select(vec![GeoCountry, GeoRegion, DeviceType]),
            prop::sample::select(Operator::ALL),
            prop::collection::vec(prop::sample::select(vec!["mobile", "ctv", "desktop"]), 1..3),
        );
        (prop::collection::vec(rule, 0..3), prop::option::of((1u32..4, prop::sample::select(CapScope::ALL)))).prop_map(
            |(rules, cap)| {
                let mut targeting = Targeting::default();
                for (dimension, operator, values) in rules {
                    targeting.add(dimension, operator, values.into_iter().map(str::to_owned));
                }
                targeting.frequency_cap = cap.map(|(suppress_minutes, scope)| FrequencyCap { suppress_minutes, scope });
                targeting
            },
        )
    }

    proptest! {
        /// Otherwise two changes that widen nothing could together get round a rule.
        #[test]
        fn two_steps_that_widen_nothing_widen_nothing_together(
            one in any_targeting(), two in any_targeting(), three in any_targeting(),
        ) {
            prop_assert_eq!(one.wider_than(&one), None);
            if two.wider_than(&one).is_none() && three.wider_than(&two).is_none() {
                prop_assert_eq!(three.wider_than(&one), None);
            }
        }
    }
}
