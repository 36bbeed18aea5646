//! Creates that end well and should not.

use crate::{
    bindings::flightdeck::ad_server::{adapter_types::*, steps},
    http, writes,
};

/// What the contract wants remembered of a create, under ids of no consequence. What is remembered already stays.
pub(crate) fn remember_all(buy: &MediaBuy) {
    let of_order = (RemoteKind::Order, String::new());
    let of_packages = buy.packages.iter().map(|package| (RemoteKind::Package, package.package_id.clone()));
    for (kind, key) in std::iter::once(of_order).chain(of_packages) {
        steps::remember(&RemoteObject { kind, key, id: "1".to_owned() });
    }
}

/// `None`: the behaviour is none of these.
pub(crate) fn create(ctx: &Context, buy: &MediaBuy, behaviour: &str) -> Option<Result<Outcome, Failure>> {
    let url = |path: &str| format!("{}{path}", ctx.endpoint);
    let order = |id| RemoteObject { kind: RemoteKind::Order, key: String::new(), id };
    Some(match behaviour {
        "good" => writes::make(ctx, buy),
        // Says that all is done, and has done nothing.
        "idle" => Ok(writes::noted(Vec::new())),
        // Makes all of it, and tells of the order alone.
        "forget-packages" => writes::step("order", &url("/orders")).and_then(|id| {
            steps::remember(&order(id));
            for package in &buy.packages {
                writes::step(&format!("line {}", package.package_id), &url("/lines"))?;
            }
            Ok(writes::noted(Vec::new()))
        }),
        // Makes the order, and never says so.
        "leave-step-open" => {
            steps::begin("order");
            let made = http::post(&url("/orders"), b"{}").map_err(|error| writes::unavailable(&error));
            remember_all(buy);
            made.map(|_| writes::noted(Vec::new()))
        }
        // Says what it was told of itself.
        "context" => {
            remember_all(buy);
            Ok(writes::noted(vec![ctx.endpoint.clone(), ctx.advertiser_id.clone(), ctx.settings.clone()]))
        }
        _ => return None,
    })
}
