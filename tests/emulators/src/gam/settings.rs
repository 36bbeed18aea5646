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
    /// How many impressions a guaranteed line item may reserve; without limit by default. A
    /// reservation of more is refused with `NOT_ENOUGH_INVENTORY`, unless the request overbooks or
    /// skips the check.
    pub available_impressions: Option<i64>,
    /// Whether line items that have all of their creatives are activated; true by default. A
    /// network may turn that off.
    pub auto_activate: bool,
    /// Whether the network is one of Ad Manager 360; false by default.
    pub ad_manager_360: bool,
    /// Whether the credit status of every advertiser is ON_HOLD; false by default.
    pub credit_on_hold: bool,
    /// The hours that the network's days are ahead of UTC; 0 by default. With -5, the network's
    /// time zone is `Etc/GMT+5`, which IANA counts the other way round.
    pub hours_ahead_of_utc: i8,
    /// Whether every report has a row that can't be read among the others; false by default.
    pub odd_report_row: bool,
}

impl Default for GamSettings {
    fn default() -> Self {
        Self {
            token_lifetime_seconds: 3600,
            may_approve: true,
            forecast_after_seconds: 0,
            report_polls: 1,
            report_runs_per_hour: 250,
            available_impressions: None,
            auto_activate: true,
            ad_manager_360: false,
            credit_on_hold: false,
            hours_ahead_of_utc: 0,
            odd_report_row: false,
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
    /// See [`GamSettings::available_impressions`]; a negative number means without limit.
    pub available_impressions: Option<i64>,
    /// See [`GamSettings::auto_activate`].
    pub auto_activate: Option<bool>,
    /// See [`GamSettings::ad_manager_360`].
    pub ad_manager_360: Option<bool>,
    /// See [`GamSettings::credit_on_hold`].
    pub credit_on_hold: Option<bool>,
    /// See [`GamSettings::hours_ahead_of_utc`].
    pub hours_ahead_of_utc: Option<i8>,
    /// See [`GamSettings::odd_report_row`].
    pub odd_report_row: Option<bool>,
}

impl GamSettings {
    /// Returns the network's time zone.
    #[must_use]
    pub fn time_zone(&self) -> String {
        match self.hours_ahead_of_utc {
            0 => "Etc/UTC".to_owned(),
            ahead if ahead > 0 => format!("Etc/GMT-{ahead}"),
            behind => format!("Etc/GMT+{}", behind.unsigned_abs()),
        }
    }

    /// Returns the settings with a change applied.
    #[must_use]
    pub fn with(self, change: GamChange) -> Self {
        Self {
            token_lifetime_seconds: change.token_lifetime_seconds.unwrap_or(self.token_lifetime_seconds),
            may_approve: change.may_approve.unwrap_or(self.may_approve),
            forecast_after_seconds: change.forecast_after_seconds.unwrap_or(self.forecast_after_seconds),
            report_polls: change.report_polls.unwrap_or(self.report_polls),
            report_runs_per_hour: change.report_runs_per_hour.unwrap_or(self.report_runs_per_hour),
            available_impressions: match change.available_impressions {
                None => self.available_impressions,
                some => some.filter(|available| *available >= 0),
            },
            auto_activate: change.auto_activate.unwrap_or(self.auto_activate),
            ad_manager_360: change.ad_manager_360.unwrap_or(self.ad_manager_360),
            credit_on_hold: change.credit_on_hold.unwrap_or(self.credit_on_hold),
            hours_ahead_of_utc: change.hours_ahead_of_utc.unwrap_or(self.hours_ahead_of_utc),
            odd_report_row: change.odd_report_row.unwrap_or(self.odd_report_row),
        }
    }
}
