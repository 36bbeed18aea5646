//! The publisher's settings for the platform and for a product on it. Their JSON Schemas are in
//! `schemas/`.

use std::collections::BTreeMap;

pub use flightdeck_adapter::settings::Size;
use flightdeck_adapter::{
    naming::{Buyer, Template},
    prelude::*,
    settings::read,
};
use serde::Deserialize;

/// The JSON Schema of [`Platform`].
pub const PLATFORM_SCHEMA: &str = include_str!("../schemas/platform.json");
/// The JSON Schema of [`Product`].
pub const PRODUCT_SCHEMA: &str = include_str!("../schemas/product.json");

/// Settings of the platform: the defaults of its products.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Platform {
    /// The name under which the operator configured the platform. Buyers' `custom` targeting uses
    /// it.
    #[serde(skip)]
    pub name: String,
    /// The buyer, of the context.
    #[serde(skip)]
    pub buyer: Buyer,
    /// The network's currency. If set, buys in any other currency are refused.
    pub currency: Option<String>,
    /// The template of the campaigns' names.
    pub campaign_name: Option<Template>,
    /// The template of the flights' names.
    pub flight_name: Option<Template>,
    /// The default priority of flights.
    pub priority_id: Option<u32>,
    /// The default priority of flights with the pacing `asap`.
    pub asap_priority_id: Option<u32>,
    /// The clock of day parts.
    pub day_part_clock: DayPartClock,
    /// The default size of images, such as `300x250`.
    pub default_image_size: Option<Size>,
    /// The default ad types of creatives.
    pub ad_types: AdTypes,
    /// The default template of videos.
    pub video_template: Option<VideoTemplate>,
}

/// The clock that a network's day parts follow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayPartClock {
    /// That of the flight's `TimeZone`.
    #[default]
    Flight,
    /// UTC, whatever the flight says.
    Utc,
}

/// Settings of a product.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Product {
    /// The priority of the product's flights.
    pub priority_id: Option<u32>,
    /// The priority of those with the pacing `asap`.
    pub asap_priority_id: Option<u32>,
    /// The size of images if the buyer names none.
    pub default_image_size: Option<Size>,
    /// The ad types of the product's creatives.
    pub ad_types: AdTypes,
    /// The sites that the product runs on. Empty: all sites of the priority's channel.
    pub sites: Vec<Site>,
    /// Keywords, at least one of which a request must have.
    pub keywords: Vec<String>,
    /// The template of the product's videos.
    pub video_template: Option<VideoTemplate>,
    /// The share of the matching requests that a flight at a flat price takes, in percent.
    pub share_percent: Option<u8>,
    /// What ends a flight beside its dates.
    pub lifetime_cap: LifetimeCap,
    /// Whether its flights are companions.
    pub companion: bool,
    /// Of what a page shows one ad at most.
    pub no_duplicates: Option<Duplicates>,
}

/// What ends a flight beside its dates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LifetimeCap {
    /// The impressions that were bought.
    #[default]
    Impressions,
    /// The budget.
    Budget,
}

/// Of what a page shows one ad at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duplicates {
    /// The flight.
    Flight,
    /// The campaign.
    Campaign,
    /// The advertiser.
    Advertiser,
    /// A creative.
    Creative,
}

/// A creative template whose content is VAST, and the names of its fields.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoTemplate {
    /// The id of the template.
    pub id: u32,
    /// What a video's address is the address of.
    pub takes: Takes,
    /// The template's fields.
    pub fields: VideoFields,
}

/// What a template makes of a video's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Takes {
    /// A `MediaFile`: the address is that of the video itself.
    File,
    /// A `VASTAdTagURI`: the address is that of another ad server's VAST.
    VastTag,
}

/// The names of a template's fields, by what is written into them. Fields without a name are not
/// sent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoFields {
    /// The address of the video or VAST.
    pub media_url: String,
    /// The media type, as `video/mp4`.
    pub media_type: Option<String>,
    /// The duration, as `00:00:15`.
    pub duration: Option<String>,
    /// The landing page of a click.
    pub click_url: Option<String>,
    /// The display name.
    pub title: Option<String>,
    /// The width in pixels.
    pub width: Option<String>,
    /// The height in pixels.
    pub height: Option<String>,
}

impl VideoFields {
    /// Returns the names of all fields that are written.
    #[must_use]
    pub fn named(&self) -> Vec<String> {
        let others = [&self.media_type, &self.duration, &self.click_url, &self.title, &self.width, &self.height];
        std::iter::once(&self.media_url).chain(others.into_iter().flatten()).cloned().collect()
    }
}

/// Kevel's ad types, to override the lookup by size or name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdTypes {
    /// Images, by size, such as `300x250`.
    pub image: BTreeMap<Size, u32>,
    /// Video creatives.
    pub video: Option<u32>,
    /// Creatives made from a template.
    pub custom: Option<u32>,
}

/// A site, or a zone of one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// The id of the site.
    pub site_id: u32,
    /// The id of a zone of the site; absent: the whole site.
    pub zone_id: Option<u32>,
    /// Whether the product does not run there.
    #[serde(default)]
    pub exclude: bool,
}

impl Site {
    /// Returns the entry as it is sent (OpenAPI document, site-zone targeting). No field may be
    /// null.
    #[must_use]
    pub fn object(&self) -> Object {
        let mut object = object! { "SiteId": self.site_id };
        if let Some(zone) = self.zone_id {
            object.set("ZoneId", zone);
        }
        if self.exclude {
            object.set("IsExclude", true);
        }
        object
    }
}

impl Platform {
    /// Parses the settings of the context.
    ///
    /// # Errors
    /// `invalid`. The host has validated them against the schema, so this is a mistake in the
    /// schema.
    pub fn read(ctx: &Context) -> Fallible<Self> {
        let read: Self = read(&ctx.settings, "invalid_platform_settings", "the Kevel platform settings")?;
        Ok(Self { name: ctx.platform.clone(), buyer: Buyer::of(ctx), ..read })
    }
}

impl Product {
    /// Returns the priority of a flight. A percentage goal is drawn by lot among the flights of its
    /// priority, so `asap` may have one of its own.
    #[must_use]
    pub fn priority(&self, asap: bool) -> Option<u32> {
        self.asap_priority_id.filter(|_| asap).or(self.priority_id)
    }

    /// Returns the share of a flight at a flat price, in percent: all by default, which is what a
    /// sponsor buys.
    #[must_use]
    pub fn share_percent(&self) -> u8 {
        self.share_percent.unwrap_or(100)
    }

    /// Returns a product without settings of its own.
    #[must_use]
    pub fn of(platform: &Platform) -> Self {
        Self {
            priority_id: platform.priority_id,
            asap_priority_id: platform.asap_priority_id,
            video_template: platform.video_template.clone(),
            default_image_size: platform.default_image_size,
            ad_types: platform.ad_types.clone(),
            ..Self::default()
        }
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
        read(settings, "invalid_product_settings", &format!("the Kevel product settings of {id}"))
    }

    /// Fills in the platform's defaults.
    pub fn fill(&mut self, platform: &Platform) {
        let product = self;
        product.priority_id = product.priority_id.or(platform.priority_id);
        product.asap_priority_id = product.asap_priority_id.or(platform.asap_priority_id);
        if product.video_template.is_none() {
            product.video_template.clone_from(&platform.video_template);
        }
        product.default_image_size = product.default_image_size.or(platform.default_image_size);
        let (own, default) = (&mut product.ad_types, &platform.ad_types);
        own.video = own.video.or(default.video);
        own.custom = own.custom.or(default.custom);
        for (size, id) in &default.image {
            own.image.entry(*size).or_insert(*id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_product_falls_back_on_the_platform() {
        let mut ctx = samples::context();
        ctx.settings = r#"{"priority_id": 9, "ad_types": {"image": {"1x1": 1, "300x250": 2}, "video": 3}}"#.to_owned();
        let platform = Platform::read(&ctx).unwrap();
        let mut package = samples::package("news");
        package.product_settings = r#"{"ad_types": {"image": {"300x250": 5}}, "sites": [{"site_id": 7}]}"#.to_owned();
        let product = Product::read(&platform, &package).unwrap();
        assert_eq!(product.priority_id, Some(9));
        assert_eq!(product.ad_types.image[&Size(300, 250)], 5);
        assert_eq!(product.ad_types.image[&Size(1, 1)], 1);
        assert_eq!(product.ad_types.video, Some(3));
        assert_eq!(product.sites, [Site { site_id: 7, zone_id: None, exclude: false }]);
    }

    #[test]
    fn unknown_settings_are_refused() {
        let mut ctx = samples::context();
        ctx.settings = r#"{"priority": 1}"#.to_owned();
        assert_eq!(Platform::read(&ctx).unwrap_err().code, "invalid_platform_settings");
    }

    #[test]
    fn the_schemas_are_json_and_refuse_what_the_types_refuse() {
        for (schema, fields) in [
            (
                PLATFORM_SCHEMA,
                "currency campaign_name flight_name priority_id asap_priority_id day_part_clock default_image_size ad_types video_template",
            ),
            (
                PRODUCT_SCHEMA,
                "priority_id asap_priority_id default_image_size ad_types sites keywords video_template share_percent lifetime_cap companion no_duplicates",
            ),
        ] {
            let schema = Json::parse(schema).unwrap();
            let schema = schema.as_object().unwrap();
            assert_eq!(schema.get("additionalProperties"), Some(&Json::Bool(false)));
            let properties = schema.get("properties").and_then(Json::as_object).unwrap();
            assert_eq!(
                properties.iter().map(|(name, _)| name).collect::<Vec<_>>(),
                fields.split(' ').collect::<Vec<_>>()
            );
        }
    }
}
