//! A media buy as a buyer asks for it.

use crate::domain::{
    media_buy::Pacing,
    money::Micros,
    targeting::Targeting,
    time::{Day, Timestamp},
};

/// A new buy.
#[derive(Debug, Clone)]
pub struct NewMediaBuy {
    /// Its packages, at least one.
    pub packages: Vec<NewPackage>,
    /// Its budget.
    pub total_budget: Micros,
    /// The buyer's purchase order number.
    pub po_number: Option<String>,
    /// Targeting for all packages.
    pub targeting: Targeting,
    /// When it begins; default: as [`default_start`](crate::domain::media_buy::default_start) says.
    pub start: Option<Moment>,
    /// When it ends; default: 30 days after its start.
    pub end: Option<Moment>,
    /// How impressions are spread; default: evenly.
    pub pacing: Option<Pacing>,
    /// The most that it may spend a day.
    pub daily_budget: Option<Micros>,
    /// ISO 4217; default: the publisher's.
    pub currency: Option<String>,
}

/// One package of a new buy.
#[derive(Debug, Clone, Default)]
pub struct NewPackage {
    /// The product.
    pub package_id: String,
    /// Its budget.
    pub budget: Option<Micros>,
    /// Its goal instead of a budget.
    pub impressions: Option<i64>,
    /// Its price, at least the product's floor.
    pub cpm: Option<Micros>,
    /// Its pacing.
    pub pacing: Option<Pacing>,
    /// The most that it may spend a day.
    pub daily_budget: Option<Micros>,
    /// The most impressions a day.
    pub daily_impressions: Option<i64>,
    /// Its own targeting.
    pub targeting: Targeting,
    /// Must be empty: a new buy has no creatives yet. Kept so that the refusal can say so.
    pub creative_ids: Vec<String>,
}

/// A start or end as a caller gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A day: as a start its first moment (now, if it is today), as an end its last second.
    Day(Day),
    /// A moment.
    At(Timestamp),
}
