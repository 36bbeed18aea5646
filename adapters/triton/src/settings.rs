//! The publisher's settings for the platform and for a product on it. Their JSON Schemas are in
//! `schemas/`.

use flightdeck_adapter::{
    naming::{Buyer, Template},
    prelude::*,
    settings::read,
};
use serde::Deserialize;

use crate::{
    days::Zone,
    inferred::{priority, rate_basis},
};

/// The JSON Schema of [`Platform`].
pub const PLATFORM_SCHEMA: &str = include_str!("../schemas/platform.json");
/// The JSON Schema of [`Product`].
pub const PRODUCT_SCHEMA: &str = include_str!("../schemas/product.json");

/// Settings of the platform.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Platform {
    /// The name under which the operator configured the platform. Buyers' `custom` targeting uses
    /// it.
    #[serde(skip)]
    pub name: String,
    /// The currency of the advertisers. If set, buys in any other are refused when they are planned;
    /// the advertiser's own is compared when they are booked.
    pub currency: Option<String>,
    /// The buyer, of the context.
    #[serde(skip)]
    pub buyer: Buyer,
    /// The template of the campaigns' names.
    pub campaign_name: Option<Template>,
    /// The template of the flights' names.
    pub flight_name: Option<Template>,
    /// The template of the campaigns' external ids.
    pub campaign_external_id: Option<Template>,
    /// The template of the flights' external ids.
    pub flight_external_id: Option<Template>,
    /// The team of campaigns.
    pub team_id: Option<i64>,
    /// The default content types of products.
    pub content_types: Vec<String>,
    /// The default positions of products.
    pub positions: Vec<String>,
    /// The default stations of products.
    pub station_ids: Vec<i64>,
    /// The default time zone of products.
    pub time_zone: Option<String>,
}

/// Settings of a product.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Product {
    /// The stations that it runs on; empty: all.
    pub station_ids: Vec<i64>,
    /// The genres that it runs in; empty: all.
    pub genres: Vec<String>,
    /// The content types that it runs in.
    pub content_types: Vec<String>,
    /// The positions that it runs in.
    pub positions: Vec<String>,
    /// The priority of its flights.
    pub priority: Priority,
    /// Whether buyers' prices are net or gross.
    pub rate_basis: RateBasis,
    /// What `even` pacing is on this product.
    pub even_pacing: EvenPacing,
    /// The lengths of spots that it takes.
    pub spot_seconds: SpotSeconds,
    /// Pixels that are called when one of its spots plays.
    pub tracking_pixels: Vec<String>,
    /// A banner that is shown with its spots.
    pub companion: Option<Companion>,
    /// The clock on which a buyer's hours are taken.
    pub buyer_hours: BuyerHours,
    /// Names of the hours in which it runs if a buyer asks for none.
    pub dayparts: Vec<String>,
    /// The stations' time zone, for those hours and for the days of flights.
    pub time_zone: Option<String>,
    /// Tags of stations, one of which a station must have; empty: all.
    pub station_tags: Vec<String>,
    /// Markets of stations; empty: all.
    pub markets: Vec<String>,
    /// Tags of content, one of which it must have; empty: all.
    pub content_tags: Vec<String>,
    /// The frequency cap of buyers that ask for none.
    pub once_per: Option<OncePer>,
}

/// What a flight has one impression of, where that is no length of time (help pages, frequency caps).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OncePer {
    /// A listener's lifetime.
    Lifetime,
    /// A break.
    Break,
    /// A download.
    Download,
}

impl OncePer {
    /// The words of settings and buyers.
    pub const WORDS: [(&str, Self); 3] =
        [("lifetime", Self::Lifetime), ("break", Self::Break), ("download", Self::Download)];
}

/// The priority of flights (help pages, how ad selection works).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Priority {
    /// The type.
    #[serde(rename = "type", default)]
    pub kind: PriorityType,
    /// The level within the type; absent: Triton's default.
    #[serde(default)]
    pub level: Option<u32>,
}

/// A priority type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriorityType {
    /// Before all others.
    Sponsorship,
    /// Guaranteed.
    #[default]
    Standard,
    /// After those.
    Bulk,
    /// What is left.
    Filler,
}

impl PriorityType {
    /// Returns Triton's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sponsorship => priority::SPONSORSHIP,
            Self::Standard => priority::STANDARD,
            Self::Bulk => priority::BULK,
            Self::Filler => priority::FILLER,
        }
    }
}

/// Whether a rate contains an agency's commission.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateBasis {
    /// It doesn't.
    #[default]
    Net,
    /// It does.
    Gross,
}

impl RateBasis {
    /// Returns Triton's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Net => rate_basis::NET,
            Self::Gross => rate_basis::GROSS,
        }
    }
}

/// What `even` pacing is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvenPacing {
    /// The same every day.
    #[default]
    Even,
    /// As the trend of the inventory is.
    Trend,
}

/// The clock on which a buyer's hours are taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuyerHours {
    /// That of the product's time zone: hours in another are refused.
    #[default]
    InTimeZone,
    /// That of each station, whatever zone the buyer names.
    OnStationClock,
}

/// The lengths of spots, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpotSeconds {
    /// The shortest.
    pub min: Option<u32>,
    /// The longest.
    pub max: Option<u32>,
}

/// A companion banner. Its click-through link is the buyer's landing page.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Companion {
    /// The address of the image.
    pub image_url: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

impl Platform {
    /// Parses the settings of the context.
    ///
    /// # Errors
    /// `invalid`. The host has validated them against the schema, so this is a mistake in the
    /// schema.
    pub fn read(ctx: &Context) -> Fallible<Self> {
        let read: Self = read(&ctx.settings, "invalid_platform_settings", "the Triton platform settings")?;
        Ok(Self { name: ctx.platform.clone(), buyer: Buyer::of(ctx), ..read })
    }
}

/// Returns the time zone that a setting names.
///
/// # Errors
/// `invalid` when there is no such zone.
pub fn zone(name: Option<&str>) -> Fallible<Zone> {
    let Some(name) = name else { return Ok(Zone::utc()) };
    Zone::named(name).ok_or_else(|| {
        let message = format!("time_zone is {name:?}, which is no zone as America/New_York. Correct the settings.");
        Failure::invalid("unknown_time_zone", message)
    })
}

impl Product {
    /// Returns a product without settings of its own.
    #[must_use]
    pub fn of(platform: &Platform) -> Self {
        Self {
            station_ids: platform.station_ids.clone(),
            time_zone: platform.time_zone.clone(),
            content_types: platform.content_types.clone(),
            positions: platform.positions.clone(),
            ..Self::default()
        }
    }

    /// Returns the time zone of its flights' days. UTC if none is configured.
    ///
    /// # Errors
    /// `invalid` when there is no such zone.
    pub fn zone(&self) -> Fallible<Zone> {
        zone(self.time_zone.as_deref())
    }

    /// Parses a package's product settings, with the platform's defaults filled in.
    ///
    /// # Errors
    /// As [`Platform::read`].
    pub fn read(platform: &Platform, package: &PackageOrder) -> Fallible<Self> {
        let mut product = Self::alone(&package.product_settings, &package.package_id)?;
        product.fill(platform);
        Ok(product)
    }

    /// Parses the settings of a product, without defaults.
    ///
    /// # Errors
    /// As [`Platform::read`].
    pub fn alone(settings: &str, id: &str) -> Fallible<Self> {
        read(settings, "invalid_product_settings", &format!("the Triton product settings of {id}"))
    }

    /// Fills in the platform's defaults.
    pub fn fill(&mut self, platform: &Platform) {
        let product = self;
        if product.station_ids.is_empty() {
            product.station_ids.clone_from(&platform.station_ids);
        }
        if product.time_zone.is_none() {
            product.time_zone.clone_from(&platform.time_zone);
        }
        if product.content_types.is_empty() {
            product.content_types.clone_from(&platform.content_types);
        }
        if product.positions.is_empty() {
            product.positions.clone_from(&platform.positions);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_product_falls_back_on_the_platform() {
        let ctx = Context { settings: r#"{"station_ids": [7001]}"#.to_owned(), ..samples::context() };
        let platform = Platform::read(&ctx).unwrap();
        let mut package = samples::package("drive");
        package.product_settings = "{}".to_owned();
        assert_eq!(Product::read(&platform, &package).unwrap().station_ids, [7001]);
        package.product_settings = r#"{"station_ids": [7002], "genres": ["news"]}"#.to_owned();
        let product = Product::read(&platform, &package).unwrap();
        assert_eq!((product.station_ids, product.genres), (vec![7002], vec!["news".to_owned()]));
        assert_eq!(product.time_zone, None);
        let platform = Platform { time_zone: Some("America/Toronto".to_owned()), ..platform };
        assert_eq!(Product::read(&platform, &package).unwrap().zone().unwrap().name, "America/Toronto");
        package.product_settings = r#"{"time_zone": "Asia/Tokyo"}"#.to_owned();
        assert_eq!(Product::read(&platform, &package).unwrap().zone().unwrap().name, "Asia/Tokyo");
        assert_eq!(zone(Some("Atlantis")).unwrap_err().code, "unknown_time_zone");
        let wrong = Context { settings: r#"{"stations": []}"#.to_owned(), ..samples::context() };
        assert_eq!(Platform::read(&wrong).unwrap_err().code, "invalid_platform_settings");
    }

    #[test]
    fn the_schemas_name_the_fields_of_the_types() {
        for (schema, fields) in [
            (
                PLATFORM_SCHEMA,
                "currency campaign_name flight_name campaign_external_id flight_external_id team_id station_ids content_types positions time_zone",
            ),
            (
                PRODUCT_SCHEMA,
                "station_ids genres content_types positions priority rate_basis even_pacing spot_seconds tracking_pixels companion buyer_hours dayparts time_zone station_tags markets content_tags once_per",
            ),
        ] {
            let schema = Json::parse(schema).unwrap();
            let schema = schema.as_object().unwrap();
            assert_eq!(schema.get("additionalProperties"), Some(&Json::Bool(false)));
            let properties = schema.get("properties").and_then(Json::as_object).unwrap();
            let names: Vec<&str> = properties.iter().map(|(name, _)| name).collect();
            assert_eq!(names, fields.split(' ').collect::<Vec<_>>());
        }
    }
}
