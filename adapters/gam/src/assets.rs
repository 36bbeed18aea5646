//! Uploading creatives, putting them into line items, and the approval that the first of them brings.
//!
//! One creative that can't be is answered as rejected and the others go on. One that runs in some of its packages is
//! answered with the others named. One that runs in none is switched off.

use std::{cell::RefCell, collections::BTreeMap};

use flightdeck_adapter::{
    names::{association_key, step_name},
    plan::{Change, Plan},
    prelude::*,
    source::Source,
    step::Remote,
};

use crate::{
    api::{self, Network},
    creative::{self, Asset},
    order::{self, Approval},
    settings::Platform,
    ties,
};

/// The changes that an upload makes.
///
/// # Errors
/// Everything that Ad Manager can't do of it, item by item.
pub fn plan(ctx: &Context, batch: &CreativeBatch) -> Fallible<ChangePlan> {
    let platform = Platform::read(ctx)?;
    let (network, advertiser) = (api::open(ctx, &platform), api::advertiser(ctx)?);
    let (mut problems, mut notes) = (Problems::default(), Vec::new());
    let mut plan = Plan::default();
    for creative in &batch.assets {
        let ids = &creative.package_ids;
        let asset = creative::translate(&platform, &batch.media_buy, creative, ids, &mut problems, &mut notes)?;
        let Some(asset) = asset else { continue };
        plan.push(Change::create(creative::TYPE, &asset.name, &asset.created(&network, advertiser)));
        for package_id in &asset.package_ids {
            plan.push(associate(package_id, &asset.creative_id));
        }
    }
    problems.check()?;
    if batch.media_buy.active {
        plan_approval(&platform, ctx, &batch.media_buy.name, &mut plan);
    }
    for note in notes {
        plan.note(note);
    }
    Ok(plan.finish())
}

/// A planned association.
pub fn associate(package_id: &str, creative_id: &str) -> Change {
    let key = association_key(package_id, creative_id);
    Change::associate(ties::TYPE, &key, &ties::shown(creative_id)).package(package_id)
}

/// The approval that the first creative brings. An order that has some was approved or submitted with them.
fn plan_approval(platform: &Platform, ctx: &Context, name: &str, plan: &mut Plan) {
    if ctx.remote.iter().any(|object| object.kind == RemoteKind::Association) {
        return;
    }
    let after = if platform.approve_orders { "APPROVED" } else { "PENDING_APPROVAL" };
    let (before, after) = (object! { "status": "DRAFT" }, object! { "status": after });
    plan.push(Change::update(order::TYPE, name, &before, &after).remote_id(ctx.remote.order()));
}

/// Uploads creatives, puts them into their line items, and has the order approved.
///
/// # Errors
/// What stops them all: also an approval that is not to be had now.
pub fn add(ctx: &Context, batch: &CreativeBatch) -> Fallible<CreativeOutcome> {
    let platform = Platform::read(ctx)?;
    let uploader = Uploader::of(ctx, &platform, &batch.media_buy)?;
    let mut all_notes = Vec::new();
    let mut done: Vec<Result<Uploaded<'_>, AssetStatus>> = Vec::new();
    for creative in &batch.assets {
        let (mut problems, mut notes) = (Problems::default(), Vec::new());
        let ids = &creative.package_ids;
        let asset = creative::translate(&platform, &batch.media_buy, creative, ids, &mut problems, &mut notes)?;
        done.push(match (asset, problems.check()) {
            (Some(asset), Ok(())) => uploader.run(&asset, creative)?,
            (_, Err(failure)) => Err(AssetStatus::rejected(&creative.creative_id, None, &failure)),
            (None, Ok(())) => {
                let failure = Failure::rejected("untranslatable", "Ad Manager has nothing like this creative.");
                Err(AssetStatus::rejected(&creative.creative_id, None, &failure))
            }
        });
        all_notes.extend(notes);
    }
    let runs = done.iter().flatten().any(|uploaded| uploaded.runs);
    let approval = if runs { uploader.approve()? } else { Approval::Neither };
    let status = |done| match done {
        Ok(Uploaded { creative, id, refused, .. }) => {
            AssetStatus::uploaded(&creative.creative_id, approval.asset_state(), id, &refused)
        }
        Err(rejected) => rejected,
    };
    Ok(CreativeOutcome { assets: done.into_iter().map(status).collect(), notes: all_notes, extensions: Vec::new() })
}

/// A creative that is on Ad Manager.
struct Uploaded<'c> {
    creative: &'c Creative,
    id: String,
    /// Packages that do not take it.
    refused: Vec<(&'c str, Failure)>,
    /// Whether any does.
    runs: bool,
}

/// What an upload needs to know.
#[derive(Debug)]
pub struct Uploader<'a> {
    /// The network.
    pub network: Network<'a>,
    advertiser: &'a str,
    /// The buy's order.
    pub order: &'a str,
    buy: &'a MediaBuy,
    remote: &'a [RemoteObject],
    /// What this operation has uploaded: a step is named once, and several packages may need the same creative.
    uploaded: RefCell<BTreeMap<String, String>>,
}

impl<'a> Uploader<'a> {
    /// What the context says; `buy` is as it is to be.
    ///
    /// # Errors
    /// `not-found` when the media buy has no order.
    pub fn of(ctx: &'a Context, platform: &'a Platform, buy: &'a MediaBuy) -> Fallible<Self> {
        let order = ctx.remote.order().ok_or_else(|| {
            Failure::not_found("order_missing", "The media buy has no order on Ad Manager: it was not created there.")
        })?;
        Ok(Self {
            network: api::open(ctx, platform),
            advertiser: api::advertiser(ctx)?,
            order,
            buy,
            remote: &ctx.remote,
            uploaded: RefCell::default(),
        })
    }

    fn run<'c>(&self, asset: &Asset, creative: &'c Creative) -> Fallible<Result<Uploaded<'c>, AssetStatus>> {
        let id = match self.uploaded(&asset.creative_id, Source::Asset(asset))? {
            Ok(id) => id,
            Err(failure) => return Ok(Err(AssetStatus::rejected(&asset.creative_id, None, &failure))),
        };
        let mut refused = Vec::new();
        for package_id in &creative.package_ids {
            if let Err(failure) = self.associate(&id, package_id, &asset.creative_id)? {
                refused.push((package_id.as_str(), failure));
            }
        }
        let runs = refused.len() < creative.package_ids.len();
        if let Some((_, failure)) = refused.first().filter(|_| !runs) {
            creative::discard(&self.network, &asset.creative_id, &id)?;
            return Ok(Err(AssetStatus::rejected(&asset.creative_id, None, failure)));
        }
        Ok(Ok(Uploaded { creative, id, refused, runs }))
    }

    /// The creative's id, uploaded if this operation has not done so.
    ///
    /// # Errors
    /// What may pass: a refusal is in the verdict.
    pub fn uploaded(&self, creative_id: &str, source: Source<'_, Asset>) -> Fallible<Verdict<String>> {
        if let Some(id) = self.uploaded.borrow().get(creative_id) {
            return Ok(Ok(id.clone()));
        }
        let uploaded = creative::upload(&self.network, self.advertiser, creative_id, source)?;
        if let Ok(id) = &uploaded {
            self.uploaded.borrow_mut().insert(creative_id.to_owned(), id.clone());
        }
        Ok(uploaded)
    }

    /// Puts a creative into the line item of a package.
    ///
    /// # Errors
    /// As [`uploaded`](Self::uploaded).
    pub fn associate(&self, creative: &str, package_id: &str, creative_id: &str) -> Fallible<Verdict<()>> {
        let Some(item) = self.remote.package(package_id) else {
            let message = format!("The package {package_id} has no line item on Ad Manager.");
            return Ok(Err(Failure::not_found("line_item_missing", message)));
        };
        let on = self.buy.packages.iter().any(|package| package.package_id == package_id && package.active);
        let made = ties::create(&self.network, item, creative, (package_id, creative_id), on)?;
        Ok(made.map(|_| ()))
    }

    /// Has the order approved or submitted, in a step, unless the buy is paused: then it stays a draft until it is
    /// resumed. That is no step, which would be done with once and for all: if this operation runs again, the buy may have been
    /// resumed. Packages that are off are paused as soon as they can be.
    ///
    /// # Errors
    /// As [`order::approve`].
    pub fn approve(&self) -> Fallible<Approval> {
        if !self.buy.active {
            return order::approval(&self.network, self.order);
        }
        let approval: Approval = step("order/approve").set(|| order::approve(&self.network, self.order))?;
        if approval == Approval::Approved {
            for package in self.buy.packages.iter().filter(|package| !package.active) {
                let Some(item) = self.remote.package(&package.package_id) else { continue };
                step(step_name(&["order", "approve", &package.package_id])).set(|| ties::rest(&self.network, item))?;
            }
        }
        Ok(approval)
    }
}
