//! Finding names by a part of them.
//!
//! An adapter asks "is there a flight whose name contains this reference?" before each creation, so
//! this must not read every name. The index lists, for each run of four bytes, the objects whose
//! name has it; the rarest run of what is sought leaves a handful to look at.

use std::collections::HashMap;

/// An index from parts of names to ids.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<u32, Vec<u32>>);

impl Names {
    /// Notes a name, which may be the second one of an object that was renamed: what the first one
    /// left behind is sorted out by whoever looks at the candidates.
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

    /// The ids whose name may contain this text, in ascending order; `None` when the text is too
    /// short to say, and every name must be read.
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

/// Names are compared without regard to case, as the database behind Kevel does.
#[must_use]
pub(super) fn fold(text: &str) -> String {
    text.to_lowercase()
}

fn runs(text: &str) -> Vec<u32> {
    text.as_bytes().windows(4).map(|window| window.iter().fold(0, |run, byte| (run << 8) | u32::from(*byte))).collect()
}
