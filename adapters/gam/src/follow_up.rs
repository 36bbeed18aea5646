//! What is left to do after a person approved an order in Ad Manager: line items that Ad Manager did
//! not activate by itself.
//!
//! Ad Manager activates a line item once it has a creative for each of its sizes, unless the network
//! turned that off. One with some creatives only stays inactive (type `LineItemComputedStatus`). When
//! the adapter approves an order itself, it activates such line items at once.

use flightdeck_adapter::{
    follow_up::{Guest, Work},
    names,
    plan::{Change, Plan},
    prelude::*,
    step::Remote,
};

use crate::{ad_server::Gam, api, approval, line_item, settings::Platform};

/// What every reason begins with.
const ACTIVATE: &str = "activate";

/// Returns the reason for activating these line items. Each set of them has one of its own: an order
/// that was changed is approved again, and may then have other line items to activate.
#[must_use]
pub fn reason(items: &[&str]) -> Option<String> {
    if items.is_empty() {
        return None;
    }
    let mut items = items.to_vec();
    items.sort_unstable();
    Some(format!("{ACTIVATE}-{}", names::hash(&items.join(","))))
}

impl Guest for Gam {
    fn plan_follow_up(ctx: Context, work: Work) -> Fallible<ChangePlan> {
        let mut plan = Plan::default();
        let (before, after) = (object! { "status": "INACTIVE" }, object! { "status": "READY" });
        for package in work.media_buy.packages.iter().filter(|package| package.active) {
            let Some(id) = ctx.remote.package(&package.package_id) else { continue };
            let change = Change::update(line_item::TYPE, &package.name, &before, &after);
            plan.push(change.package(&package.package_id).remote_id(Some(id)));
        }
        plan.note("Only line items that have a creative and are not active are changed.");
        Ok(plan.finish())
    }

    fn run_follow_up(ctx: Context, work: Work) -> Fallible<Outcome> {
        let network = api::open(&ctx, Platform::read(&ctx)?);
        let order = ctx.remote.order().filter(|_| work.media_buy.active);
        if let Some(order) = order {
            approval::settle(&network, order, &work.media_buy, &ctx.remote)?;
        }
        Ok(Outcome::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_set_of_line_items_has_a_reason_of_its_own() {
        assert_eq!(reason(&[]), None);
        let one = reason(&["11", "7"]).unwrap();
        assert_eq!(reason(&["7", "11"]).unwrap(), one);
        assert_ne!(reason(&["7"]).unwrap(), one);
        assert!(one.len() <= 64 && one.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{one}");
    }
}
