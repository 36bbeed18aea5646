//! Settings of this platform only, in addition to those of every emulator.

use serde::{Deserialize, Serialize};

/// The settings. A `PUT` leaves omitted fields unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TritonSettings {
    /// How long a new token is valid, in seconds of real time; 1,800 by default.
    pub token_lifetime_seconds: u64,
    /// How often a report is polled before it is complete; 1 by default.
    pub report_polls: u32,
    /// Whether reports fail: those requested while this is set end as FAILED.
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
    /// Returns the settings with a change applied.
    #[must_use]
    pub fn with(self, change: TritonChange) -> Self {
        Self {
            token_lifetime_seconds: change.token_lifetime_seconds.unwrap_or(self.token_lifetime_seconds),
            report_polls: change.report_polls.unwrap_or(self.report_polls),
            reports_fail: change.reports_fail.unwrap_or(self.reports_fail),
        }
    }
}
