//! The adapter's description of itself and its capabilities.

use flightdeck_adapter::prelude::*;

use crate::{caps, creative, inferred, line_item, regions, settings, targeting, words::Catalog};

/// Requests that only read although they are not `GET`s: a report is defined and run in order to be
/// read.
const READ_REQUESTS: [&str; 2] = ["POST /v1/networks/*/reports", "POST /v1/networks/*/reports/*"];

/// The most buys per batched read: about a dozen requests, on a network that accepts two to eight
/// per second.
const BATCH_SIZE: u32 = 200;

/// Returns the description of this adapter.
#[must_use]
pub fn description() -> Description {
    Description {
        platform: "gam".to_owned(),
        title: "Google Ad Manager".to_owned(),
        adapter_version: env!("CARGO_PKG_VERSION").to_owned(),
        formats: creative::FORMATS.to_vec(),
        targeting: targeting::DIMENSIONS.iter().map(dimension).collect(),
        // The REST API's targeting has no dayparting.
        dayparting: None,
        frequency_cap: Some(FrequencyCapSupport {
            scopes: vec![CapScope::Package],
            min_minutes: 1,
            max_minutes: caps::LONGEST_MINUTES,
            note: caps::NOTE.to_owned(),
            extensions: Vec::new(),
        }),
        pacing: vec![Pacing::Even, Pacing::Asap, Pacing::FrontLoaded],
        price_models: vec![
            PriceModel::Cpm,
            PriceModel::Cpc,
            PriceModel::Cpcv,
            PriceModel::Flat,
            PriceModel::Other(line_item::CPD.to_owned()),
        ],
        updates: vec![
            UpdateKind::Active,
            UpdateKind::TotalBudget,
            UpdateKind::EndDate,
            UpdateKind::Targeting,
            UpdateKind::Pacing,
            UpdateKind::Budget,
            UpdateKind::Impressions,
            UpdateKind::Price,
            UpdateKind::CreativeAssignments,
        ],
        settings_schema: settings::PLATFORM_SCHEMA.to_owned(),
        product_settings_schema: settings::PRODUCT_SCHEMA.to_owned(),
        read_requests: READ_REQUESTS.map(str::to_owned).to_vec(),
        write_requests: Vec::new(),
        lookup_lag_ms: inferred::LOOKUP_LAG_MS,
        batch_size: BATCH_SIZE,
        cancel: CancelSupport::Stops,
        delivery_counting: DeliveryCounting::Daily,
        extensions: Vec::new(),
    }
}

fn dimension(dimension: &Dimension) -> DimensionSupport {
    let (values, note) = match Catalog::of(dimension) {
        Some(catalog) => (catalog.words().iter().map(|names| names.word.to_owned()).collect(), String::new()),
        None => (Vec::new(), note(dimension)),
    };
    let operators = match dimension {
        // According to its page on geographic targeting, postal codes can't be excluded.
        Dimension::GeoPostal => vec![Operator::AnyOf],
        _ => vec![Operator::AnyOf, Operator::NoneOf],
    };
    DimensionSupport { dimension: dimension.clone(), operators, values, note, extensions: Vec::new() }
}

fn note(dimension: &Dimension) -> String {
    match dimension {
        Dimension::GeoCountry => "ISO 3166-1 alpha-2, as US".to_owned(),
        Dimension::GeoRegion => format!(
            "ISO 3166-2, as US-CA, of {}, and those that the publisher has configured",
            regions::COUNTRIES.join(", ")
        ),
        Dimension::GeoMetro => "Nielsen DMA codes of the United States, as 501".to_owned(),
        Dimension::GeoCity => "a city with its region or country, as Toronto, CA-ON, or its criteria id".to_owned(),
        Dimension::GeoPostal => "country and postal code, as US:10001".to_owned(),
        _ => "an audience segment's id on the network".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_is_one_that_the_host_takes() {
        let description = description();
        assert_eq!(description.platform, "gam");
        for schema in [&description.settings_schema, &description.product_settings_schema] {
            assert!(matches!(Json::parse(schema), Ok(Json::Object(_))));
        }
        let devices = description.targeting.iter().find(|support| support.dimension == Dimension::DeviceType).unwrap();
        assert_eq!(devices.values, ["mobile", "desktop", "tablet", "ctv"]);
        let postal = description.targeting.iter().find(|support| support.dimension == Dimension::GeoPostal).unwrap();
        assert_eq!(postal.operators, [Operator::AnyOf]);
        assert!(description.targeting.iter().all(|support| !support.note.is_empty() || !support.values.is_empty()));
    }
}
