//! Uploading creatives and having flights play them.
//!
//! One creative that can't be is answered as rejected and the others go on. One that plays in some of its packages is
//! answered as approved, with the others named: it delivers. One that plays in none is used when it is uploaded again.

use std::{cell::RefCell, collections::BTreeMap};

use flightdeck_adapter::{
    names::{association_key, step_name},
    plan::{Change, Plan},
    prelude::*,
    source::Source,
    step::Remote,
};

use crate::{
    api,
    creative::{self, Asset},
    flight,
};

/// A creative in a flight: Triton has no word of its own for it.
pub const TYPE: &str = "FlightCreative";

/// The changes that an upload makes.
///
/// # Errors
/// Everything that Triton can't do of it, item by item.
pub fn plan(ctx: &Context, batch: &CreativeBatch) -> Fallible<ChangePlan> {
    let advertiser = api::advertiser(ctx)?;
    let (mut problems, mut notes) = (Problems::default(), Vec::new());
    let mut plan = Plan::default();
    for creative in &batch.assets {
        let ids = &creative.package_ids;
        let asset = creative::translate(&batch.media_buy, creative, ids, &mut problems, &mut notes);
        let Some(asset) = asset else { continue };
        plan.push(Change::create(creative::TYPE, &asset.name, &asset.created(advertiser)));
        for package_id in ids {
            plan.push(associate(package_id, &asset.creative_id));
        }
    }
    problems.check()?;
    for note in notes {
        plan.note(note);
    }
    Ok(plan.finish())
}

/// A planned creative in a flight.
pub fn associate(package_id: &str, creative_id: &str) -> Change {
    let key = association_key(package_id, creative_id);
    Change::associate(TYPE, &key, &object! { "creativeId": creative_id }).package(package_id)
}

/// Uploads creatives and has their flights play them.
///
/// # Errors
/// What stops them all.
pub fn add(ctx: &Context, batch: &CreativeBatch) -> Fallible<CreativeOutcome> {
    let uploader = Uploader::of(ctx)?;
    let mut all_notes = Vec::new();
    let mut assets = Vec::new();
    for creative in &batch.assets {
        let (mut problems, mut notes) = (Problems::default(), Vec::new());
        let asset = creative::translate(&batch.media_buy, creative, &creative.package_ids, &mut problems, &mut notes);
        assets.push(match (asset, problems.check()) {
            (Some(asset), Ok(())) => uploader.run(&asset, &creative.package_ids)?,
            (_, Err(failure)) => AssetStatus::rejected(&creative.creative_id, None, &failure),
            (None, Ok(())) => {
                let failure = Failure::rejected("untranslatable", "Triton has nothing like this creative.");
                AssetStatus::rejected(&creative.creative_id, None, &failure)
            }
        });
        all_notes.extend(notes);
    }
    Ok(CreativeOutcome { assets, notes: all_notes, extensions: Vec::new() })
}

/// What an upload needs to know.
#[derive(Debug)]
pub struct Uploader<'a> {
    /// The platform.
    pub api: Api,
    advertiser: i64,
    remote: &'a [RemoteObject],
    /// What this operation has uploaded: a step is named once, and several packages may need the same creative.
    uploaded: RefCell<BTreeMap<String, i64>>,
}

impl<'a> Uploader<'a> {
    /// What the context says.
    ///
    /// # Errors
    /// `not-found` when the media buy has no campaign.
    pub fn of(ctx: &'a Context) -> Fallible<Self> {
        if ctx.remote.order().is_none() {
            let message = "The media buy has no campaign on Triton: it was not created there.";
            return Err(Failure::not_found("campaign_missing", message));
        }
        let (api, advertiser) = (api::open(ctx), api::advertiser(ctx)?);
        Ok(Self { api, advertiser, remote: &ctx.remote, uploaded: RefCell::default() })
    }

    fn run(&self, asset: &Asset, package_ids: &[String]) -> Fallible<AssetStatus> {
        let creative = match self.uploaded(&asset.creative_id, Source::Asset(asset))? {
            Ok(id) => id,
            Err(failure) => return Ok(AssetStatus::rejected(&asset.creative_id, None, &failure)),
        };
        let mut refused = Vec::new();
        for package_id in package_ids {
            if let Err(failure) = self.associate(creative, package_id, &asset.creative_id)? {
                refused.push((package_id.as_str(), failure));
            }
        }
        let id = creative.to_string();
        if let Some((_, failure)) = refused.first().filter(|_| refused.len() == package_ids.len()) {
            return Ok(AssetStatus::rejected(&asset.creative_id, Some(id), failure));
        }
        Ok(AssetStatus::uploaded(&asset.creative_id, AssetState::Approved, id, &refused))
    }

    /// The creative's id, uploaded if this operation has not done so.
    ///
    /// # Errors
    /// What may pass: a refusal is in the verdict.
    pub fn uploaded(&self, creative_id: &str, source: Source<'_, Asset>) -> Fallible<Verdict<i64>> {
        if let Some(id) = self.uploaded.borrow().get(creative_id) {
            return Ok(Ok(*id));
        }
        let left_over = self.remote.id_of(&RemoteKind::Creative, creative_id);
        let uploaded = creative::upload(&self.api, self.advertiser, creative_id, source, left_over)?;
        if let Ok(id) = &uploaded {
            self.uploaded.borrow_mut().insert(creative_id.to_owned(), *id);
        }
        Ok(uploaded)
    }

    /// Has the flight of a package play a creative, in a step: setting it twice leaves the same.
    ///
    /// # Errors
    /// As [`uploaded`](Self::uploaded).
    pub fn associate(&self, creative: i64, package_id: &str, creative_id: &str) -> Fallible<Verdict<()>> {
        let Some(flight) = self.remote.package(package_id) else {
            let message = format!("The package {package_id} has no flight on Triton.");
            return Ok(Err(Failure::not_found("flight_missing", message)));
        };
        let made = step(step_name(&["play", package_id, creative_id]))
            .remember(RemoteKind::Association, association_key(package_id, creative_id))
            .try_set(|| {
                flight::play(&self.api, flight, creative, true)?;
                Ok(format!("{flight}/{creative}"))
            })?;
        Ok(made.map(|_| ()))
    }

    /// Has the flight of a package stop playing a creative, in a step. One that is not known never played.
    ///
    /// # Errors
    /// As [`uploaded`](Self::uploaded).
    pub fn dissociate(&self, package_id: &str, creative_id: &str) -> Fallible<Verdict<()>> {
        let known = self.remote.id_of(&RemoteKind::Association, &association_key(package_id, creative_id));
        step(step_name(&["play", package_id, creative_id, "stop"])).try_set(|| {
            let Some((flight, creative)) = known.and_then(|id| id.split_once('/')) else { return Ok(()) };
            flight::play(&self.api, flight, api::number(creative)?, false)
        })
    }
}
