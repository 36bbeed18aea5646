//! The rules about updates and cancels, without trouble.

use std::time::Duration;

use super::{
    bench::{Lane, shown},
    report::Notebook,
    rules,
    sample::{self, Sample},
    work::{Task, Work, carry_out, prepared},
};
use crate::domain::{
    change::Change,
    delivery::{DeliveryState, RemoteBuyStatus},
    media_buy::MediaBuy,
    update::{BuyPatch, PackagePatch},
};

/// Tries each declared kind of update, and a cancel.
pub(super) async fn check(lane: &Lane<'_>, notebook: &Notebook) {
    if notebook.wants("updates") {
        updates(lane, notebook).await;
    }
    if notebook.wants("cancel") {
        cancel(lane, notebook).await;
    }
}

async fn updates(lane: &Lane<'_>, notebook: &Notebook) {
    let (mut tried, mut left_out) = (Vec::new(), Vec::new());
    for kind in &lane.bench.capabilities.updates {
        // One of its own for each, because not everything can be combined.
        let mut sample = match prepared(lane, Work::Update).await {
            Ok(sample) => sample,
            Err(why) => return notebook.fail(rules::UPDATES_APPLIED, why),
        };
        let patches = patches(lane, kind, &sample);
        if patches.is_empty() {
            left_out.push(kind.as_str());
            continue;
        }
        tried.push(kind.as_str());
        for patch in patches {
            if let Err(why) = update(lane, &mut sample, patch).await {
                notebook.fail(rules::UPDATES_APPLIED, format!("{kind}: {why}"));
            }
        }
        if let Err(why) = idle(lane, &sample).await {
            notebook.fail(rules::UPDATES_IDLE, format!("after {kind}: {why}"));
        }
    }
    if tried.is_empty() {
        notebook.skip(rules::UPDATES_APPLIED, "no kind of update is declared that the kit can try");
        notebook.skip(rules::UPDATES_IDLE, "no kind of update is declared that the kit can try");
        return;
    }
    let rest = if left_out.is_empty() { String::new() } else { format!("; left out {}", left_out.join(", ")) };
    notebook.seen(rules::UPDATES_APPLIED, format!("{}{rest}", tried.join(", ")));
    notebook.seen(rules::UPDATES_IDLE, format!("{} updates without differences", tried.len()));
}

/// Returns the updates with which a kind is tried. A pause is followed by a resumption, of the buy
/// and of a package.
fn patches(lane: &Lane<'_>, kind: &str, sample: &Sample) -> Vec<BuyPatch> {
    let mut patches: Vec<BuyPatch> = sample::update_of(lane.bench, kind, sample).into_iter().collect();
    if kind == "active" {
        patches.push(BuyPatch { active: Some(true), ..BuyPatch::default() });
        for active in [false, true] {
            let id = Some(sample::PACKAGES[1].into());
            let package = PackagePatch { package: id, active: Some(active), ..PackagePatch::default() };
            patches.push(BuyPatch { packages: vec![package], ..BuyPatch::default() });
        }
    }
    patches
}

async fn update(lane: &Lane<'_>, sample: &mut Sample, patch: BuyPatch) -> Result<(), String> {
    let task = Task::new(lane.bench, sample, Some(Change::Update(patch)))
        .map_err(|why| format!("the host refuses the update of the sample: {why}"))?;
    let plan = lane.plan(task.change(), Duration::ZERO).await;
    let plan = plan.map_err(|failure| format!("it can't be planned: {}", shown(&failure)))?;
    carry_out(lane, sample, &task).await?;
    let wrote = task.journal.writes();
    if plan.changes.is_empty() && wrote > 0 {
        return Err(format!("its plan is empty, and it wrote {wrote} times"));
    }
    let status = lane.status(&sample.buy).await.map_err(|why| format!("check-status: {why}"))?;
    agrees(&sample.buy, &status)
}

/// Compares what is paused with what should be.
fn agrees(buy: &MediaBuy, status: &RemoteBuyStatus) -> Result<(), String> {
    let said = |what: &str, state: &DeliveryState, active: bool| {
        let right = match state {
            DeliveryState::Missing | DeliveryState::Canceled | DeliveryState::Completed => false,
            DeliveryState::Paused => !active,
            // A platform may review what is paused, too.
            DeliveryState::PendingApproval | DeliveryState::AwaitingCreatives => true,
            _ => active,
        };
        let should = if active { "should not be paused" } else { "should be paused" };
        if right { Ok(()) } else { Err(format!("check-status says {state:?} of {what}, which {should}")) }
    };
    let any = buy.packages.iter().any(|package| package.active);
    said("the buy", &status.state, buy.active && any)?;
    for package in &status.packages {
        let Some(mine) = buy.package(&package.package) else { continue };
        // Without creatives nothing delivers either way, which some platforms show as a pause.
        if mine.creatives.is_empty() && !buy.creatives.is_empty() && package.state == DeliveryState::Paused {
            continue;
        }
        said(&format!("the package {}", mine.id), &package.state, buy.active && mine.active)?;
    }
    Ok(())
}

/// Sends an update of which both states are the same.
async fn idle(lane: &Lane<'_>, sample: &Sample) -> Result<(), String> {
    let task = Task::new(lane.bench, sample, Some(Change::Update(BuyPatch::default())))?;
    let plan = lane.plan(task.change(), Duration::ZERO).await;
    let plan = plan.map_err(|failure| format!("it can't be planned: {}", shown(&failure)))?;
    if let Some(change) = plan.changes.first() {
        let (count, action) = (plan.changes.len(), change.action);
        return Err(format!("{count} changes are planned, the first: {action} {}", change.remote_type));
    }
    task.run(lane, None).await.map_err(|failure| shown(&failure))?;
    match task.journal.wrote_in() {
        none if none.is_empty() => Ok(()),
        wrote => Err(format!("{} writes, in {}", task.journal.writes(), wrote.join(", "))),
    }
}

async fn cancel(lane: &Lane<'_>, notebook: &Notebook) {
    let rule = rules::CANCEL_STOPS;
    if !lane.bench.capabilities.cancels {
        return notebook.skip(rule, "the adapter declares that nothing can be cancelled");
    }
    let mut sample = match prepared(lane, Work::Cancel).await {
        Ok(sample) => sample,
        Err(why) => return notebook.fail(rule, why),
    };
    for time in ["the cancel", "a second cancel"] {
        let task = match Task::of(Work::Cancel, lane.bench, &sample) {
            Ok(task) => task,
            Err(why) => return notebook.fail(rule, why),
        };
        if let Err(why) = carry_out(lane, &mut sample, &task).await {
            notebook.fail(rule, format!("{time} failed, {why}"));
        }
    }
    match lane.status(&sample.buy).await {
        Err(why) => notebook.fail(rule, format!("check-status: {why}")),
        Ok(status) => {
            let packages = status.packages.iter().map(|package| (package.package.to_string(), &package.state));
            for (what, state) in std::iter::once(("the buy".to_owned(), &status.state)).chain(packages) {
                if !matches!(state, DeliveryState::Canceled | DeliveryState::Missing) {
                    notebook.fail(rule, format!("check-status says {state:?} of {what}, which was cancelled"));
                }
            }
        }
    }
    notebook.seen(rule, "cancelled twice, then read");
}
