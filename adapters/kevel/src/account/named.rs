//! What the settings of the platform and of its products name on the network, by kind.

use std::collections::BTreeMap;

use flightdeck_adapter::{
    account::Product as Sold,
    findings::{Findings, Named, State, platform_field, product_field},
};

use crate::settings::{AdTypes, Platform, Product, Size, VideoTemplate};

/// Everything that is named.
#[derive(Debug, Default)]
pub(super) struct Things {
    pub(super) priorities: Named,
    pub(super) ad_types: Named,
    /// Sizes whose ad type is looked up.
    pub(super) sizes: Named,
    pub(super) sites: Named,
    pub(super) zones: Named,
    pub(super) templates: Named,
    /// The site that the settings name with a zone.
    pub(super) site_of_zone: BTreeMap<String, i64>,
    /// What the settings say of a template, each time that they name it.
    pub(super) uses: BTreeMap<String, Vec<VideoTemplate>>,
    /// The priorities of products, and the sites that they are to serve on.
    pub(super) channels: Vec<InChannel>,
}

/// A product's priority, and its sites.
#[derive(Debug)]
pub(super) struct InChannel {
    pub(super) priority: String,
    /// The pointer of the setting from which the priority comes.
    pub(super) field: String,
    /// Each site with its pointer.
    pub(super) sites: Vec<(i64, String)>,
}

impl Things {
    /// Takes everything that is named. Settings of a product that can't be read, and one without a
    /// priority, are findings.
    pub(super) fn of(platform: &Platform, products: &[Sold], findings: &mut Findings) -> Self {
        let mut things = Self::default();
        let of_platform = |rest: &str| platform_field(rest);
        things.take_priorities([platform.priority_id, platform.asap_priority_id], &of_platform);
        things.take_creatives(platform.default_image_size, &platform.ad_types, &platform.video_template, &of_platform);
        for sold in products {
            let at = |rest: &str| product_field(&sold.product_id, rest);
            match Product::alone(&sold.settings, &sold.product_id) {
                Ok(product) => things.take_product(product, platform, sold, findings),
                Err(failure) => {
                    findings.add(at(""), format!("product {}", sold.product_id), State::Bad(failure.message));
                }
            }
        }
        things
    }

    fn take_product(&mut self, mut product: Product, platform: &Platform, sold: &Sold, findings: &mut Findings) {
        let at = |rest: &str| product_field(&sold.product_id, rest);
        self.take_priorities([product.priority_id, product.asap_priority_id], &at);
        self.take_creatives(product.default_image_size, &product.ad_types, &product.video_template, &at);
        let mut sites = Vec::new();
        for (number, site) in product.sites.iter().enumerate() {
            let field = at(&format!("/sites/{number}"));
            self.sites.add(site.site_id.to_string(), format!("{field}/site_id"));
            if let Some(zone) = site.zone_id {
                self.zones.add(zone.to_string(), format!("{field}/zone_id"));
                self.site_of_zone.insert(zone.to_string(), site.site_id.into());
            }
            if !site.exclude {
                sites.push((site.site_id.into(), format!("{field}/site_id")));
            }
        }
        let field = match product.priority_id {
            Some(_) => at("/priority_id"),
            None => platform_field("/priority_id"),
        };
        product.fill(platform);
        match product.priority_id {
            Some(priority) => self.channels.push(InChannel { priority: priority.to_string(), field, sites }),
            None => {
                let message = "is not set, and every flight needs one; set priority_id of the product or the platform";
                let subject = format!("priority of {}", sold.product_id);
                findings.add(at("/priority_id"), subject, State::Bad(message.to_owned()));
            }
        }
    }

    fn take_priorities(&mut self, [usual, asap]: [Option<u32>; 2], at: &dyn Fn(&str) -> String) {
        for (id, field) in [(usual, "/priority_id"), (asap, "/asap_priority_id")] {
            if let Some(id) = id {
                self.priorities.add(id.to_string(), at(field));
            }
        }
    }

    fn take_creatives(
        &mut self,
        size: Option<Size>,
        types: &AdTypes,
        template: &Option<VideoTemplate>,
        at: &dyn Fn(&str) -> String,
    ) {
        for (size, id) in &types.image {
            self.ad_types.add(id.to_string(), at(&format!("/ad_types/image/{size}")));
        }
        for (id, field) in [(types.video, "/ad_types/video"), (types.custom, "/ad_types/custom")] {
            if let Some(id) = id {
                self.ad_types.add(id.to_string(), at(field));
            }
        }
        if let Some(size) = size.filter(|size| !types.image.contains_key(size)) {
            self.sizes.add(size.to_string(), at("/default_image_size"));
        }
        if let Some(template) = template {
            self.templates.add(template.id.to_string(), at("/video_template/id"));
            self.uses.entry(template.id.to_string()).or_default().push(template.clone());
        }
    }
}
