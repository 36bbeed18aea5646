//! Translates media buys into Signpost's objects, without network. Plans show these objects,
//! requests send them, and an update is the difference between two of them.

use flightdeck_adapter::{
    ad_server::{Booking, LineItem, Translated, Uploadable},
    money,
    prelude::*,
    settings,
    words::pointer_segment,
};
use serde::Deserialize;

// Signpost's limits, from its reference.
const MAX_NAME: usize = 120;
const MAX_GOAL: i64 = 1_000_000_000;
const MAX_PIXELS: u32 = 10_000;
const MAX_SECONDS: u32 = 120;
/// Amounts have four decimal places: whole hundreds of micros.
const SMALLEST: i64 = 100;
const CURRENCIES: [&str; 2] = ["USD", "EUR"];
const DEVICES: [&str; 2] = ["mobile", "desktop"];

const SETTINGS: &str = r#"{"type": "object", "properties": {}, "additionalProperties": false}"#;
const PRODUCT_SETTINGS: &str = r#"{
  "type": "object",
  "properties": {
    "countries": {
      "description": "Where the product runs, if the buyer does not say. Buyers can choose only among these.",
      "type": "array",
      "items": {"type": "string", "pattern": "^[A-Z]{2}$"}
    }
  },
  "additionalProperties": false
}"#;

/// What Signpost can do. It must not depend on anything but this file.
#[must_use]
pub fn describe() -> Description {
    let support = |dimension, values: &[&str], note: &str| DimensionSupport {
        dimension,
        operators: vec![Operator::AnyOf],
        values: values.iter().map(|&value| value.to_owned()).collect(),
        note: note.to_owned(),
        extensions: Vec::new(),
    };
    Description {
        platform: "signpost".to_owned(),
        title: "Signpost".to_owned(),
        adapter_version: env!("CARGO_PKG_VERSION").to_owned(),
        formats: vec![CreativeFormat::Image, CreativeFormat::Video],
        targeting: vec![
            support(Dimension::GeoCountry, &[], "ISO 3166-1 codes such as US"),
            support(Dimension::DeviceType, &DEVICES, ""),
        ],
        dayparting: None,
        frequency_cap: None,
        pacing: vec![Pacing::Even, Pacing::Asap],
        price_models: vec![PriceModel::Cpm],
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
            UpdateKind::CreativeAssignments,
        ],
        settings_schema: SETTINGS.to_owned(),
        product_settings_schema: PRODUCT_SETTINGS.to_owned(),
        read_requests: Vec::new(),
        write_requests: Vec::new(),
        lookup_lag_ms: 1000,
        batch_size: 25,
        cancel: CancelSupport::Stops,
        delivery_counting: DeliveryCounting::Daily,
        extensions: Vec::new(),
    }
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub name: String,
    pub fields: Object,
}

/// A line, which carries a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub package_id: String,
    pub name: String,
    pub fields: Object,
}

/// A creative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    pub creative_id: String,
    pub name: String,
    pub fields: Object,
}

impl Translated for Order {
    fn name(&self) -> &str {
        &self.name
    }

    fn shown(&self) -> Object {
        self.fields.clone()
    }
}

impl Translated for Line {
    fn name(&self) -> &str {
        &self.name
    }

    fn shown(&self) -> Object {
        self.fields.clone()
    }
}

impl LineItem for Line {
    fn package_id(&self) -> &str {
        &self.package_id
    }
}

impl Uploadable for Asset {
    fn creative_id(&self) -> &str {
        &self.creative_id
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// The order and the lines of a buy. Adds everything that Signpost can't do to the problems.
///
/// # Errors
/// When a product's settings can't be read.
pub fn translate(buy: &MediaBuy, advertiser_id: &str, problems: &mut Problems) -> Fallible<Booking<Order, Line>> {
    if !CURRENCIES.contains(&buy.currency.as_str()) {
        let message = "Signpost sells in USD and EUR.";
        problems.unsupported("unsupported_currency", "/currency", &buy.currency, message, &CURRENCIES);
    }
    if let Some(budget) = buy.daily_budget {
        let message = "Signpost has daily budgets of lines only: set one in each package.";
        problems.unsupported("unsupported_daily_budget", "/daily_budget", money::decimal(budget), message, &[]);
    }
    let name = short(&buy.name);
    let fields = object! {
        "name": &name,
        "advertiser_id": advertiser_id,
        "currency": &buy.currency,
        // At once: a line without a creative delivers nothing, and creatives come later.
        "state": "live",
        // Where a cancel finds an order whose id was never learned.
        "memo": &buy.media_buy_id,
    };
    let items = buy.packages.iter().map(|package| line(buy, package, problems)).collect::<Fallible<_>>()?;
    Ok(Booking { order: Order { name, fields }, items, notes: Vec::new() })
}

fn line(buy: &MediaBuy, package: &PackageOrder, problems: &mut Problems) -> Fallible<Line> {
    let at = |field: &str| format!("/packages/{}/{field}", pointer_segment(&package.package_id));
    if package.price.model != PriceModel::Cpm {
        let message = "Signpost has prices per thousand impressions only.";
        let word = package.price.model.word();
        problems.unsupported("unsupported_price_model", at(package.price.model.field()), word, message, &["cpm"]);
    }
    let pacing = package.pacing.word();
    if !["even", "asap"].contains(&pacing) {
        let message = "Signpost paces evenly or as fast as possible.";
        problems.unsupported("unsupported_pacing", at("pacing"), pacing, message, &["even", "asap"]);
    }
    if package.impressions > MAX_GOAL {
        let message = format!("A line's goal is at most {MAX_GOAL}.");
        problems.invalid("goal_too_large", at("impressions"), package.impressions.to_string(), message);
    }
    if let Some(daily) = package.daily_impressions {
        let message = "Signpost caps the budget of a day, not its impressions.";
        let field = at("daily_impressions");
        problems.unsupported("unsupported_daily_impressions", field, daily.to_string(), message, &[]);
    }
    let rate = amount(package.price.rate, &at(package.price.model.field()), problems);
    let daily_budget = package.daily_budget.map(|budget| amount(budget, &at("daily_budget"), problems));
    let (countries, devices) = targeting(package, &at("targeting_overlay"), problems)?;
    let name = short(&package.name);
    let fields = object! {
        "name": &name,
        "goal_impressions": package.impressions,
        "rate": rate,
        "rate_type": "cpm",
        "start": &package.start,
        "end": &package.end,
        "pacing": pacing,
        "active": buy.active && package.active,
        "daily_budget": daily_budget,
        "countries": countries,
        "devices": devices,
    };
    Ok(Line { package_id: package.package_id.clone(), name, fields })
}

fn amount(micros: i64, field: &str, problems: &mut Problems) -> String {
    let text = money::decimal(micros);
    if micros % SMALLEST != 0 {
        problems.invalid("too_exact", field, &text, "Signpost's amounts have at most four decimal places.");
    }
    text
}

/// The publisher's settings of a product.
#[derive(Debug, Default, Deserialize)]
struct Product {
    #[serde(default)]
    countries: Vec<String>,
}

/// The countries and devices of a line.
fn targeting(package: &PackageOrder, at: &str, problems: &mut Problems) -> Fallible<(Vec<String>, Vec<String>)> {
    let what = format!("the Signpost settings of {}", package.package_id);
    let product: Product = settings::read(&package.product_settings, "invalid_product_settings", &what)?;
    let sold: Vec<&str> = product.countries.iter().map(String::as_str).collect();
    let mut countries = product.countries.clone();
    let mut devices = Vec::new();
    for rule in &package.targeting.rules {
        let field = rule.pointer(&package.package_id);
        let (accepts, chosen) = match (&rule.dimension, rule.operator) {
            (Dimension::GeoCountry, Operator::AnyOf) => (sold.as_slice(), &mut countries),
            (Dimension::DeviceType, Operator::AnyOf) => (DEVICES.as_slice(), &mut devices),
            _ => {
                let message = "Signpost can only include countries and devices.";
                problems.unsupported("unsupported_targeting", field, rule.values.join(", "), message, &[]);
                continue;
            }
        };
        for value in rule.values.iter().filter(|value| !accepts.is_empty() && !accepts.contains(&value.as_str())) {
            let message = format!("This product does not run on or in {value}.");
            problems.unsupported("unsupported_targeting", &field, value, message, accepts);
        }
        chosen.clone_from(&rule.values);
    }
    let mut refuse = |name: &str, value: String, message: &str| {
        problems.unsupported("unsupported_targeting", format!("{at}/{name}"), value, message, &[]);
    };
    if let Some(hours) = &package.targeting.dayparting {
        refuse("dayparting", hours.timezone.clone(), "Signpost has no day parts.");
    }
    if let Some(cap) = &package.targeting.frequency_cap {
        refuse("frequency_cap", cap.suppress_minutes.to_string(), "Signpost has no frequency caps.");
    }
    if let Some(custom) = &package.targeting.custom {
        refuse("custom", custom.clone(), "Signpost has no targeting of its own.");
    }
    // Sorted as Signpost keeps them, so that an order of words is no difference.
    countries.sort();
    devices.sort();
    Ok((countries, devices))
}

/// A creative as Signpost takes it; `None` if it does not, and the problems say why.
pub fn translate_creative(creative: &Creative, advertiser_id: &str, problems: &mut Problems) -> Option<Asset> {
    let at = |field: &str| format!("/assets/{}/{field}", pointer_segment(&creative.creative_id));
    let before = problems.count();
    let name = short(&creative.name);
    let mut fields = object! {
        "advertiser_id": advertiser_id,
        "name": &name,
        "format": creative.format.word(),
        "url": creative.media_url.as_deref(),
    };
    if let Some(url) = &creative.click_url {
        fields.set("click_url", url);
    }
    if creative.media_url.is_none() {
        problems.invalid("missing_media_url", at("media_url"), "", "Signpost needs the URL of the asset.");
    }
    match creative.format {
        CreativeFormat::Image => {
            fields.set("width", size(creative.width, &at("width"), MAX_PIXELS, problems));
            fields.set("height", size(creative.height, &at("height"), MAX_PIXELS, problems));
        }
        CreativeFormat::Video => {
            // Whole seconds: a started second counts.
            let seconds = creative.duration_ms.map(|duration| duration.div_ceil(1000));
            fields.set("duration_seconds", size(seconds, &at("duration_ms"), MAX_SECONDS, problems));
        }
        _ => {
            let (word, message) = (creative.format.word(), "Signpost runs images and videos.");
            problems.unsupported("unsupported_format", at("format"), word, message, &["image", "video"]);
        }
    }
    let fits = problems.count() == before;
    fits.then(|| Asset { creative_id: creative.creative_id.clone(), name, fields })
}

fn size(value: Option<u32>, field: &str, most: u32, problems: &mut Problems) -> Option<i64> {
    if value.is_none_or(|value| !(1..=most).contains(&value)) {
        let given = value.map(|value| value.to_string()).unwrap_or_default();
        problems.invalid("invalid_size", field, given, format!("Signpost needs a value of 1 to {most}."));
    }
    value.map(i64::from)
}

fn short(name: &str) -> String {
    name.chars().take(MAX_NAME).collect()
}
