//! A targeting in Ad Manager's form, with names in any vocabulary.

use flightdeck_adapter::prelude::*;

use super::{KeyValues, Targeting};
use crate::{
    geo,
    words::{Catalog, Word},
};

/// Something that a targeting names.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// A place.
    Place(&'a geo::Named),
    /// One or several entries of a catalogue.
    Word(Catalog, &'a Word),
    /// A custom targeting key.
    Key(&'a KeyValues),
    /// A value of a custom targeting key.
    Value(&'a KeyValues, &'a str),
}

pub(super) fn write<T: Into<Json>>(object: &mut Object, name: &str, list: Vec<T>) {
    if !list.is_empty() {
        object.set(name, list);
    }
}

impl Targeting {
    /// Returns the targeting in buyers' words, for display and comparison.
    #[must_use]
    pub fn shown(&self) -> Object {
        self.object(&|wanted| {
            vec![match wanted {
                Wanted::Place(named) => named.word.clone(),
                Wanted::Word(_, word) => word.word.to_owned(),
                Wanted::Key(key) => key.key.clone(),
                Wanted::Value(_, value) => value.to_owned(),
            }]
        })
    }

    /// Returns the targeting as it is sent, with Ad Manager's names.
    #[must_use]
    pub fn object(&self, names: &dyn Fn(Wanted<'_>) -> Vec<String>) -> Object {
        let places =
            |list: &[geo::Named]| list.iter().flat_map(|named| names(Wanted::Place(named))).collect::<Vec<String>>();
        let mut geo = Object::default();
        write(&mut geo, "targetedGeos", places(&self.places));
        write(&mut geo, "excludedGeos", places(&self.not_places));
        let mut technology = Object::default();
        for (catalog, included, excluded) in &self.words {
            let (field, targeted, not) = catalog.fields();
            let names = |list: &[Word]| {
                list.iter().flat_map(|word| names(Wanted::Word(*catalog, word))).collect::<Vec<String>>()
            };
            let mut lists = Object::default();
            write(&mut lists, targeted, names(included));
            write(&mut lists, not, names(excluded));
            technology.set(field, lists);
        }
        let mut object = Object::default();
        for (name, part) in
            [("geoTargeting", geo), ("technologyTargeting", technology), ("inventoryTargeting", self.inventory.clone())]
        {
            if !part.is_empty() {
                object.set(name, part);
            }
        }
        object.set_all(&self.video);
        if let Some(clause) = self.clause(names) {
            object.set("customTargeting", object! { "customTargetingClauses": vec![clause] });
        }
        object
    }

    /// Returns how many criteria the targeting has, as far as that is known before its words are
    /// looked up: a word may stand for several entries.
    #[must_use]
    pub(super) fn criteria(&self) -> usize {
        let inventory = self.inventory.iter().map(|(_, list)| list.items().len()).sum::<usize>();
        let words = self.words.iter().map(|(_, included, excluded)| included.len() + excluded.len()).sum::<usize>();
        let keys = self.keys.iter().map(|key| key.values.len() + 1).sum::<usize>();
        let segments = self.segments.iter().map(|(_, ids)| ids.len()).sum::<usize>();
        self.places.len() + self.not_places.len() + inventory + words + keys + segments + 2 * self.video.iter().count()
    }

    /// Returns the single clause of custom targeting, whose parts must all hold (reference,
    /// `CustomTargetingClause`).
    fn clause(&self, names: &dyn Fn(Wanted<'_>) -> Vec<String>) -> Option<Object> {
        let negative = |negative: bool| {
            let mut object = Object::default();
            if negative {
                object.set("negative", true);
            }
            object
        };
        let literal = |key: &KeyValues| {
            let mut literal = negative(key.negative);
            literal.set("customTargetingKey", names(Wanted::Key(key)).into_iter().next());
            let values: Vec<String> = key.values.iter().flat_map(|value| names(Wanted::Value(key, value))).collect();
            literal.set("customTargetingValues", values);
            literal
        };
        let segments = |(not, ids): &(bool, Vec<String>)| {
            let mut targeting = negative(*not);
            targeting.set("audienceSegments", ids.clone());
            targeting
        };
        let mut clause = Object::default();
        write(&mut clause, "customTargetingLiterals", self.keys.iter().map(literal).collect());
        write(&mut clause, "audienceSegmentTargetings", self.segments.iter().map(segments).collect());
        (!clause.is_empty()).then_some(clause)
    }
}
