//! `get_media_buy_delivery`: the delivery of a media buy. Ratios are computed from integers; floats
//! are never summed.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{App, Delivery, caller::Caller, error::AppError},
    domain::{
        delivery::DeliveryRow,
        id::{MediaBuyId, PackageId, PlatformName},
        money::Micros,
        time::{Day, Timestamp},
    },
    web::{
        json::{self, Arguments, read, refuse, text::Id, values::DayText},
        tool::{Answer, Audience, Effect, Tool, Verb},
        v1::decimal::Decimal,
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "get_media_buy_delivery",
    title: "Get delivery",
    description: "Delivery of a media buy in a range of days (both included, at most 366; of the time zone in reporting_period): impressions, spend, \
                  clicks and completions, in total, by package and by day. null means the platform does not count \
                  it. Give start_date and end_date, or date_range.",
    audience: Audience::Everybody,
    effect: Effect::Read,
    only_switches: None,
    verb: Verb::Get,
    path: "/v1/media-buys/{media_buy_id}/delivery",
    input: DeliveryQuery::json_schema,
    output: DeliveryAnswer::json_schema,
    example: r#"{"media_buy_id": "multi_12345", "start_date": "2024-01-01", "end_date": "2024-01-31"}"#,
    may_be_pending: false,
    run: |app, caller, arguments, _| Box::pin(run(app, caller, arguments)),
};

async fn run(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: DeliveryQuery = read(arguments)?;
    let (first, last) = request.days()?;
    let id = MediaBuyId::new(request.media_buy_id.0);
    let delivery = app.get_media_buy_delivery(&caller, &id, first, last).await?;
    Answer::new(&DeliveryAnswer::from(&delivery))
}

/// One media buy and a range of days.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["start_date", "end_date"]}, {"required": ["date_range"]}]))]
pub struct DeliveryQuery {
    /// The media buy.
    pub media_buy_id: Id,
    /// First day, like `2026-12-01`.
    pub start_date: Option<DayText>,
    /// Last day, included; at most 366 days from the first.
    pub end_date: Option<DayText>,
    /// An alternative to `start_date` and `end_date`.
    pub date_range: Option<DateRange>,
}

/// A range of days, both included.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DateRange {
    /// First day.
    pub start_date: DayText,
    /// Last day, included.
    pub end_date: DayText,
}

impl DeliveryQuery {
    /// Returns the first and the last day.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` when they are missing or given in both forms.
    pub fn days(&self) -> Result<(Day, Day), AppError> {
        let missing = |name: &str| json::mistake(format!("/{name}"), "is missing: it must be given");
        match (&self.date_range, self.start_date, self.end_date) {
            (Some(range), None, None) => Ok((range.start_date.0, range.end_date.0)),
            (Some(_), _, _) => {
                Err(json::invalid("/date_range", "date_range can't be given together with start_date or end_date"))
            }
            (None, Some(start), Some(end)) => Ok((start.0, end.0)),
            (None, start, end) => {
                let mut problems = Vec::new();
                problems.extend(start.is_none().then(|| missing("start_date")));
                problems.extend(end.is_none().then(|| missing("end_date")));
                refuse(&problems).and(Err(json::invalid("", "start_date and end_date must be given")))
            }
        }
    }
}

/// Delivery of a media buy.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DeliveryAnswer {
    /// The media buy.
    pub media_buy_id: MediaBuyId,
    /// The days requested.
    pub reporting_period: Period,
    /// ISO 4217 code of every amount.
    pub currency: String,
    /// Overall totals.
    pub totals: Metrics,
    /// One per package.
    pub by_package: Vec<PackageDelivery>,
    /// One per day; days on which nothing was counted are absent.
    pub daily_breakdown: Vec<DayDelivery>,
    /// The platforms' data ends here.
    pub as_of: Timestamp,
    /// What was delivered before this time is not corrected any more. Absent if a platform does not
    /// say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_until: Option<Timestamp>,
    /// What must be known of these days, such as since when a platform that counts only totals was
    /// read. Absent if there is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A range of days, both included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Period {
    /// First day.
    pub start: Day,
    /// Last day.
    pub end: Day,
    /// The time zone whose days the ad server counts, which are those of `daily_breakdown`: an IANA
    /// name. `null` if the ad servers of the media buy count days of different zones; `notes` then
    /// say which.
    pub time_zone: Option<String>,
}

/// Metrics. `null`: no platform of these packages counts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Metrics {
    /// Impressions.
    pub impressions: i64,
    /// Spend, in the buy's currency.
    pub spend: Micros,
    /// Clicks.
    pub clicks: Option<i64>,
    /// Clicks per impression, 0 to 1, 6 decimal places.
    pub ctr: Option<Decimal>,
    /// Completed views or listens.
    pub video_completions: Option<i64>,
    /// Completions per impression, 0 to 1, 6 decimal places.
    pub completion_rate: Option<Decimal>,
}

/// Delivery of a package.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PackageDelivery {
    /// The package.
    pub package_id: PackageId,
    /// Its platform.
    pub platform: PlatformName,
    /// The metrics.
    #[serde(flatten)]
    pub metrics: Metrics,
}

/// Delivery on one day.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DayDelivery {
    /// The day, in the time zone of the reporting period.
    pub date: Day,
    /// The metrics.
    #[serde(flatten)]
    pub metrics: Metrics,
}

/// Sums of rows. Impressions are also summed separately for the rows that count clicks or
/// completions, so that a platform that does not count them does not dilute a ratio.
#[derive(Debug, Default)]
struct Sums {
    impressions: i64,
    spend: i64,
    clicks: Option<(i64, i64)>,
    completions: Option<(i64, i64)>,
}

impl Sums {
    fn add(&mut self, row: &DeliveryRow) {
        self.impressions = self.impressions.saturating_add(row.impressions);
        self.spend = self.spend.saturating_add(row.spend.get());
        add_counted(&mut self.clicks, row.clicks, row.impressions);
        add_counted(&mut self.completions, row.video_completions, row.impressions);
    }

    fn metrics(&self) -> Metrics {
        let ratio = |counted: Option<(i64, i64)>| counted.and_then(|(part, whole)| Decimal::ratio(part, whole));
        Metrics {
            impressions: self.impressions,
            spend: Micros::new(self.spend).unwrap_or(Micros::MAX),
            clicks: self.clicks.map(|(clicks, _)| clicks),
            ctr: ratio(self.clicks),
            video_completions: self.completions.map(|(completions, _)| completions),
            completion_rate: ratio(self.completions),
        }
    }
}

fn add_counted(sums: &mut Option<(i64, i64)>, counted: Option<i64>, impressions: i64) {
    if let Some(counted) = counted {
        let (part, whole) = sums.unwrap_or((0, 0));
        *sums = Some((part.saturating_add(counted), whole.saturating_add(impressions)));
    }
}

fn summed<'a>(rows: impl IntoIterator<Item = &'a DeliveryRow>) -> Metrics {
    let mut sums = Sums::default();
    rows.into_iter().for_each(|row| sums.add(row));
    sums.metrics()
}

impl From<&Delivery> for DeliveryAnswer {
    fn from(delivery: &Delivery) -> Self {
        let mut days: BTreeMap<Day, Vec<&DeliveryRow>> = BTreeMap::new();
        for row in &delivery.rows {
            days.entry(row.day).or_default().push(row);
        }
        Self {
            media_buy_id: delivery.buy.id.clone(),
            reporting_period: Period {
                start: delivery.first,
                end: delivery.last,
                time_zone: delivery.time_zone.clone(),
            },
            currency: delivery.buy.currency.clone(),
            totals: summed(&delivery.rows),
            by_package: delivery
                .buy
                .packages
                .iter()
                .map(|package| PackageDelivery {
                    package_id: package.id.clone(),
                    platform: package.platform.clone(),
                    metrics: summed(delivery.rows.iter().filter(|row| row.package == package.id)),
                })
                .collect(),
            daily_breakdown: days.into_iter().map(|(date, rows)| DayDelivery { date, metrics: summed(rows) }).collect(),
            as_of: delivery.as_of,
            final_until: delivery.final_until,
            notes: delivery.notes.clone(),
        }
    }
}
