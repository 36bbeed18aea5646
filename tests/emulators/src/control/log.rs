//! What was asked of the emulator, in order of arrival.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Mutex,
};

use serde::Serialize;
use time::OffsetDateTime;

use crate::{lock, platform::Credentials};

/// How many requests the log keeps; older ones are forgotten (the counts are not). A hundred
/// thousand is a long benchmark and about 30 MB.
pub const KEPT_REQUESTS: usize = 100_000;

/// How a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Not done yet.
    Running,
    /// Answered (the client may have been gone by then).
    Answered,
    /// The connection was closed without an answer.
    Dropped,
}

/// One request.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Counted from 1 since the start or the last clearing.
    pub seq: u64,
    /// When it arrived, by the emulator's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The HTTP method.
    pub method: String,
    /// Path and query as sent, secrets replaced by `***`.
    pub path: String,
    /// The path with ids replaced.
    pub route: String,
    /// What the credentials were worth.
    pub credentials: Credentials,
    /// How it stands.
    pub outcome: Outcome,
    /// Whether the platform carried it out.
    pub acted: bool,
    /// The status answered.
    pub status: Option<u16>,
    /// Real milliseconds it took.
    pub ms: u64,
    /// The fault that met it.
    pub fault: Option<&'static str>,
}

/// The log of one emulator.
#[derive(Debug, Default)]
pub struct RequestLog(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    /// How often the log was cleared: a request from before must not mark one from after.
    volume: u64,
    total: u64,
    entries: VecDeque<Entry>,
    counts: BTreeMap<String, u64>,
}

/// Where an entry is, to be marked when its request is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    volume: u64,
    seq: u64,
}

/// The log as a whole: the answer of `GET /__control/requests`.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// How many requests came since the start or the last clearing.
    pub total: u64,
    /// The newest of them, oldest first.
    pub requests: Vec<Entry>,
    /// How many by method and route: `"POST /v1/flight": 3`.
    pub counts: BTreeMap<String, u64>,
}

impl RequestLog {
    pub(crate) fn begin(&self, mut entry: Entry) -> Line {
        let mut pages = lock(&self.0);
        pages.total += 1;
        entry.seq = pages.total;
        *pages.counts.entry(format!("{} {}", entry.method, entry.route)).or_default() += 1;
        if pages.entries.len() == KEPT_REQUESTS {
            pages.entries.pop_front();
        }
        let line = Line { volume: pages.volume, seq: entry.seq };
        pages.entries.push_back(entry);
        line
    }

    pub(crate) fn mark(&self, line: Line, change: impl FnOnce(&mut Entry)) {
        let mut pages = lock(&self.0);
        let first = pages.entries.front().map_or(u64::MAX, |entry| entry.seq);
        if pages.volume != line.volume || line.seq < first {
            return;
        }
        if let Ok(index) = usize::try_from(line.seq - first)
            && let Some(entry) = pages.entries.get_mut(index)
        {
            change(entry);
        }
    }

    /// The whole log.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let pages = lock(&self.0);
        Summary { total: pages.total, requests: pages.entries.iter().cloned().collect(), counts: pages.counts.clone() }
    }

    /// How many requests had this method and route (`POST`, `/v1/flight/{id}/creative`).
    #[must_use]
    pub fn count(&self, method: &str, route: &str) -> u64 {
        lock(&self.0).counts.get(&format!("{method} {route}")).copied().unwrap_or(0)
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let mut pages = lock(&self.0);
        let volume = pages.volume + 1;
        *pages = Pages { volume, ..Pages::default() };
    }
}
