//! What a flight delivered: evenly over the hours in which it may run, up to its goal, in whole
//! numbers.
//!
//! A flight's life is a sequence of stretches. A stretch begins when the terms change or the flight
//! is activated or deactivated. Within one, delivery is linear over the time of the days that its
//! day parts name, so what was delivered by any instant needs neither simulation nor floats.

use super::fields::DAY;
use crate::{amount::Amount, control::clock::Millis};

/// The number of impressions per click on a companion ad.
pub const IMPRESSIONS_PER_CLICK: u64 = 200;
/// How a flight spreads its goal over its days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pacing {
    /// Evenly, or as the trend of the inventory is, which is even here.
    Even,
    /// More at the beginning.
    FrontLoaded,
    /// As fast as possible.
    Asap,
}

impl Pacing {
    /// How many times as fast as an even one it delivers.
    const fn speed(self) -> i128 {
        match self {
            Self::Even => 1,
            Self::FrontLoaded => 2,
            Self::Asap => 3,
        }
    }
}

/// Fractions of an impression: fine enough that a stretch of an hour has no visible rounding error.
const PARTS: i128 = 1_000_000;

/// Totals over a period of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Impressions.
    pub impressions: u64,
    /// Clicks.
    pub clicks: u64,
    /// Revenue in the campaign's currency.
    pub revenue: Amount,
}

/// The fields of a flight that determine its delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terms {
    /// The first millisecond.
    pub start: Millis,
    /// The first millisecond after the last one.
    pub end: Millis,
    /// The goal, in impressions.
    pub goal: i64,
    /// The price of a thousand impressions, in micros.
    pub rate: i64,
    /// The most impressions per day.
    pub daily_cap: Option<i64>,
    /// How its goal is spread.
    pub pacing: Pacing,
    /// The days of the week on which it runs, Monday first.
    pub days: [bool; 7],
    /// How much later than in UTC the first day begins in its station's time zone.
    pub shift: Millis,
}

impl Terms {
    /// Returns the milliseconds between two instants in which it may run.
    fn running(&self, from: Millis, to: Millis) -> i128 {
        let (from, to) = (from.max(self.start), to.min(self.end));
        if to <= from {
            return 0;
        }
        let (from, to) = (from - self.shift, to - self.shift);
        let days = from.div_euclid(DAY)..=(to - 1).div_euclid(DAY);
        days.filter(|day| self.days[weekday(*day)])
            .map(|day| i128::from((to.min((day + 1) * DAY) - from.max(day * DAY)).max(0)))
            .sum()
    }
}

/// Returns an amount in whole millionths, the precision of reports. The remainder of one day counts
/// towards the next.
fn in_micros(amount: Amount) -> Amount {
    Amount(amount.0 / 1000 * 1000)
}

/// Returns the weekday of a day since 1970, with Monday as 0. Day 0 was a Thursday.
fn weekday(day: i64) -> usize {
    usize::try_from((day + 3).rem_euclid(7)).unwrap_or(0)
}

#[derive(Debug, Clone, Copy)]
struct Stretch {
    since: Millis,
    on: bool,
    terms: Terms,
    parts_before: i128,
    revenue_before: Amount,
}

/// The delivery of one flight.
#[derive(Debug, Clone)]
pub(super) struct Delivery(Vec<Stretch>);

impl Delivery {
    /// Returns the delivery of a new, inactive flight.
    pub(super) fn new(now: Millis, terms: Terms) -> Self {
        Self(vec![Stretch { since: now, on: false, terms, parts_before: 0, revenue_before: Amount(0) }])
    }

    /// Records the terms and whether the flight is active, as of now.
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
        let totals = self.totals(now);
        let stretch = Stretch { since: now, on, terms, parts_before: self.parts(now), revenue_before: totals.revenue };
        self.0.push(stretch);
    }

    /// Returns what was delivered from the beginning up to an instant.
    pub(super) fn totals(&self, at: Millis) -> Totals {
        let Some(stretch) = self.stretch(at) else { return Totals::default() };
        let (now, before) = (self.parts(at) / PARTS, stretch.parts_before / PARTS);
        let impressions = u64::try_from(now).unwrap_or(0);
        // A thousandth of a millionth is a billionth: a CPM needs no division at all.
        let revenue = stretch.revenue_before + Amount((now - before) * i128::from(stretch.terms.rate));
        Totals { impressions, clicks: impressions / IMPRESSIONS_PER_CLICK, revenue }
    }

    /// Returns what was delivered between two instants.
    pub(super) fn between(&self, from: Millis, to: Millis) -> Totals {
        let (one, other) = (self.totals(from), self.totals(to.max(from)));
        Totals {
            impressions: other.impressions.saturating_sub(one.impressions),
            clicks: other.clicks.saturating_sub(one.clicks),
            revenue: in_micros(other.revenue) - in_micros(one.revenue),
        }
    }

    fn stretch(&self, at: Millis) -> Option<&Stretch> {
        self.0.iter().rev().find(|stretch| stretch.since <= at)
    }

    fn parts(&self, at: Millis) -> i128 {
        let Some(stretch) = self.stretch(at).filter(|stretch| stretch.on) else {
            return self.stretch(at).map_or(0, |stretch| stretch.parts_before);
        };
        let (before, terms) = (stretch.parts_before, stretch.terms);
        let whole = terms.running(stretch.since, terms.end);
        if whole == 0 {
            return before;
        }
        let left = (i128::from(terms.goal) * PARTS - before).max(0);
        let speed = terms.pacing.speed();
        let running = terms.running(stretch.since, at);
        // A cap is also spread over its day, so that no day exceeds it.
        let most = terms.daily_cap.map(|cap| i128::from(cap) * PARTS * running / i128::from(DAY));
        before + (left * running * speed / whole).min(left).min(most.unwrap_or(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [bool; 7] = [true; 7];

    fn terms(days: [bool; 7], asap: bool) -> Terms {
        let pacing = if asap { Pacing::Asap } else { Pacing::Even };
        // 1970-01-05 is a Monday; seven days.
        Terms { start: 4 * DAY, end: 11 * DAY, goal: 7_000, rate: 10_000_000, daily_cap: None, pacing, days, shift: 0 }
    }

    fn running(terms: Terms) -> Delivery {
        let mut delivery = Delivery::new(0, terms);
        delivery.note(0, terms, true);
        delivery
    }

    #[test]
    fn a_goal_is_spread_over_the_days_that_count() {
        let delivery = running(terms(ALL, false));
        for (at, impressions) in [(4, 0), (5, 1000), (11, 7000), (20, 7000)] {
            assert_eq!(delivery.totals(at * DAY).impressions, impressions, "day {at}");
        }
        let weekend = running(terms([false, false, false, false, false, true, true], false));
        for (at, impressions) in [(9, 0), (10, 3500), (11, 7000)] {
            assert_eq!(weekend.totals(at * DAY).impressions, impressions, "day {at}");
        }
        assert_eq!(delivery.totals(11 * DAY).revenue, Amount(70_000_000_000));
    }

    #[test]
    fn as_fast_as_it_can_is_faster_and_ends_at_the_goal() {
        let delivery = running(terms(ALL, true));
        assert_eq!(delivery.totals(5 * DAY).impressions, 3000);
        assert_eq!(delivery.totals(8 * DAY).impressions, 7000);
    }

    #[test]
    fn a_daily_cap_holds_on_every_day() {
        for asap in [false, true] {
            let delivery = running(Terms { daily_cap: Some(100), ..terms(ALL, asap) });
            for day in 4..11 {
                assert_eq!(delivery.between(day * DAY, (day + 1) * DAY).impressions, 100, "day {day}");
            }
        }
        let loose = running(Terms { daily_cap: Some(5_000), ..terms(ALL, false) });
        assert_eq!(loose.totals(5 * DAY).impressions, 1000);
    }

    #[test]
    fn revenue_is_told_in_millionths_and_adds_up() {
        let delivery = running(Terms { rate: 12_345_678, ..terms(ALL, false) });
        let days: Vec<Amount> = (4..11).map(|day| delivery.between(day * DAY, (day + 1) * DAY).revenue).collect();
        assert!(days.iter().all(|day| day.0 % 1000 == 0));
        let sum: i128 = days.iter().map(|day| day.0).sum();
        assert_eq!(sum, delivery.totals(11 * DAY).revenue.0 / 1000 * 1000);
    }

    #[test]
    fn a_pause_is_made_up_for_and_a_rate_counts_from_when_it_was_set() {
        let mut delivery = running(terms(ALL, false));
        delivery.note(5 * DAY, terms(ALL, false), false);
        assert_eq!(delivery.totals(7 * DAY).impressions, 1000);
        delivery.note(8 * DAY, Terms { rate: 20_000_000, ..terms(ALL, false) }, true);
        assert_eq!(delivery.totals(11 * DAY).impressions, 7000);
        assert_eq!(delivery.totals(11 * DAY).revenue, Amount(10_000_000_000 + 120_000_000_000));
        assert_eq!(delivery.between(9 * DAY, 10 * DAY).impressions, 2000);
    }
}
