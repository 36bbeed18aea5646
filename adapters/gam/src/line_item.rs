//! A line item, which carries a package on Ad Manager.
//!
//! | the package | the line item |
//! |---|---|
//! | goal and price | `goal`, `costType` and `rate`: see [`terms`] |
//! | `even`, `front_loaded`, `asap` | `deliveryRateType` EVENLY, FRONTLOADED, AS_FAST_AS_POSSIBLE |
//! | frequency cap | `frequencyCaps`: see [`caps`](crate::caps) |
//!
//! The budget is not sent: Ad Manager derives it from rate and goal.
//!
//! `allowOverbook` and `skipInventoryCheck` hold for one request and are not stored (type
//! `LineItem`), so they go with every creation and change.

use flightdeck_adapter::{
    ad_server::{self, Translated},
    failure::clean,
    host, moment, money,
    plan::changed_fields,
    prelude::*,
    words::pointer_segment,
};

use crate::{
    api::{Made, Network, id_of},
    caps,
    catalogue::Catalogue,
    inferred,
    refusal::made_or_found,
    settings::{Platform, Product, Rotation, Size},
    targeting::{self, Targeting},
};

mod companions;
mod halt;
mod standing;
mod terms;
mod video;

pub use self::{
    halt::Halts,
    standing::{Standing, activate, activate_one, archive, find, is_running, resume, standing},
    terms::CPD,
};

/// The platform's name for the type.
pub const TYPE: &str = "LineItem";
/// The maximum length of a name, in characters (reference, `displayName`).
const NAME_LIMIT: usize = 255;
/// The field of the targeting.
pub const TARGETING: &str = "targeting";
const START: &str = "startTime";

/// The desired state of a line item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineItem {
    /// The id of the package.
    pub package_id: String,
    /// The display name.
    pub name: String,
    /// Whether it may deliver.
    pub active: bool,
    /// Whether it and the media buy may deliver.
    pub runs: bool,
    /// Whether its impressions are reserved.
    pub guaranteed: bool,
    /// Whether it may be overbooked, or booked without a look at the inventory.
    pub unchecked: bool,
    /// The currency of its rate.
    pub currency: String,
    /// All fields except the targeting.
    fields: Object,
    /// The fields that hold for one request.
    flags: Object,
    /// The weights of its creatives, by the buyer's ids.
    weights: Object,
    /// The targeting, in buyers' words.
    pub targeting: Targeting,
}

/// Translates a package into its line item.
///
/// # Errors
/// When its dates can't be parsed.
pub fn translate(
    platform: &Platform,
    buy: &MediaBuy,
    package: &PackageOrder,
    problems: &mut Problems,
    notes: &mut Vec<String>,
) -> Fallible<LineItem> {
    let pointer = |field: &str| format!("/packages/{}/{field}", pointer_segment(&package.package_id));
    let product = Product::read(platform, package).unwrap_or_else(|failure| {
        problems.invalid("invalid_product_settings", pointer("package_id"), &package.package_id, failure.message);
        Product::default().or(platform, &package.formats)
    });
    let (start, end) = (moment::timestamp(&package.start)?, moment::timestamp(&package.end)?);
    if package.impressions < 1 {
        let message = "A goal is at least one.";
        let field = pointer(package.price.model.unit());
        problems.invalid("invalid_impressions", field, package.impressions.to_string(), message);
    }
    no_daily_caps(package, problems);
    check_priority(&product, package, problems);
    let targeting = targeting::translate(platform, &product, package, problems);
    let mut fields = object! {
        "startTime": moment::format(start),
        "targetEndTime": moment::format(end),
        "lineItemType": product.line_item_type.name(),
        "priority": product.priority,
    };
    terms::write(&mut fields, &product, &buy.currency, package, problems, notes);
    fields.set("deliveryRateType", delivery_rate(package, &pointer("pacing"), problems));
    fields.set("frequencyCaps", caps::translate(&product, &targeting.caps, buy, package, problems));
    fields.set("creativeRotationType", product.creative_rotation.name());
    fields.set("environmentType", product.shown_in().name());
    if let Some(video) = video::settings(&product, package, problems) {
        video::write(&mut fields, video);
    }
    let mut placeholders: Vec<Object> = product.sizes.iter().map(|size| placeholder(*size)).collect();
    companions::write(&mut fields, &mut placeholders, &product, package, problems);
    fields.set("creativePlaceholders", placeholders);
    write_settings(&mut fields, platform, &product);
    let flags = object! {
        "allowOverbook": product.allow_overbook.then_some(true),
        "skipInventoryCheck": product.skip_inventory_check.then_some(true),
    };
    Ok(LineItem {
        package_id: package.package_id.clone(),
        name: called(platform, buy, package),
        active: package.active,
        runs: package.active && buy.active,
        guaranteed: product.line_item_type.is_guaranteed(),
        unchecked: product.allow_overbook || product.skip_inventory_check,
        currency: buy.currency.clone(),
        fields,
        flags: flags.without_nulls(),
        weights: weights(&product, package),
        targeting,
    })
}

/// Returns the weights of the package's creatives, if the product's rotation has any.
fn weights(product: &Product, package: &PackageOrder) -> Object {
    let mut weights = Object::default();
    if product.creative_rotation == Rotation::Weighted {
        for (creative, weight) in targeting::weights(package) {
            weights.set(&creative, weight);
        }
    }
    weights
}

/// Writes what the publisher's settings add to a line item.
fn write_settings(fields: &mut Object, platform: &Platform, product: &Product) {
    if let Some(roadblocking) = product.roadblocking {
        fields.set("roadblockingType", roadblocking.name());
    }
    if let Some(days) = product.auto_extension_days.filter(|days| *days > 0) {
        fields.set("autoExtensionDays", u32::from(days));
    }
    let labels = platform.labels(&product.label_ids);
    if !labels.is_empty() {
        fields.set("appliedLabels", labels);
    }
    let values = platform.custom_fields(&product.custom_fields);
    if !values.is_empty() {
        fields.set("customFieldValues", values);
    }
    if let Some(notes) = &product.notes {
        fields.set("notes", notes);
    }
}

/// Returns the display name: the template of the settings, filled in, or the package's own name.
fn called(platform: &Platform, buy: &MediaBuy, package: &PackageOrder) -> String {
    let name = match &platform.line_item_name {
        Some(template) => template.item(&platform.buyer, buy, package),
        None => package.name.clone(),
    };
    let name = if name.trim().is_empty() { &package.package_id } else { &name };
    clean(name, 4 * NAME_LIMIT).chars().take(NAME_LIMIT).collect()
}

fn no_daily_caps(package: &PackageOrder, problems: &mut Problems) {
    let daily_goal = format!("daily_{}", package.price.model.unit());
    for (code, field, value) in [
        ("unsupported_daily_budget", "daily_budget", package.daily_budget.map(money::decimal)),
        ("unsupported_daily_impressions", &daily_goal, package.daily_impressions.map(|daily| daily.to_string())),
    ] {
        if let Some(value) = value {
            let message = "Ad Manager has no daily cap for a line item with a goal for its whole flight: it spreads the \
                           goal evenly. Leave it out.";
            let pointer = format!("/packages/{}/{field}", pointer_segment(&package.package_id));
            problems.unsupported(code, pointer, value, message, &[]);
        }
    }
}

fn check_priority(product: &Product, package: &PackageOrder, problems: &mut Problems) {
    let (low, high) = product.line_item_type.priorities();
    if let Some(priority) = product.priority.filter(|priority| !(low..=high).contains(priority)) {
        let pointer = format!("/packages/{}/package_id", pointer_segment(&package.package_id));
        let kind = product.line_item_type.name();
        let message = format!("A product of the type {kind} has a priority of {low} to {high} on Ad Manager.");
        problems.invalid("invalid_priority", pointer, priority.to_string(), message);
    }
}

/// Returns a size in Ad Manager's form.
#[must_use]
pub fn pixels(Size(width, height): Size) -> Object {
    object! { "width": width, "height": height, "sizeType": "PIXEL" }
}

fn placeholder(size: Size) -> Object {
    object! { "size": pixels(size), "expectedCreativeCount": 1 }
}

fn delivery_rate(package: &PackageOrder, pointer: &str, problems: &mut Problems) -> Option<&'static str> {
    match &package.pacing {
        Pacing::Even => Some("EVENLY"),
        Pacing::FrontLoaded => Some("FRONTLOADED"),
        Pacing::Asap => Some("AS_FAST_AS_POSSIBLE"),
        Pacing::Other(word) => {
            let known = ["even", "asap", "front_loaded"];
            problems.unsupported("unsupported_pacing", pointer, word, "Ad Manager has no such pacing.", &known);
            None
        }
    }
}

impl Translated for LineItem {
    fn name(&self) -> &str {
        &self.name
    }

    /// Includes whether it may deliver, which is an action on Ad Manager rather than a field, and the
    /// weights of its creatives, which are fields of its associations.
    fn shown(&self) -> Object {
        let mut object = self.fields();
        object.set("active", self.active);
        if !self.weights.is_empty() {
            object.set("creativeWeights", self.weights.clone());
        }
        object
    }
}

impl ad_server::LineItem for LineItem {
    fn package_id(&self) -> &str {
        &self.package_id
    }

    /// Includes the targeting, in buyers' words.
    fn changes_from(&self, current: &Self) -> Object {
        changed_fields(&current.fields(), &self.fields())
    }

    fn differs_from(&self, current: &Self) -> bool {
        self.shown() != current.shown()
    }
}

impl LineItem {
    /// Returns the fields as a reviewer sees them, with places and the like in the buyer's words.
    fn fields(&self) -> Object {
        let mut object = self.fields.without_nulls();
        object.set(TARGETING, self.targeting.shown());
        object
    }

    /// Returns the fields that a plan shows for a new line item.
    #[must_use]
    pub fn created(&self) -> Object {
        let mut object = object! { "displayName": &self.name };
        object.set_all(&self.fields());
        object.set_all(&self.flags);
        object
    }

    /// Creates the line item. A start that is no longer in the future is moved to shortly after
    /// now.
    ///
    /// # Errors
    /// When Ad Manager refuses.
    pub fn create(&self, network: &Network, catalogue: &Catalogue, order: &str, reference: &str) -> Fallible<String> {
        let mut body = self.created();
        body.set("order", network.name("orders", order));
        body.set("externalLineItemId", reference);
        body.set(TARGETING, catalogue.targeting(&self.targeting));
        let earliest = host::now() + time::Duration::seconds(inferred::START_LEAD_SECONDS);
        let start = body.get(START).and_then(Json::as_text).and_then(moment::parse);
        if start.is_none_or(|start| start < earliest) {
            body.set(START, moment::format(earliest));
        }
        let made = network.post("lineItems").json(&body).fetch::<Made>();
        made_or_found(made.and_then(|made| id_of(&made.name)), || find(network, reference))
    }

    /// Changes only these fields of a line item.
    ///
    /// # Errors
    /// When Ad Manager refuses, or doesn't have something that a changed targeting refers to.
    pub fn change(&self, network: &Network, id: &str, mut changes: Object) -> Fallible<()> {
        if changes.get(TARGETING).is_some() {
            let catalogue = Catalogue::of(network, [&self.targeting])?;
            changes.set(TARGETING, catalogue.targeting(&self.targeting));
        }
        changes.set_all(&self.flags);
        let mask: Vec<&str> = changes.iter().map(|(name, _)| name).collect();
        let mask = mask.join(",");
        // A field that is in the mask but not in the body is cleared.
        let body = changes.without_nulls();
        network.patch(&path!("lineItems/{}", id)).query("updateMask", mask).json(&body).send()?;
        Ok(())
    }
}

#[cfg(test)]
#[path = "line_item/tests.rs"]
mod tests;
