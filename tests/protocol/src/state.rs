//! A state of the protocol: the database, the workers, the wire, the ad server; and each change of it.

use crate::{Rule, Rules};

/// Steps of the operation: an order and a line item.
pub(crate) const STEPS: usize = 2;
/// Workers.
pub(crate) const WORKERS: usize = 2;
/// People who may decide.
pub(crate) const PEOPLE: usize = 2;

/// What the database says of the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// It waits for a person.
    Awaiting,
    /// It may be claimed.
    Queued,
    /// A worker has it.
    Running,
    /// It succeeded.
    Succeeded,
    /// A person rejected it.
    Rejected,
}

/// What the journal says of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// It never happened.
    Fresh,
    /// It may have happened.
    Open,
    /// It happened.
    Done,
}

/// What a worker is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// Read the journal, and write that the step begins.
    Begin,
    /// Look whether an earlier run made it.
    LookUp,
    /// Send the request.
    Send,
    /// Wait for its answer.
    Wait,
    /// Write that the step did not happen: it was refused.
    Reset,
    /// Write what came of it.
    Finish,
    /// Write that the operation is to be tried again.
    Retry,
    /// Write that it succeeded.
    End,
}

/// A worker that has claimed the operation, whatever the database says by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Run {
    pub(crate) fence: u8,
    pub(crate) step: usize,
    pub(crate) phase: Phase,
}

/// A request that is on its way. It may arrive long after nobody waits for it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Request {
    pub(crate) step: usize,
    pub(crate) fence: u8,
}

/// How much may still go wrong: what makes the states finite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Trouble {
    /// Workers that die.
    pub deaths: u8,
    /// Leases that run out although their worker lives.
    pub expiries: u8,
    /// Requests or answers that are lost, or given up on.
    pub losses: u8,
    /// Requests that the ad server refuses for now.
    pub refusals: u8,
    /// Lookups that are believed although a request is still on the way: the ad server is slower than the bound.
    pub slow: u8,
}

/// Everything: the database, the workers, the wire, the ad server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// The operation.
    pub operation: Operation,
    pub(crate) fence: u8,
    pub(crate) lease_holds: bool,
    pub(crate) journal: [Step; STEPS],
    pub(crate) workers: [Option<Run>; WORKERS],
    pub(crate) wire: Vec<Request>,
    /// How often each step took effect.
    pub made: [u8; STEPS],
    /// How many of the objects of each step have been stopped.
    pub(crate) stopped: [u8; STEPS],
    /// How often the ad server was slower than its bound.
    pub(crate) exceeded: u8,
    pub(crate) shown: [bool; STEPS],
    /// Whether the wait before a lookup of a step begins after its last request left, and so outlasts it.
    pub(crate) waited_for: [bool; STEPS],
    /// Whether each person has yet to decide, with what the task looked like when the person read it.
    pub(crate) undecided: [bool; PEOPLE],
    pub(crate) rejected: bool,
    pub(crate) trouble: Trouble,
}

impl State {
    /// Whether a worker's writes count.
    pub(crate) fn counts(&self, rules: Rules, run: Run) -> bool {
        !rules.have(Rule::Fenced) || (run.fence == self.fence && self.operation == Operation::Running)
    }

    pub(crate) fn lease_of(&self, run: Run) -> bool {
        self.lease_holds && run.fence == self.fence
    }

    /// Whether everything that could go wrong has.
    #[must_use]
    pub fn is_out_of_trouble(&self) -> bool {
        self.trouble == Trouble { deaths: 0, expiries: 0, losses: 0, refusals: 0, slow: 0 }
    }

    /// Whether whoever looks a step up sees the truth.
    pub(crate) fn is_settled(&self, step: usize) -> bool {
        self.shown[step] && self.wire.iter().all(|request| request.step != step)
    }

    /// The worker that waits for a request's answer.
    pub(crate) fn waiting(&mut self, request: Request) -> Option<&mut Run> {
        let waits = |run: &&mut Run| run.phase == Phase::Wait && run.fence == request.fence && run.step == request.step;
        self.workers.iter_mut().flatten().find(waits)
    }

    pub(crate) fn on_the_way(&mut self, request: Request) {
        self.wire.push(request);
        self.wire.sort_unstable();
    }

    /// A worker does what it is about to do. `None`: it can't yet.
    pub(crate) fn go(&mut self, rules: Rules, worker: usize) -> Option<()> {
        let run = self.workers[worker]?;
        let Run { step, .. } = run;
        let next = |phase| Some(Run { phase, ..run });
        let writes = !matches!(run.phase, Phase::LookUp | Phase::Send | Phase::Wait);
        if writes && !self.counts(rules, run) {
            // Its write is refused, and it lets go.
            self.workers[worker] = None;
            return Some(());
        }
        self.workers[worker] = match run.phase {
            Phase::Begin => match self.journal[step] {
                Step::Done if step + 1 < STEPS => Some(Run { step: step + 1, ..run }),
                Step::Done => next(Phase::End),
                Step::Open if rules.have(Rule::LooksUp) => next(Phase::LookUp),
                Step::Open | Step::Fresh => {
                    if rules.have(Rule::BeginsFirst) {
                        self.journal[step] = Step::Open;
                    }
                    next(Phase::Send)
                }
            },
            Phase::LookUp => {
                if rules.have(Rule::Waits) && self.waited_for[step] && !self.is_settled(step) {
                    return None;
                }
                if self.made[step] > 0 && self.shown[step] { next(Phase::Finish) } else { next(Phase::Send) }
            }
            Phase::Send => {
                if rules.have(Rule::SendsUnderLease) && !self.lease_of(run) {
                    self.workers[worker] = None;
                    return Some(());
                }
                self.on_the_way(Request { step, fence: run.fence });
                self.waited_for[step] = false;
                next(if rules.have(Rule::FinishesAfterAnswer) { Phase::Wait } else { Phase::Finish })
            }
            Phase::Wait => return None,
            Phase::Reset => {
                self.journal[step] = Step::Fresh;
                self.waited_for[step] = true;
                next(Phase::Retry)
            }
            Phase::Finish => {
                self.journal[step] = Step::Done;
                // Nobody looks it up any more.
                self.waited_for[step] = true;
                if step + 1 < STEPS {
                    Some(Run { step: step + 1, phase: Phase::Begin, ..run })
                } else {
                    next(Phase::End)
                }
            }
            Phase::Retry => {
                // The doubt begins when the call ends.
                self.waited_for[step] = true;
                self.operation = Operation::Queued;
                self.lease_holds = false;
                None
            }
            Phase::End => {
                self.operation = Operation::Succeeded;
                self.lease_holds = false;
                None
            }
        };
        Some(())
    }

    pub(crate) fn decide(&mut self, rules: Rules, person: usize, approve: bool) -> Option<()> {
        if !self.undecided[person] {
            return None;
        }
        self.undecided[person] = false;
        // The second decision was made on a version of the task that is no longer the last.
        if self.operation != Operation::Awaiting && rules.have(Rule::DecidesOnce) {
            return Some(());
        }
        self.rejected |= !approve;
        self.operation = if approve { Operation::Queued } else { Operation::Rejected };
        Some(())
    }

    pub(crate) fn claim(&mut self, rules: Rules, worker: usize) -> Option<()> {
        let free = match self.operation {
            Operation::Queued => true,
            Operation::Running => rules.have(Rule::ClaimsExpired) && !self.lease_holds,
            _ => false,
        };
        if !free || self.workers[worker].is_some() {
            return None;
        }
        if self.operation == Operation::Running && rules.have(Rule::WaitsFromTakeover) {
            self.waited_for = [true; STEPS];
        }
        self.operation = Operation::Running;
        self.fence += 1;
        self.lease_holds = true;
        self.workers[worker] = Some(Run { fence: self.fence, step: 0, phase: Phase::Begin });
        Some(())
    }

    /// The bound has passed, and the ad server has not come to a request yet: a lookup finds nothing.
    pub(crate) fn believe(&mut self, worker: usize) -> Option<()> {
        let run = self.workers[worker].as_mut().filter(|run| run.phase == Phase::LookUp)?;
        if self.made[run.step] > 0 || self.wire.iter().all(|request| request.step != run.step) {
            return None;
        }
        run.phase = Phase::Send;
        self.trouble.slow = self.trouble.slow.checked_sub(1)?;
        self.exceeded += 1;
        Some(())
    }

    /// Whether one object of each step at most is active, with nothing on the way, after the end.
    pub(crate) fn has_come_to_rest(&self) -> bool {
        let one_is_active = (0..STEPS).all(|step| self.made[step] - self.stopped[step] <= 1);
        self.has_ended() && self.wire.is_empty() && one_is_active
    }

    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.operation, Operation::Succeeded | Operation::Rejected)
    }

    /// What a worker does whose request got no answer.
    pub(crate) fn unanswered(rules: Rules) -> Phase {
        if rules.have(Rule::DoubtsWhatIsLost) { Phase::Retry } else { Phase::Finish }
    }

    pub(crate) fn act(&mut self, rules: Rules, request: usize, answered: bool) -> Option<()> {
        if !answered {
            self.trouble.losses = self.trouble.losses.checked_sub(1)?;
        }
        let request = self.wire.remove(request);
        self.made[request.step] += 1;
        self.shown[request.step] = false;
        if let Some(run) = self.waiting(request) {
            run.phase = if answered { Phase::Finish } else { Self::unanswered(rules) };
        }
        Some(())
    }
}
