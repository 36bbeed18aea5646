//! Admission for calls: so many at a time, and so many bytes for all of them together, shared out by what they are for and on which platform.
//!
//! | who | may take at most | so that |
//! |---|---|---|
//! | changes | everything | |
//! | plans and reads together | seven eighths | a change always finds room |
//! | reads | half | a plan always finds room |
//! | one platform, of what its purpose may take | half | an ad server that hangs leaves room for the others |
//! | reads of one platform | half of its requests at a time | a change always finds a request's turn |
//!
//! Who finds no room waits, changes before plans before reads and otherwise in the order of arrival, and is refused as busy after
//! [`PATIENCE`]. What one alone takes is never too much: a call finds room when nothing else of its kind runs, however little a share is.
//!
//! Bytes are those that a call *may* use (`limits.memory` of its platform), not those that it uses: nobody must be stopped in the middle of
//! a change because others grew.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;

use crate::domain::{id::PlatformName, purpose::Purpose};

/// How long a call waits for room. Longer than a burst takes that ordinary calls leave behind, shorter than any caller waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// What one call takes, or all of some calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) calls: usize,
    pub(crate) bytes: usize,
}

impl Amount {
    fn of_one(bytes: usize) -> Self {
        Self { calls: 1, bytes }
    }

    fn plus(self, other: Self) -> Self {
        Self { calls: self.calls.saturating_add(other.calls), bytes: self.bytes.saturating_add(other.bytes) }
    }

    fn minus(self, other: Self) -> Self {
        Self { calls: self.calls.saturating_sub(other.calls), bytes: self.bytes.saturating_sub(other.bytes) }
    }

    /// A part of it, at least one call.
    fn part(self, of: usize, parts: usize) -> Self {
        let part = |whole: usize| whole / parts * of + whole % parts * of / parts;
        Self { calls: part(self.calls).max(1), bytes: part(self.bytes) }
    }

    /// Whether `more` fits on top of it. One alone always does.
    fn leaves_room_for(self, more: Self, most: Self) -> bool {
        let sum = self.plus(more);
        self.calls == 0 || (sum.calls <= most.calls && sum.bytes <= most.bytes)
    }
}

/// The calls that are counted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    purpose: Purpose,
    platform: PlatformName,
}

/// One that waits.
#[derive(Debug)]
struct Queued {
    ticket: u64,
    takes: Amount,
    /// Calls of its kind at a time.
    at_a_time: usize,
    granted: oneshot::Sender<Slot>,
}

#[derive(Debug, Default)]
struct State {
    taken: BTreeMap<Kind, Amount>,
    waiting: BTreeMap<Kind, VecDeque<Queued>>,
    tickets: u64,
}

/// The room.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    whole: Amount,
    state: Arc<Mutex<State>>,
}

/// Admission for one call, until this is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    admission: Admission,
    kind: Kind,
    takes: Amount,
}

/// What a call needs.
#[derive(Debug, Clone)]
pub(crate) struct Demand<'a> {
    pub(crate) purpose: Purpose,
    pub(crate) platform: &'a PlatformName,
    /// Bytes that it may use.
    pub(crate) bytes: usize,
    /// Requests at a time that its platform allows.
    pub(crate) requests_at_a_time: usize,
}

/// How full it is, of one purpose on one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotUsage {
    /// What for.
    pub purpose: Purpose,
    /// Where.
    pub platform: PlatformName,
    /// Calls that run.
    pub calls: usize,
    /// Bytes that they may use.
    pub bytes: usize,
    /// Calls that wait.
    pub waiting: usize,
}

/// Takes one out of the queue that has given up or went away.
struct QueueGuard<'a> {
    admission: &'a Admission,
    kind: &'a Kind,
    ticket: u64,
}

impl Drop for QueueGuard<'_> {
    fn drop(&mut self) {
        let granted = {
            let mut state = self.admission.lock();
            let Some(queue) = state.waiting.get_mut(self.kind) else { return };
            let before = queue.len();
            queue.retain(|waiting| waiting.ticket != self.ticket);
            if queue.len() == before {
                return;
            }
            self.admission.grant_slots(&mut state)
        };
        deliver(granted);
    }
}

impl Admission {
    pub(crate) fn new(calls: usize, bytes: usize) -> Self {
        Self { whole: Amount { calls: calls.max(1), bytes }, state: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What calls for a purpose and for less urgent ones may take together.
    fn most(&self, purpose: Purpose) -> Amount {
        match purpose {
            Purpose::Change => self.whole,
            Purpose::Plan => self.whole.part(7, 8),
            Purpose::Read => self.whole.part(1, 2),
        }
    }

    /// What calls for a purpose on one platform may take.
    fn share(&self, purpose: Purpose, at_a_time: usize) -> Amount {
        let share = self.most(purpose).part(1, 2);
        Amount { calls: share.calls.min(at_a_time), ..share }
    }

    /// Waits for room, no longer than `patience` or than anybody does; `None`: there was none.
    pub(crate) async fn admit(&self, needs: &Demand<'_>, patience: Duration) -> Option<Slot> {
        let kind = Kind { purpose: needs.purpose, platform: needs.platform.clone() };
        let at_a_time = match needs.purpose {
            // What a read sends waits for its turn at the ad server. More of them would only wait there, before every change.
            Purpose::Read => max_reads(needs.requests_at_a_time),
            Purpose::Change | Purpose::Plan => usize::MAX,
        };
        let (granted, place) = oneshot::channel();
        let (ticket, others) = {
            let mut state = self.lock();
            state.tickets += 1;
            let ticket = state.tickets;
            let waiting = Queued { ticket, takes: Amount::of_one(needs.bytes), at_a_time, granted };
            state.waiting.entry(kind.clone()).or_default().push_back(waiting);
            (ticket, self.grant_slots(&mut state))
        };
        deliver(others);
        let _leaves = QueueGuard { admission: self, kind: &kind, ticket };
        tokio::time::timeout(patience.min(PATIENCE), place).await.ok()?.ok()
    }

    /// Gives room to those who wait, as far as there is some. They are told once the state is free again: one that went away gives it back.
    #[must_use]
    fn grant_slots(&self, state: &mut State) -> Vec<(oneshot::Sender<Slot>, Slot)> {
        let mut granted = Vec::new();
        for purpose in Purpose::ALL {
            loop {
                match self.next(state, *purpose) {
                    Next::Enters(kind) => {
                        let Some(waiting) = state.waiting.get_mut(&kind).and_then(VecDeque::pop_front) else { break };
                        let taken = state.taken.entry(kind.clone()).or_default();
                        *taken = taken.plus(waiting.takes);
                        granted.push((waiting.granted, Slot { admission: self.clone(), kind, takes: waiting.takes }));
                    }
                    Next::NobodyWaits => break,
                    // What becomes free is for this one. Those who are less urgent, and need less, would be faster every time.
                    Next::Waits => return granted,
                }
            }
        }
        state.waiting.retain(|_, queue| !queue.is_empty());
        granted
    }

    /// Who enters next for a purpose.
    fn next(&self, state: &State, purpose: Purpose) -> Next {
        let heads = state.waiting.iter().filter(|(kind, _)| kind.purpose == purpose);
        let mut heads: Vec<_> = heads.filter_map(|(kind, queue)| Some((kind, queue.front()?))).collect();
        heads.sort_by_key(|(_, head)| head.ticket);
        for (kind, head) in heads {
            let taken = state.taken.get(kind).copied().unwrap_or_default();
            if !taken.leaves_room_for(head.takes, self.share(purpose, head.at_a_time)) {
                // It waits for its own platform, and nobody else waits for it.
                continue;
            }
            let fits = |class: &Purpose| state.sum(*class).leaves_room_for(head.takes, self.most(*class));
            let fits = Purpose::ALL.iter().filter(|class| **class <= purpose).all(fits);
            return if fits { Next::Enters(kind.clone()) } else { Next::Waits };
        }
        Next::NobodyWaits
    }

    /// How full it is.
    pub(crate) fn slot_usage(&self) -> Vec<SlotUsage> {
        let state = self.lock();
        let mut kinds: Vec<&Kind> = state.taken.keys().chain(state.waiting.keys()).collect();
        kinds.sort();
        kinds.dedup();
        let slot_usage = |kind: &Kind| {
            let taken = state.taken.get(kind).copied().unwrap_or_default();
            SlotUsage {
                purpose: kind.purpose,
                platform: kind.platform.clone(),
                calls: taken.calls,
                bytes: taken.bytes,
                waiting: state.waiting.get(kind).map_or(0, VecDeque::len),
            }
        };
        kinds.into_iter().map(slot_usage).collect()
    }
}

/// Who enters next.
enum Next {
    /// The first of this kind.
    Enters(Kind),
    /// Nobody waits for anything but their own platform.
    NobodyWaits,
    /// Somebody for whom there is no room yet.
    Waits,
}

impl State {
    /// What calls for a purpose and for less urgent ones take.
    fn sum(&self, purpose: Purpose) -> Amount {
        let taken = self.taken.iter().filter(|(kind, _)| kind.purpose >= purpose);
        taken.fold(Amount::default(), |sum, (_, taken)| sum.plus(*taken))
    }
}

fn deliver(granted: Vec<(oneshot::Sender<Slot>, Slot)>) {
    for (caller, place) in granted {
        // One that went away drops its place, which others get.
        let _ = caller.send(place);
    }
}

/// How many reads at a time leave a request's turn to changes.
fn max_reads(requests_at_a_time: usize) -> usize {
    (requests_at_a_time / 2).max(1)
}

impl Drop for Slot {
    fn drop(&mut self) {
        let granted = {
            let mut state = self.admission.lock();
            if let Some(taken) = state.taken.get_mut(&self.kind) {
                *taken = taken.minus(self.takes);
            }
            self.admission.grant_slots(&mut state)
        };
        deliver(granted);
    }
}

#[cfg(test)]
mod tests;
