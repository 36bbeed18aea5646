//! Requests that are held before they act, until the test lets them go: `GET /__control/held` says how
//! many there are, `POST /__control/held/release` lets all of them act, one after the other in the order in
//! which they came, and answers when the last has.

use std::sync::Mutex;

use tokio::sync::oneshot;

use crate::lock;

/// What is told when an action was carried out.
#[derive(Debug)]
pub(crate) struct Released(oneshot::Sender<()>);

impl Released {
    /// The action is done.
    pub(crate) fn done(self) {
        // Whoever released it may have stopped waiting.
        let _ = self.0.send(());
    }
}

/// What one emulator holds.
#[derive(Debug, Default)]
pub struct Held(Mutex<Vec<oneshot::Sender<Released>>>);

impl Held {
    /// How many requests are held.
    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.0).len()
    }

    /// Lets everything that is held act, in the order in which it came, and waits until it has. Answers how many
    /// there were.
    pub async fn release(&self) -> usize {
        let held = std::mem::take(&mut *lock(&self.0));
        let count = held.len();
        for one in held {
            let (done, acted) = oneshot::channel();
            if one.send(Released(done)).is_ok() {
                // An error means that the emulator is going down.
                let _ = acted.await;
            }
        }
        count
    }

    /// Waits to be released. Nothing if the controls were reset meanwhile: then it never acts.
    pub(crate) async fn wait(&self) -> Option<Released> {
        let (release, released) = oneshot::channel();
        lock(&self.0).push(release);
        released.await.ok()
    }

    /// Forgets what is held: it never acts.
    pub(crate) fn forget(&self) {
        lock(&self.0).clear();
    }
}
