//! Uploading creatives and putting them into flights.
//!
//! One creative that can't be is answered as rejected and the others go on. One that runs in some of its packages is
//! answered as approved, with the others named: it delivers. One that runs in none is taken away again.

use std::{cell::RefCell, collections::BTreeMap};

use flightdeck_adapter::{
    plan::{Change, Plan},
    prelude::*,
    source::Source,
    step::Remote,
};

use crate::{
    ad_types::Catalogue,
    ads, api,
    creative::{self, Asset},
    settings::Platform,
};

/// The changes that an upload makes.
///
/// # Errors
/// Everything that Kevel can't do of it, item by item.
pub fn plan(ctx: &Context, batch: &CreativeBatch) -> Fallible<ChangePlan> {
    let (platform, advertiser) = (Platform::read(ctx)?, api::advertiser(ctx)?);
    let (mut problems, mut notes) = (Problems::default(), Vec::new());
    let mut plan = Plan::default();
    for creative in &batch.assets {
        let Some(asset) = creative::translate(&platform, &batch.media_buy, creative, &mut problems, &mut notes)? else {
            continue;
        };
        plan.push(Change::create(creative::TYPE, &asset.title, &asset.created(advertiser)));
        for package_id in &asset.package_ids {
            plan.push(associate(package_id, &asset.creative_id));
        }
    }
    problems.check()?;
    for note in notes {
        plan.note(note);
    }
    Ok(plan.finish())
}

/// A planned ad.
pub fn associate(package_id: &str, creative_id: &str) -> Change {
    Change::associate(ads::TYPE, &ads::key(package_id, creative_id), &ads::shown(creative_id)).package(package_id)
}

/// Uploads creatives and puts them into their flights.
///
/// # Errors
/// What stops them all.
pub fn add(ctx: &Context, batch: &CreativeBatch) -> Fallible<CreativeOutcome> {
    let platform = Platform::read(ctx)?;
    let uploader = Uploader::of(ctx)?;
    let catalogue = Catalogue::new(&uploader.api);
    let mut all_notes = Vec::new();
    let mut assets = Vec::new();
    for creative in &batch.assets {
        let (mut problems, mut notes) = (Problems::default(), Vec::new());
        let asset = creative::translate(&platform, &batch.media_buy, creative, &mut problems, &mut notes)?;
        let status = match (asset, problems.check()) {
            (Some(asset), Ok(())) => uploader.run(&asset, &catalogue)?,
            (_, Err(failure)) => AssetStatus::rejected(&creative.creative_id, None, &failure),
            (None, Ok(())) => {
                let failure = Failure::rejected("untranslatable", "Kevel has nothing like this creative.");
                AssetStatus::rejected(&creative.creative_id, None, &failure)
            }
        };
        all_notes.extend(notes);
        assets.push(status);
    }
    Ok(CreativeOutcome { assets, notes: all_notes, extensions: Vec::new() })
}

/// What an upload needs to know.
#[derive(Debug)]
pub struct Uploader<'a> {
    /// The network.
    pub api: Api,
    advertiser: i64,
    campaign: i64,
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
        let order = ctx.remote.order().ok_or_else(|| {
            Failure::not_found("campaign_missing", "The media buy has no campaign on Kevel: it was not created there.")
        })?;
        let (advertiser, campaign) = (api::advertiser(ctx)?, api::number(order)?);
        Ok(Self { api: api::open(ctx), advertiser, campaign, remote: &ctx.remote, uploaded: RefCell::default() })
    }

    fn run(&self, asset: &Asset, catalogue: &Catalogue<'_>) -> Fallible<AssetStatus> {
        let creative = match self.uploaded(&asset.creative_id, Source::Asset(asset), catalogue)? {
            Ok(id) => id,
            Err(failure) => return Ok(AssetStatus::rejected(&asset.creative_id, None, &failure)),
        };
        let mut refused = Vec::new();
        for package_id in &asset.package_ids {
            if let Err(failure) = self.associate((creative, None), package_id, &asset.creative_id)? {
                refused.push((package_id.as_str(), failure));
            }
        }
        if let Some((_, failure)) = refused.first().filter(|_| refused.len() == asset.package_ids.len()) {
            creative::discard(&self.api, &asset.creative_id, creative)?;
            return Ok(AssetStatus::rejected(&asset.creative_id, None, failure));
        }
        Ok(AssetStatus::uploaded(&asset.creative_id, AssetState::Approved, creative.to_string(), &refused))
    }

    /// The creative's id, uploaded if this operation has not done so.
    ///
    /// # Errors
    /// What may pass: a refusal is in the verdict.
    pub fn uploaded(
        &self,
        creative_id: &str,
        source: Source<'_, Asset>,
        catalogue: &Catalogue<'_>,
    ) -> Fallible<Verdict<i64>> {
        if let Some(id) = self.uploaded.borrow().get(creative_id) {
            return Ok(Ok(*id));
        }
        let uploaded = creative::upload(&self.api, creative_id, source, catalogue, self.advertiser)?;
        if let Ok(id) = &uploaded {
            self.uploaded.borrow_mut().insert(creative_id.to_owned(), *id);
        }
        Ok(uploaded)
    }

    /// Puts a creative into the flight of a package, by the ad that is known if there is one.
    ///
    /// # Errors
    /// As [`uploaded`](Self::uploaded).
    pub fn associate(
        &self,
        creative: (i64, Option<&str>),
        package_id: &str,
        creative_id: &str,
    ) -> Fallible<Verdict<()>> {
        let Some(flight) = self.remote.package(package_id) else {
            let message = format!("The package {package_id} has no flight on Kevel.");
            return Ok(Err(Failure::not_found("flight_missing", message)));
        };
        let made = ads::create(&self.api, self.campaign, api::number(flight)?, creative, (package_id, creative_id))?;
        Ok(made.map(|_| ()))
    }
}
