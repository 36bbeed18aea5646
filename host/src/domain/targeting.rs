//! Targeting: where, when, how often and to whom a package may deliver.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    field::{Subject, TargetingPart},
    id::PlatformName,
    problem::Problem,
};

mod contradiction;
mod hours;
mod places;
mod spelling;
mod wider;

/// Defines an enum from a closed list of names, with its JSON form.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$case_doc:meta])* $case:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$case_doc])* #[serde(rename = $text)] $case,)+
        }

        impl $name {
            /// All variants, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$case,)+];

            /// The name in JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$case => $text,)+ }
            }

            /// Returns the variant with this name.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$case),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use names;

names! {
    /// A targeting dimension. The adapter contract's `dimension` specifies the form of the values.
    Dimension {
        /// Country, ISO 3166-1 alpha-2.
        GeoCountry = "geo_country",
        /// Region, ISO 3166-2.
        GeoRegion = "geo_region",
        /// Market area: a DMA code or the platform's own metro code.
        GeoMetro = "geo_metro",
        /// City with its region or country: `Toronto,CA-ON`.
        GeoCity = "geo_city",
        /// Country and postal code: `US:94105`.
        GeoPostal = "geo_postal",
        /// Device type: `mobile`, `desktop`, `tablet`, `ctv`, `audio`, `dooh`.
        DeviceType = "device_type",
        /// Operating system.
        Os = "os",
        /// Browser.
        Browser = "browser",
        /// Connection type: `wifi`, `cellular`, `wired`.
        ConnectionType = "connection_type",
        /// IAB content category.
        ContentCategory = "content_category",
        /// Content genre.
        ContentGenre = "content_genre",
        /// Content rating.
        ContentRating = "content_rating",
        /// Language, ISO 639-1.
        Language = "language",
        /// An audience segment of the platform.
        AudienceSegment = "audience_segment",
        /// Media type: `display`, `video`, `audio`, `native`.
        MediaType = "media_type",
    }
}

names! {
    /// Whether a rule includes or excludes its values.
    Operator {
        /// Delivers only where one of the values matches.
        AnyOf = "any_of",
        /// Never delivers where one of the values matches.
        NoneOf = "none_of",
    }
}

names! {
    /// A day of the week.
    Weekday {
        /// Monday.
        Monday = "monday",
        /// Tuesday.
        Tuesday = "tuesday",
        /// Wednesday.
        Wednesday = "wednesday",
        /// Thursday.
        Thursday = "thursday",
        /// Friday.
        Friday = "friday",
        /// Saturday.
        Saturday = "saturday",
        /// Sunday.
        Sunday = "sunday",
    }
}

names! {
    /// The scope of a frequency cap.
    CapScope {
        /// All packages of the buy together.
        MediaBuy = "media_buy",
        /// Each package separately.
        Package = "package",
    }
}

impl Dimension {
    /// Returns all values of the dimension if the adapter contract lists them.
    pub const fn closed_list(self) -> Option<&'static [&'static str]> {
        match self {
            Self::DeviceType => Some(&["mobile", "desktop", "tablet", "ctv", "audio", "dooh"]),
            Self::ConnectionType => Some(&["wifi", "cellular", "wired"]),
            Self::MediaType => Some(&["display", "video", "audio", "native"]),
            _ => None,
        }
    }
}

/// One targeting rule. All rules of a package must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The dimension.
    pub dimension: Dimension,
    /// Whether the values are included or excluded.
    pub operator: Operator,
    /// The values. Never empty, without duplicates.
    pub values: Vec<String>,
}

/// A range of hours on some days of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Daypart {
    /// The days. Never empty, without duplicates.
    pub days: Vec<Weekday>,
    /// The first hour, 0 to 23.
    pub start_hour: u8,
    /// The end of the range, exclusive: after `start_hour`, up to 24.
    pub end_hour: u8,
}

/// Dayparting: the hours of the week in which a package may deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dayparting {
    /// An IANA time zone name.
    pub timezone: String,
    /// The ranges of hours; delivery is allowed in any of them.
    pub schedules: Vec<Daypart>,
    /// Names of presets that the platform defines.
    pub presets: Vec<String>,
}

/// A frequency cap: the minimum time between two impressions to the same person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrequencyCap {
    /// The time in minutes, at least 1.
    pub suppress_minutes: u32,
    /// The scope.
    pub scope: CapScope,
}

/// A targeting overlay, as a buyer gives it for a buy or a package.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Targeting {
    /// The rules, sorted by dimension and operator, with at most one rule for each pair.
    pub rules: Vec<Rule>,
    /// The dayparting; `None` means all hours.
    pub dayparting: Option<Dayparting>,
    /// The frequency cap; `None` means no cap.
    pub frequency_cap: Option<FrequencyCap>,
    /// By platform, an object with targeting that only that platform understands.
    pub custom: BTreeMap<String, serde_json::Value>,
}

impl Targeting {
    /// Whether the overlay restricts nothing.
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }

    /// Adds values to the rule with this dimension and operator. Values are stored in the spelling
    /// of the adapter contract, without duplicates.
    pub fn add(&mut self, dimension: Dimension, operator: Operator, values: impl IntoIterator<Item = String>) {
        let place = self.rules.binary_search_by_key(&(dimension, operator), |rule| (rule.dimension, rule.operator));
        let index = match place {
            Ok(index) => index,
            Err(index) => {
                self.rules.insert(index, Rule { dimension, operator, values: Vec::new() });
                index
            }
        };
        for value in values {
            let value = dimension.spelled(&value);
            if !self.rules[index].values.contains(&value) {
                self.rules[index].values.push(value);
            }
        }
        if self.rules[index].values.is_empty() {
            self.rules.remove(index);
        }
    }

    /// Refuses custom targeting for platforms other than `platforms`, because nothing would read
    /// it.
    pub fn check_custom(&self, platforms: &[PlatformName], of: &Subject, problems: &mut Vec<Problem>) {
        let foreign = self.custom.keys().filter(|name| !platforms.iter().any(|known| known.as_str() == name.as_str()));
        problems.extend(foreign.map(|name| {
            Problem::new(
                of.targeting(TargetingPart::Custom(name.clone())),
                "is for a platform on which nothing is bought here",
            )
            .value(name)
            .supported(platforms.iter().map(PlatformName::as_str))
        }));
    }

    /// Returns this overlay, refined by a more specific one.
    ///
    /// In each dimension, the included values of the refinement replace those of this overlay.
    /// Exclusions add up, so that a refinement can't lift an exclusion. Dayparting, frequency cap
    /// and the custom targeting of a platform are taken from the refinement if it has them.
    #[must_use]
    pub fn refined_by(&self, refinement: &Self) -> Self {
        let mut merged = self.clone();
        for rule in &refinement.rules {
            if rule.operator == Operator::AnyOf {
                merged.rules.retain(|mine| (mine.dimension, mine.operator) != (rule.dimension, Operator::AnyOf));
            }
            merged.add(rule.dimension, rule.operator, rule.values.iter().cloned());
        }
        merged.dayparting = refinement.dayparting.clone().or(merged.dayparting);
        merged.frequency_cap = refinement.frequency_cap.or(merged.frequency_cap);
        merged.custom.extend(refinement.custom.clone());
        merged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Targeting with these rules.
    pub(super) fn targeting(rules: &[(Dimension, Operator, &[&str])]) -> Targeting {
        let mut targeting = Targeting::default();
        for (dimension, operator, values) in rules {
            targeting.add(*dimension, *operator, values.iter().map(|value| (*value).to_owned()));
        }
        targeting
    }

    #[test]
    fn a_refinement_replaces_inclusions_and_adds_exclusions() {
        let buy = targeting(&[
            (Dimension::GeoRegion, Operator::AnyOf, &["US-CA", "US-NY"]),
            (Dimension::GeoRegion, Operator::NoneOf, &["US-TX"]),
            (Dimension::DeviceType, Operator::AnyOf, &["mobile"]),
        ]);
        let package = targeting(&[
            (Dimension::GeoRegion, Operator::AnyOf, &["US-CA"]),
            (Dimension::GeoRegion, Operator::NoneOf, &["US-FL"]),
        ]);
        let merged = buy.refined_by(&package);
        assert_eq!(
            merged,
            targeting(&[
                (Dimension::GeoRegion, Operator::AnyOf, &["US-CA"]),
                (Dimension::GeoRegion, Operator::NoneOf, &["US-TX", "US-FL"]),
                (Dimension::DeviceType, Operator::AnyOf, &["mobile"]),
            ])
        );
        assert_eq!(buy.refined_by(&Targeting::default()), buy);
        assert_eq!(Targeting::default().refined_by(&buy), buy);
    }

    #[test]
    fn custom_parts_for_other_platforms_are_refused_by_name() {
        let custom = |names: &[&str]| Targeting {
            custom: names.iter().map(|name| ((*name).to_owned(), serde_json::json!({}))).collect(),
            ..Targeting::default()
        };
        let refused = |names: &[&str]| {
            let mut problems = Vec::new();
            custom(names).check_custom(&["acme".into(), "zenith".into()], &Subject::Buy, &mut problems);
            problems.into_iter().map(|problem| problem.field.to_string()).collect::<Vec<_>>()
        };
        assert!(refused(&["acme", "zenith"]).is_empty());
        assert_eq!(refused(&["acmee", "zenith"]), ["/targeting_overlay/custom/acmee"]);
    }

    #[test]
    fn rules_are_in_one_order_however_they_were_added() {
        let one = targeting(&[
            (Dimension::Os, Operator::AnyOf, &["ios"]),
            (Dimension::GeoCountry, Operator::NoneOf, &["FR"]),
            (Dimension::GeoCountry, Operator::AnyOf, &["US"]),
        ]);
        let other = targeting(&[
            (Dimension::GeoCountry, Operator::AnyOf, &["US"]),
            (Dimension::GeoCountry, Operator::NoneOf, &["FR"]),
            (Dimension::Os, Operator::AnyOf, &["ios"]),
        ]);
        assert_eq!(one, other);
    }

    #[test]
    fn every_name_reads_back_as_itself() {
        for dimension in Dimension::ALL {
            assert_eq!(Dimension::parse(dimension.as_str()), Some(*dimension));
            let json = serde_json::to_value(dimension).unwrap();
            assert_eq!(json, dimension.as_str());
        }
        assert_eq!(Dimension::parse("geo"), None);
    }
}
