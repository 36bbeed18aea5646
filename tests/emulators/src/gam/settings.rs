//! What a test may turn on this platform only: `/__control/gam/settings`.

use serde::{Deserialize, Serialize};

/// The settings. In a `PUT`, what is left out stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct GamSettings {
    /// For how many seconds of real time a new token is good; 3,600 as at Google.
    pub token_lifetime_seconds: u64,
    /// Whether the account may approve orders. If not, `batchApprove` is 403 and orders can only be
    /// submitted for approval; a person approves them through the controls.
    pub may_approve: bool,
    /// For how many seconds of the emulator's clock a new guaranteed line item has no forecast, so
    /// that its order can't be approved. Up to an hour at Google; 0 (the default) is never.
    pub forecast_after_seconds: i64,
    /// How many times a report run is asked for before it is done; 1 by default: the first answer
    /// says "running", the next one "done".
    pub report_polls: u32,
    /// How many report runs may begin in an hour of the emulator's clock; 250 as at Google.
    pub report_runs_per_hour: usize,
}

impl Default for GamSettings {
    fn default() -> Self {
        Self {
            token_lifetime_seconds: 3600,
            may_approve: true,
            forecast_after_seconds: 0,
            report_polls: 1,
            report_runs_per_hour: 250,
        }
    }
}

/// A change of some settings.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GamChange {
    /// See [`GamSettings::token_lifetime_seconds`].
    pub token_lifetime_seconds: Option<u64>,
    /// See [`GamSettings::may_approve`].
    pub may_approve: Option<bool>,
    /// See [`GamSettings::forecast_after_seconds`].
    pub forecast_after_seconds: Option<i64>,
    /// See [`GamSettings::report_polls`].
    pub report_polls: Option<u32>,
    /// See [`GamSettings::report_runs_per_hour`].
    pub report_runs_per_hour: Option<usize>,
}

impl GamSettings {
    /// The settings with a change made.
    #[must_use]
    pub fn with(self, change: GamChange) -> Self {
        Self {
            token_lifetime_seconds: change.token_lifetime_seconds.unwrap_or(self.token_lifetime_seconds),
            may_approve: change.may_approve.unwrap_or(self.may_approve),
            forecast_after_seconds: change.forecast_after_seconds.unwrap_or(self.forecast_after_seconds),
            report_polls: change.report_polls.unwrap_or(self.report_polls),
            report_runs_per_hour: change.report_runs_per_hour.unwrap_or(self.report_runs_per_hour),
        }
    }
}
