//! The dimensions and metrics that the emulator can compute. Google has hundreds; a report that
//! asks for another one is refused as the emulator's own limit, so that nobody reads wrong numbers.

use serde_json::Value;

use super::{
    refusal::{Refusal, Status},
    schema::Object,
};

const DIMENSIONS: &[&str] = &[
    "LINE_ITEM_ID",
    "LINE_ITEM_NAME",
    "DATE",
    "ORDER_ID",
    "ORDER_NAME",
    "ADVERTISER_ID",
    "LINE_ITEM_ENVIRONMENT_TYPE",
];
const METRICS: &[&str] = &[
    "IMPRESSIONS",
    "CLICKS",
    "REVENUE",
    "AD_SERVER_IMPRESSIONS",
    "AD_SERVER_CLICKS",
    "AD_SERVER_REVENUE",
    "AD_SERVER_COMPLETED_VIEWS",
    "VIDEO_VIEWERSHIP_COMPLETES",
];

/// Checks the fields of a report definition, in its lists and in its filters.
///
/// # Errors
/// [`Refusal`] with the first field that the emulator can't compute.
pub(super) fn check(definition: &Object) -> Result<(), Refusal> {
    definition.iter().try_for_each(|(name, value)| each(name, value))
}

fn each(name: &str, value: &Value) -> Result<(), Refusal> {
    match value {
        Value::Object(inner) => check(inner),
        Value::Array(items) => items.iter().try_for_each(|item| each(name, item)),
        Value::String(field) => {
            let known = match name {
                "dimension" | "dimensions" => DIMENSIONS,
                "metric" | "metrics" => METRICS,
                _ => return Ok(()),
            };
            if known.contains(&field.as_str()) {
                return Ok(());
            }
            let why = format!("the emulator can't compute {field}; it has {}", known.join(", "));
            Err(Refusal::new(Status::Unimplemented, "NOT_EMULATED", why))
        }
        _ => Ok(()),
    }
}
