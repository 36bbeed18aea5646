//! The threads on which guests, and nothing else, compute.
//!
//! A guest yields every [`TICK`](crate::adapters::engine::TICK), so that guests share a thread
//! fairly. On the host's own threads that would not be fair enough: with a hundred guests
//! computing, a heartbeat, a database write or `/readyz` would wait a hundred ticks for each of its
//! turns. So guests have threads of their own, fewer than there are cores, and the operating
//! system's scheduler makes other work wait for these few threads at most. Only the guest's own
//! polls run there. Its requests, timers and journal belong to the host and stay on the host's
//! threads.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::task::AbortOnDropHandle;

/// The guest threads.
#[derive(Debug)]
pub(crate) struct Threads {
    /// Taken on drop.
    runtime: Option<Runtime>,
}

impl Threads {
    /// Starts `count` threads, at least one.
    ///
    /// # Errors
    /// When the operating system can't create them.
    pub(crate) fn start(count: usize) -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(count.max(1)).thread_name("adapter").build()?;
        Ok(Self { runtime: Some(runtime) })
    }

    /// Polls a call on these threads. Dropping the returned handle stops the call at its next
    /// yield. Returns `None` if the threads are gone.
    pub(crate) fn run<F>(&self, call: F) -> Option<AbortOnDropHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let call = OfTheHost { host: Handle::current(), call: Box::pin(call) };
        self.runtime.as_ref().map(|runtime| AbortOnDropHandle::new(runtime.spawn(call)))
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // This may be dropped where blocking is not allowed. Guests still computing end at their
        // next yield.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A future that is polled on another runtime but uses the host's timers, sockets and tasks.
struct OfTheHost<F> {
    host: Handle,
    call: Pin<Box<F>>,
}

impl<F: Future> Future for OfTheHost<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        let _host = this.host.enter();
        this.call.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_call_computes_on_a_thread_of_its_own_and_what_it_starts_is_the_hosts() {
        let threads = Threads::start(1).unwrap();
        let name = || std::thread::current().name().map(str::to_owned);
        let here = name();
        let call = async move {
            // The guest threads have no timers of their own.
            tokio::time::sleep(Duration::from_millis(1)).await;
            let started = tokio::spawn(async move { name() }).await.unwrap();
            (name(), started)
        };
        let (computed_on, started_on) = threads.run(call).unwrap().await.unwrap();
        assert_eq!(computed_on.as_deref(), Some("adapter"));
        assert_eq!(started_on, here);
    }

    #[tokio::test]
    async fn whoever_drops_the_handle_stops_the_call() {
        let threads = Threads::start(1).unwrap();
        let (dropped, was_dropped) = tokio::sync::oneshot::channel::<()>();
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let running = threads.run(async move {
            let _dropped = dropped;
            begun.send(()).unwrap();
            loop {
                tokio::task::yield_now().await;
            }
        });
        has_begun.await.unwrap();
        drop(running);
        assert!(was_dropped.await.is_err(), "its end is told by what it held");
    }
}
