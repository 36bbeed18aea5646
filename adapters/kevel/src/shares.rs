//! The shares of the ads of a flight, in percent of its impressions.
//!
//! The buyer gives them in the package's custom targeting, by the buyer's ids of creatives:
//! `"creative_percentages": {"banner": 70, "native": 30}`. An ad without one is left to Kevel, which
//! balances ads by itself. They are fields of the ads, so they are written once the ads are there.

use std::cell::RefCell;

use flightdeck_adapter::{
    ad_server::Placement,
    names::{association_key, step_name},
    prelude::*,
    step::Remote,
    words::pointer_segment,
};

use crate::ads;

/// The part of a buyer's custom targeting that has them.
pub const PART: &str = "creative_percentages";

/// Returns the shares that a buyer gives the creatives of a package.
#[must_use]
pub fn of(package: &PackageOrder) -> Vec<(String, i64)> {
    let Some(Ok(Json::Object(custom))) = package.targeting.custom.as_deref().map(Json::parse) else {
        return Vec::new();
    };
    let shares = custom.get(PART).and_then(Json::as_object);
    let share = |(creative, percent): (&str, &Json)| Some((creative.to_owned(), percent.as_i64()?));
    shares.map(|shares| shares.iter().filter_map(share).collect()).unwrap_or_default()
}

/// Checks the shares of a package.
pub fn check(value: &Json, pointer: &str, problems: &mut Problems) {
    const CODE: &str = "invalid_custom_targeting";
    let Some(shares) = value.as_object() else {
        let message = "Percentages are an object, as {\"banner\": 70, \"native\": 30}.";
        problems.invalid(CODE, pointer, value.to_string(), message);
        return;
    };
    let mut sum = 0;
    for (creative, percent) in shares.iter() {
        match percent.as_i64().filter(|percent| (1..=100).contains(percent)) {
            Some(percent) => sum += percent,
            None => {
                let pointer = format!("{pointer}/{}", pointer_segment(creative));
                problems.invalid(CODE, pointer, percent.to_string(), "A percentage is a whole number of 1 to 100.");
            }
        }
    }
    if sum > 100 {
        problems.invalid(CODE, pointer, sum.to_string(), "The percentages of a flight's ads are 100 at most.");
    }
}

/// The ads that a call placed: package, creative, and the id of the ad.
#[derive(Debug, Default)]
pub struct Placed(RefCell<Vec<(String, String, String)>>);

impl Placed {
    /// Notes an ad that was placed.
    pub fn note(&self, at: &Placement<'_>, ad: i64) {
        self.0.borrow_mut().push((at.package_id.to_owned(), at.creative_id.to_owned(), ad.to_string()));
    }

    /// Returns the ads of a package, by the buyer's ids of their creatives.
    fn of(&self, package: &PackageOrder, remote: &[RemoteObject]) -> Vec<(String, String)> {
        let placed = self.0.borrow();
        let of_package = placed.iter().filter(|(of, ..)| *of == package.package_id);
        let mut ads: Vec<(String, String)> =
            of_package.map(|(_, creative, ad)| (creative.clone(), ad.clone())).collect();
        for creative in &package.creative_ids {
            let known = remote.id_of(&RemoteKind::Association, &association_key(&package.package_id, creative));
            if let Some(ad) = known.filter(|_| ads.iter().all(|(placed, _)| placed != creative)) {
                ads.push((creative.clone(), ad.to_owned()));
            }
        }
        ads
    }
}

/// Writes the shares of the ads of a buy, in a step for each package that has any, or had some in
/// `before`.
///
/// # Errors
/// When Kevel refuses.
pub fn write(
    api: &Api,
    before: Option<&MediaBuy>,
    buy: &MediaBuy,
    remote: &[RemoteObject],
    placed: &Placed,
) -> Fallible<()> {
    for package in &buy.packages {
        let shares = of(package);
        let old = before.and_then(|buy| buy.packages.iter().find(|old| old.package_id == package.package_id));
        let Some(flight) = remote.package(&package.package_id) else { continue };
        if shares.is_empty() && old.is_none_or(|old| of(old).is_empty()) {
            continue;
        }
        step(step_name(&["flight", &package.package_id, "shares"])).set(|| {
            for (creative, ad) in placed.of(package, remote) {
                let percent = shares.iter().find(|(name, _)| *name == creative).map(|(_, percent)| *percent);
                ads::share(api, flight, &ad, percent)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}
