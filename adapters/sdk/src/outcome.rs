//! Outcomes: constructors for what a write returns.

use crate::{
    failure::{WORDS_LIMIT, clean},
    types::{AssetState, AssetStatus, Failure, OptimizationAction, OptimizationKind, Outcome},
};

impl Outcome {
    /// An outcome that takes effect immediately, without notes.
    #[must_use]
    pub fn now() -> Self {
        Self { effective: None, notes: Vec::new(), extensions: Vec::new() }
    }

    /// Adds a note for a person.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

impl AssetStatus {
    /// The state of an asset that was rejected. The reason lists everything that is wrong with it.
    #[must_use]
    pub fn rejected(creative_id: &str, remote_id: Option<String>, failure: &Failure) -> Self {
        let mut words: Vec<&str> = failure.items.iter().map(|item| item.message.as_str()).collect();
        if words.is_empty() {
            words.push(failure.words());
        }
        Self {
            creative_id: creative_id.to_owned(),
            state: AssetState::Rejected,
            remote_id,
            feedback: Some(clean(&words.join(" "), WORDS_LIMIT)),
            extensions: Vec::new(),
        }
    }

    /// The state of an asset that is on the platform. `refused` lists the packages in which it
    /// doesn't run, and why.
    #[must_use]
    pub fn uploaded(creative_id: &str, state: AssetState, remote_id: String, refused: &[(&str, Failure)]) -> Self {
        let named = |(id, failure): &(&str, Failure)| format!("It does not run in {id}: {}", failure.words());
        let feedback = refused.iter().map(named).collect::<Vec<_>>().join(" ");
        Self {
            creative_id: creative_id.to_owned(),
            state,
            remote_id: Some(remote_id),
            feedback: (!feedback.is_empty()).then(|| clean(&feedback, WORDS_LIMIT)),
            extensions: Vec::new(),
        }
    }
}

impl OptimizationAction {
    /// An action recommended to a person, where the platform can't take one itself.
    #[must_use]
    pub fn advised(package_id: &str, action: &str, reason: impl Into<String>) -> Self {
        Self {
            package_id: package_id.to_owned(),
            kind: OptimizationKind::Advised,
            action: action.to_owned(),
            reason: reason.into(),
            extensions: Vec::new(),
        }
    }
}
