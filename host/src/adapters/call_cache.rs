//! The contract's `cache` interface: values that an adapter keeps from one call to the next, in this
//! host's memory.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use flightdeck_bindings::v1::flightdeck::ad_server::cache::Host;
use hashlink::LruCache;
use tokio::time::Instant;

use super::{recording::Listening, sandbox::CallState};

/// Bytes of keys and values that one platform may keep.
const PLATFORM_BYTES: usize = 16 * 1024 * 1024;

/// Bytes of one value.
const VALUE_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of a key.
const KEY_BYTES: usize = 200;

/// What an entry takes besides its key and value, so that many small ones are bounded as well.
const ENTRY_BYTES: usize = 200;

/// How long a value is kept at most: a release that nobody calls any more should not keep its values.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// A guest used the cache against its rules, which ends the call.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct MisusedCache(String);

/// What the releases of one platform keep.
#[derive(Debug, Default)]
pub(crate) struct CallCache(Mutex<Entries>);

#[derive(Debug)]
struct Entries {
    /// By release and key, the one that was unused for longest first.
    by_key: LruCache<(String, String), Entry>,
    bytes: usize,
}

impl Default for Entries {
    fn default() -> Self {
        Self { by_key: LruCache::new_unbounded(), bytes: 0 }
    }
}

#[derive(Debug)]
struct Entry {
    value: Vec<u8>,
    until: Instant,
}

fn size(key: &(String, String), entry: &Entry) -> usize {
    key.0.len() + key.1.len() + entry.value.len() + ENTRY_BYTES
}

impl Entries {
    fn remove(&mut self, key: &(String, String)) {
        if let Some(entry) = self.by_key.remove(key) {
            self.bytes -= size(key, &entry);
        }
    }

    fn get(&mut self, key: &(String, String), now: Instant) -> Option<Vec<u8>> {
        let entry = self.by_key.get(key)?;
        if entry.until > now {
            return Some(entry.value.clone());
        }
        self.remove(key);
        None
    }

    fn put(&mut self, key: (String, String), entry: Entry) {
        self.remove(&key);
        self.bytes += size(&key, &entry);
        self.by_key.insert(key, entry);
        while self.bytes > PLATFORM_BYTES {
            let Some((key, entry)) = self.by_key.remove_lru() else { return };
            self.bytes -= size(&key, &entry);
        }
    }
}

impl CallCache {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of a platform's cache that a call may use: the values of its own release.
#[derive(Debug, Clone)]
pub(crate) struct CacheOfRelease {
    pub(crate) cache: Arc<CallCache>,
    pub(crate) release: String,
}

/// A guest's view of the cache.
#[derive(Debug)]
pub(crate) struct GuestCache {
    /// `None` in functions whose answer may depend on nothing but their arguments.
    pub(crate) of_release: Option<CacheOfRelease>,
    pub(crate) listening: Listening,
}

impl GuestCache {
    fn of(&self, function: &str, key: &str) -> Result<(&CacheOfRelease, (String, String)), MisusedCache> {
        let Some(cache) = &self.of_release else {
            return Err(MisusedCache(format!(
                "called `{function}` of the cache where an answer may depend on nothing but its arguments"
            )));
        };
        if key.is_empty() || key.len() > KEY_BYTES {
            return Err(MisusedCache(format!(
                "called `{function}` of the cache with a key of {} bytes; a key has 1 to {KEY_BYTES}",
                key.len()
            )));
        }
        Ok((cache, (cache.release.clone(), key.to_owned())))
    }
}

impl Host for CallState {
    async fn get(&mut self, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        let (of_release, key) = self.cache.of("get", &key)?;
        Ok(self.cache.listening.read(&key.1, || of_release.cache.entries().get(&key, Instant::now())))
    }

    async fn put(&mut self, key: String, value: Vec<u8>, seconds: u32) -> wasmtime::Result<()> {
        let (of_release, key) = self.cache.of("put", &key)?;
        if value.len() > VALUE_BYTES {
            return Err(MisusedCache(format!(
                "put a value of {} bytes into the cache; a value has at most {VALUE_BYTES}",
                value.len()
            ))
            .into());
        }
        let until = Instant::now() + Duration::from_secs(u64::from(seconds)).min(LONGEST);
        of_release.cache.entries().put(key, Entry { value, until });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(of: &str) -> (String, String) {
        ("release".to_owned(), of.to_owned())
    }

    #[test]
    fn a_value_is_kept_for_its_time_and_replaced_by_a_later_one() {
        let (mut entries, now) = (Entries::default(), Instant::now());
        let until = now + Duration::from_secs(60);
        entries.put(key("zone"), Entry { value: b"UTC".to_vec(), until });
        entries.put(key("zone"), Entry { value: b"Europe/Berlin".to_vec(), until });
        assert_eq!(entries.get(&key("zone"), now).as_deref(), Some(&b"Europe/Berlin"[..]));
        assert_eq!(entries.get(&("other".to_owned(), "zone".to_owned()), now), None);
        assert_eq!(entries.get(&key("zone"), until), None);
        assert_eq!((entries.by_key.len(), entries.bytes), (0, 0));
    }

    #[test]
    fn what_was_unused_for_longest_is_dropped_when_there_is_no_room() {
        let (mut entries, now) = (Entries::default(), Instant::now());
        let until = now + Duration::from_secs(60);
        let put = |entries: &mut Entries, of: &str| {
            entries.put(key(of), Entry { value: vec![0; VALUE_BYTES], until });
        };
        ["a", "b", "c"].into_iter().for_each(|of| put(&mut entries, of));
        assert!(entries.get(&key("a"), now).is_some());
        put(&mut entries, "d");
        assert!(entries.bytes <= PLATFORM_BYTES);
        let kept: Vec<bool> = ["a", "b", "c", "d"].iter().map(|of| entries.get(&key(of), now).is_some()).collect();
        assert_eq!(kept, [true, false, true, true]);
    }
}
