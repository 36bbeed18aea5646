//! The adapter's description of itself and its capabilities.

use flightdeck_adapter::prelude::*;

use crate::{caps, creative, hours, inferred, settings, targeting};

/// Requests that only read although they are not `GET`s.
const READ_REQUESTS: [&str; 3] = ["POST /v1/campaign/search", "POST /v1/report/queue", "POST /v1/instantcounts/bulk"];

/// Requests that delete although they are `GET`s.
const WRITE_REQUESTS: [&str; 6] = [
    "GET /v1/campaign/*/delete",
    "GET /v1/flight/*/delete",
    "GET /v1/flight/*/creative/*/delete",
    "GET /v1/flight/*/geotargeting/*/delete",
    "GET /v1/flight/*/sitezonetargeting/*/delete",
    "GET /v1/creative/*/delete",
];

/// The most buys per batched read. A status reads lists of everything that an advertiser has, so
/// many buys cost little more than a few.
const BATCH_SIZE: u32 = 500;

/// Returns the description of this adapter.
#[must_use]
pub fn description() -> Description {
    Description {
        platform: "kevel".to_owned(),
        title: "Kevel".to_owned(),
        adapter_version: env!("CARGO_PKG_VERSION").to_owned(),
        formats: creative::FORMATS.to_vec(),
        targeting: targeting::DIMENSIONS.iter().map(dimension).collect(),
        dayparting: Some(DaypartingSupport {
            presets: Vec::new(),
            custom_schedules: true,
            max_ranges: None,
            note: format!("Hours in the time zone that is named, also over midnight. {}", hours::CLOCK),
            extensions: Vec::new(),
        }),
        frequency_cap: Some(FrequencyCapSupport {
            scopes: vec![CapScope::MediaBuy, CapScope::Package],
            min_minutes: caps::MIN_MINUTES,
            max_minutes: caps::MAX_MINUTES,
            note: format!(
                "Counted are {}. A cap of the media buy holds for all of its packages on Kevel. {}",
                caps::periods(),
                caps::NEEDS_A_USER
            ),
            extensions: Vec::new(),
        }),
        pacing: vec![Pacing::Even, Pacing::Asap],
        price_models: vec![PriceModel::Cpm, PriceModel::Cpc, PriceModel::Flat],
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
        write_requests: WRITE_REQUESTS.map(str::to_owned).to_vec(),
        lookup_lag_ms: inferred::LOOKUP_LAG_MS,
        batch_size: BATCH_SIZE,
        cancel: CancelSupport::Stops,
        delivery_counting: DeliveryCounting::Daily,
        extensions: Vec::new(),
    }
}

fn dimension(dimension: &Dimension) -> DimensionSupport {
    fn words<T>(list: &[(&'static str, T)]) -> Vec<String> {
        list.iter().map(|(word, _)| (*word).to_owned()).collect()
    }
    let (values, note) = match dimension {
        Dimension::GeoCountry => (Vec::new(), "ISO 3166-1 alpha-2, as US"),
        Dimension::GeoRegion => (Vec::new(), "ISO 3166-2 with two or three characters after the country, as US-CA"),
        Dimension::GeoMetro => (Vec::new(), "Nielsen DMA codes of the United States, as 501"),
        Dimension::GeoCity => (Vec::new(), "a city with its region or country, as Toronto, CA-ON"),
        Dimension::GeoPostal => (Vec::new(), "country and postal code, as US:10001"),
        Dimension::DeviceType => (words(&inferred::FORM_FACTORS), ""),
        Dimension::Os => (words(&inferred::SYSTEMS), ""),
        Dimension::Browser => (words(&inferred::BROWSERS), ""),
        _ => (Vec::new(), "ISO 639-1, as en"),
    };
    DimensionSupport {
        dimension: dimension.clone(),
        operators: vec![Operator::AnyOf, Operator::NoneOf],
        values,
        note: note.to_owned(),
        extensions: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_is_the_same_at_every_call_and_complete() {
        let description = description();
        assert_eq!(description, super::description());
        assert_eq!(description.platform, "kevel");
        assert_eq!(description.targeting.len(), targeting::DIMENSIONS.len());
        let devices = description.targeting.iter().find(|support| support.dimension == Dimension::DeviceType).unwrap();
        assert_eq!(devices.values, ["mobile", "desktop", "tablet"]);
        assert!(description.read_requests.contains(&"POST /v1/report/queue".to_owned()));
    }
}
