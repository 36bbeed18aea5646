//! The publisher's settings for the network and for a product on it. Their JSON Schemas are in
//! `schemas/`.

mod companions;
mod product;

use std::collections::BTreeMap;

pub use flightdeck_adapter::settings::Size;
use flightdeck_adapter::{
    naming::{Buyer, Template},
    prelude::*,
    settings::read,
};
use serde::Deserialize;

pub use self::{
    companions::{CompanionDelivery, Companions},
    product::{
        AdUnit, Cap, CostType, CustomValue, Environment, LineItemType, Position, Product, RequestPlatform,
        Roadblocking, Rotation, TimeUnit, Video,
    },
};

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
    /// The buyer, of the context. Its advertiser is a company.
    #[serde(skip)]
    pub buyer: Buyer,
    /// The network's code.
    pub network_code: String,
    /// The user id of the orders' trafficker.
    pub trafficker_id: String,
    /// Whether the service account approves orders itself, rather than submitting them for a
    /// person's approval.
    pub approve_orders: bool,
    /// The network's currency. If set, plans refuse buys in any other currency; otherwise they are
    /// refused when they are booked, before anything is made.
    pub currency: Option<String>,
    /// Whose days delivery is counted by.
    pub report_days: ReportDays,
    /// The template of the orders' names.
    pub order_name: Option<Template>,
    /// The template of the line items' names.
    pub line_item_name: Option<Template>,
    /// The user id of the orders' salesperson.
    pub salesperson_id: Option<String>,
    /// The user ids of the orders' other salespeople.
    pub secondary_salesperson_ids: Vec<String>,
    /// The user ids of the orders' other traffickers.
    pub secondary_trafficker_ids: Vec<String>,
    /// The company id of the agency of the orders.
    pub agency_id: Option<String>,
    /// The teams of the orders.
    pub team_ids: Vec<String>,
    /// The labels of the orders.
    pub order_label_ids: Vec<String>,
    /// The custom fields of the orders, by the id of the field.
    pub order_custom_fields: BTreeMap<String, CustomValue>,
    /// The notes of the orders.
    pub order_notes: Option<String>,
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
            buyer: Buyer::default(),
            network_code: String::new(),
            trafficker_id: String::new(),
            approve_orders: true,
            currency: None,
            report_days: ReportDays::Network,
            order_name: None,
            line_item_name: None,
            salesperson_id: None,
            secondary_salesperson_ids: Vec::new(),
            secondary_trafficker_ids: Vec::new(),
            agency_id: None,
            team_ids: Vec::new(),
            order_label_ids: Vec::new(),
            order_custom_fields: BTreeMap::new(),
            order_notes: None,
            ad_units: Vec::new(),
            placements: Vec::new(),
            sizes: Vec::new(),
            vast_url: None,
            geo_targets: BTreeMap::new(),
        }
    }
}

/// Whose days delivery is counted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportDays {
    /// The days of the network's time zone, by which the publisher bills.
    #[default]
    Network,
    /// The days of UTC. Ad Manager computes them for each report, which takes longer.
    Utc,
}

impl Platform {
    /// Returns the resource name of an object of the network: `networks/123/orders/7`.
    #[must_use]
    pub fn name_of(&self, collection: &str, id: &str) -> String {
        format!("networks/{}/{collection}/{id}", self.network_code)
    }

    /// Returns labels in Ad Manager's form.
    #[must_use]
    pub fn labels(&self, ids: &[String]) -> Vec<Object> {
        ids.iter().map(|id| object! { "label": self.name_of("labels", id) }).collect()
    }

    /// Returns the values of custom fields in Ad Manager's form.
    #[must_use]
    pub fn custom_fields(&self, values: &BTreeMap<String, CustomValue>) -> Vec<Object> {
        let value = |(id, value): (&String, &CustomValue)| {
            object! { "customField": self.name_of("customFields", id), "value": value.object() }
        };
        values.iter().map(value).collect()
    }

    /// Parses the settings of the context.
    ///
    /// # Errors
    /// `invalid`. The host has validated them against the schema, so this is a mistake in the
    /// schema.
    pub fn read(ctx: &Context) -> Fallible<Self> {
        let read: Self = read(&ctx.settings, "invalid_platform_settings", "the Ad Manager platform settings")?;
        Ok(Self { name: ctx.platform.clone(), buyer: Buyer::of(ctx), ..read })
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
                       allow_overbook skip_inventory_check creative_rotation video share_percent cost_type \
                       frequency_caps roadblocking companions auto_extension_days label_ids custom_fields notes \
                       impression_trackers require_click_macro";
        let platform = "network_code trafficker_id approve_orders currency report_days order_name line_item_name \
                        salesperson_id secondary_salesperson_ids secondary_trafficker_ids agency_id team_ids \
                        order_label_ids order_custom_fields order_notes ad_units placements sizes vast_url \
                        geo_targets";
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
