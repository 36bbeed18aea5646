//! Tracks what a call waits for, and for how long: an adapter must not be blamed for time spent
//! waiting for another party.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The party that a call waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Party {
    /// The ad server: its answer, a connection to it, the login, a turn at its pace.
    AdServer,
    /// The host: a slot, the CPU, the database.
    Host,
}

/// A call that ran out of time is at fault only if its guest had at least this much time to itself.
/// A call of a healthy adapter that began shortly before its caller's deadline may take less than
/// this.
const TO_ITSELF: Duration = Duration::from_secs(1);

/// Tracks the waits of one call.
#[derive(Debug, Clone, Default)]
pub(crate) struct WaitClock(Arc<Mutex<Clocks>>);

#[derive(Debug, Default)]
struct Clocks {
    ad_server: Clock,
    host: Clock,
}

/// Time during which at least one thing is waited for.
#[derive(Debug, Default)]
struct Clock {
    open: u32,
    since: Option<Instant>,
    total: Duration,
}

/// A wait that lasts until this is dropped.
#[derive(Debug)]
pub(crate) struct WaitGuard {
    waiting: WaitClock,
    party: Party,
}

/// Suspends a wait until this is dropped, because it is the guest's turn.
#[derive(Debug)]
pub(crate) struct GuestTurn {
    waiting: WaitClock,
    party: Party,
}

/// How long a call waited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct WaitTimes {
    pub(crate) ad_server: Duration,
    pub(crate) host: Duration,
    /// Whether the ad server is being waited for now.
    pub(crate) on_the_way: bool,
}

impl Clock {
    fn begin(&mut self) {
        self.open += 1;
        self.since.get_or_insert_with(Instant::now);
    }

    fn end(&mut self) {
        self.open = self.open.saturating_sub(1);
        if self.open == 0
            && let Some(since) = self.since.take()
        {
            self.total += since.elapsed();
        }
    }

    fn so_far(&self) -> Duration {
        self.total + self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

impl Clocks {
    fn of(&mut self, party: Party) -> &mut Clock {
        match party {
            Party::AdServer => &mut self.ad_server,
            Party::Host => &mut self.host,
        }
    }
}

impl WaitClock {
    fn lock(&self) -> MutexGuard<'_, Clocks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts waiting for a party.
    pub(crate) fn begin(&self, party: Party) -> WaitGuard {
        self.lock().of(party).begin();
        WaitGuard { waiting: self.clone(), party }
    }

    /// Suspends a wait for `party` while the guest is being waited for.
    pub(crate) fn guest_turn(&self, party: Party) -> GuestTurn {
        self.lock().of(party).end();
        GuestTurn { waiting: self.clone(), party }
    }

    /// Adds time spent waiting for a party.
    pub(crate) fn add(&self, party: Party, time: Duration) {
        self.lock().of(party).total += time;
    }

    /// Returns the wait times until now.
    pub(crate) fn so_far(&self) -> WaitTimes {
        let clocks = self.lock();
        WaitTimes {
            ad_server: clocks.ad_server.so_far(),
            host: clocks.host.so_far(),
            on_the_way: clocks.ad_server.open > 0,
        }
    }
}

impl Drop for WaitGuard {
    fn drop(&mut self) {
        self.waiting.lock().of(self.party).end();
    }
}

impl Drop for GuestTurn {
    fn drop(&mut self) {
        self.waiting.lock().of(self.party).begin();
    }
}

impl WaitTimes {
    /// Returns the party that a call waited for when it ran out of time after `elapsed`, or `None`
    /// if its guest spent the time by itself. `limit` is the longest it could have run.
    pub(crate) fn waited_for(self, elapsed: Duration, limit: Duration) -> Option<Party> {
        let waited = self.ad_server + self.host;
        let to_itself = elapsed.saturating_sub(waited);
        if self.on_the_way || (!self.ad_server.is_zero() && self.ad_server >= elapsed / 2) {
            Some(Party::AdServer)
        } else if waited >= elapsed / 2 {
            Some(if self.ad_server > self.host { Party::AdServer } else { Party::Host })
        } else if to_itself < TO_ITSELF.min(limit / 2) {
            Some(Party::Host)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn only_a_guest_that_spent_most_of_the_time_by_itself_is_at_fault() {
        let waited =
            |ad_server, host, on_the_way| WaitTimes { ad_server: seconds(ad_server), host: seconds(host), on_the_way };
        let limit = seconds(120);
        for (waited, elapsed, party) in [
            (waited(0, 0, false), 60, None),
            (waited(29, 0, false), 60, None),
            (waited(30, 0, false), 60, Some(Party::AdServer)),
            (waited(1, 0, true), 60, Some(Party::AdServer)),
            (waited(0, 30, false), 60, Some(Party::Host)),
            (waited(20, 20, false), 60, Some(Party::Host)),
            (waited(21, 19, false), 60, Some(Party::AdServer)),
            (waited(0, 0, false), 0, Some(Party::Host)),
        ] {
            assert_eq!(waited.waited_for(seconds(elapsed), limit), party, "{waited:?} of {elapsed}");
        }
        // A guest is not blamed for so little time to itself.
        assert_eq!(WaitTimes::default().waited_for(Duration::from_millis(900), limit), Some(Party::Host));
        assert_eq!(WaitTimes::default().waited_for(Duration::from_millis(200), Duration::from_millis(200)), None);
    }

    proptest! {
        #[test]
        fn whoever_is_waited_for_longer_is_never_better_off(
            ad_server in 0..200_u64, host in 0..200_u64, own in 0..200_u64, limit in 1..400_u64, more in 0..200_u64,
        ) {
            let waited = |ad_server| WaitTimes { ad_server: seconds(ad_server), host: seconds(host), on_the_way: false };
            let party = |longer| waited(ad_server + longer).waited_for(seconds(ad_server + longer + host + own), seconds(limit));
            if party(0) == Some(Party::AdServer) {
                prop_assert_eq!(party(more), Some(Party::AdServer));
            }
            if party(more).is_none() {
                prop_assert_eq!(party(0), None);
                prop_assert!(own > ad_server + more + host, "more than half of it was its own");
            }
            let on_the_way = WaitTimes { on_the_way: true, ..waited(ad_server) };
            prop_assert_eq!(on_the_way.waited_for(seconds(ad_server + host + own), seconds(limit)), Some(Party::AdServer));
        }
    }

    #[test]
    fn waits_that_overlap_count_once_and_the_guests_turn_does_not_count() {
        let waiting = WaitClock::default();
        let (one, other) = (waiting.begin(Party::AdServer), waiting.begin(Party::AdServer));
        assert!(waiting.so_far().on_the_way);
        let began = Instant::now();
        std::thread::sleep(Duration::from_millis(20));
        drop(one);
        assert!(
            waiting.so_far().on_the_way && waiting.so_far().ad_server <= began.elapsed() + Duration::from_millis(5)
        );
        let turn = waiting.guest_turn(Party::AdServer);
        assert!(!waiting.so_far().on_the_way);
        let before = waiting.so_far().ad_server;
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(waiting.so_far().ad_server, before);
        drop(turn);
        assert!(waiting.so_far().on_the_way);
        drop(other);
        let ended = waiting.so_far();
        assert!(!ended.on_the_way && ended.ad_server >= Duration::from_millis(20) && ended.host.is_zero());
        waiting.add(Party::Host, seconds(3));
        assert_eq!(waiting.so_far().host, seconds(3));
    }
}
