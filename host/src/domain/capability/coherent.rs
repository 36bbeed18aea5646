//! Checks a description for contradictions, because requests can't be checked against an
//! inconsistent one.

use std::{collections::HashSet, fmt::Display, hash::Hash};

use super::{Capabilities, DaypartingSupport, DimensionSupport, FrequencyCapSupport};

impl Capabilities {
    /// Returns what the description repeats or leaves empty, as the end of the sentence "the
    /// adapter …".
    pub fn incoherence(&self) -> Option<String> {
        let lists = [
            nothing_or_twice("formats", "formats", &self.formats),
            nothing_or_twice("ways of pacing", "pacing", &self.pacing),
            nothing_or_twice("price models", "price-models", &self.price_models),
            twice("the update", &self.updates),
            twice("the read request", &self.read_requests),
            twice("the write request", &self.write_requests),
        ];
        let dimensions: Vec<_> = self.targeting.iter().map(|support| support.dimension).collect();
        let caps = || self.frequency_cap.as_ref().and_then(FrequencyCapSupport::incoherence);
        let hours = || self.dayparting.as_ref().and_then(DaypartingSupport::incoherence);
        lists
            .into_iter()
            .flatten()
            .next()
            .or_else(|| twice("the targeting dimension", &dimensions))
            .or_else(|| self.targeting.iter().find_map(DimensionSupport::incoherence))
            .or_else(hours)
            .or_else(caps)
    }
}

impl DimensionSupport {
    fn incoherence(&self) -> Option<String> {
        let dimension = self.dimension;
        if self.operators.is_empty() {
            return Some(format!("lists the targeting dimension {dimension} without an operator"));
        }
        if self.values.iter().any(String::is_empty) {
            return Some(format!("lists an empty value of the targeting dimension {dimension}"));
        }
        twice(&format!("an operator of {dimension},"), &self.operators)
            .or_else(|| twice(&format!("a value of {dimension},"), &self.values))
    }
}

impl DaypartingSupport {
    fn incoherence(&self) -> Option<String> {
        let names: Vec<&str> = self.presets.iter().map(|preset| preset.name.as_str()).collect();
        if self.presets.is_empty() && !self.custom_schedules {
            return Some("takes dayparting, and neither presets nor other schedules".to_owned());
        }
        if self.max_ranges == Some(0) {
            return Some("takes dayparting of no range of hours".to_owned());
        }
        let empty = self.presets.iter().find(|preset| preset.schedules.is_empty());
        empty
            .map(|preset| format!("lists the daypart preset `{}` without hours", preset.name))
            .or_else(|| twice("the daypart preset", &names))
    }
}

impl FrequencyCapSupport {
    fn incoherence(&self) -> Option<String> {
        if self.scopes.is_empty() || self.min_minutes > self.max_minutes || self.max_minutes == 0 {
            let (min, max) = (self.min_minutes, self.max_minutes);
            return Some(format!("takes frequency caps of {} scopes and {min} to {max} minutes", self.scopes.len()));
        }
        twice("the scope of a frequency cap", &self.scopes)
    }
}

/// `field` is the list's name in the contract.
fn nothing_or_twice<T: Eq + Hash + Display>(what: &str, field: &str, list: &[T]) -> Option<String> {
    if list.is_empty() {
        return Some(format!(
            "lists no {what} that this host knows; list one at least in `{field}`, or nothing can be sold"
        ));
    }
    twice(&format!("one of its {what},"), list)
}

fn twice<T: Eq + Hash + Display>(what: &str, list: &[T]) -> Option<String> {
    let mut seen = HashSet::with_capacity(list.len());
    list.iter().find(|item| !seen.insert(*item)).map(|item| format!("lists {what} `{item}` twice; leave one out"))
}
