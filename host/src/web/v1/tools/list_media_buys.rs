//! `list_media_buys`: media buys as they were last recorded.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{App, ListBuys, Page, caller::Caller, error::AppError},
    domain::{
        id::{CreativeId, MediaBuyId, PackageId, PlatformName, PrincipalId},
        media_buy::{MediaBuy, Pacing, Package},
        money::Micros,
        status::BuyStatus,
        time::Timestamp,
    },
    web::{
        json::{
            Arguments, read,
            text::{Line, MAX_ID, MAX_PO_NUMBER},
            values::Limit,
        },
        tool::{Answer, Audience, Effect, Tool, Verb},
        v1::price::{DailyLine, GoalLine, PriceLine},
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "list_media_buys",
    title: "List media buys",
    description: "Your media buys, newest first, by status, platform or purchase order number. The status is the one last \
                  recorded; check_media_buy_status asks the ad servers. If next_cursor is there, send it as cursor for \
                  the next page.",
    audience: Audience::Everybody,
    effect: Effect::Read,
    only_switches: None,
    verb: Verb::Get,
    path: "/v1/media-buys",
    input: BuysQuery::json_schema,
    output: BuysAnswer::json_schema,
    example: r#"{"status": "active", "limit": 20}"#,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: BuysQuery = read(arguments)?;
    let page = app.list_media_buys(&caller, request.into()).await?;
    Answer::new(&BuysAnswer::from(page))
}

/// Which media buys to list.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BuysQuery {
    /// Only those in this status.
    pub status: Option<BuyStatus>,
    /// Only those with a package on this platform.
    pub platform: Option<Line<MAX_ID>>,
    /// Only those with this purchase order number.
    pub po_number: Option<Line<MAX_PO_NUMBER>>,
    /// Maximum number. Default: 50.
    pub limit: Option<Limit>,
    /// `next_cursor` of the prior page.
    pub cursor: Option<Line<MAX_ID>>,
}

impl From<BuysQuery> for ListBuys {
    fn from(query: BuysQuery) -> Self {
        Self {
            status: query.status,
            platform: query.platform.map(|platform| platform.0),
            po_number: query.po_number.map(|number| number.0),
            limit: query.limit.map(|limit| limit.0),
            cursor: query.cursor.map(|cursor| cursor.0),
        }
    }
}

/// A page of media buys, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BuysAnswer {
    /// The buys.
    pub media_buys: Vec<BuyLine>,
    /// For the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A media buy. Its status is the one last recorded; `check_media_buy_status` asks the ad servers.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BuyLine {
    /// Its id.
    pub media_buy_id: MediaBuyId,
    /// Its buyer.
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
    /// Its maximum spend per day.
    pub daily_budget: Option<Micros>,
    /// Spread of impressions.
    pub pacing: Pacing,
    /// Its start.
    pub flight_start_date: Timestamp,
    /// Its last moment.
    pub flight_end_date: Timestamp,
    /// Its packages.
    pub packages: Vec<BuyPackage>,
    /// When it was sent.
    pub created_at: Timestamp,
    /// When any of it was last recorded.
    pub last_updated: Timestamp,
}

/// A package of a media buy.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BuyPackage {
    /// The package.
    pub package_id: PackageId,
    /// Its platform.
    pub platform: PlatformName,
    /// `false`: paused.
    pub active: bool,
    /// Its budget.
    pub budget: Micros,
    /// Its goal.
    #[serde(flatten)]
    pub goal: GoalLine,
    /// Its price.
    #[serde(flatten)]
    pub price: PriceLine,
    /// Its pacing; the buy's if it has none of its own.
    pub pacing: Pacing,
    /// Its maximum spend per day.
    pub daily_budget: Option<Micros>,
    /// Its daily cap.
    #[serde(flatten)]
    pub daily: DailyLine,
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
        goal: package.into(),
        price: package.price.into(),
        pacing: buy.pacing_of(package),
        daily_budget: package.daily_budget,
        daily: package.into(),
        creative_ids: package.creatives.clone(),
    }
}
