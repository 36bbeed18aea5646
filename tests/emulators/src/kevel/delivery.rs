//! What a flight delivers: a pure function of its bookings, their times, and the clock.
//!
//! - A flight with a goal delivers evenly between its start and its end: each millisecond is worth
//!   the same part of the goal. While the flight, its campaign or all its ads are inactive, those
//!   parts are lost, not made up for; a flight that is paused for half its time ends at half its
//!   goal.
//! - A change of dates, goal or caps starts a new plan: the rest of the new goal is spread evenly
//!   over the remaining time. What was delivered before stays.
//! - A goal is not a cap: it is met within about 5 %, and a small one is passed by a large percentage
//!   (dev.kevel.com, "Ad Pacing & Goals"). So a flight that reaches its goal ends [past it](GOAL_PASSED_BY_ONE_IN),
//!   unless a cap stops it. Nothing says when the surplus is delivered; here it is at the end.
//! - A percentage goal takes that share of an assumed stream of [`INVENTORY_PER_DAY`].
//! - Daily caps count by UTC day, lifetime caps in total.
//!
//! Impressions are counted in billionths, so that remainders of divisions are never visible.

use super::schema::Object;
use crate::{amount::Amount, control::clock::Millis};

/// The impressions per day of the emulated network, for goals that are a share of them. Enough that
/// a flight "as fast as possible" reaches a usual goal within a few hours.
pub const INVENTORY_PER_DAY: u64 = 1_000_000;
/// One click per this many impressions: 0.2 %, an ordinary banner.
pub const IMPRESSIONS_PER_CLICK: u64 = 500;
/// One conversion per this many clicks.
pub const CLICKS_PER_CONVERSION: u64 = 50;

/// A goal is passed by one part in this many: 5 %, but at least by [`SMALL_GOAL_PASSED_BY`].
pub const GOAL_PASSED_BY_ONE_IN: u64 = 20;
/// The least number of impressions by which a goal is passed.
pub const SMALL_GOAL_PASSED_BY: u64 = 100;

/// More impressions than any revenue goal corresponds to. With this bound, and dates up to the year
/// 9999, the products below fit into 128 bits.
const MOST: u64 = 10_000_000_000_000;
const DAY: Millis = 86_400_000;
const PARTS: i128 = 1_000_000_000;
/// Divisions round down, each by less than one part. This covers a thousand divisions.
const SLACK: i128 = 1_000;

/// The goal of a flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// This many impressions from start to end.
    Total(u64),
    /// This many impressions per day.
    PerDay(u64),
}

/// The terms under which a flight delivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    start: Millis,
    end: Option<Millis>,
    goal: Goal,
    daily_cap: Option<u64>,
    lifetime_cap: Option<u64>,
    rate_type: i64,
    price_micros: i64,
}

/// The totals delivered up to an instant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Impressions.
    pub impressions: u64,
    /// Clicks.
    pub clicks: u64,
    /// Conversions.
    pub conversions: u64,
    /// Revenue.
    pub revenue: Amount,
}

impl std::ops::Add for Totals {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            impressions: self.impressions + other.impressions,
            clicks: self.clicks + other.clicks,
            conversions: self.conversions + other.conversions,
            revenue: self.revenue + other.revenue,
        }
    }
}

impl std::ops::Sub for Totals {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self {
            impressions: self.impressions.saturating_sub(other.impressions),
            clicks: self.clicks.saturating_sub(other.clicks),
            conversions: self.conversions.saturating_sub(other.conversions),
            revenue: self.revenue - other.revenue,
        }
    }
}

#[derive(Debug)]
struct Plan {
    since: Millis,
    terms: Terms,
    /// The instant from which the remaining goal is spread.
    from: Millis,
    parts_before: i128,
    parts_that_day: i128,
    totals_before: Totals,
}

/// The delivery of one flight: its plans, and when it was active.
#[derive(Debug)]
pub(super) struct Delivery {
    plans: Vec<Plan>,
    switches: Vec<(Millis, bool)>,
}

impl Terms {
    /// Returns the terms of a booked flight.
    #[must_use]
    pub(super) fn of(flight: &Object) -> Self {
        let rate_type = flight.int("RateType").unwrap_or(1);
        let price_micros = flight.micros("Price").unwrap_or(0);
        let per_click = IMPRESSIONS_PER_CLICK;
        let per_conversion = IMPRESSIONS_PER_CLICK * CLICKS_PER_CONVERSION;
        // The number of impressions that earn this many millionths of currency.
        let earning = |micros: i64| -> u64 {
            let price = u64::try_from(price_micros).unwrap_or(0);
            let (each, basis) = match rate_type {
                2 => (1_000, price),
                3 => (per_click, price),
                4..=6 => (per_conversion, price),
                _ => (0, 0),
            };
            let wanted = u128::from(micros.unsigned_abs()) * u128::from(each);
            wanted.checked_div(u128::from(basis)).map_or(0, |n| u64::try_from(n).unwrap_or(MOST).min(MOST))
        };
        let goal = flight.int("Impressions").and_then(|goal| u64::try_from(goal).ok()).unwrap_or(0);
        let money = flight.int("Impressions").unwrap_or(0).saturating_mul(1_000_000);
        let goal = match flight.int("GoalType").unwrap_or(1) {
            2 => Goal::PerDay(INVENTORY_PER_DAY * goal.min(100) / 100),
            3 => Goal::Total(goal * per_click),
            7 => Goal::Total(goal * per_conversion),
            8 => Goal::Total(earning(money)),
            9 => Goal::PerDay(earning(money)),
            10 => Goal::PerDay(earning(money) / 30),
            _ => Goal::Total(goal),
        };
        let cap = |exact: &str, whole: &str| -> Option<u64> {
            let whole = || flight.int(whole).and_then(|units| units.checked_mul(1_000_000));
            let micros = flight.micros(exact).or_else(whole)?;
            let units = u64::try_from(micros / 1_000_000).unwrap_or(0);
            match flight.int("CapType")? {
                1 => Some(units),
                2 => Some(units * per_click),
                3 => Some(units * per_conversion),
                _ => Some(earning(micros)),
            }
        };
        Self {
            start: flight.moment("StartDateISO").unwrap_or(0),
            end: flight.moment("EndDateISO"),
            goal,
            daily_cap: cap("DailyCapAmountDecimal", "DailyCapAmount"),
            lifetime_cap: cap("LifetimeCapAmountDecimal", "LifetimeCapAmount"),
            rate_type,
            price_micros,
        }
    }
}

impl Delivery {
    /// Returns the delivery of a new flight.
    #[must_use]
    pub(super) fn new(now: Millis, terms: Terms, on: bool) -> Self {
        let from = terms.start;
        let plan =
            Plan { since: now, terms, from, parts_before: 0, parts_that_day: 0, totals_before: Totals::default() };
        Self { plans: vec![plan], switches: vec![(now, on)] }
    }

    /// Records the terms and whether the flight is active, as of now.
    pub(super) fn note(&mut self, now: Millis, terms: Terms, on: bool) {
        // If the clock was set back, what was recorded after now has not happened.
        self.switches.retain(|(at, _)| *at <= now);
        if self.switches.last().is_none_or(|(_, was)| *was != on) {
            self.switches.push((now, on));
        }
        if self.plans.len() > 1 {
            let first = self.plans.remove(0);
            self.plans.retain(|plan| plan.since <= now);
            self.plans.insert(0, first);
        }
        if self.plans.last().is_some_and(|plan| plan.terms == terms) {
            return;
        }
        let parts_before = self.parts(now);
        let plan = Plan {
            since: now,
            from: terms.start.max(now),
            terms,
            parts_before,
            parts_that_day: parts_before - self.parts(now - now.rem_euclid(DAY)),
            totals_before: self.totals(now),
        };
        self.plans.push(plan);
    }

    /// Returns what was delivered from the beginning up to an instant.
    #[must_use]
    pub(super) fn totals(&self, at: Millis) -> Totals {
        let Some(plan) = self.plan(at) else {
            return Totals::default();
        };
        let impressions = whole(self.parts(at));
        let clicks = impressions / IMPRESSIONS_PER_CLICK;
        let conversions = clicks / CLICKS_PER_CONVERSION;
        let before = plan.totals_before;
        let price = i128::from(plan.terms.price_micros);
        let more = impressions.saturating_sub(before.impressions);
        let nanos = match plan.terms.rate_type {
            // A thousandth of a millionth is a billionth: a CPM needs no division at all.
            2 => i128::from(more) * price,
            3 => i128::from(clicks - before.clicks) * price * 1_000,
            4..=6 => i128::from(conversions - before.conversions) * price * 1_000,
            // A flat price is earned evenly over the time that the plan has, whatever is delivered.
            _ => plan.part_of_time(at).map_or(0, |(passed, whole)| {
                (price * 1_000 - before.revenue.0).max(0) * i128::from(passed) / i128::from(whole)
            }),
        };
        let revenue = before.revenue + Amount(nanos);
        Totals { impressions, clicks, conversions, revenue }
    }

    /// Returns what was delivered between two instants.
    #[must_use]
    pub(super) fn between(&self, from: Millis, to: Millis) -> Totals {
        if to <= from { Totals::default() } else { self.totals(to) - self.totals(from) }
    }

    fn plan(&self, at: Millis) -> Option<&Plan> {
        self.plans.iter().rev().find(|plan| plan.since <= at)
    }

    fn parts(&self, at: Millis) -> i128 {
        let Some(plan) = self.plan(at) else { return 0 };
        let terms = &plan.terms;
        let from = plan.from.max(plan.since);
        let to = terms.end.map_or(at, |end| end.min(at));
        let mut parts = 0;
        if from < to {
            match terms.daily_cap {
                None => parts = plan.worth(self.on_time(from, to)),
                Some(cap) => {
                    let mut used = plan.parts_that_day;
                    let mut day = plan.since - plan.since.rem_euclid(DAY);
                    while day < to {
                        let on = self.on_time(from.max(day), to.min(day + DAY));
                        let left = i128::from(cap) * PARTS - used;
                        parts += plan.worth(on).min(left).max(0);
                        used = 0;
                        day += DAY;
                    }
                }
            }
        }
        let mut parts = plan.parts_before + parts;
        if let Goal::Total(goal) = terms.goal {
            let whole = i128::from(goal) * PARTS;
            parts = parts.min(whole.max(plan.parts_before));
            let surplus = i128::from((goal / GOAL_PASSED_BY_ONE_IN).max(SMALL_GOAL_PASSED_BY)) * PARTS;
            if goal > 0 && parts >= whole - SLACK && terms.end.is_some_and(|end| end <= at) {
                parts = parts.max(whole + surplus);
            }
        }
        let limit = terms.lifetime_cap.map_or(i128::MAX, |cap| i128::from(cap) * PARTS);
        parts.min(limit.max(plan.parts_before))
    }

    /// Returns for how many milliseconds between two instants the flight was active.
    fn on_time(&self, from: Millis, to: Millis) -> Millis {
        let ends = self.switches.iter().skip(1).map(|(at, _)| *at).chain([Millis::MAX]);
        self.switches
            .iter()
            .zip(ends)
            .filter(|((_, on), _)| *on)
            .map(|((begins, _), ends)| (ends.min(to) - (*begins).max(from)).max(0))
            .sum()
    }
}

impl Plan {
    /// Returns how long the flight has lasted since this plan began, and how long it lasts in all.
    fn part_of_time(&self, at: Millis) -> Option<(Millis, Millis)> {
        let end = self.terms.end?;
        let from = self.from.max(self.since);
        (end > from).then(|| ((end.min(at) - from).max(0), end - from))
    }

    /// Returns what this many milliseconds of activity are worth.
    fn worth(&self, millis: Millis) -> i128 {
        match (self.terms.goal, self.terms.end) {
            (Goal::PerDay(count), _) => i128::from(count) * PARTS * i128::from(millis) / i128::from(DAY),
            (Goal::Total(goal), Some(end)) if end > self.from => {
                let left = (i128::from(goal) * PARTS - self.parts_before).max(0);
                left * i128::from(millis) / i128::from(end - self.from)
            }
            _ => 0,
        }
    }
}

fn whole(parts: i128) -> u64 {
    u64::try_from((parts + SLACK) / PARTS).unwrap_or(0)
}
