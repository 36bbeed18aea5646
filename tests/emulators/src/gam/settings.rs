//! Settings of this platform only: `/__control/gam/settings`.

use serde::{Deserialize, Serialize};

/// The settings. A `PUT` leaves omitted fields unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct GamSettings {
    /// How long a new token is valid, in seconds of real time; 3,600 as at Google.
    pub token_lifetime_seconds: u64,
    /// Whether the account may approve orders. If not, `batchApprove` returns 403, and orders can
    /// only be submitted for approval; a person approves them through the controls.
    pub may_approve: bool,
    /// How long a new guaranteed line item has no forecast, in seconds of the emulator's clock.
    /// Until then, its order can't be approved. Up to an hour at Google; 0 (the default) means
    /// never.
    pub forecast_after_seconds: i64,
    /// How often a report run is polled before it is done; 1 by default: the first response says
    /// "running", the next one "done".
    pub report_polls: u32,
    /// How many report runs may start per hour of the emulator's clock; 250 as at Google.
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
    /// Returns the settings with a change applied.
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
