//! Requests that are held before they act, until the test releases them. `GET /__control/held`
//! returns their number. `POST /__control/held/release` lets all of them act one after the other,
//! in order of arrival, and responds when the last one has acted.

use std::sync::Mutex;

use tokio::sync::oneshot;

use crate::lock;

/// Signals that a released action was carried out.
#[derive(Debug)]
pub(crate) struct Released(oneshot::Sender<()>);

impl Released {
    /// Signals that the action is done.
    pub(crate) fn done(self) {
        // The caller that released it may have stopped waiting.
        let _ = self.0.send(());
    }
}

/// The held requests of one emulator.
#[derive(Debug, Default)]
pub struct Held(Mutex<Vec<oneshot::Sender<Released>>>);

impl Held {
    /// Returns the number of held requests.
    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.0).len()
    }

    /// Lets all held requests act in order of arrival, and waits until they have. Returns their
    /// number.
    pub async fn release(&self) -> usize {
        let held = std::mem::take(&mut *lock(&self.0));
        let count = held.len();
        for one in held {
            let (done, acted) = oneshot::channel();
            if one.send(Released(done)).is_ok() {
                // An error means that the emulator is shutting down.
                let _ = acted.await;
            }
        }
        count
    }

    /// Waits to be released. Returns `None` if the controls were reset in the meantime; the request
    /// then never acts.
    pub(crate) async fn wait(&self) -> Option<Released> {
        let (release, released) = oneshot::channel();
        lock(&self.0).push(release);
        released.await.ok()
    }

    /// Forgets the held requests, which then never act.
    pub(crate) fn forget(&self) {
        lock(&self.0).clear();
    }
}
