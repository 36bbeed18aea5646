//! What an adapter says that it is and can do.

use serde::{Deserialize, Serialize};

use super::{
    creative::Format,
    media_buy::Pacing,
    targeting::{CapScope, Daypart, Dimension, Operator},
};

mod check;
mod coherent;
#[cfg(test)]
mod tests;

/// What a platform can do with one dimension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DimensionSupport {
    /// Which dimension.
    pub dimension: Dimension,
    /// Which operators.
    pub operators: Vec<Operator>,
    /// Every value, or none if any value of the right form is taken.
    pub values: Vec<String>,
    /// For people.
    pub note: String,
}

/// A name for hours of days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaypartPreset {
    /// As a buyer writes it.
    pub name: String,
    /// What it stands for.
    pub schedules: Vec<Daypart>,
}

/// What a platform can do with hours of days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaypartingSupport {
    /// Names that it knows.
    pub presets: Vec<DaypartPreset>,
    /// Whether it takes other hours, too.
    pub custom_schedules: bool,
    /// How many different ranges of hours a package may have.
    pub max_ranges: Option<u32>,
    /// For people.
    pub note: String,
}

/// What a platform can do with frequency caps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrequencyCapSupport {
    /// What it can count over.
    pub scopes: Vec<CapScope>,
    /// Minutes.
    pub min_minutes: u32,
    /// Minutes.
    pub max_minutes: u32,
    /// For people.
    pub note: String,
}

/// What an adapter is and can do, as its `describe` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Capabilities {
    /// The platform's short name.
    pub platform: String,
    /// The platform's name for people.
    pub title: String,
    /// The adapter's own version.
    pub adapter_version: String,
    /// Creative formats.
    pub formats: Vec<Format>,
    /// Targeting, by dimension.
    pub targeting: Vec<DimensionSupport>,
    /// Hours of days; `None`: not at all.
    pub dayparting: Option<DaypartingSupport>,
    /// Frequency caps; `None`: not at all.
    pub frequency_cap: Option<FrequencyCapSupport>,
    /// Pacing.
    pub pacing: Vec<Pacing>,
    /// Price models by their names.
    pub price_models: Vec<String>,
    /// Updates by their names.
    pub updates: Vec<String>,
    /// JSON Schema of the platform settings.
    pub settings_schema: serde_json::Value,
    /// JSON Schema of a product's settings.
    pub product_settings_schema: serde_json::Value,
    /// Requests that only read although their method is not GET or HEAD: `POST /v1/report/queue`.
    pub read_requests: Vec<String>,
    /// Requests that change something although their method is GET: `GET /v1/flight/*/delete`.
    pub write_requests: Vec<String>,
    /// How long a lookup may miss what was written, in milliseconds.
    pub lookup_lag_ms: u32,
    /// The most buys in one batched read.
    pub batch_size: u32,
}
