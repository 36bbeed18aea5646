//! How long a guest computes, as opposed to waiting: the processor's time inside of `poll`, summed up.
//!
//! The processor's and not the clock's: a host that is frozen, or gets no turn on a busy machine, must not blame the guest for it.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

/// What this thread has computed so far.
fn thread_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}

/// The processor's time that a call has used. It is asked by the thread that polls the call, or while nobody does.
#[derive(Debug, Clone, Default)]
pub(crate) struct CpuClock(Arc<Mutex<Reading>>);

#[derive(Debug, Default)]
struct Reading {
    before: Duration,
    /// What the thread that polls had computed when it began.
    running_since: Option<Duration>,
}

impl CpuClock {
    /// So far, what runs at this moment included.
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

/// A future whose time on its thread is measured.
pub(crate) struct Metered<F> {
    future: Pin<Box<F>>,
    clock: CpuClock,
}

impl<F: Future> Metered<F> {
    pub(crate) fn new(future: F, clock: CpuClock) -> Self {
        Self { future: Box::pin(future), clock }
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.clock.start();
        let polled = self.future.as_mut().poll(cx);
        self.clock.stop();
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_thread_that_stands_still_computes_nothing() {
        let clock = CpuClock::default();
        let still = Duration::from_millis(200);
        // As if the host were frozen inside of a poll.
        Metered::new(async { std::thread::sleep(still) }, clock.clone()).await;
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
        Metered::new(computes(step), clock.clone()).await;
        Metered::new(computes(2 * step), clock.clone()).await;
        assert!(clock.used() >= 2 * step);
    }
}
