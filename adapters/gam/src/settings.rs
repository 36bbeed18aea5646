//! The publisher's settings for the network and for a product on it. Their JSON Schemas are in
//! `schemas/`.

use std::collections::BTreeMap;

pub use flightdeck_adapter::settings::Size;
use flightdeck_adapter::{prelude::*, settings::read};
use serde::Deserialize;

use crate::inferred;

/// The JSON Schema of [`Platform`].
pub const PLATFORM_SCHEMA: &str = include_str!("../schemas/platform.json");
/// The JSON Schema of [`Product`].
pub const PRODUCT_SCHEMA: &str = include_str!("../schemas/product.json");

/// Settings of the network.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Platform {
    /// The name under which the operator configured the platform. Buyers' `custom` targeting uses
    /// it.
    #[serde(skip)]
    pub name: String,
    /// The network's code.
    pub network_code: String,
    /// The user id of the orders' trafficker.
    pub trafficker_id: String,
    /// Whether the service account approves orders itself, rather than submitting them for a
    /// person's approval.
    pub approve_orders: bool,
    /// The network's currency. If set, buys in any other currency are refused.
    pub currency: Option<String>,
    /// The default ad units of products.
    pub ad_units: Vec<AdUnit>,
    /// The default placements of products.
    pub placements: Vec<String>,
    /// The default creative sizes of products.
    pub sizes: Vec<Size>,
    /// URL template of the service that returns a VAST document for a video file.
    pub vast_url: Option<String>,
    /// Criteria ids of places, by the buyer's word.
    pub geo_targets: BTreeMap<String, String>,
}

impl Default for Platform {
    fn default() -> Self {
        Self {
            name: String::new(),
            network_code: String::new(),
            trafficker_id: String::new(),
            approve_orders: true,
            currency: None,
            ad_units: Vec::new(),
            placements: Vec::new(),
            sizes: Vec::new(),
            vast_url: None,
            geo_targets: BTreeMap::new(),
        }
    }
}

/// Settings of a product.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Product {
    /// The type of its line items.
    pub line_item_type: LineItemType,
    /// Their priority, if it differs from the type's default.
    pub priority: Option<u8>,
    /// Display or video.
    pub environment: Option<Environment>,
    /// The ad units that it runs on.
    pub ad_units: Vec<AdUnit>,
    /// The ad units that it doesn't run on.
    pub excluded_ad_units: Vec<AdUnit>,
    /// The placements that it also runs on.
    pub placements: Vec<String>,
    /// The sizes of its creatives.
    pub sizes: Vec<Size>,
    /// Key-values that requests must have.
    pub key_values: BTreeMap<String, Vec<String>>,
    /// Whether it may be overbooked.
    pub allow_overbook: bool,
    /// Whether it is booked without a forecast.
    pub skip_inventory_check: bool,
    /// How creatives rotate.
    pub creative_rotation: Rotation,
}

/// The line item types with an impression goal, so that the budget is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LineItemType {
    /// Guaranteed delivery.
    #[default]
    Standard,
    /// Fills remaining inventory.
    Bulk,
    /// Fills remaining inventory, by price.
    PricePriority,
}

impl LineItemType {
    /// Returns Ad Manager's name of the type.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "STANDARD",
            Self::Bulk => "BULK",
            Self::PricePriority => "PRICE_PRIORITY",
        }
    }
}

/// The environment in which line items are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// A web page: display.
    Browser,
    /// A video player: video.
    VideoPlayer,
}

impl Environment {
    /// Returns Ad Manager's name of the environment.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Browser => "BROWSER",
            Self::VideoPlayer => "VIDEO_PLAYER",
        }
    }
}

/// How the creatives of a line item rotate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Rotation {
    /// Equally often.
    #[default]
    Evenly,
    /// By click-through rate.
    Optimized,
}

impl Rotation {
    /// Returns Ad Manager's name of the rotation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Evenly => "EVENLY",
            Self::Optimized => "OPTIMIZED",
        }
    }
}

/// An ad unit of the network.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdUnit {
    /// The id of the ad unit.
    pub id: String,
    /// Whether its descendants are included.
    #[serde(default = "yes")]
    pub include_descendants: bool,
}

const fn yes() -> bool {
    true
}

impl Platform {
    /// Returns the resource name of an object of the network: `networks/123/orders/7`.
    #[must_use]
    pub fn name_of(&self, collection: &str, id: &str) -> String {
        format!("networks/{}/{collection}/{id}", self.network_code)
    }

    /// Parses the settings of the context.
    ///
    /// # Errors
    /// `invalid`. The host has validated them against the schema, so this is a mistake in the
    /// schema.
    pub fn read(ctx: &Context) -> Fallible<Self> {
        let read: Self = read(&ctx.settings, "invalid_platform_settings", "the Ad Manager platform settings")?;
        Ok(Self { name: ctx.platform.clone(), ..read })
    }
}

impl Product {
    /// Parses a package's product settings, with the platform's defaults filled in.
    ///
    /// # Errors
    /// As [`Platform::read`].
    pub fn read(platform: &Platform, package: &PackageOrder) -> Fallible<Self> {
        let what = format!("the Ad Manager product settings of {}", package.package_id);
        let product: Self = read(&package.product_settings, "invalid_product_settings", &what)?;
        Ok(product.or(platform, &package.formats))
    }

    /// Fills in the platform's defaults.
    #[must_use]
    pub fn or(mut self, platform: &Platform, formats: &[CreativeFormat]) -> Self {
        if self.ad_units.is_empty() && self.placements.is_empty() {
            self.ad_units.clone_from(&platform.ad_units);
            self.placements.clone_from(&platform.placements);
        }
        let only_videos = !formats.is_empty() && formats.iter().all(|format| *format == CreativeFormat::Video);
        let environment =
            self.environment.unwrap_or(if only_videos { Environment::VideoPlayer } else { Environment::Browser });
        self.environment = Some(environment);
        if self.sizes.is_empty() {
            self.sizes.clone_from(&platform.sizes);
        }
        if self.sizes.is_empty() {
            self.sizes = vec![match environment {
                Environment::Browser => inferred::DISPLAY_SIZE,
                Environment::VideoPlayer => inferred::VIDEO_SIZE,
            }];
        }
        self
    }

    /// Returns the environment.
    #[must_use]
    pub fn shown_in(&self) -> Environment {
        self.environment.unwrap_or(Environment::Browser)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_product_falls_back_on_the_platform() {
        let mut ctx = samples::context();
        ctx.settings =
            r#"{"network_code": "1", "trafficker_id": "2", "sizes": ["728x90"], "ad_units": [{"id": "5"}]}"#.to_owned();
        let platform = Platform::read(&ctx).unwrap();
        assert!(platform.approve_orders);
        let mut package = samples::package("news");
        package.product_settings = "{}".to_owned();
        let product = Product::read(&platform, &package).unwrap();
        assert_eq!(product.sizes, [Size(728, 90)]);
        assert_eq!(product.ad_units, [AdUnit { id: "5".to_owned(), include_descendants: true }]);
        package.product_settings = r#"{"placements": ["7"], "sizes": ["300x250"]}"#.to_owned();
        let product = Product::read(&platform, &package).unwrap();
        assert_eq!((product.ad_units.len(), product.placements.len()), (0, 1), "either of the two is enough");
        assert_eq!(product.sizes, [Size(300, 250)]);
    }

    #[test]
    fn a_product_of_videos_alone_is_video() {
        let platform = Platform::default();
        let of = |formats: &[CreativeFormat]| Product::default().or(&platform, formats).shown_in();
        assert_eq!(of(&[CreativeFormat::Video]), Environment::VideoPlayer);
        assert_eq!(of(&[CreativeFormat::Video, CreativeFormat::Image]), Environment::Browser);
        assert_eq!(of(&[]), Environment::Browser);
    }

    #[test]
    fn unknown_settings_are_refused() {
        let mut ctx = samples::context();
        ctx.settings = r#"{"network": 1}"#.to_owned();
        assert_eq!(Platform::read(&ctx).unwrap_err().code, "invalid_platform_settings");
    }

    #[test]
    fn the_schemas_name_the_fields_of_the_types() {
        let product = "line_item_type priority environment ad_units excluded_ad_units placements sizes key_values \
                       allow_overbook skip_inventory_check creative_rotation";
        let platform =
            "network_code trafficker_id approve_orders currency ad_units placements sizes vast_url geo_targets";
        for (schema, fields) in [(PLATFORM_SCHEMA, platform), (PRODUCT_SCHEMA, product)] {
            let schema = Json::parse(schema).unwrap();
            let schema = schema.as_object().unwrap();
            assert_eq!(schema.get("additionalProperties"), Some(&Json::Bool(false)));
            let properties = schema.get("properties").and_then(Json::as_object).unwrap();
            let names: Vec<&str> = properties.iter().map(|(name, _)| name).collect();
            assert_eq!(names, fields.split_whitespace().collect::<Vec<_>>());
        }
    }
}
