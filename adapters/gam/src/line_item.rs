//! A line item, which carries a package on Ad Manager.
//!
//! | the package | the line item |
//! |---|---|
//! | impressions | `goal` LIFETIME in IMPRESSIONS |
//! | CPM | `costType` CPM and `rate` |
//! | `even`, `front_loaded`, `asap` | `deliveryRateType` EVENLY, FRONTLOADED, AS_FAST_AS_POSSIBLE |
//! | frequency cap | `frequencyCaps`: one impression in so much time |
//! | frequency cap | `frequencyCaps`: one impression per period |
//!
//! The budget is not sent: Ad Manager derives it from rate and goal.

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
    catalogue::Catalogue,
    inferred,
    refusal::made_or_found,
    settings::{Platform, Product, Size},
    targeting::{self, Targeting},
};

mod standing;

pub use self::standing::{Standing, archive, find, standing};

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
    /// All fields except the targeting.
    fields: Object,
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
) -> Fallible<LineItem> {
    let pointer = |field: &str| format!("/packages/{}/{field}", pointer_segment(&package.package_id));
    let product = Product::read(platform, package).unwrap_or_else(|failure| {
        problems.invalid("invalid_product_settings", pointer("package_id"), &package.package_id, failure.message);
        Product::default().or(platform, &package.formats)
    });
    let (start, end) = (moment::timestamp(&package.start)?, moment::timestamp(&package.end)?);
    check_price(package, &pointer("cpm"), problems);
    if package.impressions < 1 {
        let message = "A goal is at least one impression.";
        problems.invalid("invalid_impressions", pointer("impressions"), package.impressions.to_string(), message);
    }
    for (code, field, value) in [
        ("unsupported_daily_budget", "daily_budget", package.daily_budget.map(money::decimal)),
        (
            "unsupported_daily_impressions",
            "daily_impressions",
            package.daily_impressions.map(|daily| daily.to_string()),
        ),
    ] {
        if let Some(value) = value {
            let message = "Ad Manager has no daily cap for a line item with an impression goal: it spreads the goal \
                           evenly. Leave it out.";
            problems.unsupported(code, pointer(field), value, message, &[]);
        }
    }
    let fields = object! {
        "startTime": moment::format(start),
        "targetEndTime": moment::format(end),
        "lineItemType": product.line_item_type.name(),
        "priority": product.priority,
        "costType": "CPM",
        "rate": rate(&buy.currency, package.price.rate),
        "goal": object! {
            "goalType": "LIFETIME",
            "unitType": "IMPRESSIONS",
            "units": package.impressions.to_string(),
        },
        "deliveryRateType": delivery_rate(package, &pointer("pacing"), problems),
        "frequencyCaps": frequency_caps(buy, package, problems),
        "creativeRotationType": product.creative_rotation.name(),
        "environmentType": product.shown_in().name(),
        "creativePlaceholders": product.sizes.iter().map(|size| placeholder(*size)).collect::<Vec<_>>(),
        "allowOverbook": product.allow_overbook.then_some(true),
        "skipInventoryCheck": product.skip_inventory_check.then_some(true),
    };
    Ok(LineItem {
        package_id: package.package_id.clone(),
        name: clean(&package.name, 4 * NAME_LIMIT).chars().take(NAME_LIMIT).collect(),
        active: package.active,
        fields,
        targeting: targeting::translate(platform, &product, package, problems),
    })
}

/// Returns a rate as `google.type.Money`: whole units and nano-units.
fn rate(currency: &str, micros: i64) -> Object {
    let (units, nanos) = (micros.div_euclid(money::UNIT), micros.rem_euclid(money::UNIT) * 1000);
    object! { "currencyCode": currency, "units": units.to_string(), "nanos": nanos }
}

/// Returns a size in Ad Manager's form.
#[must_use]
pub fn pixels(Size(width, height): Size) -> Object {
    object! { "width": width, "height": height, "sizeType": "PIXEL" }
}

fn placeholder(size: Size) -> Object {
    object! { "size": pixels(size), "expectedCreativeCount": 1 }
}

fn check_price(package: &PackageOrder, pointer: &str, problems: &mut Problems) {
    if package.price.model != PriceModel::Cpm {
        let message = "The Ad Manager adapter sells packages per thousand impressions.";
        problems.unsupported("unsupported_price_model", pointer, package.price.model.word(), message, &["cpm"]);
    } else if package.price.rate <= 0 {
        let message = "A price is more than nothing.";
        problems.invalid("invalid_price", pointer, money::decimal(package.price.rate), message);
    }
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

/// Units of time with their length in minutes, the longest first (reference, `TimeUnit`).
const UNITS: [(&str, u32); 4] = [("WEEK", 7 * 24 * 60), ("DAY", 24 * 60), ("HOUR", 60), ("MINUTE", 1)];

fn frequency_caps(buy: &MediaBuy, package: &PackageOrder, problems: &mut Problems) -> Option<Vec<Object>> {
    let cap = package.targeting.frequency_cap.as_ref()?;
    let pointer = format!("/packages/{}/targeting_overlay/frequency_cap", pointer_segment(&package.package_id));
    if !(1..=inferred::LONGEST_CAP_MINUTES).contains(&cap.suppress_minutes) {
        let message = format!("The Ad Manager adapter counts 1 to {} minutes.", inferred::LONGEST_CAP_MINUTES);
        let value = cap.suppress_minutes.to_string();
        problems.invalid("invalid_frequency_cap", format!("{pointer}/suppress_minutes"), value, message);
        return None;
    }
    if !problems.check_cap_of_package(buy, cap, &pointer, "Ad Manager caps each line item by itself.") {
        return None;
    }
    let (unit, minutes) = UNITS.into_iter().find(|(_, minutes)| cap.suppress_minutes % minutes == 0)?;
    let amount = cap.suppress_minutes / minutes;
    Some(vec![object! { "maxImpressions": "1", "timeAmount": amount.to_string(), "timeUnit": unit }])
}

impl Translated for LineItem {
    fn name(&self) -> &str {
        &self.name
    }

    /// Includes whether it may deliver, which is an action on Ad Manager rather than a field.
    fn shown(&self) -> Object {
        let mut object = self.fields();
        object.set("active", self.active);
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
        let mask: Vec<&str> = changes.iter().map(|(name, _)| name).collect();
        let mask = mask.join(",");
        // A field that is in the mask but not in the body is cleared.
        let body = changes.without_nulls();
        network.patch(&path!("lineItems/{}", id)).query("updateMask", mask).json(&body).send()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flightdeck_adapter::ad_server::LineItem as _;

    use super::*;
    use crate::samples::{buy, context, package};

    fn of(change: impl FnOnce(&mut PackageOrder)) -> Fallible<LineItem> {
        let mut package = package("news");
        change(&mut package);
        let platform = Platform::read(&context()).unwrap();
        let mut problems = Problems::default();
        let item = translate(&platform, &buy(vec![package.clone()]), &package, &mut problems)?;
        problems.check().map(|()| item)
    }

    fn field(item: &LineItem, name: &str) -> String {
        item.shown().get(name).cloned().unwrap_or_default().to_string()
    }

    #[test]
    fn goals_rates_and_pacing_are_ad_managers() {
        let item = of(|package| package.pacing = Pacing::FrontLoaded).unwrap();
        assert_eq!(field(&item, "goal"), r#"{"goalType":"LIFETIME","unitType":"IMPRESSIONS","units":"1000000"}"#);
        assert_eq!(field(&item, "rate"), r#"{"currencyCode":"USD","units":"12","nanos":500000000}"#);
        assert_eq!(field(&item, "deliveryRateType"), r#""FRONTLOADED""#);
        assert_eq!(field(&item, "lineItemType"), r#""STANDARD""#);
        assert_eq!(field(&item, "environmentType"), r#""BROWSER""#);
        assert_eq!(field(&item, "priority"), "null");
        assert_eq!(
            field(&item, "creativePlaceholders"),
            r#"[{"size":{"width":300,"height":250,"sizeType":"PIXEL"},"expectedCreativeCount":1},{"size":{"width":728,"height":90,"sizeType":"PIXEL"},"expectedCreativeCount":1}]"#
        );
        let smallest = of(|package| package.price.rate = 1).unwrap();
        assert_eq!(field(&smallest, "rate"), r#"{"currencyCode":"USD","units":"0","nanos":1000}"#);
    }

    #[test]
    fn a_cap_is_in_the_longest_unit_that_is_exact() {
        for (minutes, written) in [
            (1, r#"{"maxImpressions":"1","timeAmount":"1","timeUnit":"MINUTE"}"#),
            (90, r#"{"maxImpressions":"1","timeAmount":"90","timeUnit":"MINUTE"}"#),
            (120, r#"{"maxImpressions":"1","timeAmount":"2","timeUnit":"HOUR"}"#),
            (1440, r#"{"maxImpressions":"1","timeAmount":"1","timeUnit":"DAY"}"#),
            (20160, r#"{"maxImpressions":"1","timeAmount":"2","timeUnit":"WEEK"}"#),
        ] {
            let cap = FrequencyCap { suppress_minutes: minutes, scope: CapScope::MediaBuy };
            let item = of(|package| package.targeting.frequency_cap = Some(cap)).unwrap();
            assert_eq!(field(&item, "frequencyCaps"), format!("[{written}]"));
        }
    }

    #[test]
    fn a_cap_over_several_packages_is_refused() {
        let mut one = package("news");
        one.targeting.frequency_cap = Some(FrequencyCap { suppress_minutes: 60, scope: CapScope::MediaBuy });
        let buy = buy(vec![one.clone(), package("sports")]);
        let mut problems = Problems::default();
        translate(&Platform::read(&context()).unwrap(), &buy, &one, &mut problems).unwrap();
        let failure = problems.check().unwrap_err();
        assert_eq!((failure.code.as_str(), failure.items[0].supported.len()), ("unsupported_frequency_cap", 1));
    }

    #[test]
    fn what_ad_manager_cannot_do_is_refused_by_its_place() {
        let failure = of(|package| {
            package.daily_budget = Some(5_000_000);
            package.daily_impressions = Some(1000);
            package.price.model = PriceModel::Cpc;
            package.pacing = Pacing::Other("backwards".to_owned());
        })
        .unwrap_err();
        let fields: Vec<&str> = failure.items.iter().map(|item| item.field.as_str()).collect();
        let at = |field: &str| format!("/packages/news/{field}");
        assert_eq!(fields, [at("cpm"), at("daily_budget"), at("daily_impressions"), at("pacing")]);
        assert_eq!(of(|package| package.impressions = 0).unwrap_err().code, "invalid_impressions");
        assert_eq!(of(|package| package.price.rate = 0).unwrap_err().code, "invalid_price");
    }

    #[test]
    fn only_what_differs_is_changed() {
        let (before, after) = (of(|_| {}).unwrap(), of(|package| package.impressions = 5).unwrap());
        let changes = after.changes_from(&before);
        assert_eq!(changes.to_string(), r#"{"goal":{"goalType":"LIFETIME","unitType":"IMPRESSIONS","units":"5"}}"#);
        assert!(before.changes_from(&before).is_empty());
        let capped = of(|package| {
            package.targeting.frequency_cap = Some(FrequencyCap { suppress_minutes: 60, scope: CapScope::Package });
        });
        assert_eq!(before.changes_from(&capped.unwrap()).to_string(), r#"{"frequencyCaps":null}"#);
    }
}
