//! How long a guest computes, as opposed to waiting: the time inside of `poll`, summed up.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

/// The time that a call has spent on its thread.
#[derive(Debug, Clone, Default)]
pub(crate) struct CpuClock(Arc<Mutex<Reading>>);

#[derive(Debug, Default)]
struct Reading {
    before: Duration,
    running_since: Option<Instant>,
}

impl CpuClock {
    /// So far, what runs at this moment included.
    pub(crate) fn used(&self) -> Duration {
        let reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reading.before + reading.running_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn start(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).running_since = Some(Instant::now());
    }

    fn stop(&self) {
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(since) = reading.running_since.take() {
            reading.before += since.elapsed();
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
