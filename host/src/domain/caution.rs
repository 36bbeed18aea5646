//! What a reviewer should look at first: facts about a change that are unusual, though allowed.

use super::{
    id::{MediaBuyId, PackageId},
    media_buy::MediaBuy,
    money::Micros,
    status::BuyStatus,
    time::Timestamp,
};

/// From this multiple of a buyer's largest earlier budget on, a budget is unusual.
const TIMES_THE_LARGEST: i64 = 2;

/// A price within so many per cent of the floor is near it.
const NEAR_FLOOR_PERCENT: i64 = 5;

/// A flight that starts within this time leaves little time for creatives: two days, in
/// milliseconds.
const SOON_MS: i64 = 48 * 3_600 * 1_000;

/// A fact that a reviewer should look at first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caution {
    /// Nothing was booked for the buyer before.
    FirstBuy,
    /// The budget is several times that of the buyer's largest buy that was booked.
    LargestBudget {
        /// How many times, rounded down.
        times: i64,
        /// The largest earlier budget.
        before: Micros,
    },
    /// A price is at the floor, or close to it.
    NearFloor {
        /// The package.
        package: PackageId,
        /// The floor price.
        floor: Micros,
    },
    /// The flight starts soon, or has started.
    StartsSoon {
        /// The start.
        start: Timestamp,
    },
    /// The flight has ended.
    Ended,
    /// Another buy of the same buyer has the same package at the same time.
    Overlaps {
        /// The other buy.
        buy: MediaBuyId,
        /// The package.
        package: PackageId,
    },
}

/// Returns what is unusual about a buy as a change would leave it. `history` are the buyer's other
/// buys. Amounts in another currency are not compared.
pub fn of(buy: &MediaBuy, history: &[MediaBuy], now: Timestamp) -> Vec<Caution> {
    let mut cautions = Vec::new();
    let others = || history.iter().filter(|other| other.id != buy.id && other.status != BuyStatus::Failed);
    // A buy that waits, too, is no experience with a buyer.
    let booked = || others().filter(|other| other.booked_at.is_some());
    if booked().next().is_none() {
        cautions.push(Caution::FirstBuy);
    }
    let largest = booked().filter(|other| other.currency == buy.currency).map(|other| other.total_budget).max();
    if let Some(before) = largest.filter(|before| !before.is_zero()) {
        let times = buy.total_budget.get() / before.get();
        if times >= TIMES_THE_LARGEST {
            cautions.push(Caution::LargestBudget { times, before });
        }
    }
    for package in &buy.packages {
        let margin = i128::from(package.price.rate.get() - package.floor.get()) * 100;
        if !package.floor.is_zero() && margin <= i128::from(package.floor.get()) * i128::from(NEAR_FLOOR_PERCENT) {
            cautions.push(Caution::NearFloor { package: package.id.clone(), floor: package.floor });
        }
    }
    if buy.end <= now {
        cautions.push(Caution::Ended);
    } else if buy.start <= now.plus_millis(SOON_MS) {
        cautions.push(Caution::StartsSoon { start: buy.start });
    }
    for other in others().filter(|other| other.start <= buy.end && buy.start <= other.end && other.active) {
        let shared = buy.packages.iter().find(|package| other.package(&package.id).is_some_and(|one| one.active));
        if let Some(package) = shared {
            cautions.push(Caution::Overlaps { buy: other.id.clone(), package: package.id.clone() });
        }
    }
    cautions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing;

    fn micros(units: i64) -> Micros {
        Micros::new(units * 1_000_000).unwrap()
    }

    /// A buy of 1,000.00 that starts in thirty days, well above its floor.
    fn buy(id: &str) -> (MediaBuy, Timestamp) {
        let mut buy = testing::buy(1);
        let now = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
        buy.id = MediaBuyId::from(id);
        (buy.start, buy.end) = (now.plus_millis(30 * 86_400_000), now.plus_millis(60 * 86_400_000));
        buy.total_budget = micros(1_000);
        buy.booked_at = Some(now);
        (buy.packages[0].price.rate, buy.packages[0].floor) = (micros(20), micros(10));
        (buy, now)
    }

    #[test]
    fn an_ordinary_buy_has_none() {
        let (mine, now) = buy("acme_1");
        let mut earlier = buy("acme_0").0;
        (earlier.start, earlier.end) = (now.plus_millis(-86_400_000), now);
        assert_eq!(of(&mine, &[earlier, mine.clone()], now), []);
    }

    #[test]
    fn each_is_found() {
        let (mut mine, now) = buy("acme_1");
        assert_eq!(of(&mine, &[], now), [Caution::FirstBuy]);
        let mut failed = buy("acme_0").0;
        failed.status = BuyStatus::Failed;
        let mut waiting = buy("acme_3").0;
        (waiting.booked_at, waiting.active) = (None, false);
        assert_eq!(of(&mine, &[failed, waiting], now), [Caution::FirstBuy], "neither was ever booked");

        let other = buy("acme_2").0;
        let package = mine.packages[0].id.clone();
        mine.total_budget = micros(3_999);
        mine.packages[0].price.rate = Micros::new(10_500_000).unwrap();
        mine.start = now.plus_millis(47 * 3_600_000);
        assert_eq!(
            of(&mine, std::slice::from_ref(&other), now),
            [
                Caution::LargestBudget { times: 3, before: micros(1_000) },
                Caution::NearFloor { package: package.clone(), floor: micros(10) },
                Caution::StartsSoon { start: mine.start },
                Caution::Overlaps { buy: other.id.clone(), package },
            ]
        );
        mine.packages[0].price.rate = Micros::new(10_500_001).unwrap();
        mine.total_budget = micros(1_999);
        (mine.start, mine.end) = (now.plus_millis(-2), now);
        assert_eq!(of(&mine, &[other], now), [Caution::Ended]);
    }

    #[test]
    fn amounts_of_different_currencies_are_not_compared() {
        let (mut mine, now) = buy("acme_1");
        let mut other = buy("acme_2").0;
        other.packages.clear();
        (other.currency, mine.total_budget) = ("JPY".to_owned(), micros(1_000_000));
        assert_eq!(of(&mine, &[other], now), []);
    }
}
