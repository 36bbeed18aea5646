//! An index for finding names by a part of them.
//!
//! An adapter asks "is there a flight whose name contains this reference?" before each creation, so
//! this must not scan every name. For each run of four bytes, the index lists the objects whose
//! name contains it. The rarest run of the search text leaves only a few candidates.

use std::collections::HashMap;

/// An index from parts of names to ids.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<u32, Vec<u32>>);

impl Names {
    /// Adds a name, which may be the new name of a renamed object. Entries of the old name stay;
    /// the caller filters the candidates.
    pub(super) fn note(&mut self, id: i64, name: &str) {
        let Ok(id) = u32::try_from(id) else { return };
        let mut runs = runs(&fold(name));
        runs.sort_unstable();
        runs.dedup();
        for run in runs {
            let ids = self.0.entry(run).or_default();
            if ids.last() != Some(&id) {
                ids.push(id);
            }
        }
    }

    /// Returns the ids whose name may contain this text, in ascending order. Returns `None` when
    /// the text is too short for the index, and every name must be scanned.
    #[must_use]
    pub(super) fn candidates(&self, text: &str) -> Option<Vec<i64>> {
        let runs = runs(&fold(text));
        if runs.is_empty() {
            return None;
        }
        let rarest =
            runs.iter().map(|run| self.0.get(run).map_or(&[][..], Vec::as_slice)).min_by_key(|ids| ids.len())?;
        let mut ids: Vec<i64> = rarest.iter().copied().map(i64::from).collect();
        ids.sort_unstable();
        ids.dedup();
        Some(ids)
    }
}

/// Folds the case of a name. Names are compared case-insensitively, as in the database behind
/// Kevel.
#[must_use]
pub(super) fn fold(text: &str) -> String {
    text.to_lowercase()
}

fn runs(text: &str) -> Vec<u32> {
    text.as_bytes().windows(4).map(|window| window.iter().fold(0, |run, byte| (run << 8) | u32::from(*byte))).collect()
}
