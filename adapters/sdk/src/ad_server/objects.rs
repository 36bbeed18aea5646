//! The platform's names for its objects, and what the SDK needs from their translations.

use crate::{json::Object, plan::changed_fields, types::Failure};

/// The platform's names for one type of object.
#[derive(Debug, Clone, Copy)]
pub struct Noun {
    /// The type, as plans show it: `LineItem`.
    pub remote_type: &'static str,
    /// The name in sentences: `line item`. With underscores, it is the prefix of failure codes:
    /// `line_item_missing`.
    pub word: &'static str,
    /// The name in the names of steps: `line-item`.
    pub step: &'static str,
}

/// The names of the platform and its objects.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// The platform's display name: `Ad Manager`.
    pub platform: &'static str,
    /// The object that carries a media buy.
    pub order: Noun,
    /// The object that carries a package.
    pub item: Noun,
    /// The type of a creative. The word in its steps is always `creative`.
    pub creative: &'static str,
    /// A creative in a line item: its type and the word in its steps.
    pub placement: Noun,
}

impl Words {
    /// Makes the failure of a buy or package whose object is not on the platform: `flight_missing`.
    #[must_use]
    pub fn missing(noun: &Noun, message: String) -> Failure {
        Failure::not_found(format!("{}_missing", noun.word.replace(' ', "_")), message)
    }
}

/// A translated order or line item.
pub trait Translated {
    /// The display name.
    fn name(&self) -> &str;

    /// The fields that may change later, as a reviewer sees them.
    fn shown(&self) -> Object;
}

/// A translated line item.
pub trait LineItem: Translated {
    /// The package that the line item carries.
    fn package_id(&self) -> &str;

    /// Returns the fields to send to turn `current` into this line item.
    fn changes_from(&self, current: &Self) -> Object {
        changed_fields(&current.shown(), &self.shown())
    }

    /// Whether anything differs, including what is not a field.
    fn differs_from(&self, current: &Self) -> bool {
        !self.changes_from(current).is_empty()
    }
}

/// A translated creative.
pub trait Uploadable {
    /// The buyer's id.
    fn creative_id(&self) -> &str;

    /// The display name.
    fn name(&self) -> &str;
}
