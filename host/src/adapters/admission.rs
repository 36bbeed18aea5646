//! Admission of calls: bounds how many run at a time and how much memory they may use together,
//! with shares for each purpose and platform.
//!
//! | who | may take at most | so that |
//! |---|---|---|
//! | changes | everything | |
//! | plans and reads together | seven eighths | a change always finds room |
//! | reads | half | a plan always finds room |
//! | one platform, of what its purpose may take | half | an ad server that hangs leaves room for the others |
//! | reads of one platform | half of its concurrent requests | a change always gets a turn to send a request |
//!
//! A call that finds no room is queued: changes before plans before reads, otherwise in order of
//! arrival. After [`PATIENCE`] it is refused as busy. A single call is never too large: if nothing
//! else of its kind runs, it is admitted however small the share is.
//!
//! Bytes are those that a call *may* use (`limits.memory` of its platform), not those that it does
//! use, so that no change has to be stopped half-way because other calls grew. a change because
//! others grew.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;

use crate::domain::{id::PlatformName, purpose::Purpose};

/// How long a call waits for room: longer than it takes to work off a burst of ordinary calls,
/// shorter than any caller waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// What one call takes, or several calls together.
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

    /// Returns a fraction of this amount, but at least one call.
    fn part(self, of: usize, parts: usize) -> Self {
        let part = |whole: usize| whole / parts * of + whole % parts * of / parts;
        Self { calls: part(self.calls).max(1), bytes: part(self.bytes) }
    }

    /// Returns whether `more` fits on top of this amount within `most`. A call on its own always
    /// fits.
    fn leaves_room_for(self, more: Self, most: Self) -> bool {
        let sum = self.plus(more);
        self.calls == 0 || (sum.calls <= most.calls && sum.bytes <= most.bytes)
    }
}

/// A purpose on a platform; calls of the same kind are counted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    purpose: Purpose,
    platform: PlatformName,
}

/// A call waiting in the queue.
#[derive(Debug)]
struct Queued {
    ticket: u64,
    takes: Amount,
    /// The maximum number of concurrent calls of its kind.
    at_a_time: usize,
    granted: oneshot::Sender<Slot>,
}

#[derive(Debug, Default)]
struct State {
    taken: BTreeMap<Kind, Amount>,
    waiting: BTreeMap<Kind, VecDeque<Queued>>,
    tickets: u64,
}

/// The admission controller.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    whole: Amount,
    state: Arc<Mutex<State>>,
}

/// Admission for one call, held until dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    admission: Admission,
    kind: Kind,
    takes: Amount,
}

/// What a call needs to be admitted.
#[derive(Debug, Clone)]
pub(crate) struct Demand<'a> {
    pub(crate) purpose: Purpose,
    pub(crate) platform: &'a PlatformName,
    /// Bytes of memory that the call may use.
    pub(crate) bytes: usize,
    /// The maximum number of concurrent requests on its platform.
    pub(crate) requests_at_a_time: usize,
}

/// Current usage of one purpose on one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotUsage {
    /// The purpose of the calls.
    pub purpose: Purpose,
    /// The platform that is called.
    pub platform: PlatformName,
    /// Number of running calls.
    pub calls: usize,
    /// Bytes that the running calls may use.
    pub bytes: usize,
    /// Number of waiting calls.
    pub waiting: usize,
}

/// Removes a call from the queue when it has timed out or been cancelled.
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

    /// Returns what calls for a purpose, together with all less urgent ones, may take.
    fn most(&self, purpose: Purpose) -> Amount {
        match purpose {
            Purpose::Change => self.whole,
            Purpose::Plan => self.whole.part(7, 8),
            Purpose::Read => self.whole.part(1, 2),
        }
    }

    /// Returns what calls for a purpose may take on one platform.
    fn share(&self, purpose: Purpose, at_a_time: usize) -> Amount {
        let share = self.most(purpose).part(1, 2);
        Amount { calls: share.calls.min(at_a_time), ..share }
    }

    /// Waits up to `patience` for room. Returns `None` if there was none in time.
    pub(crate) async fn admit(&self, needs: &Demand<'_>, patience: Duration) -> Option<Slot> {
        let kind = Kind { purpose: needs.purpose, platform: needs.platform.clone() };
        let at_a_time = match needs.purpose {
            // A read's requests wait for their turn at the ad server. More reads would only wait
            // there, ahead of every change.
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

    /// Grants slots to waiting calls while there is room. The grants are sent after the state is
    /// unlocked, because a call that has gone away returns its slot.
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
                    // Reserve freed room for this call. Less urgent calls that need less would
                    // otherwise overtake it every time.
                    Next::Waits => return granted,
                }
            }
        }
        state.waiting.retain(|_, queue| !queue.is_empty());
        granted
    }

    /// Returns which call of a purpose enters next.
    fn next(&self, state: &State, purpose: Purpose) -> Next {
        let heads = state.waiting.iter().filter(|(kind, _)| kind.purpose == purpose);
        let mut heads: Vec<_> = heads.filter_map(|(kind, queue)| Some((kind, queue.front()?))).collect();
        heads.sort_by_key(|(_, head)| head.ticket);
        for (kind, head) in heads {
            let taken = state.taken.get(kind).copied().unwrap_or_default();
            if !taken.leaves_room_for(head.takes, self.share(purpose, head.at_a_time)) {
                // It waits only for its own platform, so it blocks nobody else.
                continue;
            }
            let fits = |class: &Purpose| state.sum(*class).leaves_room_for(head.takes, self.most(*class));
            let fits = Purpose::ALL.iter().filter(|class| **class <= purpose).all(fits);
            return if fits { Next::Enters(kind.clone()) } else { Next::Waits };
        }
        Next::NobodyWaits
    }

    /// Returns the current usage of every kind.
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

/// Which call enters next.
enum Next {
    /// The first call of this kind.
    Enters(Kind),
    /// Nobody waits, except for their own platform.
    NobodyWaits,
    /// The first in line does not fit yet.
    Waits,
}

impl State {
    /// Returns what calls for a purpose, together with all less urgent ones, take now.
    fn sum(&self, purpose: Purpose) -> Amount {
        let taken = self.taken.iter().filter(|(kind, _)| kind.purpose >= purpose);
        taken.fold(Amount::default(), |sum, (_, taken)| sum.plus(*taken))
    }
}

fn deliver(granted: Vec<(oneshot::Sender<Slot>, Slot)>) {
    for (caller, place) in granted {
        // If the caller has gone away, the slot is dropped and others get it.
        let _ = caller.send(place);
    }
}

/// Returns how many reads may run at a time so that changes still get a turn to send requests.
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
