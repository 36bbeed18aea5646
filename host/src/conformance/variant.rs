//! A request that differs from another one in a single part.

use std::time::Duration;

use super::generator::Request;
use crate::domain::{
    media_buy::MediaBuy,
    money::Micros,
    price::PriceModel,
    targeting::{Dimension, Targeting},
};

/// The number of [`of`]'s kinds of variants.
const KINDS: usize = 6;

/// Returns a request that differs in one part, and that part in words. Which part depends on the
/// request's number. `None` if the request has nothing of that kind.
pub(super) fn of(request: &Request) -> Option<(Request, String)> {
    let mut buy = request.buy.clone();
    let what = match request.number % KINDS {
        0 | 1 => one_value_less(&mut buy)?,
        2 => {
            let package = buy.packages.first_mut()?;
            // A flat price has no goal.
            let (goal, unit) = package.goal.as_mut().zip(package.price.model.unit())?;
            *goal += 1_000;
            format!("{goal} {} of {}", unit.words(), package.id)
        }
        3 => {
            // A ten-thousandth of the currency's unit, which a float rounded to cents loses.
            let package = buy.packages.first_mut()?;
            package.price.rate = Micros::new(package.price.rate.get() + 100)?;
            if package.price.model == PriceModel::Flat {
                package.budget = package.price.rate;
            }
            format!("the price {} of {}", package.price.rate, package.id)
        }
        4 => {
            buy.end = buy.end.plus(Duration::from_secs(86_400));
            format!("the end {}", buy.end)
        }
        _ => {
            let package = buy.packages.first_mut()?;
            package.active = !package.active;
            format!("active = {} of {}", package.active, package.id)
        }
    };
    Some((Request { number: request.number, buy, beyond: Vec::new() }, what))
}

/// Takes a value out of a list of targeting that holds for some package as it stands.
fn one_value_less(buy: &mut MediaBuy) -> Option<String> {
    let named_by_packages = |dimension| {
        buy.packages.iter().any(|package| package.targeting.rules.iter().any(|rule| rule.dimension == dimension))
    };
    let for_all: Vec<Dimension> = buy
        .targeting
        .rules
        .iter()
        .map(|rule| rule.dimension)
        .filter(|dimension| !named_by_packages(*dimension))
        .collect();
    if let Some(less) = less_of(&mut buy.targeting, |dimension| for_all.contains(&dimension)) {
        return Some(less);
    }
    let of_buy: Vec<Dimension> = buy.targeting.rules.iter().map(|rule| rule.dimension).collect();
    let of_package = |dimension| !of_buy.contains(&dimension);
    buy.packages.iter_mut().find_map(|package| less_of(&mut package.targeting, of_package))
}

fn less_of(targeting: &mut Targeting, applies: impl Fn(Dimension) -> bool) -> Option<String> {
    // The kind of media is given by the formats on most platforms.
    let fits = |dimension| dimension != Dimension::MediaType && applies(dimension);
    let rule = targeting.rules.iter_mut().find(|rule| rule.values.len() > 1 && fits(rule.dimension))?;
    let value = rule.values.pop()?;
    Some(format!("{}_{} without {value}", rule.dimension, rule.operator))
}
