//! `list_products`: the packages that can be bought, and the targeting they support.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{
    app::{App, ListProducts, ProductList, ProductView, caller::Caller, error::AppError},
    domain::{
        capability::{Capabilities, DaypartingSupport},
        creative::Format,
        id::{PackageId, PlatformName},
        media_buy::Pacing,
        targeting::{CapScope, Operator, Weekday},
    },
    web::{
        json::{
            Arguments, read,
            text::{Line, MAX_ID},
            values::{Limit, shortened},
        },
        tool::{Answer, Audience, Effect, Tool, Verb},
        v1::price::{FloorLine, PriceLine},
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "list_products",
    title: "List products",
    description: "The packages that can be bought: price, floor price, creative formats and platform. The price is a \
                  cpm (a thousand impressions), cpc (a click), cpcv (a completed view) or flat_price (the whole \
                  flight): the field says which. platforms \
                  lists once per platform the targeting that its packages support. Call it before create_media_buy: \
                  targeting that is not listed is refused. fields makes the answer shorter.",
    audience: Audience::Everybody,
    effect: Effect::Read,
    only_switches: None,
    verb: Verb::Get,
    path: "/v1/products",
    input: ProductQuery::json_schema,
    output: ProductsAnswer::json_schema,
    example: r#"{"format": "audio"}"#,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: ProductQuery = read(arguments)?;
    let asked = ListProducts {
        platform: request.platform.map(|platform| platform.0),
        format: request.format,
        limit: request.limit.map(|limit| limit.0),
        cursor: request.cursor.map(|cursor| cursor.0),
    };
    let products = app.list_products(&caller, asked).await?;
    Answer::new(&ProductsAnswer::of(&products, request.fields.as_ref()))
}

/// Which products to list.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductQuery {
    /// Only those on this platform.
    pub platform: Option<Line<MAX_ID>>,
    /// Only those accepting this format.
    pub format: Option<Format>,
    /// What to return, as comma-separated names like `package_id,cpm,platforms`: fields of
    /// products, and `platforms` for what their platforms support. Default: everything.
    pub fields: Option<FieldNames>,
    /// Number of products. Default: 50.
    pub limit: Option<Limit>,
    /// `next_cursor` of the prior page.
    pub cursor: Option<Line<MAX_ID>>,
}

/// The field names that `list_products` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldNames(Vec<String>);

impl FieldNames {
    /// Returns whether a name is among them.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|known| known == name)
    }
}

impl<'de> Deserialize<'de> for FieldNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let known = PRODUCT_FIELDS.join(", ");
        let told = String::deserialize(deserializer)?;
        let names: Vec<String> = told.split(',').map(|name| name.trim().to_owned()).collect();
        match names.iter().find(|name| !PRODUCT_FIELDS.contains(&name.as_str())) {
            Some(unknown) => Err(de::Error::custom(format!(
                "must be names with commas between, of {known}; {:?} is none",
                shortened(unknown)
            ))),
            None => Ok(Self(names)),
        }
    }
}

impl JsonSchema for FieldNames {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FieldNames".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = PRODUCT_FIELDS.join("|");
        json_schema!({
            "type": "string", "pattern": format!("^ *(?:{names}) *(?:, *(?:{names}) *)*$"),
            "examples": ["package_id,name,cpm"],
        })
    }
}

/// The names that `fields` of `list_products` accepts: a product's fields, and `platforms`.
pub const PRODUCT_FIELDS: [&str; 17] = [
    "package_id",
    "name",
    "description",
    "platform",
    "formats",
    "cpm",
    "cpc",
    "cpcv",
    "flat_price",
    "floor_cpm",
    "floor_cpc",
    "floor_cpcv",
    "floor_flat_price",
    "currency",
    "pacing",
    "review_lead_hours",
    "platforms",
];

/// What can be bought.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ProductsAnswer {
    /// The packages.
    pub products: Vec<ProductLine>,
    /// What these products' platforms support, keyed by a product's `platform`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platforms: Option<BTreeMap<PlatformName, PlatformLine>>,
    /// Number on all pages.
    pub total_count: usize,
    /// For the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A platform on which packages are sold. Its abilities apply to each of them.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PlatformLine {
    /// Its display name.
    pub title: String,
    /// The targeting it supports.
    pub targeting: TargetingSupport,
}

/// A package that can be bought.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ProductLine {
    /// Its id, for `create_media_buy`.
    pub package_id: PackageId,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its platform: the key under which `platforms` lists its targeting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformName>,
    /// The creative formats it accepts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formats: Option<Vec<Format>>,
    /// Its price. The field says what it pays for; a product has one.
    #[serde(flatten)]
    pub price: PriceLine,
    /// The lowest price accepted.
    #[serde(flatten)]
    pub floor: FloorLine,
    /// ISO 4217 code of both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The pacing strategies it supports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pacing: Option<Vec<Pacing>>,
    /// How many hours before the flight creatives are due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review_lead_hours: Option<i64>,
}

/// The targeting a package supports. Anything else is refused.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TargetingSupport {
    /// The fields of `targeting_overlay`.
    pub dimensions: Vec<DimensionLine>,
    /// Hours of the week; `null`: none.
    pub dayparting: Option<DaypartingLine>,
    /// Frequency caps; `null`: none.
    pub frequency_cap: Option<FrequencyCapLine>,
}

/// A field of `targeting_overlay`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DimensionLine {
    /// The field, like `geo_region_any_of`.
    pub field: String,
    /// All values accepted; empty: any value of the right form.
    pub values: Vec<String>,
    /// Further information.
    pub note: String,
}

/// Support for hours of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DaypartingLine {
    /// Hours that the platform defines.
    pub presets: Vec<PresetLine>,
    /// Whether other hours are accepted.
    pub custom_schedules: bool,
    /// How many different ranges of hours a package may have; `null`: any number.
    pub max_ranges: Option<u32>,
    /// Further information.
    pub note: String,
}

/// A name for hours of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PresetLine {
    /// Its name in `presets`.
    pub name: String,
    /// The hours it means.
    pub schedules: Vec<ScheduleLine>,
}

/// The same hours on some days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ScheduleLine {
    /// Days of the week.
    pub days: Vec<Weekday>,
    /// From this hour on.
    pub start_hour: u8,
    /// Up to this hour.
    pub end_hour: u8,
}

/// Support for frequency caps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FrequencyCapLine {
    /// The scopes supported.
    pub scopes: Vec<CapScope>,
    /// The shortest cap.
    pub min_suppress_minutes: u32,
    /// The longest cap.
    pub max_suppress_minutes: u32,
    /// Further information.
    pub note: String,
}

impl ProductsAnswer {
    /// Builds a page of products, with the requested fields of each, and each of their platforms
    /// once.
    pub fn of(list: &ProductList, asked: Option<&FieldNames>) -> Self {
        let wants = |name: &str| asked.is_none_or(|names| names.has(name));
        let views = &list.page.items;
        let platforms = wants("platforms").then(|| {
            let line = |view: &ProductView| PlatformLine {
                title: view.capabilities.title.clone(),
                targeting: view.capabilities.as_ref().into(),
            };
            views.iter().map(|view| (view.product.platform.clone(), line(view))).collect()
        });
        Self {
            products: views.iter().map(|view| ProductLine::of(view, wants)).collect(),
            platforms,
            total_count: list.total,
            next_cursor: list.page.next_cursor.clone(),
        }
    }
}

impl ProductLine {
    fn of(view: &ProductView, wants: impl Fn(&str) -> bool + Copy) -> Self {
        const MILLIS_OF_AN_HOUR: i64 = 3_600_000;
        let ProductView { product, capabilities } = view;
        let lead_hours = (product.review_lead_ms + MILLIS_OF_AN_HOUR - 1).div_euclid(MILLIS_OF_AN_HOUR);
        Self {
            package_id: product.id.clone(),
            name: wants("name").then(|| product.name.clone()),
            description: product.description.clone().filter(|_| wants("description")),
            platform: wants("platform").then(|| product.platform.clone()),
            formats: wants("formats").then(|| product.formats.clone()),
            price: PriceLine::from(product.price).only(wants),
            floor: FloorLine::of(product.price.model, product.floor).only(wants),
            currency: wants("currency").then(|| product.currency.clone()),
            pacing: wants("pacing").then(|| capabilities.pacing.clone()),
            review_lead_hours: wants("review_lead_hours").then_some(lead_hours),
        }
    }
}

impl From<&Capabilities> for TargetingSupport {
    fn from(capabilities: &Capabilities) -> Self {
        let lines = |operator: Operator| {
            capabilities.targeting.iter().filter(move |support| support.operators.contains(&operator)).map(
                move |support| DimensionLine {
                    field: format!("{}_{operator}", support.dimension),
                    values: support.values.clone(),
                    note: support.note.clone(),
                },
            )
        };
        Self {
            dimensions: lines(Operator::AnyOf).chain(lines(Operator::NoneOf)).collect(),
            dayparting: capabilities.dayparting.as_ref().map(DaypartingLine::from),
            frequency_cap: capabilities.frequency_cap.as_ref().map(|support| FrequencyCapLine {
                scopes: support.scopes.clone(),
                min_suppress_minutes: support.min_minutes,
                max_suppress_minutes: support.max_minutes,
                note: support.note.clone(),
            }),
        }
    }
}

impl From<&DaypartingSupport> for DaypartingLine {
    fn from(support: &DaypartingSupport) -> Self {
        Self {
            presets: support
                .presets
                .iter()
                .map(|preset| PresetLine {
                    name: preset.name.clone(),
                    schedules: preset
                        .schedules
                        .iter()
                        .map(|part| ScheduleLine {
                            days: part.days.clone(),
                            start_hour: part.start_hour,
                            end_hour: part.end_hour,
                        })
                        .collect(),
                })
                .collect(),
            custom_schedules: support.custom_schedules,
            max_ranges: support.max_ranges,
            note: support.note.clone(),
        }
    }
}
