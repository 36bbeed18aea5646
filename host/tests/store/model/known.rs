//! What the model knows of an operation.

use std::collections::{BTreeSet, HashSet};

use flightdeck::domain::{
    lane::Lane,
    operation::OperationState,
    step::{Step, StepState},
    time::Timestamp,
};

/// An operation as the model knows it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) buy: usize,
    pub(super) state: OperationState,
    pub(super) pauses: bool,
    pub(super) lane: Lane,
    pub(super) begun: bool,
    pub(super) run_at: i64,
    pub(super) fence: i64,
    pub(super) lease_until: Option<i64>,
    pub(super) claims: u32,
    pub(super) steps: Vec<Step>,
    /// The steps in which a run may send.
    pub(super) sending: HashSet<String>,
    /// The steps that are looked for again.
    pub(super) lookups: BTreeSet<String>,
}

impl Known {
    /// Whoever ran it may have sent something until now.
    pub(super) fn doubt(&mut self, now: Timestamp) {
        for step in self.steps.iter_mut().filter(|step| step.state == StepState::Open) {
            step.begun_at = now;
            if self.sending.remove(&step.name) {
                (step.sent_at, step.lost) = (Some(now), step.lost + 1);
                self.lookups.insert(step.name.clone());
            }
        }
    }

    /// A request of a step got no answer.
    pub(super) fn lose(&mut self, name: &str, now: Timestamp) {
        let step = self.steps.iter_mut().find(|step| step.name == name).expect("it was begun");
        (step.sent_at, step.lost) = (Some(now), step.lost + 1);
        self.lookups.insert(name.to_owned());
    }
}
