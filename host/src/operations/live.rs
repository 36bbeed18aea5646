//! What the ad servers last said about buys: a short memory, so that a burst of pollers is one question.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::domain::{delivery::RemoteBuyStatus, id::MediaBuyId, time::Timestamp};

/// How long an answer of the ad servers is good for. Shorter than any poller's interval, longer than a burst of them.
const FRESH_FOR: Duration = Duration::from_secs(2);

/// How many buys are remembered; beyond it everything is forgotten, which only costs questions.
const REMEMBERED: usize = 50_000;

/// What the ad servers said of a buy, and when.
#[derive(Debug, Clone)]
pub struct Said {
    /// When.
    pub at: Timestamp,
    /// What, by platform.
    pub statuses: Arc<Vec<RemoteBuyStatus>>,
}

/// What the ad servers last said about buys.
#[derive(Debug, Default)]
pub struct LiveCache {
    said: Mutex<HashMap<MediaBuyId, Said>>,
}

impl LiveCache {
    fn said(&self) -> MutexGuard<'_, HashMap<MediaBuyId, Said>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was said of a buy, if it is fresh.
    pub fn get(&self, id: &MediaBuyId, now: Timestamp) -> Option<Said> {
        self.said().get(id).filter(|said| said.at.plus(FRESH_FOR) > now).cloned()
    }

    /// Remembers what was said of a buy.
    pub fn put(&self, id: &MediaBuyId, said: Said) {
        let mut all = self.said();
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(id.clone(), said);
    }

    /// What was said of a buy is old: something was changed.
    pub fn forget(&self, id: &MediaBuyId) {
        self.said().remove(id);
    }
}
