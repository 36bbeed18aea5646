//! Weights and the order of the creatives of a line item, which are fields of its associations.
//!
//! With the rotation WEIGHTED, the buyer gives weights in the package's custom targeting:
//! `"creative_weights": {"banner": 70, "tag": 30}`. A creative without one keeps Ad Manager's own, 10
//! (type `LineItemCreativeAssociation`). With SEQUENTIAL, the creatives are shown in the order of the
//! package's creatives.

use std::cell::RefCell;

use flightdeck_adapter::{
    ad_server::Placement,
    names::{association_key, step_name},
    prelude::*,
    step::Remote,
};

use crate::{
    api::Network,
    settings::{Product, Rotation},
    targeting,
};

/// The creatives that a call placed: package, creative, and the id of the association.
#[derive(Debug, Default)]
pub struct Placed(RefCell<Vec<(String, String, String)>>);

impl Placed {
    /// Notes a creative that was placed.
    pub fn note(&self, at: &Placement<'_>, association: &str) {
        self.0.borrow_mut().push((at.package_id.to_owned(), at.creative_id.to_owned(), association.to_owned()));
    }

    /// Returns the creatives of a package with the ids of their associations, in the order of the
    /// package; those that the package doesn't name yet come last.
    fn of(&self, package: &PackageOrder, remote: &[RemoteObject]) -> Vec<(String, String)> {
        let placed = self.0.borrow();
        let new = placed.iter().filter(|(of, ..)| *of == package.package_id).map(|(_, creative, _)| creative);
        let mut creatives: Vec<&String> = Vec::new();
        for creative in package.creative_ids.iter().chain(new) {
            if !creatives.contains(&creative) {
                creatives.push(creative);
            }
        }
        let id = |creative: &String| {
            let here = placed.iter().find(|(of, other, _)| *of == package.package_id && other == creative);
            let key = association_key(&package.package_id, creative);
            let known = || remote.id_of(&RemoteKind::Association, &key).map(str::to_owned);
            here.map(|(.., id)| id.clone()).or_else(known)
        };
        creatives.into_iter().filter_map(|creative| Some((creative.clone(), id(creative)?))).collect()
    }
}

/// Writes weights and orders, in a step for each package whose rotation has them.
///
/// # Errors
/// When Ad Manager refuses.
pub fn write(network: &Network, buy: &MediaBuy, remote: &[RemoteObject], placed: &Placed) -> Fallible<()> {
    for package in &buy.packages {
        let Ok(product) = Product::read(&network.platform, package) else { continue };
        if !matches!(product.creative_rotation, Rotation::Weighted | Rotation::Sequential) {
            continue;
        }
        let weights = targeting::weights(package);
        step(step_name(&["line-item", &package.package_id, "rotation"])).set(|| {
            for (place, (creative, id)) in placed.of(package, remote).into_iter().enumerate() {
                let weight = weights.iter().find(|(name, _)| *name == creative).map(|(_, weight)| *weight);
                let (field, number) = match (product.creative_rotation, weight) {
                    (Rotation::Sequential, _) => ("sequentialCreativeRotationIndex", i64::try_from(place + 1).ok()),
                    (_, weight) => ("manualCreativeRotationWeight", weight),
                };
                let (Some(number), Some((item, creative))) = (number, id.split_once('/')) else { continue };
                let mut body = Object::default();
                body.set(field, number);
                let path = path!("lineItems/{}/creatives/{}", item, creative);
                network.patch(&path).query("updateMask", field).json(&body).send()?;
            }
            Ok(())
        })?;
    }
    Ok(())
}
