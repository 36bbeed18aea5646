//! The last answers of the ad servers about buys, cached briefly so that a burst of pollers causes
//! one request.

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

/// How long an answer of the ad servers is fresh: shorter than any poller's interval, longer than a
/// burst of them.
const FRESH_FOR: Duration = Duration::from_secs(2);

/// The maximum number of cached buys. Beyond it the cache is cleared, which only costs requests.
const REMEMBERED: usize = 50_000;

/// What the ad servers said about a buy.
#[derive(Debug, Clone)]
pub struct Said {
    /// When they said it.
    pub at: Timestamp,
    /// The status on each platform that answered.
    pub statuses: Arc<Vec<RemoteBuyStatus>>,
}

/// When a platform was last asked about each buy, and whether the buy was missing then.
type Crowd = HashMap<MediaBuyId, (Timestamp, bool)>;

/// The last answers of the ad servers about buys.
#[derive(Debug, Default)]
pub struct StatusCache {
    said: Mutex<HashMap<MediaBuyId, Said>>,
    shown: Mutex<HashMap<PlatformName, Crowd>>,
}

impl StatusCache {
    fn said(&self) -> MutexGuard<'_, HashMap<MediaBuyId, Said>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the last answer about a buy, if it is fresh.
    pub fn get(&self, id: &MediaBuyId, now: Timestamp) -> Option<Said> {
        self.said().get(id).filter(|said| said.at.plus(FRESH_FOR) > now).cloned()
    }

    /// Caches an answer about a buy.
    pub fn put(&self, id: &MediaBuyId, said: Said) {
        let mut all = self.said();
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(id.clone(), said);
    }

    /// Remembers which buys a platform has shown and which were missing. Returns how many buys it
    /// was asked about in the `window` before `at`, and how many of those were missing at the last
    /// look. One poll sees few of many buys, so a problem of an ad server shows only in several
    /// polls together.
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

    /// Drops the answer about a buy, because the buy has changed.
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
