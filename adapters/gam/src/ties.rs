//! Line item–creative associations: the creatives that a line item shows.
//!
//! An association is identified by the two ids that it connects, so it needs no reference.
//!
//! A line item can't be paused before its order is approved. To keep an inactive package from
//! delivering once a person approves the order, its associations are inactive while the package is.

use std::collections::BTreeSet;

use flightdeck_adapter::{ad_server::Placement, names::step_name, prelude::*};
use serde::Deserialize;

use crate::{
    api::{AT_ONCE, Network, any, quoted},
    inferred,
    line_item::{self, LineItem},
    refusal::{exists, not_shown_yet},
    sets,
};

/// The platform's name for the type.
pub const TYPE: &str = "LineItemCreativeAssociation";
/// The name of lists of them.
const TIES: &str = "lineItemCreativeAssociations";

#[derive(Debug, Deserialize)]
struct Tie {
    name: String,
    #[serde(default)]
    status: String,
}

fn path(item: &str, creative: &str) -> String {
    path!("lineItems/{}/creatives/{}", item, creative)
}

fn read(network: &Network, item: &str, creative: &str) -> Fallible<Option<Tie>> {
    network.get(&path(item, creative)).fetch_if_any()
}

fn act(network: &Network, item: &str, action: &str, ties: Vec<String>) -> Fallible<()> {
    network.act(&path!("lineItems/{}/creatives", item), action, ties)
}

/// Activates or deactivates an association.
fn switch(network: &Network, item: &str, tie: &Tie, on: bool) -> Fallible<()> {
    match (tie.status.as_str(), on) {
        ("INACTIVE", true) => act(network, item, "batchActivate", vec![tie.name.clone()]),
        ("INACTIVE", false) | (_, true) => Ok(()),
        (_, false) => act(network, item, "batchDeactivate", vec![tie.name.clone()]),
    }
}

/// Lets a creative or creative set run in a line item, in a step. If the package is inactive, it runs
/// once the package is active. Returns the id of the association.
///
/// # Errors
/// On a transient failure. A final refusal is in the verdict.
pub fn create(network: &Network, at: &Placement<'_>, creative: &str) -> Fallible<Verdict<String>> {
    let item = at.item;
    let found = || -> Fallible<Option<Seen<String>>> {
        let Some(tie) = look(network, item, creative)? else { return Ok(None) };
        switch(network, item, &tie, at.active)?;
        Ok(Some(seen(item, &tie)))
    };
    step(step_name(&["association", at.package_id, at.creative_id]))
        .remember(RemoteKind::Association, at.key())
        .find(|_| Ok(found()?.into_iter().collect()))
        .try_create(|_| {
            let mut body = object! { "lineItem": network.name("lineItems", item) };
            let (field, name) = sets::in_association(network, creative);
            body.set(field, name);
            let made = network.post(&path!("lineItems/{}/creatives", item)).json(&body).fetch::<Tie>();
            match made {
                Ok(tie) => {
                    switch(network, item, &tie, at.active)?;
                    Ok(id(item, &tie))
                }
                // It is identified by the two ids, so the existing one is the wanted one.
                Err(failure) if exists(&failure) => {
                    found()?.map(|seen| seen.id).ok_or_else(|| not_shown_yet("this association"))
                }
                Err(failure) => Err(failure),
            }
        })
}

/// Returns an association's id: its line item, and the last part of its name, which is the creative's id.
/// What it is for a creative set is not documented.
fn id(item: &str, tie: &Tie) -> String {
    format!("{item}/{}", tie.name.rsplit('/').next().unwrap_or_default())
}

/// Reads the association of a line item with a creative or a creative set.
fn look(network: &Network, item: &str, creative: &str) -> Fallible<Option<Tie>> {
    if sets::set_id(creative).is_none() {
        return read(network, item, creative);
    }
    let (path, filter) = (path!("lineItems/{}/creatives", item), of(network, creative));
    network.list::<Tie>(&path, TIES, &filter).last().transpose()
}

/// Returns the filter for the associations of a creative or a creative set.
fn of(network: &Network, creative: &str) -> String {
    let (field, name) = sets::in_association(network, creative);
    format!("{field} = {}", quoted(&name))
}

fn seen(item: &str, tie: &Tie) -> Seen<String> {
    Seen::new(id(item, tie)).named(&tie.name).active(tie.status != "INACTIVE")
}

/// Finds the association of a line item and a creative: there is at most one.
///
/// # Errors
/// When Ad Manager can't be reached.
pub fn find(network: &Network, item: &str, creative: &str) -> Fallible<Vec<Seen<String>>> {
    Ok(look(network, item, creative)?.map(|tie| seen(item, &tie)).into_iter().collect())
}

/// Whether any line item shows a creative.
///
/// # Errors
/// When Ad Manager can't be reached.
pub fn is_shown(network: &Network, creative: &str) -> Fallible<bool> {
    let filter = of(network, creative);
    for tie in network.list::<Tie>(inferred::ALL_ASSOCIATIONS, TIES, &filter) {
        if tie?.status != "INACTIVE" {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Deactivates every association of a creative, in all line items.
///
/// # Errors
/// When Ad Manager refuses.
pub fn hide(network: &Network, creative: &str) -> Fallible<()> {
    let filter = of(network, creative);
    let ties = network.list::<Tie>(inferred::ALL_ASSOCIATIONS, TIES, &filter);
    for tie in ties.collect::<Fallible<Vec<_>>>()? {
        let item = tie.name.rsplit('/').nth(2).unwrap_or_default();
        switch(network, item, &tie, false)?;
    }
    Ok(())
}

/// Deactivates an association. One that is already gone or inactive is left alone.
///
/// # Errors
/// When Ad Manager refuses.
pub fn switch_off(network: &Network, item: &str, creative: &str) -> Fallible<()> {
    match read(network, item, creative)? {
        Some(tie) => switch(network, item, &tie, false),
        None => Ok(()),
    }
}

/// Ends an association, in a step. One that is not known was never made. One that is already gone
/// is not a failure.
///
/// # Errors
/// On a transient failure. A final refusal is in the verdict.
pub fn remove(network: &Network, at: &Placement<'_>) -> Fallible<Verdict<()>> {
    step(step_name(&["association", at.package_id, at.creative_id, "remove"])).try_set(|| {
        let Some((item, creative)) = at.known.and_then(|id| id.split_once('/')) else { return Ok(()) };
        let Some(tie) = read(network, item, creative)? else { return Ok(()) };
        act(network, item, "batchDelete", vec![tie.name])
    })
}

fn switch_all(network: &Network, item: &str, on: bool) -> Fallible<()> {
    let path = path!("lineItems/{}/creatives", item);
    let mut names = Vec::new();
    for tie in network.list::<Tie>(&path, TIES, "") {
        let tie = tie?;
        if (tie.status == "INACTIVE") == on {
            names.push(tie.name);
        }
    }
    act(network, item, if on { "batchActivate" } else { "batchDeactivate" }, names)
}

/// Stops the delivery of a package.
///
/// # Errors
/// When Ad Manager refuses.
pub fn rest(network: &Network, item: &str) -> Fallible<()> {
    let standing = line_item::standing(network, item)?;
    if standing.is_over() || standing.is_paused() {
        return Ok(());
    }
    if standing.is_approved() {
        return network.act("lineItems", "batchPause", vec![network.name("lineItems", item)]);
    }
    switch_all(network, item, false)
}

/// Lets a package deliver. It doesn't while its order is paused; [`wake`] is called again when the
/// order resumes.
///
/// # Errors
/// When Ad Manager refuses.
pub fn wake(network: &Network, item: &str, unchecked: bool, order_runs: bool) -> Fallible<()> {
    let standing = line_item::standing(network, item)?;
    if standing.is_over() {
        return Ok(());
    }
    switch_all(network, item, true)?;
    if !order_runs {
        return Ok(());
    }
    line_item::resume(network, item, unchecked)?;
    line_item::activate_one(network, item)
}

/// Starts or stops the delivery of a package, in a step: [`wake`] or [`rest`].
///
/// # Errors
/// On a transient failure. A final refusal is in the verdict.
pub fn switch_package(network: &Network, id: &str, item: &LineItem, order_runs: bool) -> Fallible<Verdict<()>> {
    step(step_name(&["line-item", &item.package_id, if item.active { "wake" } else { "rest" }]))
        .try_set(|| if item.active { wake(network, id, item.unchecked, order_runs) } else { rest(network, id) })
}

/// Returns the line items among some that show a creative.
///
/// # Errors
/// When Ad Manager can't be reached.
pub fn showing(network: &Network, items: &[String]) -> Fallible<BTreeSet<String>> {
    let mut showing = BTreeSet::new();
    for some in items.chunks(AT_ONCE) {
        let filter = any(some.iter().map(|id| format!("lineItem = {}", quoted(&network.name("lineItems", id)))));
        for tie in network.list::<Tie>(inferred::ALL_ASSOCIATIONS, TIES, &filter) {
            let tie = tie?;
            if tie.status != "INACTIVE" {
                showing.extend(tie.name.rsplit('/').nth(2).map(str::to_owned));
            }
        }
    }
    Ok(showing)
}
