//! The arithmetic of budget, price and impressions: integers only, exact to the micro.

use super::money::Micros;

/// The maximum impression goal of a package: the largest goal that every supported platform accepts
/// (32 bits).
pub const MAX_IMPRESSIONS: i64 = i32::MAX as i64;

/// `floor(budget / cpm × 1000)`. Returns `None` if the price is zero or the result is not a goal of
/// 1 to [`MAX_IMPRESSIONS`].
pub fn impressions_for(budget: Micros, cpm: Micros) -> Option<i64> {
    if cpm.is_zero() {
        return None;
    }
    let impressions = i128::from(budget.get()) * 1_000 / i128::from(cpm.get());
    i64::try_from(impressions).ok().filter(|goal| (1..=MAX_IMPRESSIONS).contains(goal))
}

/// The cost of so many impressions: `impressions × cpm / 1000`, rounded up to the micro so that the
/// budget pays for all of them. Returns `None` above [`Micros::MAX`] or for no impressions.
pub fn budget_for(impressions: i64, cpm: Micros) -> Option<Micros> {
    if impressions < 1 {
        return None;
    }
    let thousandths = i128::from(impressions) * i128::from(cpm.get());
    let micros = (thousandths + 999) / 1_000;
    i64::try_from(micros).ok().and_then(Micros::new)
}

/// Divides `total` into `parts` equal shares. The first shares get the remainder, one micro each.
pub fn equal_shares(total: Micros, parts: usize) -> Vec<Micros> {
    proportional_shares(total, &vec![1; parts])
}

/// Divides `total` in proportion to `weights`, to the micro: the shares add up to `total`. The
/// micros that remain go to the shares with the largest remainders, earlier ones first. If all
/// weights are zero, the shares are equal.
pub fn proportional_shares(total: Micros, weights: &[i64]) -> Vec<Micros> {
    let all: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if all <= 0 {
        return if weights.is_empty() { Vec::new() } else { equal_shares(total, weights.len()) };
    }
    let exact: Vec<(i128, i128)> = weights
        .iter()
        .map(|weight| {
            let product = i128::from(total.get()) * i128::from(*weight);
            (product / all, product % all)
        })
        .collect();
    let mut left = i128::from(total.get()) - exact.iter().map(|(share, _)| share).sum::<i128>();
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    by_remainder.sort_by_key(|index| (std::cmp::Reverse(exact[*index].1), *index));
    let mut shares: Vec<i128> = exact.iter().map(|(share, _)| *share).collect();
    for index in by_remainder {
        if left == 0 {
            break;
        }
        shares[index] += 1;
        left -= 1;
    }
    shares.into_iter().map(|share| i64::try_from(share).ok().and_then(Micros::new).unwrap_or(Micros::ZERO)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn micros(value: i64) -> Micros {
        Micros::new(value).unwrap()
    }

    #[test]
    fn impressions_are_rounded_down_and_must_be_a_goal() {
        assert_eq!(impressions_for(micros(25_000_000_000), micros(12_500_000)), Some(2_000_000));
        assert_eq!(impressions_for(micros(9_999), micros(10_000_000)), None);
        assert_eq!(impressions_for(micros(10_000), micros(10_000_000)), Some(1));
        assert_eq!(impressions_for(micros(1), Micros::ZERO), None);
        assert_eq!(impressions_for(Micros::MAX, micros(10_000)), None);
    }

    #[test]
    fn equal_shares_differ_by_a_micro_at_most() {
        let shares = equal_shares(micros(100), 3);
        assert_eq!(shares, [micros(34), micros(33), micros(33)]);
    }

    proptest! {
        #[test]
        fn a_budget_computed_from_a_goal_buys_that_goal(goal in 1..=MAX_IMPRESSIONS, cpm in 10_000i64..=4_000_000) {
            let budget = budget_for(goal, micros(cpm)).unwrap();
            prop_assert_eq!(impressions_for(budget, micros(cpm)), Some(goal));
        }

        #[test]
        fn shares_add_up_to_the_micro(
            total in 0..=Micros::MAX.get(),
            weights in prop::collection::vec(0i64..=Micros::MAX.get(), 1..20),
        ) {
            let shares = proportional_shares(micros(total), &weights);
            prop_assert_eq!(shares.len(), weights.len());
            prop_assert_eq!(Micros::sum(shares), Some(micros(total)));
        }

        #[test]
        fn a_share_is_within_a_micro_of_its_exact_part(
            total in 0..=Micros::MAX.get(),
            weights in prop::collection::vec(1i64..=1_000_000, 1..20),
        ) {
            let all: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
            for (share, weight) in proportional_shares(micros(total), &weights).iter().zip(&weights) {
                let floor = i128::from(total) * i128::from(*weight) / all;
                prop_assert!((floor..=floor + 1).contains(&i128::from(share.get())));
            }
        }
    }
}
