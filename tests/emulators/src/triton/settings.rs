//! What a test may turn besides what every emulator has.

use serde::{Deserialize, Serialize};

/// The settings. In a `PUT`, what is left out stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TritonSettings {
    /// For how many seconds of real time a new token is good; 1,800.
    pub token_lifetime_seconds: u64,
    /// How many times a report is asked for before it is complete; 1 by default.
    pub report_polls: u32,
    /// Whether reports can't be made: those that are asked for from then on end as FAILED.
    pub reports_fail: bool,
}

impl Default for TritonSettings {
    fn default() -> Self {
        Self { token_lifetime_seconds: 1800, report_polls: 1, reports_fail: false }
    }
}

/// A change of some settings.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TritonChange {
    /// See [`TritonSettings::token_lifetime_seconds`].
    pub token_lifetime_seconds: Option<u64>,
    /// See [`TritonSettings::report_polls`].
    pub report_polls: Option<u32>,
    /// See [`TritonSettings::reports_fail`].
    pub reports_fail: Option<bool>,
}

impl TritonSettings {
    /// The settings with a change made.
    #[must_use]
    pub fn with(self, change: TritonChange) -> Self {
        Self {
            token_lifetime_seconds: change.token_lifetime_seconds.unwrap_or(self.token_lifetime_seconds),
            report_polls: change.report_polls.unwrap_or(self.report_polls),
            reports_fail: change.reports_fail.unwrap_or(self.reports_fail),
        }
    }
}
