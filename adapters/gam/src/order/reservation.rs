//! How the inventory of an order's line items is reserved when the order is approved or submitted.
//!
//! `allow_overbook` and `skip_inventory_check` are settings of products, and the request that
//! approves is one for the whole order. If the guaranteed packages agree, the request says it. If
//! they don't, the line items that may be overbooked reserve their inventory themselves beforehand,
//! and the request checks the others.

use flightdeck_adapter::{prelude::*, step::Remote};

use crate::{
    api::Network,
    settings::{Platform, Product},
};

/// How inventory is reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reservation {
    /// If there is enough of it.
    Checked,
    /// Without a look at what there is.
    Skipped,
    /// Even if there is not enough.
    Overbooked,
    /// These line items are overbooked, and the others are checked.
    Mixed(Vec<String>),
}

/// Returns how the inventory of a media buy is reserved, by its products. A product whose settings
/// can't be read any more is checked.
#[must_use]
pub fn reservation(platform: &Platform, buy: &MediaBuy, remote: &[RemoteObject]) -> Reservation {
    let (mut checked, mut skipped, mut overbooked) = (false, false, Vec::new());
    let mut items = Vec::new();
    for package in &buy.packages {
        let product = Product::read(platform, package).unwrap_or_default();
        if !product.line_item_type.is_guaranteed() {
            continue;
        }
        if product.allow_overbook || product.skip_inventory_check {
            items.extend(remote.package(&package.package_id).map(str::to_owned));
        }
        match (product.allow_overbook, product.skip_inventory_check) {
            (true, _) => overbooked.push(package),
            (false, true) => skipped = true,
            (false, false) => checked = true,
        }
    }
    match (checked, skipped, overbooked.is_empty()) {
        (_, false, true) => Reservation::Checked,
        (false, true, true) => Reservation::Skipped,
        (false, _, false) => Reservation::Overbooked,
        (true, ..) => Reservation::Mixed(items),
    }
}

impl Reservation {
    /// Reserves what is overbooked although the order as a whole is not.
    ///
    /// # Errors
    /// When Ad Manager refuses.
    pub(super) fn reserve(&self, network: &Network) -> Fallible<()> {
        let Self::Mixed(items) = self else { return Ok(()) };
        let names: Vec<String> = items.iter().map(|id| network.name("lineItems", id)).collect();
        network.act("lineItems", "batchReserveAndOverbook", names)
    }

    /// Returns the action that approves (or submits) an order, and its body (types
    /// `BatchApproveOrdersRequest`, `BatchSubmitOrdersForApprovalRequest` and the variants that
    /// overbook).
    pub(super) fn request(&self, approves: bool, name: &str) -> (&'static str, Object) {
        let mut body = object! { "names": vec![name] };
        if *self == Self::Skipped {
            body.set("skipInventoryCheck", true);
        }
        let action = match (approves, self) {
            (true, Self::Overbooked) => "batchApproveAndOverbook",
            (true, _) => "batchApprove",
            (false, Self::Overbooked) => "batchSubmitForApprovalAndOverbook",
            (false, _) => "batchSubmitForApproval",
        };
        (action, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{buy, context, package};

    fn of(settings: &[&str]) -> Reservation {
        let packages = settings.iter().enumerate().map(|(number, settings)| PackageOrder {
            product_settings: (*settings).to_owned(),
            ..package(&format!("p{number}"))
        });
        let packages: Vec<PackageOrder> = packages.collect();
        let remote: Vec<RemoteObject> = (0..settings.len())
            .map(|number| RemoteObject { kind: RemoteKind::Package, key: format!("p{number}"), id: number.to_string() })
            .collect();
        reservation(&Platform::read(&context()).unwrap(), &buy(packages), &remote)
    }

    #[test]
    fn products_that_agree_are_approved_as_they_say() {
        let (none, skip, over) = ("{}", r#"{"skip_inventory_check": true}"#, r#"{"allow_overbook": true}"#);
        let bulk = r#"{"line_item_type": "BULK"}"#;
        assert_eq!(of(&[none, bulk]), Reservation::Checked);
        assert_eq!(of(&[bulk]), Reservation::Checked);
        assert_eq!(of(&[skip, bulk]), Reservation::Skipped);
        assert_eq!(of(&[over, skip]), Reservation::Overbooked);
        assert_eq!(of(&[none, over, skip]), Reservation::Mixed(vec!["1".to_owned(), "2".to_owned()]));
        assert_eq!(of(&[none, skip]), Reservation::Mixed(vec!["1".to_owned()]));
        let (action, body) = Reservation::Skipped.request(true, "x");
        assert_eq!(
            (action, body.to_string().as_str()),
            ("batchApprove", r#"{"names":["x"],"skipInventoryCheck":true}"#)
        );
        assert_eq!(Reservation::Overbooked.request(false, "x").0, "batchSubmitForApprovalAndOverbook");
    }
}
