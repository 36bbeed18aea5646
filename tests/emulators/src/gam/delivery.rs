//! What a line item delivered: evenly over its flight up to its goal, in whole numbers.
//!
//! A line item's life is a sequence of stretches. A stretch begins when the terms change or the
//! line item is activated or deactivated. Within one, delivery is linear, so what was delivered by
//! any instant needs neither simulation nor floats.

use super::schema::{Object, inner, moment, number, text};
use crate::{amount::Amount, control::clock::Millis};

/// The number of impressions per click.
pub const IMPRESSIONS_PER_CLICK: u64 = 100;
/// One in this many video impressions is not watched to the end.
pub const IMPRESSIONS_PER_ABANDONED_VIEW: u64 = 4;
/// The impressions per day of a line item without a goal.
pub const INVENTORY_PER_DAY: i64 = 10_000;

/// A day in milliseconds.
pub(super) const DAY: Millis = 86_400_000;
/// Fractions of an impression: fine enough that a stretch of an hour has no visible rounding error.
const PARTS: i128 = 1_000_000;

/// Totals over a period of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Impressions.
    pub impressions: u64,
    /// Clicks.
    pub clicks: u64,
    /// Videos watched to the end.
    pub completed_views: u64,
    /// Revenue in the network's currency.
    pub revenue: Amount,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aim {
    /// This many impressions in total.
    Total(i64),
    /// This many impressions per day.
    PerDay(i64),
}

/// The fields of a line item that determine its delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terms {
    start: Millis,
    end: Option<Millis>,
    aim: Aim,
    video: bool,
    /// The unit that is paid for.
    cost: Cost,
    /// The rate in micros.
    micros: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cost {
    Thousand,
    Click,
    Day,
    View,
    /// The whole flight, earned evenly over its time.
    Flight,
}

/// Returns the fewest impressions of a video of which so many are watched to the end.
fn impressions_for_views(views: i64) -> i64 {
    let abandoned = i64::try_from(IMPRESSIONS_PER_ABANDONED_VIEW).unwrap_or(2) - 1;
    views.saturating_add((views - 1).max(0) / abandoned)
}

impl Terms {
    /// Returns the terms of a line item.
    pub(super) fn of(item: &Object) -> Self {
        let goal = inner(item, "goal");
        let units = goal.and_then(|goal| number(goal, "units")).unwrap_or(0).max(0);
        let video = text(item, "environmentType") == Some("VIDEO_PLAYER");
        let per_click = i64::try_from(IMPRESSIONS_PER_CLICK).unwrap_or(1);
        let units = match goal.and_then(|goal| text(goal, "unitType")) {
            Some("CLICKS") => units.saturating_mul(per_click),
            Some("COMPLETED_VIEWS") => impressions_for_views(units),
            _ => units,
        };
        let share = text(item, "lineItemType").is_some_and(|kind| ["SPONSORSHIP", "NETWORK", "HOUSE"].contains(&kind));
        let aim = match goal.and_then(|goal| text(goal, "goalType")) {
            Some("LIFETIME") => Aim::Total(units),
            // For these types, a daily goal is a percentage of the inventory.
            Some("DAILY") if share => Aim::PerDay(INVENTORY_PER_DAY.saturating_mul(units.min(100)) / 100),
            Some("DAILY") => Aim::PerDay(units),
            _ => Aim::PerDay(INVENTORY_PER_DAY),
        };
        let cost = match text(item, "costType") {
            Some("CPC" | "CPA") => Cost::Click,
            Some("CPD") => Cost::Day,
            Some("CPCV") => Cost::View,
            Some("CPF") => Cost::Flight,
            _ => Cost::Thousand,
        };
        let unlimited = item.get("endTimeUnlimited").and_then(serde_json::Value::as_bool).unwrap_or(false);
        Self {
            start: moment(item, "startTime").unwrap_or(0),
            end: if unlimited { None } else { moment(item, "targetEndTime") },
            aim,
            video,
            cost,
            micros: inner(item, "rate").and_then(money_micros).unwrap_or(0),
        }
    }

    /// Returns the last instant of the flight, if it has one.
    pub(super) fn end(&self) -> Option<Millis> {
        self.end
    }

    /// Returns the goal in impressions, if it is for the whole flight.
    pub(super) fn total(&self) -> Option<u64> {
        match self.aim {
            Aim::Total(units) => u64::try_from(units).ok(),
            Aim::PerDay(_) => None,
        }
    }

    /// Returns the cost of the whole flight, if it is known.
    pub(super) fn budget(&self) -> Option<Amount> {
        let days = self.end.map(|end| i128::from((end - self.start).max(0)));
        match (self.cost, self.aim) {
            (Cost::Day, _) => days.map(|millis| Amount(i128::from(self.micros) * 1000 * millis / i128::from(DAY))),
            (Cost::Thousand, Aim::Total(units)) => Some(Amount(i128::from(self.micros) * i128::from(units))),
            (Cost::Click, Aim::Total(units)) => {
                let clicks = i128::from(units) / i128::from(IMPRESSIONS_PER_CLICK);
                Some(Amount(i128::from(self.micros) * 1000 * clicks))
            }
            (Cost::View, Aim::Total(units)) => {
                let impressions = i128::from(units);
                let views = impressions - impressions / i128::from(IMPRESSIONS_PER_ABANDONED_VIEW);
                Some(Amount(i128::from(self.micros) * 1000 * views))
            }
            (Cost::Flight, _) => Some(Amount(i128::from(self.micros) * 1000)),
            _ => None,
        }
    }
}

/// Returns a `google.type.Money` in micros; `None` if it is finer than that or too large.
pub(super) fn money_micros(money: &Object) -> Option<i64> {
    let nanos = number(money, "nanos").unwrap_or(0);
    let units = number(money, "units").unwrap_or(0).checked_mul(1_000_000)?;
    if nanos % 1000 == 0 { units.checked_add(nanos / 1000) } else { None }
}

#[derive(Debug, Clone, Copy)]
struct Stretch {
    since: Millis,
    on: bool,
    terms: Terms,
    parts_before: i128,
    revenue_before: Amount,
}

/// The delivery of one line item.
#[derive(Debug, Clone)]
pub(super) struct Delivery(Vec<Stretch>);

impl Delivery {
    /// Returns the delivery of a new, inactive line item.
    pub(super) fn new(now: Millis, terms: Terms) -> Self {
        Self(vec![Stretch { since: now, on: false, terms, parts_before: 0, revenue_before: Amount(0) }])
    }

    /// Records the terms and whether the line item is active, as of now.
    pub(super) fn note(&mut self, now: Millis, terms: Terms, on: bool) {
        // If the clock was set back, what was recorded after now has not happened.
        if self.0.first().is_some_and(|first| first.since <= now) {
            self.0.retain(|stretch| stretch.since <= now);
        } else {
            self.0.truncate(1);
        }
        if self.0.last().is_some_and(|last| last.on == on && last.terms == terms) {
            return;
        }
        let stretch =
            Stretch { since: now, on, terms, parts_before: self.parts(now), revenue_before: self.totals(now).revenue };
        self.0.push(stretch);
    }

    /// Returns what was delivered from the beginning up to an instant.
    pub(super) fn totals(&self, at: Millis) -> Totals {
        let Some(stretch) = self.stretch(at) else { return Totals::default() };
        let now = counts(self.parts(at), stretch.terms.video);
        let before = counts(stretch.parts_before, stretch.terms.video);
        let micros = i128::from(stretch.terms.micros);
        let more = match stretch.terms.cost {
            // A thousandth of a millionth is a billionth: a CPM needs no division at all.
            Cost::Thousand => i128::from(now.impressions - before.impressions) * micros,
            Cost::Click => i128::from(now.clicks - before.clicks) * micros * 1000,
            Cost::View => i128::from(now.completed_views - before.completed_views) * micros * 1000,
            Cost::Day => i128::from(stretch.running(at)) * micros * 1000 / i128::from(DAY),
            Cost::Flight => {
                let whole = stretch.terms.end.map_or(DAY, |end| end - stretch.terms.start).max(1);
                i128::from(stretch.running(at)) * micros * 1000 / i128::from(whole)
            }
        };
        Totals { revenue: stretch.revenue_before + Amount(more), ..now }
    }

    /// Returns what was delivered between two instants.
    pub(super) fn between(&self, from: Millis, to: Millis) -> Totals {
        let (one, other) = (self.totals(from), self.totals(to.max(from)));
        Totals {
            impressions: other.impressions.saturating_sub(one.impressions),
            clicks: other.clicks.saturating_sub(one.clicks),
            completed_views: other.completed_views.saturating_sub(one.completed_views),
            revenue: other.revenue - one.revenue,
        }
    }

    fn stretch(&self, at: Millis) -> Option<&Stretch> {
        self.0.iter().rev().find(|stretch| stretch.since <= at)
    }

    fn parts(&self, at: Millis) -> i128 {
        let Some(stretch) = self.stretch(at) else { return 0 };
        let before = stretch.parts_before;
        let ran = i128::from(stretch.running(at));
        if ran == 0 {
            return before;
        }
        match (stretch.terms.aim, stretch.terms.end) {
            (Aim::PerDay(units), _) => before + i128::from(units) * PARTS * ran / i128::from(DAY),
            (Aim::Total(units), Some(end)) => {
                let left = (i128::from(units) * PARTS - before).max(0);
                before + left * ran / i128::from(end - stretch.begins()).max(1)
            }
            (Aim::Total(units), None) => {
                let day = i128::from(INVENTORY_PER_DAY) * PARTS * ran / i128::from(DAY);
                (before + day).min((i128::from(units) * PARTS).max(before))
            }
        }
    }
}

impl Stretch {
    fn begins(&self) -> Millis {
        self.since.max(self.terms.start)
    }

    /// Returns for how many milliseconds of the stretch the line item ran, up to an instant.
    fn running(&self, at: Millis) -> Millis {
        if !self.on {
            return 0;
        }
        (self.terms.end.map_or(at, |end| end.min(at)) - self.begins()).max(0)
    }
}

fn counts(parts: i128, video: bool) -> Totals {
    let impressions = u64::try_from(parts / PARTS).unwrap_or(0);
    let watched = impressions - impressions / IMPRESSIONS_PER_ABANDONED_VIEW;
    Totals {
        impressions,
        clicks: impressions / IMPRESSIONS_PER_CLICK,
        completed_views: if video { watched } else { 0 },
        revenue: Amount(0),
    }
}
