//! The adapter's description of itself and its capabilities.

use flightdeck_adapter::prelude::*;

use crate::{caps, hours, inferred, settings, targeting};

/// Requests that only read although they are not `GET`s: a report is requested in order to be read.
const READ_REQUESTS: [&str; 1] = ["POST /v1/reports"];

/// The most buys per batched read: five requests for campaigns, and as many for flights.
const BATCH_SIZE: u32 = 500;

/// Returns the description of this adapter.
#[must_use]
pub fn description() -> Description {
    let preset = |(name, ..): &(&str, u8, u8)| DaypartPreset {
        name: (*name).to_owned(),
        schedules: hours::preset(name).into_iter().collect(),
    };
    Description {
        platform: "triton".to_owned(),
        title: "Triton Digital".to_owned(),
        adapter_version: env!("CARGO_PKG_VERSION").to_owned(),
        formats: vec![CreativeFormat::Audio],
        targeting: targeting::DIMENSIONS.iter().map(dimension).collect(),
        dayparting: Some(DaypartingSupport {
            presets: hours::PRESETS.iter().map(preset).collect(),
            custom_schedules: true,
            max_ranges: None,
            note: "Hours are those of the stations' own clock. The time zone has to be that of all of the product's \
                   stations, unless the publisher has set that hours are each station's own; the plan says which."
                .to_owned(),
            extensions: Vec::new(),
        }),
        frequency_cap: Some(FrequencyCapSupport {
            scopes: vec![CapScope::Package],
            min_minutes: caps::MIN_MINUTES,
            max_minutes: caps::MAX_MINUTES,
            note: format!("{} A cap of the media buy is taken where it has one package.", caps::NOTE),
            extensions: Vec::new(),
        }),
        pacing: vec![Pacing::Even, Pacing::Asap, Pacing::FrontLoaded],
        price_models: vec![PriceModel::Cpm],
        updates: vec![
            UpdateKind::Active,
            UpdateKind::TotalBudget,
            UpdateKind::EndDate,
            UpdateKind::Targeting,
            UpdateKind::Pacing,
            UpdateKind::DailyBudget,
            UpdateKind::Budget,
            UpdateKind::Impressions,
            UpdateKind::Price,
            UpdateKind::DailyImpressions,
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
    let (values, note) = match dimension {
        Dimension::GeoCountry => (Vec::new(), "ISO 3166-1 alpha-2, as US"),
        Dimension::GeoRegion => (Vec::new(), "ISO 3166-2, as US-CA"),
        Dimension::GeoMetro => (Vec::new(), "Nielsen DMA codes of the United States, as 501"),
        Dimension::GeoCity => (Vec::new(), "a city's id in GeoNames, as 6167865"),
        Dimension::GeoPostal => (Vec::new(), "country and postal code, as US:10001"),
        Dimension::DeviceType => (inferred::DEVICES.iter().map(|(word, _)| (*word).to_owned()).collect(), ""),
        Dimension::ContentGenre => (Vec::new(), "a genre of a station, as news"),
        Dimension::AudienceSegment => (Vec::new(), "a segment's id on the data management platform"),
        Dimension::MediaType => (vec!["audio".to_owned()], ""),
        _ => (Vec::new(), "ISO 639-1, as en"),
    };
    let operators = match dimension {
        Dimension::MediaType => vec![Operator::AnyOf],
        _ => vec![Operator::AnyOf, Operator::NoneOf],
    };
    DimensionSupport { dimension: dimension.clone(), operators, values, note: note.to_owned(), extensions: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_is_one_that_the_host_takes() {
        let description = description();
        assert_eq!((description.platform.as_str(), description.formats.len()), ("triton", 1));
        for schema in [&description.settings_schema, &description.product_settings_schema] {
            assert!(matches!(Json::parse(schema), Ok(Json::Object(_))));
        }
        let presets = description.dayparting.unwrap().presets;
        assert!(presets.iter().all(|preset| preset.schedules.len() == 1));
        assert_eq!(presets[0].name, "drive_time_morning");
        assert!(description.targeting.iter().all(|support| !support.note.is_empty() || !support.values.is_empty()));
    }
}
