//! What an ad server calls its objects, and what of their translations the SDK asks for.

use crate::{json::Object, plan::changed_fields, types::Failure};

/// What the platform calls one sort of its objects.
#[derive(Debug, Clone, Copy)]
pub struct Noun {
    /// Its type, as plans show it: `LineItem`.
    pub remote_type: &'static str,
    /// In sentences: `line item`. With underscores it begins the codes of failures: `line_item_missing`.
    pub word: &'static str,
    /// In the names of steps: `line-item`.
    pub step: &'static str,
}

/// What the platform and its objects are called.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// The platform, for people: `Ad Manager`.
    pub platform: &'static str,
    /// What carries a media buy.
    pub order: Noun,
    /// What carries a package.
    pub item: Noun,
    /// What is shown. Its step is always `creative`.
    pub creative: &'static str,
    /// A creative in a line item: its type and the word in its steps.
    pub placement: Noun,
}

impl Words {
    /// The failure of a buy or package whose object is not on the platform: `flight_missing`.
    #[must_use]
    pub fn missing(noun: &Noun, message: String) -> Failure {
        Failure::not_found(format!("{}_missing", noun.word.replace(' ', "_")), message)
    }
}

/// An order or a line item, translated.
pub trait Translated {
    /// Its name, for people.
    fn name(&self) -> &str;

    /// What of it may change later, as a reviewer sees it.
    fn shown(&self) -> Object;
}

/// A line item, translated.
pub trait LineItem: Translated {
    /// The package that it carries.
    fn package_id(&self) -> &str;

    /// The fields that are sent to make this line item of another.
    fn changes_from(&self, current: &Self) -> Object {
        changed_fields(&current.shown(), &self.shown())
    }

    /// Whether anything of it differs, fields and the rest.
    fn differs_from(&self, current: &Self) -> bool {
        !self.changes_from(current).is_empty()
    }
}

/// A creative, translated.
pub trait Uploadable {
    /// The buyer's id.
    fn creative_id(&self) -> &str;

    /// Its name, for people.
    fn name(&self) -> &str;
}
