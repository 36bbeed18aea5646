//! The shares of a budget: integers only, exact to the micro.

use super::money::Micros;

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
    fn equal_shares_differ_by_a_micro_at_most() {
        let shares = equal_shares(micros(100), 3);
        assert_eq!(shares, [micros(34), micros(33), micros(33)]);
    }

    proptest! {
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
