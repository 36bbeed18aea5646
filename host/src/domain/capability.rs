//! The capabilities that an adapter declares.

use serde::{Deserialize, Serialize};

use super::{
    creative::Format,
    media_buy::Pacing,
    targeting::{CapScope, Daypart, Dimension, Operator},
};

mod check;
mod coherent;
pub mod difference;
mod irreversible;
#[cfg(test)]
mod tests;

/// The support for one targeting dimension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DimensionSupport {
    /// The dimension.
    pub dimension: Dimension,
    /// The supported operators.
    pub operators: Vec<Operator>,
    /// All supported values, or empty if any well-formed value is accepted.
    pub values: Vec<String>,
    /// A note for people.
    pub note: String,
}

/// A named set of hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaypartPreset {
    /// The name, as a buyer writes it.
    pub name: String,
    /// The hours that it stands for.
    pub schedules: Vec<Daypart>,
}

/// The support for dayparting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaypartingSupport {
    /// The presets that buyers can use.
    pub presets: Vec<DaypartPreset>,
    /// Whether hours other than the presets are supported.
    pub custom_schedules: bool,
    /// The maximum number of different ranges of hours in one package; `None` means no limit.
    pub max_ranges: Option<u32>,
    /// A note for people.
    pub note: String,
}

/// The support for frequency caps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrequencyCapSupport {
    /// The supported scopes.
    pub scopes: Vec<CapScope>,
    /// The shortest supported cap, in minutes.
    pub min_minutes: u32,
    /// The longest supported cap, in minutes.
    pub max_minutes: u32,
    /// A note for people.
    pub note: String,
}

/// The description and capabilities of an adapter, as its `describe` returns them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Capabilities {
    /// The platform's short name.
    pub platform: String,
    /// The platform's display name.
    pub title: String,
    /// The version of the adapter.
    pub adapter_version: String,
    /// The supported creative formats.
    pub formats: Vec<Format>,
    /// The supported targeting, by dimension.
    pub targeting: Vec<DimensionSupport>,
    /// Dayparting; `None` if it is not supported.
    pub dayparting: Option<DaypartingSupport>,
    /// Frequency caps; `None` if they are not supported.
    pub frequency_cap: Option<FrequencyCapSupport>,
    /// The supported kinds of pacing.
    pub pacing: Vec<Pacing>,
    /// The names of the supported price models.
    pub price_models: Vec<String>,
    /// The names of the supported updates.
    pub updates: Vec<String>,
    /// The JSON Schema of the platform settings.
    pub settings_schema: serde_json::Value,
    /// The JSON Schema of a product's settings.
    pub product_settings_schema: serde_json::Value,
    /// Requests that only read although their method is not GET or HEAD: `POST /v1/report/queue`.
    pub read_requests: Vec<String>,
    /// Requests that write although their method is GET: `GET /v1/flight/*/delete`.
    pub write_requests: Vec<String>,
    /// How long a lookup may miss an object that was written, in milliseconds.
    pub lookup_lag_ms: u32,
    /// The maximum number of buys in one batched read.
    pub batch_size: u32,
    /// Whether a cancel stops the delivery. `false` if the platform can neither stop nor remove what
    /// was made.
    pub cancels: bool,
    /// How the platform counts delivery.
    pub counting: Counting,
}

/// The update that pauses and resumes.
const ACTIVE: &str = "active";

/// How a platform counts delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counting {
    /// By day.
    Daily,
    /// Only totals since the start of the flight.
    Cumulative,
}
