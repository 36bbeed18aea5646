//! Devices, operating systems, browsers and languages: buyers' words for entries of Ad Manager's
//! catalogues.

use flightdeck_adapter::prelude::*;

use crate::inferred::{self, Names};

/// A catalogue of Ad Manager, and the field of the targeting that names its entries.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
pub enum Catalog {
    /// Device categories.
    Devices,
    /// Operating systems.
    Systems,
    /// Browsers.
    Browsers,
    /// Browser languages.
    Languages,
}

impl Catalog {
    /// All catalogues, in the order in which they are written.
    pub const ALL: [Self; 4] = [Self::Devices, Self::Systems, Self::Browsers, Self::Languages];

    /// Returns the dimension that targets the catalogue.
    #[must_use]
    pub const fn dimension(self) -> Dimension {
        match self {
            Self::Devices => Dimension::DeviceType,
            Self::Systems => Dimension::Os,
            Self::Browsers => Dimension::Browser,
            Self::Languages => Dimension::Language,
        }
    }

    /// Returns the catalogue of a dimension.
    #[must_use]
    pub fn of(dimension: &Dimension) -> Option<Self> {
        Self::ALL.into_iter().find(|catalog| catalog.dimension() == *dimension)
    }

    /// Returns the words that buyers may use.
    #[must_use]
    pub fn words(self) -> &'static [Names] {
        match self {
            Self::Devices => &inferred::DEVICES,
            Self::Systems => &inferred::SYSTEMS,
            Self::Browsers => &inferred::BROWSERS,
            Self::Languages => &inferred::LANGUAGES,
        }
    }

    /// Returns the names that a word stands for.
    #[must_use]
    pub fn named(self, word: &str) -> Option<&'static Names> {
        self.words().iter().find(|names| names.word == word)
    }

    /// Returns the name of the collection (reference).
    #[must_use]
    pub const fn collection(self) -> &'static str {
        match self {
            Self::Devices => "deviceCategories",
            Self::Systems => "operatingSystems",
            Self::Browsers => "browsers",
            Self::Languages => "browserLanguages",
        }
    }

    /// Returns the field of `technologyTargeting`, and of its two lists (reference).
    #[must_use]
    pub const fn fields(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Devices => ("deviceCategoryTargeting", "targetedCategories", "excludedCategories"),
            Self::Systems => ("operatingSystemTargeting", "targetedOperatingSystems", "excludedOperatingSystems"),
            Self::Browsers => ("browserTargeting", "targetedBrowsers", "excludedBrowsers"),
            Self::Languages => ("browserLanguageTargeting", "targetedBrowserLanguages", "excludedBrowserLanguages"),
        }
    }

    const fn unknown(self) -> &'static str {
        match self {
            Self::Devices => "Ad Manager knows no such type of device.",
            Self::Systems => "The adapter knows no such operating system on Ad Manager.",
            Self::Browsers => "The adapter knows no such browser on Ad Manager.",
            Self::Languages => "The adapter knows no such language on Ad Manager.",
        }
    }
}

/// A word of a catalogue, and its location in the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The buyer's word.
    pub word: &'static str,
    /// The JSON pointer of the word in the request.
    pub pointer: String,
}

/// Returns the included and excluded words of a package's rules in one catalogue. If several rules
/// include words, all must hold.
pub fn words(catalog: Catalog, package: &PackageOrder, problems: &mut Problems) -> (Vec<Word>, Vec<Word>) {
    let mut included: Option<Vec<Word>> = None;
    let mut excluded: Vec<Word> = Vec::new();
    for rule in package.targeting.rules.iter().filter(|rule| rule.dimension == catalog.dimension()) {
        let pointer = rule.pointer(&package.package_id);
        let mut read: Vec<Word> = Vec::new();
        for value in &rule.values {
            match catalog.named(value) {
                Some(names) if read.iter().any(|word| word.word == names.word) => {}
                Some(names) => read.push(Word { word: names.word, pointer: pointer.clone() }),
                None => {
                    let supported: Vec<&str> = catalog.words().iter().map(|names| names.word).collect();
                    problems.unsupported("unsupported_targeting", &pointer, value, catalog.unknown(), &supported);
                }
            }
        }
        if rule.operator == Operator::NoneOf {
            excluded.extend(read);
            continue;
        }
        let complete = read.len() == rule.values.len();
        let both: Vec<Word> = match included.take() {
            None => read,
            Some(known) => read.into_iter().filter(|word| known.iter().any(|one| one.word == word.word)).collect(),
        };
        if both.is_empty() && complete {
            let message = "Nothing fits this and the other rules together.";
            problems.invalid("contradictory_targeting", pointer, rule.values.join(", "), message);
        }
        included = Some(both);
    }
    (included.unwrap_or_default(), excluded)
}

#[cfg(test)]
mod tests {
    use flightdeck_adapter::types::{
        Dimension::{DeviceType, Language, Os},
        Operator::{AnyOf, NoneOf},
    };

    use super::*;
    use crate::samples::{package, rule};

    fn of(catalog: Catalog, rules: Vec<TargetingRule>) -> Fallible<(Vec<&'static str>, Vec<&'static str>)> {
        let mut package = package("news");
        package.targeting.rules = rules;
        let mut problems = Problems::default();
        let (included, excluded) = words(catalog, &package, &mut problems);
        let words = |list: Vec<Word>| list.into_iter().map(|word| word.word).collect();
        problems.check().map(|()| (words(included), words(excluded)))
    }

    #[test]
    fn words_are_read_and_hold_together() {
        let rules = vec![
            rule(DeviceType, AnyOf, &["mobile", "desktop"]),
            rule(DeviceType, AnyOf, &["desktop", "ctv"]),
            rule(DeviceType, NoneOf, &["tablet"]),
            rule(Os, AnyOf, &["ios"]),
        ];
        assert_eq!(of(Catalog::Devices, rules).unwrap(), (vec!["desktop"], vec!["tablet"]));
        let apart = vec![rule(Os, AnyOf, &["ios"]), rule(Os, AnyOf, &["android"])];
        assert_eq!(of(Catalog::Systems, apart).unwrap_err().code, "contradictory_targeting");
    }

    #[test]
    fn what_is_unknown_is_refused_value_by_value() {
        let failure = of(Catalog::Devices, vec![rule(DeviceType, AnyOf, &["audio", "mobile", "dooh"])]).unwrap_err();
        let values: Vec<&str> = failure.items.iter().map(|item| item.value.as_str()).collect();
        assert_eq!(values, ["audio", "dooh"]);
        assert_eq!(failure.items[0].supported, ["mobile", "desktop", "tablet", "ctv"]);
        assert!(of(Catalog::Languages, vec![rule(Language, AnyOf, &["eng"])]).is_err());
    }

    #[test]
    fn each_dimension_has_one_catalogue() {
        for catalog in Catalog::ALL {
            assert_eq!(Catalog::of(&catalog.dimension()), Some(catalog));
        }
        assert_eq!(Catalog::of(&Dimension::GeoCity), None);
    }
}
