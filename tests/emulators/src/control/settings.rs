//! Limits and delays a test may set.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::lock;

/// How lists and rows of reports are cut into pages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Paging {
    /// Every page but the last is full.
    #[default]
    Full,
    /// A page without items comes before each full one, and names the next one as any page does. Platforms that filter
    /// what they have read answer so.
    EmptyBetween,
    /// The token of the next page is that of the page itself: the list never ends. Lists whose pages are numbered have no
    /// tokens, and are as full as otherwise.
    SameToken,
}

/// The page of a numbered list that holds what is asked for, and how many pages the list has.
pub(crate) struct NumberedPage {
    /// How many items come before it.
    pub first: usize,
    /// How many items it has at most.
    pub size: usize,
    /// How many pages there are.
    pub pages: usize,
}

impl Paging {
    /// The page of that number, from 1, of so many items.
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

/// The settings: the body and answer of `/__control/settings`. In a `PUT`, what is left out stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// Requests answered per second of real time before 429; 0 is no limit (the default).
    pub rate_limit_per_second: u32,
    /// The largest page a list gives, however many were asked for. 500 is Kevel's own default page.
    pub max_page_size: u32,
    /// Real milliseconds to wait before acting on each request; 0 by default, since the emulators
    /// are also used in benchmarks.
    pub latency_ms: u64,
    /// Real milliseconds for which a new object is missing from lists and searches (not from a read
    /// by its id); 0 by default.
    pub lookup_lag_ms: u64,
    /// How lists are cut into pages.
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

/// The settings of one emulator, with the window the rate limit counts in.
#[derive(Debug, Default)]
pub struct SettingsCell {
    values: Mutex<Settings>,
    window: Mutex<Option<(Instant, u32)>>,
}

impl SettingsCell {
    /// The settings now.
    #[must_use]
    pub fn get(&self) -> Settings {
        *lock(&self.values)
    }

    /// Changes what is given and answers the whole.
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

    /// Back to the defaults.
    pub fn reset(&self) {
        *lock(&self.values) = Settings::default();
        *lock(&self.window) = None;
    }

    /// Counts a request against the rate limit; `Some(seconds)` is how long to wait when over it.
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
        // The window is one second, so one second is always long enough.
        over.then_some(1)
    }
}
