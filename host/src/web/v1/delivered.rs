//! The answer of `get_media_buy_delivery`. Ratios are computed from integers; no float is added up.

use std::{borrow::Cow, collections::BTreeMap};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::{
    app::Delivery,
    domain::{
        delivery::DeliveryRow,
        id::{MediaBuyId, PackageId, PlatformName},
        money::Micros,
        time::{Day, Timestamp},
    },
};

/// A decimal number of at most six places, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal(i64);

impl Decimal {
    /// `part / whole`, rounded to six places; `None` for a whole of nothing.
    pub fn ratio(part: i64, whole: i64) -> Option<Self> {
        if whole <= 0 || part < 0 {
            return None;
        }
        let (part, whole) = (i128::from(part), i128::from(whole));
        let millionths = (part * i128::from(Micros::UNIT) + whole / 2) / whole;
        i64::try_from(millionths).ok().map(Self)
    }

    /// A share in millionths as a percentage with two places.
    pub fn percentage(millionths: i64) -> Self {
        let hundredths = millionths.max(0).saturating_add(50) / 100;
        Self(hundredths.saturating_mul(10_000))
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // An amount of money is written as such a number, too.
        Micros::new(self.0).unwrap_or(Micros::MAX).serialize(serializer)
    }
}

impl JsonSchema for Decimal {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Decimal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "number", "minimum": 0})
    }
}

/// What a media buy delivered.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DeliveryAnswer {
    /// The media buy.
    pub media_buy_id: MediaBuyId,
    /// The days that were asked for.
    pub reporting_period: Period,
    /// ISO 4217 code of every amount.
    pub currency: String,
    /// Everything together.
    pub totals: Metrics,
    /// Package by package.
    pub by_package: Vec<PackageDelivery>,
    /// Day by day; days on which nothing was counted are left out.
    pub daily_breakdown: Vec<DayDelivery>,
    /// Up to when the platforms had counted.
    pub as_of: Timestamp,
}

/// A range of days, both included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Period {
    /// First day.
    pub start: Day,
    /// Last day.
    pub end: Day,
    /// Whose days these, and those of `daily_breakdown`, are: always `UTC`. A flight that its ad server runs by the days of
    /// another time zone counts the hours of one of its days on two of these.
    pub time_zone: &'static str,
}

/// Ad servers are asked for days in UTC (the contract's `date-range`).
const COUNTED_IN: &str = "UTC";

/// What was counted. `null`: no platform of these packages counts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Metrics {
    /// Impressions.
    pub impressions: i64,
    /// Spend, in the buy's currency.
    pub spend: Micros,
    /// Clicks.
    pub clicks: Option<i64>,
    /// Clicks by impression, 0 to 1, with 6 decimal places.
    pub ctr: Option<Decimal>,
    /// Completed views or listens.
    pub video_completions: Option<i64>,
    /// Completions by impression, 0 to 1, with 6 decimal places.
    pub completion_rate: Option<Decimal>,
}

/// What a package delivered.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PackageDelivery {
    /// The package.
    pub package_id: PackageId,
    /// Where it lives.
    pub platform: PlatformName,
    /// What was counted.
    #[serde(flatten)]
    pub metrics: Metrics,
}

/// What was delivered on a day.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DayDelivery {
    /// The day, in UTC.
    pub date: Day,
    /// What was counted.
    #[serde(flatten)]
    pub metrics: Metrics,
}

/// Sums of rows. Impressions are summed apart for the rows that count clicks or completions, so that a platform that does not
/// count them does not thin a ratio.
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
            reporting_period: Period { start: delivery.first, end: delivery.last, time_zone: COUNTED_IN },
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
        }
    }
}
