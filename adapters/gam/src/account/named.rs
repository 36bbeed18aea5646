//! What the settings of the platform and of its products name on the network, by kind.

use std::collections::BTreeMap;

use flightdeck_adapter::{
    account::Product as Sold,
    findings::{Findings, Named, State, platform_field, product_field},
    settings::read,
    words::pointer_segment,
};

use crate::settings::{AdUnit, CustomValue, Platform, Product};

/// Everything that is named.
#[derive(Debug, Default)]
pub(super) struct Things {
    pub(super) users: Named,
    pub(super) agencies: Named,
    pub(super) teams: Named,
    pub(super) labels: Named,
    pub(super) order_fields: Named,
    pub(super) item_fields: Named,
    pub(super) ad_units: Named,
    pub(super) excluded_ad_units: Named,
    pub(super) placements: Named,
    pub(super) places: Named,
    /// Custom targeting keys, by name.
    pub(super) keys: Named,
    /// Their values, as [`value`] writes them.
    pub(super) values: Named,
}

/// Returns a custom targeting value with its key: `section=sports`. A name has no equals sign.
pub(super) fn value(key: &str, value: &str) -> String {
    format!("{key}={value}")
}

impl Things {
    /// Takes everything that is named. Settings of a product that can't be read are a finding.
    pub(super) fn of(platform: &Platform, products: &[Sold], findings: &mut Findings) -> Self {
        let mut things = Self::default();
        things.take_platform(platform);
        for sold in products {
            let what = format!("the Ad Manager product settings of {}", sold.product_id);
            match read(&sold.settings, "invalid_product_settings", &what) {
                Ok(product) => things.take_product(&product, &sold.product_id),
                Err(failure) => {
                    let field = product_field(&sold.product_id, "");
                    findings.add(field, format!("product {}", sold.product_id), State::Bad(failure.message));
                }
            }
        }
        things
    }

    fn take_platform(&mut self, platform: &Platform) {
        let one = |named: &mut Named, id: &Option<String>, field: &str| {
            if let Some(id) = id {
                named.add(id, platform_field(field));
            }
        };
        self.users.add(&platform.trafficker_id, platform_field("/trafficker_id"));
        one(&mut self.users, &platform.salesperson_id, "/salesperson_id");
        self.users.add_all(&platform.secondary_salesperson_ids, &platform_field("/secondary_salesperson_ids"));
        self.users.add_all(&platform.secondary_trafficker_ids, &platform_field("/secondary_trafficker_ids"));
        one(&mut self.agencies, &platform.agency_id, "/agency_id");
        self.teams.add_all(&platform.team_ids, &platform_field("/team_ids"));
        self.labels.add_all(&platform.order_label_ids, &platform_field("/order_label_ids"));
        custom_fields(&mut self.order_fields, &platform.order_custom_fields, &platform_field("/order_custom_fields"));
        ad_units(&mut self.ad_units, &platform.ad_units, &platform_field("/ad_units"));
        self.placements.add_all(&platform.placements, &platform_field("/placements"));
        for (word, id) in &platform.geo_targets {
            self.places.add(id, platform_field(format_args!("/geo_targets/{}", pointer_segment(word))));
        }
    }

    fn take_product(&mut self, product: &Product, id: &str) {
        let at = |rest: &str| product_field(id, rest);
        ad_units(&mut self.ad_units, &product.ad_units, &at("/ad_units"));
        ad_units(&mut self.excluded_ad_units, &product.excluded_ad_units, &at("/excluded_ad_units"));
        self.placements.add_all(&product.placements, &at("/placements"));
        self.labels.add_all(&product.label_ids, &at("/label_ids"));
        custom_fields(&mut self.item_fields, &product.custom_fields, &at("/custom_fields"));
        for (key, values) in &product.key_values {
            let field = at(&format!("/key_values/{}", pointer_segment(key)));
            for (number, name) in values.iter().enumerate() {
                self.values.add(value(key, name), format!("{field}/{number}"));
            }
            self.keys.add(key, field);
        }
    }
}

fn ad_units(named: &mut Named, units: &[AdUnit], field: &str) {
    for (number, unit) in units.iter().enumerate() {
        named.add(&unit.id, format!("{field}/{number}/id"));
    }
}

fn custom_fields(named: &mut Named, fields: &BTreeMap<String, CustomValue>, field: &str) {
    for id in fields.keys() {
        named.add(id, format!("{field}/{}", pointer_segment(id)));
    }
}
