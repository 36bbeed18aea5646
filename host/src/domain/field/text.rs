//! The text form of a path: a JSON pointer (RFC 6901) in the terms of the adapter contract, such as
//! `/packages/news/targeting_overlay/os_any_of`.
//!
//! Adapters use it in their refusals, and records store it, so hosts of other versions must be able
//! to parse it. Every text parses to a path with the same text, whether its names are known or not.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{CreativeRef, Field, FieldPath, PackageRef, Part, Subject, TargetingPart};
use crate::domain::{
    id::{CreativeId, PackageId},
    targeting::{Dimension, Operator},
};

const PACKAGES: &str = "packages";
const CREATIVES: &str = "assets";
const PERFORMANCE: &str = "performance_data";
const TARGETING: &str = "targeting_overlay";

/// A reference token of a JSON pointer (RFC 6901), with `~` and `/` escaped.
pub fn pointer_token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The name with which a message about a pointer begins: its last token, or for an entry of a list the
/// list's name and the index, like `creative_ids[0]`.
pub fn last_name(pointer: &str) -> String {
    let mut tokens = pointer.rsplit('/');
    let (last, before) = (tokens.next().unwrap_or_default(), tokens.next().unwrap_or_default());
    match last.parse::<usize>() {
        Ok(index) if !before.is_empty() => format!("{before}[{index}]"),
        _ => last.to_owned(),
    }
}

fn unescaped(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

impl FieldPath {
    /// Parses the text of a path.
    ///
    /// Packages and creatives are assumed to be named by id, as adapters name them: the text alone
    /// does not distinguish an index from an id.
    pub fn parse(text: &str) -> Self {
        let known = Self::known(text).filter(|path| path.to_string() == text);
        known.unwrap_or_else(|| Self::text(text))
    }

    fn known(text: &str) -> Option<Self> {
        let Some(rest) = text.strip_prefix('/') else {
            return text.is_empty().then(|| Subject::Buy.whole());
        };
        let (first, below) = split(rest);
        let within = |subject: fn(&str) -> Option<Subject>| {
            let (token, part) = split(below.strip_prefix('/')?);
            Some(subject(token)?.at(Part::read(part)))
        };
        let subject: fn(&str) -> Option<Subject> = match first {
            PACKAGES => |id| Some(Subject::Package(PackageRef::Merged(PackageId::new(unescaped(id))))),
            CREATIVES => |id| Some(Subject::Creative(CreativeRef::Named(CreativeId::new(unescaped(id))))),
            PERFORMANCE => |index| index.parse().ok().map(Subject::Performance),
            _ => |_| None,
        };
        within(subject).or_else(|| Some(Subject::Buy.at(Part::read(text))))
    }

    /// The name with which a message about the field begins: see [`last_name`].
    pub fn word(&self) -> String {
        last_name(&self.to_string())
    }
}

/// Splits off the first token. The rest keeps its leading slash.
fn split(rest: &str) -> (&str, &str) {
    rest.split_at(rest.find('/').unwrap_or(rest.len()))
}

impl Part {
    /// Parses what follows a subject: empty, or with a leading slash.
    fn read(text: &str) -> Self {
        let Some(rest) = text.strip_prefix('/') else { return Self::Whole };
        let (first, below) = split(rest);
        if first == TARGETING {
            return Self::Targeting(TargetingPart::read(below));
        }
        let known = Field::parse(first).and_then(|field| match below.strip_prefix('/') {
            None => Some(Self::Field(field)),
            Some(index) => index.parse().ok().map(|index| Self::Entry(field, index)),
        });
        known.unwrap_or_else(|| Self::Text(text.to_owned()))
    }
}

impl TargetingPart {
    fn read(text: &str) -> Self {
        let tokens: Vec<&str> = text.split('/').skip(1).collect();
        let known = match tokens.as_slice() {
            [] => Some(Self::Whole),
            ["dayparting"] => Some(Self::Hours),
            ["dayparting", "presets"] => Some(Self::Presets),
            ["dayparting", "schedules", index] => index.parse().ok().map(Self::Schedule),
            ["frequency_cap"] => Some(Self::Cap),
            ["frequency_cap", "scope"] => Some(Self::CapScope),
            ["frequency_cap", "suppress_minutes"] => Some(Self::CapMinutes),
            ["custom", platform] => Some(Self::Custom(unescaped(platform))),
            [rule] => Operator::ALL.iter().find_map(|operator| {
                let dimension = rule.strip_suffix(operator.as_str())?.strip_suffix('_')?;
                Some(Self::Rule(Dimension::parse(dimension)?, *operator))
            }),
            _ => None,
        };
        known.unwrap_or_else(|| Self::Text(text.to_owned()))
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.subject, self.part)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Buy => Ok(()),
            Self::Package(PackageRef::Listed(index)) => write!(f, "/{PACKAGES}/{index}"),
            Self::Package(PackageRef::Named(id) | PackageRef::Merged(id)) => {
                write!(f, "/{PACKAGES}/{}", pointer_token(id.as_str()))
            }
            Self::Creative(CreativeRef::Listed(index)) => write!(f, "/{CREATIVES}/{index}"),
            Self::Creative(CreativeRef::Named(id)) => write!(f, "/{CREATIVES}/{}", pointer_token(id.as_str())),
            Self::Performance(index) => write!(f, "/{PERFORMANCE}/{index}"),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Field(field) => write!(f, "/{field}"),
            Self::Entry(field, index) => write!(f, "/{field}/{index}"),
            Self::Targeting(part) => write!(f, "/{TARGETING}{part}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for TargetingPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Rule(dimension, operator) => write!(f, "/{dimension}_{operator}"),
            Self::Hours => f.write_str("/dayparting"),
            Self::Presets => f.write_str("/dayparting/presets"),
            Self::Schedule(index) => write!(f, "/dayparting/schedules/{index}"),
            Self::Cap => f.write_str("/frequency_cap"),
            Self::CapScope => f.write_str("/frequency_cap/scope"),
            Self::CapMinutes => f.write_str("/frequency_cap/suppress_minutes"),
            Self::Custom(platform) => write!(f, "/custom/{}", pointer_token(platform)),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Serialize for FieldPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FieldPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::parse(&text))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts() -> Vec<Part> {
        use TargetingPart as T;
        let mut parts: Vec<Part> = Field::ALL.iter().map(|field| Part::Field(*field)).collect();
        for dimension in Dimension::ALL {
            parts.extend(Operator::ALL.iter().map(|operator| Part::Targeting(T::Rule(*dimension, *operator))));
        }
        let targeting = [T::Whole, T::Hours, T::Presets, T::Schedule(2), T::Cap, T::CapScope, T::CapMinutes];
        parts.extend(targeting.map(Part::Targeting));
        parts.extend([Part::Targeting(T::Custom("a/b~c".to_owned())), Part::Whole, Part::Entry(Field::Creatives, 3)]);
        parts
    }

    #[test]
    fn every_path_reads_back_as_itself() {
        let subjects = [
            Subject::Buy,
            Subject::merged(&"a/b~1".into()),
            Subject::Creative(CreativeRef::Named("banner".into())),
            Subject::Performance(4),
        ];
        for subject in subjects {
            for part in parts() {
                let path = subject.clone().at(part);
                assert_eq!(FieldPath::parse(&path.to_string()), path, "{path}");
            }
        }
    }

    #[test]
    fn an_index_has_the_text_of_an_id() {
        let path = FieldPath::parse("/packages/0/cpm");
        assert_eq!(path, Subject::merged(&"0".into()).field(Field::Price));
        assert_eq!(path.to_string(), Subject::listed(0).field(Field::Price).to_string());
    }

    #[test]
    fn a_message_names_a_field_or_an_entry_of_a_list() {
        let names =
            ["/packages/0/creative_ids/3", "/packages/0/budget", "/packages/1", "/7", "zone", ""].map(last_name);
        assert_eq!(names, ["creative_ids[3]", "budget", "packages[1]", "7", "zone", ""]);
    }

    #[test]
    fn words_that_are_not_known_are_kept_where_they_stand() {
        let within = FieldPath::parse("/packages/news/targeting_overlay/weather/rain");
        assert_eq!(within, Subject::merged(&"news".into()).targeting(TargetingPart::Text("/weather/rain".to_owned())));
        assert!(within.concerns_targeting() && within.is_within_targeting());
        let own = FieldPath::parse("/packages/news/settings/zone");
        assert_eq!(own.part, Part::Text("/settings/zone".to_owned()));
        assert_eq!(FieldPath::parse("zone"), FieldPath::text("zone"));
    }

    #[test]
    fn records_keep_the_text() {
        let path = Subject::listed(1).targeting(TargetingPart::Rule(Dimension::Os, Operator::AnyOf));
        assert_eq!(serde_json::to_value(&path).unwrap(), "/packages/1/targeting_overlay/os_any_of");
    }

    proptest! {
        #[test]
        fn every_text_is_kept(text in "(/?(packages|assets|performance_data|targeting_overlay|custom|cpm|0|01|~|~1|x|é|)){0,6}") {
            prop_assert_eq!(FieldPath::parse(&text).to_string(), text);
        }
    }
}
