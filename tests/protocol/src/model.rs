//! The protocol for the model checker: where it begins, what can happen in each state, and what must be true.

use stateright::{Model, Property};

use crate::{
    Promise, Rule, Rules,
    state::{Operation, PEOPLE, Phase, STEPS, State, Step, Trouble, WORKERS},
};

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A person approves or rejects the task that was read.
    Decide {
        /// Who.
        person: usize,
        /// What.
        approve: bool,
    },
    /// A worker claims the operation.
    Claim(usize),
    /// A worker does what it is about to do.
    Go(usize),
    /// A worker dies.
    Die(usize),
    /// A worker gives up waiting for an answer.
    GiveUp(usize),
    /// The lease runs out.
    Expire,
    /// A request takes effect; its answer arrives, or not.
    Act {
        /// Which request.
        request: usize,
        /// Whether the answer arrives.
        answered: bool,
    },
    /// A request never arrives.
    Lose(usize),
    /// A request is refused, and has no effect.
    Refuse(usize),
    /// What was made is shown from now on.
    Show(usize),
    /// A worker believes a lookup although the request is still on the way, and sends it again.
    Believe(usize),
    /// A second object of a step is found, after the operation has ended, and stopped.
    Stop(usize),
}

/// The protocol, with its rules and so much trouble.
#[derive(Debug, Clone)]
pub struct Protocol {
    /// Its rules.
    pub rules: Rules,
    /// What may go wrong.
    pub trouble: Trouble,
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            operation: Operation::Awaiting,
            fence: 0,
            lease_holds: false,
            journal: [Step::Fresh; STEPS],
            workers: [None; WORKERS],
            wire: Vec::new(),
            made: [0; STEPS],
            stopped: [0; STEPS],
            exceeded: 0,
            shown: [true; STEPS],
            waited_for: [true; STEPS],
            undecided: [true; PEOPLE],
            rejected: false,
            trouble: self.trouble,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for person in 0..PEOPLE {
            actions.extend([true, false].map(|approve| Action::Decide { person, approve }));
        }
        for worker in 0..WORKERS {
            actions.extend([Action::Claim(worker), Action::Go(worker), Action::Die(worker), Action::GiveUp(worker)]);
        }
        actions.push(Action::Expire);
        for request in 0..state.wire.len() {
            actions.extend([true, false].map(|answered| Action::Act { request, answered }));
            actions.extend([Action::Lose(request), Action::Refuse(request)]);
        }
        actions.extend((0..STEPS).flat_map(|step| [Action::Show(step), Action::Stop(step)]));
        actions.extend((0..WORKERS).map(Action::Believe));
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        match action {
            Action::Decide { person, approve } => state.decide(self.rules, person, approve)?,
            Action::Claim(worker) => state.claim(self.rules, worker)?,
            Action::Go(worker) => state.go(self.rules, worker)?,
            Action::Die(worker) => {
                state.trouble.deaths = state.trouble.deaths.checked_sub(1)?;
                let run = state.workers[worker].take()?;
                // Its lease runs out by itself.
                if state.lease_of(run) {
                    state.lease_holds = false;
                }
            }
            Action::GiveUp(worker) => {
                state.trouble.losses = state.trouble.losses.checked_sub(1)?;
                let run = state.workers[worker].as_mut().filter(|run| run.phase == Phase::Wait)?;
                run.phase = State::unanswered(self.rules);
            }
            Action::Expire => {
                state.trouble.expiries = state.trouble.expiries.checked_sub(1)?;
                if !state.lease_holds {
                    return None;
                }
                state.lease_holds = false;
            }
            Action::Act { request, answered } => state.act(self.rules, request, answered)?,
            Action::Lose(request) => {
                state.trouble.losses = state.trouble.losses.checked_sub(1)?;
                let request = state.wire.remove(request);
                if let Some(run) = state.waiting(request) {
                    run.phase = State::unanswered(self.rules);
                }
            }
            Action::Refuse(request) => {
                state.trouble.refusals = state.trouble.refusals.checked_sub(1)?;
                let request = state.wire.remove(request);
                if let Some(run) = state.waiting(request) {
                    run.phase = Phase::Reset;
                }
            }
            Action::Show(step) => {
                if state.shown[step] {
                    return None;
                }
                state.shown[step] = true;
            }
            Action::Believe(worker) => state.believe(worker)?,
            Action::Stop(step) => {
                let is_second = state.made[step] - state.stopped[step] > 1;
                if !self.rules.have(Rule::LooksAgain) || !state.has_ended() || !is_second {
                    return None;
                }
                state.stopped[step] += 1;
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(Promise::NothingTwice.name(), |_, state: &State| {
                state.made.iter().all(|made| *made <= 1 + state.exceeded)
            }),
            Property::always(Promise::DoneIsDone.name(), |_, state: &State| {
                state.operation != Operation::Succeeded || state.made.iter().all(|made| *made >= 1)
            }),
            Property::always(Promise::RecordedIsTrue.name(), |_, state: &State| {
                state.journal.iter().zip(state.made).all(|(step, made)| *step != Step::Done || made >= 1)
            }),
            Property::always(Promise::NothingUnapproved.name(), |_, state: &State| {
                let touched = state.made.iter().any(|made| *made > 0) || !state.wire.is_empty();
                !touched || (!state.rejected && state.operation != Operation::Awaiting)
            }),
            Property::eventually(Promise::NothingLost.name(), |_, state: &State| state.has_ended()),
            Property::eventually(Promise::NothingStaysTwice.name(), |_, state: &State| state.has_come_to_rest()),
        ]
    }
}
