//! Measures how long a guest computes, as opposed to waiting: the CPU time inside `poll`, summed
//! up. Also measures how long it was ready to compute while others had the CPU.
//!
//! CPU time rather than elapsed time: if the host is frozen, or gets no turn on a busy machine, the
//! guest must not be blamed for it.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};

use crate::adapters::wait_times::{Party, WaitClock};

/// Returns the CPU time that this thread has used so far.
fn thread_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}

/// The CPU time that a call has used. It is read by the thread that polls the call, or while no
/// thread does.
#[derive(Debug, Clone, Default)]
pub(crate) struct CpuClock(Arc<Mutex<Reading>>);

#[derive(Debug, Default)]
struct Reading {
    before: Duration,
    /// The CPU time of the polling thread when the current poll began.
    running_since: Option<Duration>,
}

impl CpuClock {
    /// Returns the CPU time used so far, including the current poll.
    pub(crate) fn used(&self) -> Duration {
        let reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reading.before + reading.running_since.map_or(Duration::ZERO, |since| thread_time().saturating_sub(since))
    }

    fn start(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).running_since = Some(thread_time());
    }

    fn stop(&self) {
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(since) = reading.running_since.take() {
            reading.before += thread_time().saturating_sub(since);
        }
    }
}

/// Since when a call has been ready to continue.
#[derive(Debug)]
struct Ready(Mutex<Readiness>);

#[derive(Debug)]
struct Readiness {
    since: Option<Instant>,
    waker: Option<Waker>,
}

impl Ready {
    fn lock(&self) -> MutexGuard<'_, Readiness> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Ready {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let waker = {
            let mut ready = self.lock();
            ready.since.get_or_insert_with(Instant::now);
            ready.waker.clone()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// A future whose CPU time is measured, and the time it waits for a thread.
pub(crate) struct Metered<F> {
    future: Pin<Box<F>>,
    clock: CpuClock,
    waiting: WaitClock,
    ready: Arc<Ready>,
}

impl<F: Future> Metered<F> {
    /// Wraps a future that is ready from now on.
    pub(crate) fn new(future: F, clock: CpuClock, waiting: WaitClock) -> Self {
        let ready = Ready(Mutex::new(Readiness { since: Some(Instant::now()), waker: None }));
        Self { future: Box::pin(future), clock, waiting, ready: Arc::new(ready) }
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let since = {
            let mut ready = self.ready.lock();
            if !ready.waker.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
                ready.waker = Some(cx.waker().clone());
            }
            ready.since.take()
        };
        if let Some(since) = since {
            self.waiting.add(Party::Host, since.elapsed());
        }
        let waker = Waker::from(Arc::clone(&self.ready));
        self.clock.start();
        let polled = self.future.as_mut().poll(&mut Context::from_waker(&waker));
        self.clock.stop();
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metered<F: Future>(future: F, clock: &CpuClock, waiting: &WaitClock) -> Metered<F> {
        Metered::new(future, clock.clone(), waiting.clone())
    }

    #[tokio::test]
    async fn a_thread_that_stands_still_computes_nothing() {
        let clock = CpuClock::default();
        let still = Duration::from_millis(200);
        // As if the host were frozen during a poll.
        metered(async { std::thread::sleep(still) }, &clock, &WaitClock::default()).await;
        assert!(clock.used() < still / 2, "{:?}", clock.used());
    }

    #[tokio::test]
    async fn what_is_computed_is_counted_while_it_is_and_over_all_polls() {
        let clock = CpuClock::default();
        let computes = |until: Duration| {
            let clock = clock.clone();
            async move { while clock.used() < until {} }
        };
        let step = Duration::from_millis(5);
        metered(computes(step), &clock, &WaitClock::default()).await;
        metered(computes(2 * step), &clock, &WaitClock::default()).await;
        assert!(clock.used() >= 2 * step);
    }

    #[tokio::test]
    async fn whoever_is_ready_and_gets_no_turn_waits_for_the_host() {
        let waiting = WaitClock::default();
        let late = Duration::from_millis(50);
        let (wake, woken) = tokio::sync::oneshot::channel::<()>();
        let mut call = Box::pin(metered(woken, &CpuClock::default(), &waiting));
        // The first poll is late, so is the one after the wake-up; time before the wake-up is not
        // counted.
        std::thread::sleep(late);
        assert!(futures::poll!(&mut call).is_pending());
        std::thread::sleep(2 * late);
        let first = waiting.so_far().host;
        assert!(first >= late);
        wake.send(()).unwrap();
        std::thread::sleep(late);
        assert!(futures::poll!(&mut call).is_ready());
        assert!(waiting.so_far().host >= first + late);
    }
}
