//! What the ad servers last said about buys: a short memory, so that a burst of pollers is one
//! question.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::domain::{
    delivery::RemoteBuyStatus,
    id::{MediaBuyId, PlatformName},
    time::Timestamp,
};

/// How long an answer of the ad servers is good for. Shorter than any poller's interval, longer
/// than a burst of them.
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

/// Which buys a platform showed when it was last asked about them, and when that was.
type Crowd = HashMap<MediaBuyId, (Timestamp, bool)>;

/// What the ad servers last said about buys.
#[derive(Debug, Default)]
pub struct StatusCache {
    said: Mutex<HashMap<MediaBuyId, Said>>,
    shown: Mutex<HashMap<PlatformName, Crowd>>,
}

impl StatusCache {
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

    /// Remembers which of some buys a platform has shown, and which it has missed. How many it was
    /// asked about within `window` until `at`, and how many of those it missed when it was last
    /// asked about them: a look sees few of many buys, and what is wrong with an ad server is seen
    /// in what several looks say together.
    pub fn shown(
        &self,
        platform: &PlatformName,
        look: impl Iterator<Item = (MediaBuyId, bool)>,
        at: Timestamp,
        window: Duration,
    ) -> (usize, usize) {
        let mut all = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let crowd = all.entry(platform.clone()).or_default();
        if crowd.len() >= REMEMBERED {
            crowd.clear();
        }
        crowd.retain(|_, (seen, _)| seen.plus(window) > at);
        crowd.extend(look.map(|(buy, missed)| (buy, (at, missed))));
        (crowd.len(), crowd.values().filter(|(_, missed)| *missed).count())
    }

    /// What was said of a buy is old: something was changed.
    pub fn forget(&self, id: &MediaBuyId) {
        self.said().remove(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_looks_are_counted_together_and_each_buy_once() {
        let (live, platform, window) = (StatusCache::default(), PlatformName::from("acme"), Duration::from_secs(60));
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let look = |seconds: i64, buys: &[(&str, bool)]| {
            let buys = buys.iter().map(|(buy, missed)| (MediaBuyId::from(*buy), *missed));
            live.shown(&platform, buys, at(seconds), window)
        };
        assert_eq!(look(0, &[("a", true), ("b", false)]), (2, 1));
        assert_eq!(look(10, &[("a", true), ("c", true)]), (3, 2));
        assert_eq!(look(20, &[("a", false)]), (3, 1), "the last word about each");
        assert_eq!(look(60, &[]), (2, 1), "the first look is long ago");
        assert_eq!(live.shown(&PlatformName::from("zenith"), std::iter::empty(), at(60), window), (0, 0));
    }
}
