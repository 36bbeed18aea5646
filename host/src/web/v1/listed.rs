//! The answers of `list_products` and `list_media_buys`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::queries::FieldNames;
use crate::{
    app::{Page, ProductList, ProductView},
    domain::{
        capability::{Capabilities, DaypartingSupport},
        creative::Format,
        id::{CreativeId, MediaBuyId, PackageId, PlatformName, PrincipalId},
        media_buy::{MediaBuy, Pacing, Package},
        money::Micros,
        status::BuyStatus,
        targeting::{CapScope, Operator, Weekday},
        time::Timestamp,
    },
};

/// What `list_products` tells, by name: the fields of a product, and its platforms.
pub const PRODUCT_FIELDS: [&str; 11] = [
    "package_id",
    "name",
    "description",
    "platform",
    "formats",
    "cpm",
    "floor_cpm",
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
    /// What the platforms of these products can do, by the name that a product's `platform` has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platforms: Option<BTreeMap<PlatformName, PlatformLine>>,
    /// How many there are on all pages.
    pub total_count: usize,
    /// For the next page, if there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A platform on which packages are sold. What it can do, it can do for each of them.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PlatformLine {
    /// Its name for people.
    pub title: String,
    /// What its packages can be targeted by.
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
    /// Where it lives, and by which name `platforms` says how it can be targeted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformName>,
    /// The creative formats that it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formats: Option<Vec<Format>>,
    /// Price of a thousand impressions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpm: Option<Micros>,
    /// The least price that is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor_cpm: Option<Micros>,
    /// ISO 4217 code of both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The pacing strategies that it can do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pacing: Option<Vec<Pacing>>,
    /// How many hours before the flight creatives must be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review_lead_hours: Option<i64>,
}

/// What a package can be targeted by. What is not listed is refused.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TargetingSupport {
    /// The fields of `targeting_overlay`.
    pub dimensions: Vec<DimensionLine>,
    /// Hours of the week; `null`: not at all.
    pub dayparting: Option<DaypartingLine>,
    /// Frequency caps; `null`: not at all.
    pub frequency_cap: Option<FrequencyCapLine>,
}

/// A field of `targeting_overlay`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DimensionLine {
    /// The field, like `geo_region_any_of`.
    pub field: String,
    /// Every value that is taken; empty: any value of the right form.
    pub values: Vec<String>,
    /// What else there is to know.
    pub note: String,
}

/// What can be done with hours of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DaypartingLine {
    /// Names of hours that the platform knows.
    pub presets: Vec<PresetLine>,
    /// Whether it takes other hours, too.
    pub custom_schedules: bool,
    /// How many different ranges of hours a package may have; `null`: any number.
    pub max_ranges: Option<u32>,
    /// What else there is to know.
    pub note: String,
}

/// A name for hours of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PresetLine {
    /// As it is written in `presets`.
    pub name: String,
    /// What it stands for.
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

/// What can be done with frequency caps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FrequencyCapLine {
    /// What can be counted together.
    pub scopes: Vec<CapScope>,
    /// The shortest cap.
    pub min_suppress_minutes: u32,
    /// The longest cap.
    pub max_suppress_minutes: u32,
    /// What else there is to know.
    pub note: String,
}

impl ProductsAnswer {
    /// A page of products: of each what is asked for, and each of their platforms once.
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
    fn of(view: &ProductView, wants: impl Fn(&str) -> bool) -> Self {
        const MILLIS_OF_AN_HOUR: i64 = 3_600_000;
        let ProductView { product, capabilities } = view;
        let lead_hours = (product.review_lead_ms + MILLIS_OF_AN_HOUR - 1).div_euclid(MILLIS_OF_AN_HOUR);
        Self {
            package_id: product.id.clone(),
            name: wants("name").then(|| product.name.clone()),
            description: product.description.clone().filter(|_| wants("description")),
            platform: wants("platform").then(|| product.platform.clone()),
            formats: wants("formats").then(|| product.formats.clone()),
            cpm: wants("cpm").then_some(product.cpm),
            floor_cpm: wants("floor_cpm").then_some(product.floor_cpm),
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

/// A page of media buys, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BuysAnswer {
    /// The buys.
    pub media_buys: Vec<BuyLine>,
    /// For the next page, if there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A media buy. Its status is the one last recorded; `check_media_buy_status` asks the ad servers.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BuyLine {
    /// Its id.
    pub media_buy_id: MediaBuyId,
    /// Whose it is.
    pub principal_id: PrincipalId,
    /// Its status.
    pub status: BuyStatus,
    /// Why, in words.
    pub detail: String,
    /// The purchase order number.
    pub po_number: Option<String>,
    /// `false`: paused.
    pub active: bool,
    /// Budget of the whole buy.
    pub total_budget: Micros,
    /// ISO 4217 code of every amount.
    pub currency: String,
    /// The most that it may spend in a day.
    pub daily_budget: Option<Micros>,
    /// How impressions are spread.
    pub pacing: Pacing,
    /// When it begins.
    pub flight_start_date: Timestamp,
    /// Its last moment.
    pub flight_end_date: Timestamp,
    /// Its packages.
    pub packages: Vec<BuyPackage>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When anything of it was last recorded.
    pub last_updated: Timestamp,
}

/// A package of a media buy.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BuyPackage {
    /// The package.
    pub package_id: PackageId,
    /// Where it lives.
    pub platform: PlatformName,
    /// `false`: paused.
    pub active: bool,
    /// Its budget.
    pub budget: Micros,
    /// Its goal.
    pub impressions: i64,
    /// Price of a thousand impressions.
    pub cpm: Micros,
    /// Its pacing; the buy's if it has none of its own.
    pub pacing: Pacing,
    /// The most that it may spend in a day.
    pub daily_budget: Option<Micros>,
    /// The most impressions in a day.
    pub daily_impressions: Option<i64>,
    /// The creatives that run in it.
    pub creative_ids: Vec<CreativeId>,
}

impl From<Page<MediaBuy>> for BuysAnswer {
    fn from(page: Page<MediaBuy>) -> Self {
        Self { media_buys: page.items.iter().map(BuyLine::from).collect(), next_cursor: page.next_cursor }
    }
}

impl From<&MediaBuy> for BuyLine {
    fn from(buy: &MediaBuy) -> Self {
        Self {
            media_buy_id: buy.id.clone(),
            principal_id: buy.principal.clone(),
            status: buy.status,
            detail: buy.detail.clone(),
            po_number: buy.po_number.clone(),
            active: buy.active,
            total_budget: buy.total_budget,
            currency: buy.currency.clone(),
            daily_budget: buy.daily_budget,
            pacing: buy.pacing,
            flight_start_date: buy.start,
            flight_end_date: buy.end,
            packages: buy.packages.iter().map(|package| buy_package(buy, package)).collect(),
            created_at: buy.created_at,
            last_updated: buy.updated_at,
        }
    }
}

fn buy_package(buy: &MediaBuy, package: &Package) -> BuyPackage {
    BuyPackage {
        package_id: package.id.clone(),
        platform: package.platform.clone(),
        active: package.active,
        budget: package.budget,
        impressions: package.impressions,
        cpm: package.cpm,
        pacing: buy.pacing_of(package),
        daily_budget: package.daily_budget,
        daily_impressions: package.daily_impressions,
        creative_ids: package.creatives.clone(),
    }
}
