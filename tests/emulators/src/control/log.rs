//! The requests that the emulator received, in order of arrival.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Mutex,
};

use serde::Serialize;
use time::OffsetDateTime;

use crate::{lock, platform::Credentials};

/// The number of requests that the log keeps. Older ones are dropped (the counts are not). A
/// hundred thousand is a long benchmark and about 30 MB.
pub const KEPT_REQUESTS: usize = 100_000;

/// The state of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// In progress.
    Running,
    /// Answered (the client may have disconnected by then).
    Answered,
    /// The connection was closed without a response.
    Dropped,
}

/// One request.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// The number of the request, counted from 1 since the start or the last clearing.
    pub seq: u64,
    /// The time of arrival, by the emulator's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The HTTP method.
    pub method: String,
    /// Path and query as sent, with secrets replaced by `***`.
    pub path: String,
    /// The path with ids replaced.
    pub route: String,
    /// The result of checking the credentials.
    pub credentials: Credentials,
    /// The state of the request.
    pub outcome: Outcome,
    /// Whether the platform carried it out.
    pub acted: bool,
    /// The status of the response.
    pub status: Option<u16>,
    /// The duration in milliseconds of real time.
    pub ms: u64,
    /// The fault that was applied.
    pub fault: Option<&'static str>,
}

/// The log of one emulator.
#[derive(Debug, Default)]
pub struct RequestLog(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    /// How often the log was cleared: a request from before must not mark an entry from after.
    volume: u64,
    total: u64,
    entries: VecDeque<Entry>,
    counts: BTreeMap<String, u64>,
}

/// The position of an entry, used to update it when its request is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    volume: u64,
    seq: u64,
}

/// The whole log: the response of `GET /__control/requests`.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The number of requests since the start or the last clearing.
    pub total: u64,
    /// The newest requests, oldest first.
    pub requests: Vec<Entry>,
    /// The number of requests by method and route: `"POST /v1/flight": 3`.
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

    /// Returns the whole log.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let pages = lock(&self.0);
        Summary { total: pages.total, requests: pages.entries.iter().cloned().collect(), counts: pages.counts.clone() }
    }

    /// Returns the number of requests with this method and route (`POST`,
    /// `/v1/flight/{id}/creative`).
    #[must_use]
    pub fn count(&self, method: &str, route: &str) -> u64 {
        lock(&self.0).counts.get(&format!("{method} {route}")).copied().unwrap_or(0)
    }

    /// Clears the log and its counts.
    pub fn clear(&self) {
        let mut pages = lock(&self.0);
        let volume = pages.volume + 1;
        *pages = Pages { volume, ..Pages::default() };
    }
}
