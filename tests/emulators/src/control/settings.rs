//! Limits and delays that a test may set.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::lock;

/// How lists and rows of reports are split into pages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Paging {
    /// Every page except the last is full.
    #[default]
    Full,
    /// An empty page comes before each full one, with a link to the next page as usual. Platforms
    /// that filter after reading do this.
    EmptyBetween,
    /// The token of the next page is that of the current page: the list never ends. Lists with
    /// numbered pages have no tokens and behave as with `Full`.
    SameToken,
}

/// A page of a numbered list, and the number of its pages.
pub(crate) struct NumberedPage {
    /// The number of items before it.
    pub first: usize,
    /// The maximum number of items on it.
    pub size: usize,
    /// The number of pages in the list.
    pub pages: usize,
}

impl Paging {
    /// Returns the page with this number, counted from 1, of a list of `total` items.
    pub(crate) fn numbered(self, number: usize, size: usize, total: usize) -> NumberedPage {
        let full = total.div_ceil(size);
        let first = |number: usize| number.saturating_sub(1).saturating_mul(size);
        match self {
            Self::EmptyBetween if number % 2 == 1 => NumberedPage { first: 0, size: 0, pages: full * 2 },
            Self::EmptyBetween => NumberedPage { first: first(number / 2), size, pages: full * 2 },
            Self::Full | Self::SameToken => NumberedPage { first: first(number), size, pages: full },
        }
    }
}

/// The settings: the body and response of `/__control/settings`. A `PUT` leaves omitted fields
/// unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// Requests answered per second of real time before 429; 0 (the default) is no limit.
    pub rate_limit_per_second: u32,
    /// The largest page of a list, whatever the request asks for. 500 is Kevel's own default.
    pub max_page_size: u32,
    /// How long to wait before acting on each request, in milliseconds of real time; 0 by default,
    /// because the emulators are also used in benchmarks.
    pub latency_ms: u64,
    /// How long a new object is missing from lists and searches (but not from a read by its id), in
    /// milliseconds of real time; 0 by default.
    pub lookup_lag_ms: u64,
    /// How lists are split into pages.
    pub paging: Paging,
}

impl Default for Settings {
    fn default() -> Self {
        Self { rate_limit_per_second: 0, max_page_size: 500, latency_ms: 0, lookup_lag_ms: 0, paging: Paging::Full }
    }
}

/// A change of some settings.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Change {
    /// See [`Settings::rate_limit_per_second`].
    pub rate_limit_per_second: Option<u32>,
    /// See [`Settings::max_page_size`].
    pub max_page_size: Option<u32>,
    /// See [`Settings::latency_ms`].
    pub latency_ms: Option<u64>,
    /// See [`Settings::lookup_lag_ms`].
    pub lookup_lag_ms: Option<u64>,
    /// See [`Settings::paging`].
    pub paging: Option<Paging>,
}

/// The settings of one emulator, with the window of the rate limit.
#[derive(Debug, Default)]
pub struct SettingsCell {
    values: Mutex<Settings>,
    window: Mutex<Option<(Instant, u32)>>,
}

impl SettingsCell {
    /// Returns the current settings.
    #[must_use]
    pub fn get(&self) -> Settings {
        *lock(&self.values)
    }

    /// Changes the given settings and returns all of them.
    pub fn change(&self, change: Change) -> Settings {
        let mut held = lock(&self.values);
        let old = *held;
        *held = Settings {
            rate_limit_per_second: change.rate_limit_per_second.unwrap_or(old.rate_limit_per_second),
            max_page_size: change.max_page_size.unwrap_or(old.max_page_size).max(1),
            latency_ms: change.latency_ms.unwrap_or(old.latency_ms),
            lookup_lag_ms: change.lookup_lag_ms.unwrap_or(old.lookup_lag_ms),
            paging: change.paging.unwrap_or(old.paging),
        };
        *held
    }

    /// Resets everything to the defaults.
    pub fn reset(&self) {
        *lock(&self.values) = Settings::default();
        *lock(&self.window) = None;
    }

    /// Counts a request against the rate limit. Returns how many seconds to wait if it is exceeded.
    pub(crate) fn over_limit(&self) -> Option<u64> {
        let limit = self.get().rate_limit_per_second;
        if limit == 0 {
            return None;
        }
        let mut window = lock(&self.window);
        let now = Instant::now();
        let (since, used) =
            window.filter(|(since, _)| now.duration_since(*since) < Duration::from_secs(1)).unwrap_or((now, 0));
        let over = used >= limit;
        *window = Some((since, if over { used } else { used + 1 }));
        // The window is one second, so one second is always enough.
        over.then_some(1)
    }
}
