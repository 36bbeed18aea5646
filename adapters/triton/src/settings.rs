//! The publisher's settings of the platform and of a product on it. Their JSON Schemas are in `schemas/`.

use flightdeck_adapter::{prelude::*, settings::read};
use serde::Deserialize;

use crate::days::Zone;

/// JSON Schema of [`Platform`].
pub const PLATFORM_SCHEMA: &str = include_str!("../schemas/platform.json");
/// JSON Schema of [`Product`].
pub const PRODUCT_SCHEMA: &str = include_str!("../schemas/product.json");

/// Settings of the platform.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Platform {
    /// The name under which the operator configured the platform, which buyers' `custom` targeting uses.
    #[serde(skip)]
    pub name: String,
    /// The currency that campaigns are booked in, if buys in another are to be refused.
    pub currency: Option<String>,
    /// Stations of products that name none.
    pub station_ids: Vec<i64>,
    /// The time zone of products that name none.
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
    /// The sorts of streams that it runs in; empty: all.
    pub stream_types: Vec<String>,
    /// Hours that it runs in when a buyer asks for none, by their names.
    pub dayparts: Vec<String>,
    /// The stations' time zone: of those hours, and of the days that flights are booked for.
    pub time_zone: Option<String>,
}

impl Platform {
    /// Reads the settings of the context.
    ///
    /// # Errors
    /// `invalid`; the host has checked them against the schema, so this is a mistake of the schema.
    pub fn read(ctx: &Context) -> Fallible<Self> {
        let read: Self = read(&ctx.settings, "invalid_platform_settings", "the Triton platform settings")?;
        Ok(Self { name: ctx.platform.clone(), ..read })
    }
}

/// A zone by the name that a setting gives it.
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
    /// A product that says nothing of its own.
    #[must_use]
    pub fn of(platform: &Platform) -> Self {
        Self { station_ids: platform.station_ids.clone(), time_zone: platform.time_zone.clone(), ..Self::default() }
    }

    /// Where the days of its flights begin. UTC, as long as nobody has said where the stations are.
    ///
    /// # Errors
    /// `invalid` when there is no such zone.
    pub fn zone(&self) -> Fallible<Zone> {
        zone(self.time_zone.as_deref())
    }

    /// Reads a package's product settings, with the platform's where they are silent.
    ///
    /// # Errors
    /// As [`Platform::read`].
    pub fn read(platform: &Platform, package: &PackageOrder) -> Fallible<Self> {
        let what = format!("the Triton product settings of {}", package.package_id);
        let mut product: Self = read(&package.product_settings, "invalid_product_settings", &what)?;
        if product.station_ids.is_empty() {
            product.station_ids.clone_from(&platform.station_ids);
        }
        if product.time_zone.is_none() {
            product.time_zone.clone_from(&platform.time_zone);
        }
        Ok(product)
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
            (PLATFORM_SCHEMA, "currency station_ids time_zone"),
            (PRODUCT_SCHEMA, "station_ids genres stream_types dayparts time_zone"),
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
