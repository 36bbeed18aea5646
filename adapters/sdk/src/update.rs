//! What every adapter needs to know about an update besides the changed fields: which packages it
//! affects, in which order, and which creatives start and stop running.

use crate::{
    failure::{Fallible, Problems},
    step::Remote,
    types::{Context, Creative, MediaBuy, MediaBuyUpdate, PackageOrder, RemoteKind},
    words::pointer_segment,
};

/// Returns a package of a buy.
#[must_use]
pub fn package<'b>(buy: &'b MediaBuy, id: &str) -> Option<&'b PackageOrder> {
    buy.packages.iter().find(|package| package.package_id == id)
}

/// Returns the packages in processing order: first those that the buyer named, in the buyer's
/// order, then the others.
#[must_use]
pub fn in_order(update: &MediaBuyUpdate) -> Vec<&str> {
    let mut ids: Vec<&str> = Vec::new();
    for id in update.touched.iter().chain(update.desired.packages.iter().map(|package| &package.package_id)) {
        if !ids.contains(&id.as_str()) {
            ids.push(id);
        }
    }
    ids
}

/// Returns the creatives that start running in a package, and those that stop.
#[must_use]
pub fn switched<'u>(update: &'u MediaBuyUpdate, id: &str) -> (Vec<&'u str>, Vec<&'u str>) {
    let of = |buy: &'u MediaBuy| package(buy, id).map(|package| package.creative_ids.as_slice()).unwrap_or_default();
    let only = |these: &'u [String], those: &[String]| {
        these.iter().filter(|id| !those.contains(id)).map(String::as_str).collect()
    };
    let (before, after) = (of(&update.current), of(&update.desired));
    (only(after, before), only(before, after))
}

/// Returns the creatives that start running in a package and are not on the platform yet, each with
/// its package.
#[must_use]
pub fn beginning<'u>(ctx: &Context, update: &'u MediaBuyUpdate) -> Vec<(&'u PackageOrder, &'u str)> {
    let known = |id: &str| ctx.remote.id_of(&RemoteKind::Creative, id).is_some();
    let begin = |package: &'u PackageOrder| {
        switched(update, &package.package_id).0.into_iter().filter(|id| !known(id)).map(move |id| (package, id))
    };
    update.desired.packages.iter().flat_map(begin).collect()
}

/// Translates the creatives that [start running](beginning), each for the packages in which it
/// starts. Reports those that the media buy doesn't have.
///
/// # Errors
/// When a translation fails.
pub fn translated<A>(
    ctx: &Context,
    update: &MediaBuyUpdate,
    problems: &mut Problems,
    mut translate: impl FnMut(&Creative, &[String], &mut Problems) -> Fallible<Option<A>>,
) -> Fallible<Vec<A>> {
    let begin = beginning(ctx, update);
    let mut assets = Vec::new();
    for creative in &update.creatives {
        let here = |(_, id): &&(&PackageOrder, &str)| *id == creative.creative_id;
        let packages: Vec<String> = begin.iter().filter(here).map(|(package, _)| package.package_id.clone()).collect();
        if !packages.is_empty() {
            assets.extend(translate(creative, &packages, problems)?);
        }
    }
    for (package, id) in begin {
        if !update.creatives.iter().any(|creative| creative.creative_id == id) {
            let pointer = format!("/packages/{}/creative_ids", pointer_segment(&package.package_id));
            let message = "The media buy has no such creative. Upload it first.";
            problems.invalid("unknown_creative", pointer, id, message);
        }
    }
    Ok(assets)
}

/// Whether a problem that already exists in `current` counts as accepted (see
/// [`Problems::leave_out`](crate::failure::Problems::leave_out)). It does unless the update sends
/// the field anew. A change of a package's targeting sends all of the targeting, so nothing that
/// the platform can't do may be dropped from it silently.
#[must_use]
pub fn stands(update: &MediaBuyUpdate, field: &str) -> bool {
    let changed = |desired: &&PackageOrder| {
        package(&update.current, &desired.package_id).is_none_or(|current| current.targeting != desired.targeting)
    };
    let targeting =
        |package: &PackageOrder| format!("/packages/{}/targeting_overlay", pointer_segment(&package.package_id));
    !update.desired.packages.iter().filter(changed).any(|package| {
        field.strip_prefix(&targeting(package)).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        testing::samples,
        types::{Dimension, Operator, RemoteObject},
    };

    fn update() -> MediaBuyUpdate {
        let mut current = samples::buy(vec![samples::package("a"), samples::package("b"), samples::package("c")]);
        current.packages[0].creative_ids = vec!["one".to_owned(), "two".to_owned()];
        let mut desired = current.clone();
        desired.packages[0].creative_ids = vec!["two".to_owned(), "three".to_owned(), "four".to_owned()];
        MediaBuyUpdate {
            current,
            desired,
            creatives: Vec::new(),
            touched: vec!["c".to_owned(), "b".to_owned()],
            extensions: Vec::new(),
        }
    }

    #[test]
    fn the_buyers_order_comes_first() {
        assert_eq!(in_order(&update()), ["c", "b", "a"]);
    }

    #[test]
    fn creatives_begin_and_stop() {
        let update = update();
        assert_eq!(switched(&update, "a"), (vec!["three", "four"], vec!["one"]));
        assert_eq!(switched(&update, "b"), (vec![], vec![]));
        let mut ctx = samples::context();
        ctx.remote = vec![RemoteObject { kind: RemoteKind::Creative, key: "three".to_owned(), id: "1".to_owned() }];
        let begin: Vec<(&str, &str)> =
            beginning(&ctx, &update).into_iter().map(|(package, id)| (package.package_id.as_str(), id)).collect();
        assert_eq!(begin, [("a", "four")]);
    }

    #[test]
    fn creatives_that_begin_are_translated_for_their_packages() {
        let mut update = update();
        update.creatives = vec![samples::creative("three", &[]), samples::creative("two", &[])];
        let mut problems = Problems::default();
        let translated = translated(&samples::context(), &update, &mut problems, |creative, packages, _| {
            Ok(Some(format!("{} in {}", creative.creative_id, packages.join(" "))))
        });
        assert_eq!(translated.unwrap(), ["three in a"]);
        let failure = problems.check().unwrap_err();
        assert_eq!((failure.code.as_str(), failure.items[0].value.as_str()), ("unknown_creative", "four"));
    }

    #[test]
    fn what_was_accepted_stands_until_it_is_sent_anew() {
        let mut update = update();
        assert!(stands(&update, "/packages/a/targeting_overlay/os_any_of"));
        update.desired.packages[0].targeting.rules =
            vec![samples::rule(Dimension::GeoCountry, Operator::AnyOf, &["US"])];
        assert!(!stands(&update, "/packages/a/targeting_overlay/os_any_of"));
        assert!(!stands(&update, "/packages/a/targeting_overlay"));
        assert!(stands(&update, "/packages/a/pacing"));
        assert!(stands(&update, "/packages/b/targeting_overlay/os_any_of"));
    }
}
