//! An open step is a value. The journal that begins it hands it to the call that carries it out,
//! and gets it back with the step's outcome, or in the state in which the call left it. This module
//! decides what a call may do with the step:
//!
//! | a call | is allowed to if | and leaves the step |
//! |---|---|---|
//! | begins a step | none is open, and the call has begun none of this name | fresh or in doubt, as the journal found it |
//! | reports that the step did not happen | it is open and in doubt, nothing of it may be under way, and it is not only repeated | fresh |
//! | sends a request that writes | a step is open, and nothing of it may be under way | in doubt until the request is answered |
//! | finishes the step | it is the open one | done |
//! | ends | | as [`OpenStep::state_when_left`] says |

use std::collections::{BTreeMap, BTreeSet};

use super::{SentRequest, StepState, after_failure};
use crate::domain::time::Timestamp;

/// The period in which the ad server may still be carrying out a request of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnderWay {
    /// The last time at which the request may have been sent.
    pub since: Timestamp,
    /// The time from which a lookup that finds nothing is trusted.
    pub until: Timestamp,
}

/// A step that was begun and has not ended.
#[must_use = "an open step must be finished, or left to its journal"]
#[derive(Debug, PartialEq, Eq)]
pub struct OpenStep {
    name: String,
    reference: String,
    in_doubt: bool,
    /// While this is set, the step must neither be sent again nor count as absent.
    under_way: Option<UnderWay>,
    /// Whether `under_way` blocked the call.
    waits: bool,
    /// Whether requests may have been sent that are not in the journal.
    forgotten: bool,
    /// Whether the step has happened and is only made once more.
    repeated: bool,
    /// The requests of this call, by their numbers.
    requests: BTreeMap<u64, SentRequest>,
}

impl OpenStep {
    /// Creates a step that never happened.
    pub fn fresh(name: &str, reference: String) -> Self {
        Self {
            name: name.to_owned(),
            reference,
            in_doubt: false,
            under_way: None,
            waits: false,
            forgotten: false,
            repeated: false,
            requests: BTreeMap::new(),
        }
    }

    /// Creates a step that may have happened.
    pub fn in_doubt(name: &str, reference: String) -> Self {
        Self { in_doubt: true, ..Self::fresh(name, reference) }
    }

    /// Sets the period in which the ad server may still be carrying out a request of the step.
    pub fn under_way(self, under_way: Option<UnderWay>) -> Self {
        Self { under_way, ..self }
    }

    /// Marks that the database lacks requests of the step, because it was restored from a copy.
    pub fn forgotten(self) -> Self {
        Self { forgotten: true, ..self }
    }

    /// Marks that the step has happened and is only made once more, to set again what it set. It
    /// counts as in doubt and can't be absent, so an adapter creates nothing in it.
    pub fn repeated(self) -> Self {
        Self { in_doubt: true, repeated: true, ..self }
    }

    /// The name that the adapter gave the step.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text that is written on the remote object.
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// Whether the step must be looked up before it is made.
    pub fn is_in_doubt(&self) -> bool {
        self.in_doubt
    }

    /// Whether an earlier request of the step may still be under way, as was known when it began.
    pub fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// Whether the step has happened and is only made once more.
    pub fn is_repeated(&self) -> bool {
        self.repeated
    }

    /// The state in which a call leaves the step if it ends without finishing it. `None` if no
    /// request of it could be sent, so that it stays as it was found.
    pub fn state_when_left(&self) -> Option<StepState> {
        self.under_way.is_none().then(|| self.judged())
    }

    /// Whether the step may have happened, as far as is known now.
    pub fn may_have_happened(&self) -> bool {
        self.judged() == StepState::Open
    }

    fn judged(&self) -> StepState {
        let requests: Vec<SentRequest> = self.requests.values().copied().collect();
        after_failure(self.in_doubt, &requests)
    }

    /// Whether a request of the step may still arrive.
    pub fn may_arrive_late(&self) -> bool {
        self.forgotten || self.requests.values().any(|request| request.may_be_under_way())
    }

    /// The period that blocked the call, if it was blocked.
    pub fn waits_for(&self) -> Option<UnderWay> {
        self.under_way.filter(|_| self.waits)
    }

    /// The results of the requests of this call, in the order in which they were sent.
    pub fn requests(&self) -> impl Iterator<Item = SentRequest> {
        self.requests.values().copied()
    }

    /// Refuses to continue while a request may be under way.
    fn nothing_is_under_way(&mut self) -> Result<(), StepError> {
        self.waits |= self.under_way.is_some();
        if self.under_way.is_some() { Err(StepError::UnderWay) } else { Ok(()) }
    }
}

/// Why a call may not do something with its steps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// A second step was begun while one was open.
    #[error("`{name}` was begun while `{open}` was open; finish it first")]
    AlreadyOpen {
        /// The second step.
        name: String,
        /// The step that was open.
        open: String,
    },
    /// A second step with the name of an earlier one was begun.
    #[error(
        "`{0}` was begun a second time in one call, and would get the outcome of the first; give each step a name of its own, \
         such as one that contains the id of the package or the creative that it is about"
    )]
    BegunBefore(String),
    /// A step that is not open, or not in doubt, was reported as absent.
    #[error("`{0}` was said not to have happened, but is no open step in doubt")]
    NotInDoubt(String),
    /// A step was finished that is not open.
    #[error("`{name}` was finished, but the open step is {}", open.as_deref().unwrap_or("none"))]
    NotOpen {
        /// The step that was finished.
        name: String,
        /// The step that is open, if any.
        open: Option<String>,
    },
    /// A request that writes needs an open step.
    #[error("a request that writes was made outside of a step: wrap it in a step of its own")]
    NoStep,
    /// An earlier request of the open step got no answer and may still be carried out.
    #[error("an earlier request got no answer and may still be carried out")]
    UnderWay,
    /// A step that is only repeated was reported as absent.
    #[error("what `{0}` made is not on the ad server, and nothing is made while values are set again")]
    OnlyRepeated(String),
}

/// The steps of one call, one after the other.
#[derive(Debug, Default)]
pub struct StepSequence {
    open: Option<OpenStep>,
    /// The names of all steps that the call has begun. A step is found in the journal by its name,
    /// so a second one of the same name would silently get the first one's outcome.
    begun: BTreeSet<String>,
    /// How many requests were numbered. Numbers are unique within a call, because an answer may
    /// arrive while another step is open.
    requests: u64,
}

impl StepSequence {
    /// The open step, if any.
    pub fn open(&self) -> Option<&OpenStep> {
        self.open.as_ref()
    }

    /// Checks whether a step may be begun. If it may, its name is used up in this call.
    ///
    /// # Errors
    /// [`StepError::AlreadyOpen`] if another step is open; [`StepError::BegunBefore`] if the call
    /// has begun a step of this name.
    pub fn may_begin(&mut self, name: &str) -> Result<(), StepError> {
        if let Some(open) = &self.open {
            return Err(StepError::AlreadyOpen { name: name.to_owned(), open: open.name.clone() });
        }
        if self.begun.insert(name.to_owned()) { Ok(()) } else { Err(StepError::BegunBefore(name.to_owned())) }
    }

    /// Sets the open step, which was begun after [`StepSequence::may_begin`].
    pub fn begin(&mut self, step: OpenStep) {
        self.open = Some(step);
    }

    /// Records that the open step was looked up and did not happen.
    ///
    /// # Errors
    /// [`StepError::NotInDoubt`] if no such step is open and in doubt; [`StepError::UnderWay`] if a
    /// request of it may still be carried out; [`StepError::OnlyRepeated`] if it is only repeated.
    pub fn absent(&mut self, name: &str) -> Result<(), StepError> {
        let open = self.open.as_mut().filter(|open| open.name == name && open.in_doubt);
        let open = open.ok_or_else(|| StepError::NotInDoubt(name.to_owned()))?;
        if open.repeated {
            return Err(StepError::OnlyRepeated(name.to_owned()));
        }
        open.nothing_is_under_way()?;
        open.in_doubt = false;
        open.requests.clear();
        Ok(())
    }

    /// Checks whether the step with this name may be finished.
    ///
    /// # Errors
    /// [`StepError::NotOpen`] if it is not the open step.
    pub fn may_finish(&self, name: &str) -> Result<(), StepError> {
        let open = self.open.as_ref().map(|open| open.name.as_str());
        if open == Some(name) {
            return Ok(());
        }
        Err(StepError::NotOpen { name: name.to_owned(), open: open.map(str::to_owned) })
    }

    /// Removes and returns the open step, to be finished or left.
    pub fn take(&mut self) -> Option<OpenStep> {
        self.open.take()
    }

    /// Checks whether a request that writes may be sent.
    ///
    /// # Errors
    /// [`StepError::NoStep`] if no step is open; [`StepError::UnderWay`] if an earlier request of
    /// the step may still be carried out.
    pub fn may_send(&mut self) -> Result<(), StepError> {
        self.open.as_mut().ok_or(StepError::NoStep)?.nothing_is_under_way()
    }

    /// Assigns a number to a request that is about to be sent. The request counts as lost until
    /// [`StepSequence::sent`] records its result.
    pub fn sending(&mut self) -> u64 {
        self.requests += 1;
        if let Some(open) = &mut self.open {
            open.requests.insert(self.requests, SentRequest::Lost);
        }
        self.requests
    }

    /// Records the result of a request. A request of a step that has ended does not affect the open
    /// step.
    pub fn sent(&mut self, request: u64, became: SentRequest) {
        if let Some(known) = self.open.as_mut().and_then(|open| open.requests.get_mut(&request)) {
            *known = became;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubtful(under_way: Option<UnderWay>) -> OpenStep {
        OpenStep::in_doubt("order", "ref".to_owned()).under_way(under_way)
    }

    #[test]
    fn one_step_is_open_at_a_time_and_is_finished_by_its_name() {
        let mut steps = StepSequence::default();
        assert_eq!(steps.may_send(), Err(StepError::NoStep));
        steps.may_begin("order").unwrap();
        steps.begin(OpenStep::fresh("order", "ref".to_owned()));
        let error = steps.may_begin("flight").unwrap_err();
        assert_eq!(error.to_string(), "`flight` was begun while `order` was open; finish it first");
        assert_eq!(steps.absent("order"), Err(StepError::NotInDoubt("order".to_owned())));
        let error = steps.may_finish("flight").unwrap_err();
        assert_eq!(error.to_string(), "`flight` was finished, but the open step is order");
        steps.may_finish("order").unwrap();
        assert_eq!(steps.take().unwrap().name(), "order");
        assert!(steps.may_finish("order").unwrap_err().to_string().ends_with("the open step is none"));
    }

    #[test]
    fn each_name_is_begun_once_whatever_became_of_the_step() {
        let mut steps = StepSequence::default();
        steps.may_begin("line").unwrap();
        // The journal said that the step is done, so it was never open.
        let error = steps.may_begin("line").unwrap_err();
        assert_eq!(error, StepError::BegunBefore("line".to_owned()));
        assert!(error.to_string().starts_with("`line` was begun a second time in one call"), "{error}");
        steps.may_begin("line 2").unwrap();
        steps.begin(OpenStep::fresh("line 2", "ref".to_owned()));
        assert!(matches!(steps.may_begin("line 2"), Err(StepError::AlreadyOpen { .. })));
        drop(steps.take());
        assert_eq!(steps.may_begin("line 2"), Err(StepError::BegunBefore("line 2".to_owned())));
        StepSequence::default().may_begin("line").unwrap();
    }

    #[test]
    fn a_step_in_doubt_stays_so_until_it_is_looked_up() {
        let mut steps = StepSequence::default();
        steps.begin(doubtful(None));
        let before = steps.sending();
        steps.sent(before, SentRequest::NeverSent);
        assert!(steps.open().unwrap().may_have_happened(), "requests of this call say nothing of an earlier one");
        steps.absent("order").unwrap();
        assert!(!steps.open().unwrap().may_have_happened());
        let request = steps.sending();
        assert_eq!(steps.open().unwrap().state_when_left(), Some(StepState::Open), "it counts as lost");
        assert!(steps.open().unwrap().may_arrive_late());
        steps.sent(request, SentRequest::Answered(422));
        assert_eq!(steps.open().unwrap().state_when_left(), Some(StepState::Fresh));
        assert!(!steps.open().unwrap().may_arrive_late());
    }

    #[test]
    fn what_may_be_under_way_is_neither_absent_nor_sent_again() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let under_way = UnderWay { since: at(1), until: at(9) };
        for gives_up in [|steps: &mut StepSequence| steps.absent("order"), StepSequence::may_send] {
            let mut steps = StepSequence::default();
            steps.begin(doubtful(Some(under_way)));
            assert_eq!(steps.open().unwrap().waits_for(), None);
            assert_eq!(gives_up(&mut steps), Err(StepError::UnderWay));
            let left = steps.take().unwrap();
            assert_eq!((left.waits_for(), left.state_when_left()), (Some(under_way), None));
        }
    }

    #[test]
    fn a_step_that_is_repeated_is_sent_again_and_never_absent() {
        let mut steps = StepSequence::default();
        steps.begin(OpenStep::fresh("order", "ref".to_owned()).repeated());
        assert!(steps.open().unwrap().is_in_doubt());
        let error = steps.absent("order").unwrap_err();
        assert_eq!(error, StepError::OnlyRepeated("order".to_owned()));
        steps.may_send().unwrap();
        steps.may_finish("order").unwrap();
    }

    #[test]
    fn a_late_answer_says_nothing_of_another_step() {
        let mut steps = StepSequence::default();
        steps.begin(OpenStep::fresh("order", "ref".to_owned()));
        let late = steps.sending();
        assert!(steps.take().unwrap().may_arrive_late());
        steps.begin(OpenStep::fresh("flight", "ref".to_owned()));
        steps.sending();
        steps.sent(late, SentRequest::Answered(400));
        assert_eq!(steps.open().unwrap().state_when_left(), Some(StepState::Open));
    }

    #[test]
    fn what_the_database_has_forgotten_may_arrive_late() {
        assert!(doubtful(None).forgotten().may_arrive_late());
        assert!(!doubtful(None).may_arrive_late());
    }
}
