//! What a line delivered: evenly over its flight, up to its goal, in whole numbers.
//!
//! A line's life is a sequence of stretches. A stretch begins when the terms change or the line starts
//! or stops to run. Within one, delivery is linear, so what was delivered by any instant needs neither
//! simulation nor floats.

use crate::{amount::Amount, control::clock::Millis};

/// The number of impressions per click.
pub const IMPRESSIONS_PER_CLICK: u64 = 250;
/// How many times as fast a line with pacing `asap` delivers.
const ASAP: i128 = 4;
/// Fractions of an impression: fine enough that a stretch of an hour has no visible rounding error.
const PARTS: i128 = 1_000_000;
/// A day, in milliseconds.
const DAY: i128 = 86_400_000;

/// Totals over a period of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Impressions.
    pub impressions: u64,
    /// Clicks.
    pub clicks: u64,
    /// What the impressions cost, in the order's currency.
    pub spend: Amount,
}

/// The fields of a line that determine its delivery.
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
    /// The most that a day may cost, in micros.
    pub daily_budget: Option<i64>,
    /// Whether it delivers as fast as possible.
    pub asap: bool,
}

impl Terms {
    /// Returns the milliseconds of the flight between two instants.
    fn running(&self, from: Millis, to: Millis) -> i128 {
        i128::from((to.min(self.end) - from.max(self.start)).max(0))
    }
}

#[derive(Debug, Clone, Copy)]
struct Stretch {
    since: Millis,
    on: bool,
    terms: Terms,
    parts_before: i128,
    spend_before: Amount,
}

/// The delivery of one line.
#[derive(Debug, Clone)]
pub(super) struct Delivery(Vec<Stretch>);

impl Delivery {
    /// Returns the delivery of a new line, which does not run yet.
    pub(super) fn new(now: Millis, terms: Terms) -> Self {
        Self(vec![Stretch { since: now, on: false, terms, parts_before: 0, spend_before: Amount(0) }])
    }

    /// Records the terms and whether the line runs, as of now.
    pub(super) fn note(&mut self, now: Millis, terms: Terms, on: bool) {
        // If the clock was set back, what was recorded after now has not happened.
        let known = self.0.iter().filter(|stretch| stretch.since <= now).count().max(1);
        self.0.truncate(known);
        if self.0.last().is_some_and(|last| last.on == on && last.terms == terms) {
            return;
        }
        let (parts_before, spend_before) = (self.parts(now), self.totals(now).spend);
        self.0.push(Stretch { since: now, on, terms, parts_before, spend_before });
    }

    /// Returns what was delivered from the beginning up to an instant.
    pub(super) fn totals(&self, at: Millis) -> Totals {
        let Some(stretch) = self.stretch(at) else { return Totals::default() };
        let (now, before) = (self.parts(at) / PARTS, stretch.parts_before / PARTS);
        let impressions = u64::try_from(now).unwrap_or(0);
        // A thousandth of a millionth is a billionth: a CPM needs no division at all.
        let spend = stretch.spend_before + Amount((now - before) * i128::from(stretch.terms.rate));
        Totals { impressions, clicks: impressions / IMPRESSIONS_PER_CLICK, spend }
    }

    /// Returns what was delivered between two instants. Spend is in whole millionths, the precision of
    /// reports; the remainder of one day counts towards the next.
    pub(super) fn between(&self, from: Millis, to: Millis) -> Totals {
        let (one, other) = (self.totals(from), self.totals(to.max(from)));
        let micros = |amount: Amount| Amount(amount.0 / 1000 * 1000);
        Totals {
            impressions: other.impressions.saturating_sub(one.impressions),
            clicks: other.clicks.saturating_sub(one.clicks),
            spend: micros(other.spend) - micros(one.spend),
        }
    }

    fn stretch(&self, at: Millis) -> Option<&Stretch> {
        self.0.iter().rev().find(|stretch| stretch.since <= at)
    }

    fn parts(&self, at: Millis) -> i128 {
        let Some(stretch) = self.stretch(at) else { return 0 };
        let (before, terms) = (stretch.parts_before, stretch.terms);
        let whole = terms.running(stretch.since, terms.end);
        if !stretch.on || whole == 0 {
            return before;
        }
        let left = (i128::from(terms.goal) * PARTS - before).max(0);
        let speed = if terms.asap { ASAP } else { 1 };
        let running = terms.running(stretch.since, at);
        // The budget of a day is spread over the day, so that no day exceeds it.
        let affordable =
            terms.daily_budget.map(|budget| i128::from(budget) * 1000 * PARTS / i128::from(terms.rate) * running / DAY);
        before + (left * running * speed / whole).min(left).min(affordable.unwrap_or(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A_DAY: Millis = 86_400_000;

    fn terms() -> Terms {
        Terms { start: 0, end: 10 * A_DAY, goal: 10_000, rate: 12_500_000, daily_budget: None, asap: false }
    }

    fn running(terms: Terms) -> Delivery {
        let mut delivery = Delivery::new(-A_DAY, terms);
        delivery.note(-A_DAY, terms, true);
        delivery
    }

    #[test]
    fn a_goal_is_spread_over_the_flight_and_costs_its_rate() {
        let delivery = running(terms());
        for (day, impressions) in [(0, 0), (1, 1000), (10, 10_000), (20, 10_000)] {
            assert_eq!(delivery.totals(day * A_DAY).impressions, impressions, "day {day}");
        }
        let day = delivery.between(A_DAY, 2 * A_DAY);
        assert_eq!((day.impressions, day.clicks, day.spend.to_text()), (1000, 4, "12.5".to_owned()));
    }

    #[test]
    fn asap_is_faster_and_a_daily_budget_holds() {
        assert_eq!(running(Terms { asap: true, ..terms() }).totals(A_DAY).impressions, 4000);
        let capped = running(Terms { asap: true, daily_budget: Some(2_500_000), ..terms() });
        assert_eq!(capped.between(3 * A_DAY, 4 * A_DAY).impressions, 200);
    }

    #[test]
    fn a_pause_is_made_up_for() {
        let mut delivery = running(terms());
        delivery.note(A_DAY, terms(), false);
        assert_eq!(delivery.totals(5 * A_DAY).impressions, 1000);
        delivery.note(5 * A_DAY, terms(), true);
        assert_eq!(delivery.totals(10 * A_DAY).impressions, 10_000);
    }
}
