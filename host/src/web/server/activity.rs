//! The state of a connection: what it is doing, since when, and its next deadline.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::Notify;

use super::{Closed, Limits, crowd::Place};

/// What a connection is doing.
#[derive(Debug)]
struct State {
    /// Number of requests in flight.
    in_flight: usize,
    /// Whether any request has arrived.
    asked: bool,
    /// Whether it uses HTTP/2, which exchanges frames outside of requests.
    multiplexed: bool,
    /// Since when no request is in flight.
    idle_since: Instant,
    /// Since when data has arrived that is not yet a complete head.
    head_since: Option<Instant>,
    /// Since when the client has not read what is written.
    stalled_since: Option<Instant>,
}

impl State {
    /// Returns the deadline for the client's next action, and the reason for closing if it passes.
    /// `None` while it is the host's turn.
    fn deadline(&self, limits: &Limits) -> Option<(Instant, Closed)> {
        if let Some(since) = self.stalled_since {
            return Some((since + limits.stall_timeout, Closed::Stalled));
        }
        if self.in_flight > 0 {
            return None;
        }
        if !self.asked {
            return Some((self.idle_since + limits.header_timeout, Closed::Header));
        }
        match self.head_since.filter(|_| !self.multiplexed) {
            Some(since) => Some((since + limits.header_timeout, Closed::Header)),
            None => Some((self.idle_since + limits.idle_timeout, Closed::Idle)),
        }
    }
}

/// The tracked activity of a connection.
#[derive(Debug)]
pub(super) struct Activity {
    state: Mutex<State>,
    changed: Notify,
    place: Place,
}

impl Activity {
    pub(super) fn new(place: Place) -> Arc<Self> {
        let state = State {
            in_flight: 0,
            asked: false,
            multiplexed: false,
            idle_since: Instant::now(),
            head_since: None,
            stalled_since: None,
        };
        Arc::new(Self { state: Mutex::new(state), changed: Notify::new(), place })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn deadline(&self, limits: &Limits) -> Option<(Instant, Closed)> {
        self.state().deadline(limits)
    }

    /// Waits until the deadline may have changed.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Waits until another connection needs the place.
    pub(super) async fn displaced(&self) {
        self.place.displaced().await;
    }

    /// Returns whether a request is in flight.
    pub(super) fn is_answering(&self) -> bool {
        self.state().in_flight > 0
    }

    /// Records that data has arrived.
    pub(super) fn read(&self) {
        let mut state = self.state();
        if state.in_flight == 0 && state.head_since.is_none() {
            state.head_since = Some(Instant::now());
            self.changed.notify_one();
        }
    }

    /// Records a write, and whether the client took the data.
    pub(super) fn wrote(&self, taken: bool) {
        let mut state = self.state();
        match (taken, state.stalled_since) {
            (true, Some(_)) => {
                state.stalled_since = None;
                state.idle_since = Instant::now();
                self.changed.notify_one();
            }
            (false, None) => {
                state.stalled_since = Some(Instant::now());
                self.changed.notify_one();
            }
            (true, None) | (false, Some(_)) => {}
        }
    }

    /// Records a request, which is in flight until the returned guard is dropped.
    pub(super) fn request(self: &Arc<Self>, multiplexed: bool) -> Answering {
        let mut state = self.state();
        state.in_flight += 1;
        state.asked = true;
        state.multiplexed = multiplexed;
        state.head_since = None;
        if state.in_flight == 1 {
            self.place.busy();
            self.changed.notify_one();
        }
        drop(state);
        Answering(self.clone())
    }
}

/// A request in flight.
#[derive(Debug)]
pub(super) struct Answering(Arc<Activity>);

impl Drop for Answering {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.in_flight -= 1;
        if state.in_flight == 0 {
            state.idle_since = Instant::now();
            self.0.place.idle();
            self.0.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::web::server::crowd::Crowd;

    fn limits() -> Limits {
        Limits {
            connections: 1,
            connections_per_address: 1,
            header_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            streams: 1,
            trusted_proxies: Vec::new(),
        }
    }

    fn activity() -> Arc<Activity> {
        Activity::new(Crowd::new(1, 1).enter(None).unwrap())
    }

    /// Returns why the connection would be closed, and how many seconds after `from`.
    fn closed(activity: &Activity, from: Instant) -> Option<(Closed, u64)> {
        let (at, closed) = activity.deadline(&limits())?;
        // A time recorded shortly after `from` is rounded down to it.
        Some((closed, at.saturating_duration_since(from).as_secs()))
    }

    #[test]
    fn a_new_connection_must_ask_something_however_it_begins() {
        let (activity, from) = (activity(), Instant::now());
        assert!(matches!(closed(&activity, from), Some((Closed::Header, 9 | 10))));
        activity.read();
        assert!(matches!(closed(&activity, from), Some((Closed::Header, 9 | 10))));
    }

    #[test]
    fn what_is_being_answered_has_time() {
        let activity = activity();
        let (one, two) = (activity.request(true), activity.request(true));
        assert_eq!(activity.deadline(&limits()), None);
        drop(one);
        assert_eq!(activity.deadline(&limits()), None);
        drop(two);
        assert!(matches!(closed(&activity, Instant::now()), Some((Closed::Idle, 74 | 75))));
    }

    #[test]
    fn the_next_head_has_as_long_as_the_first_and_a_byte_from_time_to_time_is_none() {
        let activity = activity();
        drop(activity.request(false));
        activity.read();
        let (first, _) = activity.deadline(&limits()).unwrap();
        activity.read();
        assert_eq!(activity.deadline(&limits()), Some((first, Closed::Header)));
        drop(activity.request(true));
        activity.read();
        assert!(matches!(activity.deadline(&limits()), Some((_, Closed::Idle))), "a ping is no head");
    }

    #[test]
    fn who_takes_nothing_of_an_answer_is_given_up() {
        let activity = activity();
        let answering = activity.request(false);
        activity.wrote(false);
        assert!(matches!(closed(&activity, Instant::now()), Some((Closed::Stalled, 29 | 30))));
        activity.wrote(true);
        assert_eq!(activity.deadline(&limits()), None);
        drop(answering);
    }
}
