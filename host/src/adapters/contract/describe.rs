//! An adapter's description of itself.

use flightdeck_bindings::v1::flightdeck::ad_server::adapter_types as wit;
use serde_json::Value;

use super::{
    Bad, bad, check,
    words::{
        cap_scope_from, day_from, dimension_from, format_from, operator_from, pacing_from, price_model, update_kind,
    },
};
use crate::{
    adapters::egress::Requests,
    domain::{
        capability::{Capabilities, Counting, DaypartPreset, DaypartingSupport, DimensionSupport, FrequencyCapSupport},
        targeting::Daypart,
    },
};

/// Bytes of a JSON Schema.
const SCHEMA: usize = 256 * 1024;

/// Values of one targeting dimension. Every city of the world would be 100,000.
const VALUES: usize = 200_000;

/// Maximum buys in one batched read, whatever the adapter declares: their answers must fit into a
/// result.
const BATCH: u32 = 1_000;

/// Maximum lookup lag that is accepted between a write and its being found: one hour.
const LAG_MS: u32 = 3_600_000;

/// Reads a description. Values unknown to this host (a new dimension, a new pacing) are left out,
/// because they can't be requested either.
pub(crate) fn capabilities(said: wit::Description) -> Result<(Capabilities, Requests), Bad> {
    let named = |name: &str| {
        name.len() <= 40
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-')
    };
    if !named(&said.platform) {
        bad!(
            "calls its platform `{}`; a platform's name is lower-case letters, digits, - and _, a letter first",
            check::cut(&said.platform, 60)
        );
    }
    let reads = check::list("read requests", said.read_requests, check::NOTES)?;
    let writes = check::list("write requests", said.write_requests, check::NOTES)?;
    let declared = Requests::parse(&reads, &writes)
        .map_err(|error| Bad(format!("declares a request that can't be: {}", check::cut(&error.to_string(), 500))))?;
    let mut targeting = Vec::new();
    for support in check::list("targeting dimensions", said.targeting, check::NOTES)? {
        let Some(dimension) = dimension_from(&support.dimension) else { continue };
        targeting.push(DimensionSupport {
            dimension,
            operators: support.operators.into_iter().map(operator_from).collect(),
            values: check::list("values of a dimension", support.values, VALUES)?,
            note: check::text("note", support.note, check::LONG)?,
        });
    }
    let capabilities = Capabilities {
        platform: said.platform,
        title: check::named("title", said.title)?,
        adapter_version: check::named("version", said.adapter_version)?,
        formats: said.formats.iter().filter_map(format_from).collect(),
        targeting,
        dayparting: said.dayparting.map(dayparting).transpose()?,
        frequency_cap: said.frequency_cap.map(frequency_cap).transpose()?,
        pacing: said.pacing.iter().filter_map(pacing_from).collect(),
        price_models: said.price_models.into_iter().map(price_model).collect::<Result<_, _>>()?,
        updates: said.updates.into_iter().map(update_kind).collect::<Result<_, _>>()?,
        settings_schema: schema("settings-schema", &said.settings_schema)?,
        product_settings_schema: schema("product-settings-schema", &said.product_settings_schema)?,
        read_requests: reads,
        write_requests: writes,
        lookup_lag_ms: said.lookup_lag_ms.min(LAG_MS),
        batch_size: said.batch_size.clamp(1, BATCH),
        cancels: match said.cancel {
            wit::CancelSupport::Stops => true,
            wit::CancelSupport::Unsupported => false,
            wit::CancelSupport::Other(word) => {
                bad!("declares the cancel `{}`, which this host does not know", check::cut(&word, 60))
            }
        },
        counting: match said.delivery_counting {
            wit::DeliveryCounting::Daily => Counting::Daily,
            wit::DeliveryCounting::Cumulative => Counting::Cumulative,
            wit::DeliveryCounting::Other(word) => {
                bad!("declares the delivery counting `{}`, which this host does not know", check::cut(&word, 60))
            }
        },
    };
    if let Some(incoherence) = capabilities.incoherence() {
        bad!("{incoherence}");
    }
    Ok((capabilities, declared))
}

fn schema(what: &str, text: &str) -> Result<Value, Bad> {
    if text.len() > SCHEMA {
        bad!("has a {what} of {} bytes; at most {SCHEMA} are taken", text.len());
    }
    let schema: Value =
        serde_json::from_str(text).map_err(|error| Bad(format!("has a {what} that is no JSON: {error}")))?;
    if let Err(error) = jsonschema::validator_for(&schema) {
        bad!("has a {what} that is no JSON Schema: {}", check::cut(&error.to_string(), 300));
    }
    Ok(schema)
}

fn dayparting(support: wit::DaypartingSupport) -> Result<DaypartingSupport, Bad> {
    let mut presets = Vec::new();
    for preset in check::list("daypart presets", support.presets, check::ITEMS)? {
        let schedules = check::list("schedules of a preset", preset.schedules, check::ITEMS)?;
        let schedules = schedules.into_iter().map(|hours| {
            if hours.days.is_empty()
                || hours.start_hour > 23
                || hours.end_hour > 24
                || hours.end_hour <= hours.start_hour
            {
                bad!("has a daypart preset with hours from {} to {}", hours.start_hour, hours.end_hour);
            }
            Ok(Daypart {
                days: hours.days.into_iter().map(day_from).collect(),
                start_hour: hours.start_hour,
                end_hour: hours.end_hour,
            })
        });
        let name = check::named("daypart preset", preset.name)?;
        presets.push(DaypartPreset { name, schedules: schedules.collect::<Result<_, _>>()? });
    }
    Ok(DaypartingSupport {
        presets,
        custom_schedules: support.custom_schedules,
        max_ranges: support.max_ranges,
        note: check::text("note", support.note, check::LONG)?,
    })
}

fn frequency_cap(support: wit::FrequencyCapSupport) -> Result<FrequencyCapSupport, Bad> {
    if support.min_minutes > support.max_minutes {
        bad!("takes frequency caps from {} to {} minutes", support.min_minutes, support.max_minutes);
    }
    Ok(FrequencyCapSupport {
        scopes: support.scopes.iter().filter_map(cap_scope_from).collect(),
        min_minutes: support.min_minutes,
        max_minutes: support.max_minutes,
        note: check::text("note", support.note, check::LONG)?,
    })
}
