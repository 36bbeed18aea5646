//! Where, when, how often and to whom a package may deliver.

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

/// A closed list of names: the enum, its text in JSON, and back.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$case_doc:meta])* $case:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$case_doc])* #[serde(rename = $text)] $case,)+
        }

        impl $name {
            /// Every case, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$case,)+];

            /// Its name in JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$case => $text,)+ }
            }

            /// The case of that name.
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
    /// What a rule looks at. The forms of the values are written down with the adapter contract's `dimension`.
    Dimension {
        /// ISO 3166-1 alpha-2.
        GeoCountry = "geo_country",
        /// ISO 3166-2.
        GeoRegion = "geo_region",
        /// A DMA or the platform's own metro code.
        GeoMetro = "geo_metro",
        /// A city.
        GeoCity = "geo_city",
        /// Country and postal code.
        GeoPostal = "geo_postal",
        /// `mobile`, `desktop`, `tablet`, `ctv`, `audio`, `dooh`.
        DeviceType = "device_type",
        /// Operating system.
        Os = "os",
        /// Browser.
        Browser = "browser",
        /// `wifi`, `cellular`, `wired`.
        ConnectionType = "connection_type",
        /// IAB content category.
        ContentCategory = "content_category",
        /// Genre.
        ContentGenre = "content_genre",
        /// Rating.
        ContentRating = "content_rating",
        /// ISO 639-1.
        Language = "language",
        /// A segment of the platform.
        AudienceSegment = "audience_segment",
        /// `display`, `video`, `audio`, `native`.
        MediaType = "media_type",
    }
}

names! {
    /// Whether a rule includes or excludes.
    Operator {
        /// Only where one of the values matches.
        AnyOf = "any_of",
        /// Never where one of the values matches.
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
    /// What a frequency cap counts over.
    CapScope {
        /// All packages of the buy together.
        MediaBuy = "media_buy",
        /// Each package by itself.
        Package = "package",
    }
}

impl Dimension {
    /// Every value that there is, where the adapter contract lists them.
    pub const fn closed_list(self) -> Option<&'static [&'static str]> {
        match self {
            Self::DeviceType => Some(&["mobile", "desktop", "tablet", "ctv", "audio", "dooh"]),
            Self::ConnectionType => Some(&["wifi", "cellular", "wired"]),
            Self::MediaType => Some(&["display", "video", "audio", "native"]),
            _ => None,
        }
    }
}

/// One rule; all rules of a package hold together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// What it looks at.
    pub dimension: Dimension,
    /// Includes or excludes.
    pub operator: Operator,
    /// Never empty, no value twice.
    pub values: Vec<String>,
}

/// Hours of some days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Daypart {
    /// Never empty, no day twice.
    pub days: Vec<Weekday>,
    /// 0 to 23.
    pub start_hour: u8,
    /// Up to 24, after `start_hour`.
    pub end_hour: u8,
}

/// When a package may deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dayparting {
    /// An IANA time zone name.
    pub timezone: String,
    /// Any of these.
    pub schedules: Vec<Daypart>,
    /// Names of hours that the platform defines.
    pub presets: Vec<String>,
}

/// After one impression to a person, no other for so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrequencyCap {
    /// Minutes, at least 1.
    pub suppress_minutes: u32,
    /// What it counts over.
    pub scope: CapScope,
}

/// A targeting overlay as a buyer gives it, for a buy or for one package.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Targeting {
    /// Sorted by dimension and operator, at most one of each pair.
    pub rules: Vec<Rule>,
    /// Hours of days.
    pub dayparting: Option<Dayparting>,
    /// Frequency cap.
    pub frequency_cap: Option<FrequencyCap>,
    /// By platform, what only that platform understands: an object.
    pub custom: BTreeMap<String, serde_json::Value>,
}

impl Targeting {
    /// Whether it restricts nothing.
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }

    /// Adds values to the rule of this dimension and operator, each in the spelling of the adapter contract and once.
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

    /// Refuses custom parts for platforms that are none of `platforms`: nobody would read them.
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

    /// This overlay, refined by a more specific one.
    ///
    /// What the refinement includes in a dimension takes the place of what this one includes there; exclusions add
    /// up, so that a refinement can't reopen what was shut; dayparting, frequency cap and a platform's custom part are
    /// taken from the refinement where it has them.
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

    fn targeting(rules: &[(Dimension, Operator, &[&str])]) -> Targeting {
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
