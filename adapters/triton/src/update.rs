//! Changing a media buy: what is and what is to be are both translated, and what differs is sent.
//!
//! The campaign comes first, then the flights in the buyer's order. A campaign holds the days of its flights, so one that
//! becomes shorter is shortened at the end.

use std::collections::BTreeSet;

use flightdeck_adapter::{
    names::{association_key, step_name},
    plan::{Change, Plan},
    prelude::*,
    source::Source,
    step::Remote,
    update,
};

use crate::{
    api,
    assets::{self, Uploader},
    booking::Booking,
    campaign,
    creative::{self, Asset},
    flight::{self, Flight},
    settings::Platform,
};

/// What becomes of one package.
struct PackageChange<'a> {
    current: &'a Flight,
    desired: &'a Flight,
    /// Creatives that begin to play in it.
    on: Vec<&'a str>,
    /// Creatives that stop.
    off: Vec<&'a str>,
}

/// What becomes of a media buy.
struct BuyChange {
    current: Booking,
    desired: Booking,
    /// Creatives that the packages may need, translated.
    assets: Vec<Asset>,
}

impl BuyChange {
    fn of(ctx: &Context, update: &MediaBuyUpdate) -> Fallible<Self> {
        let platform = Platform::read(ctx)?;
        let (mut problems, mut accepted, mut notes) = (Problems::default(), Problems::default(), Vec::new());
        let mut desired = Booking::translate(ctx, &platform, &update.desired, &mut problems)?;
        // What Triton has was accepted, whatever this release or its settings say now: a buy can always be paused.
        let current = Booking::translate(ctx, &platform, &update.current, &mut accepted)?;
        problems.leave_out(&accepted, |field| update::stands(update, field));
        let assets = update::translated(ctx, update, &mut problems, |creative, packages, problems| {
            Ok(creative::translate(&update.desired, creative, packages, problems, &mut notes))
        })?;
        problems.check()?;
        desired.notes.extend(notes);
        Ok(Self { current, desired, assets })
    }

    /// What becomes of each package, in the buyer's order; those that the buyer did not name come last.
    fn packages<'a>(&'a self, update: &'a MediaBuyUpdate) -> Vec<PackageChange<'a>> {
        let change = |id: &str| {
            let (on, off) = update::switched(update, id);
            Some(PackageChange { current: self.current.flight(id)?, desired: self.desired.flight(id)?, on, off })
        };
        update::in_order(update).into_iter().filter_map(change).filter(|change| !change.is_empty()).collect()
    }
}

impl PackageChange<'_> {
    fn is_empty(&self) -> bool {
        self.desired.changes_from(self.current).is_empty() && self.on.is_empty() && self.off.is_empty()
    }

    fn plan<'p>(
        &'p self,
        ctx: &Context,
        buy: &BuyChange,
        uploaded: &mut BTreeSet<&'p str>,
        plan: &mut Plan,
    ) -> Fallible<()> {
        let (id, remote) = (self.desired.package_id.as_str(), &ctx.remote);
        let fields = Change::update(flight::TYPE, &self.desired.name, &self.current.fields, &self.desired.fields);
        plan.push_if_any(fields.package(id).remote_id(remote.package(id)));
        for creative in &self.on {
            let asset = buy.assets.iter().find(|asset| asset.creative_id == *creative);
            if let Some(asset) = asset.filter(|_| uploaded.insert(creative)) {
                let created = asset.created(api::advertiser(ctx)?);
                plan.push(Change::create(creative::TYPE, &asset.name, &created).package(id));
            }
            plan.push(assets::associate(id, creative));
        }
        for creative in &self.off {
            let key = association_key(id, creative);
            let change = Change::delete(assets::TYPE, &key, &object! { "creativeId": *creative }).package(id);
            plan.push(change.remote_id(remote.id_of(&RemoteKind::Association, &key)));
        }
        Ok(())
    }

    /// Carries it out.
    fn run(&self, buy: &BuyChange, uploader: &Uploader<'_>, ctx: &Context) -> Fallible<Verdict<()>> {
        let id = self.desired.package_id.as_str();
        let Some(flight) = ctx.remote.package(id) else {
            let message = format!("The package {id} has no flight on Triton.");
            return Ok(Err(Failure::not_found("flight_missing", message)));
        };
        let changes = self.desired.changes_from(self.current);
        if !changes.is_empty() {
            let name = step_name(&["flight", id, "update"]);
            if let Err(refused) = step(name).try_set(|| flight::change(&uploader.api, flight, &changes))? {
                return Ok(Err(refused));
            }
        }
        for creative in &self.on {
            // What is known decides what happens within the two steps, not which there are: it grows between runs.
            let source = Source::of(ctx, creative, buy.assets.iter().find(|asset| asset.creative_id == *creative));
            let made = match uploader.uploaded(creative, source)? {
                Ok(uploaded) => uploader.associate(uploaded, id, creative)?,
                Err(refused) => Err(refused),
            };
            if let Err(refused) = made {
                return Ok(Err(refused));
            }
        }
        for creative in &self.off {
            if let Err(refused) = uploader.dissociate(id, creative)? {
                return Ok(Err(refused));
            }
        }
        Ok(Ok(()))
    }
}

/// The changes that an update makes.
///
/// # Errors
/// Everything that Triton can't do of it, item by item.
pub fn plan(ctx: &Context, update: &MediaBuyUpdate) -> Fallible<ChangePlan> {
    let buy = BuyChange::of(ctx, update)?;
    let mut plan = Plan::default();
    let (before, after) = (&buy.current.campaign.fields, &buy.desired.campaign.fields);
    let change = Change::update(campaign::TYPE, &buy.desired.campaign.name, before, after);
    plan.push_if_any(change.remote_id(ctx.remote.order()));
    let packages = buy.packages(update);
    let mut uploaded = BTreeSet::new();
    for package in &packages {
        package.plan(ctx, &buy, &mut uploaded, &mut plan)?;
    }
    for note in &buy.desired.notes {
        plan.note(note);
    }
    Ok(plan.finish())
}

/// Carries an update out. The first package that is refused ends it and is named.
///
/// # Errors
/// When the campaign is refused, and whatever may pass.
pub fn run(ctx: &Context, update: &MediaBuyUpdate) -> Fallible<UpdateOutcome> {
    let buy = BuyChange::of(ctx, update)?;
    let uploader = Uploader::of(ctx)?;
    let campaign = ctx.remote.order().unwrap_or_default();
    let (before, after) = buy.desired.campaign.changes_from(&buy.current.campaign);
    if !before.is_empty() {
        step("campaign/update").try_set(|| campaign::change(&uploader.api, campaign, &before))??;
    }
    let mut outcome = UpdateOutcome {
        effective: None,
        affected_packages: Vec::new(),
        failed: None,
        notes: buy.desired.notes.clone(),
        extensions: Vec::new(),
    };
    for package in buy.packages(update) {
        let package_id = package.desired.package_id.clone();
        match package.run(&buy, &uploader, ctx)? {
            Ok(()) => outcome.affected_packages.push(package_id),
            Err(failure) => {
                outcome.failed = Some(PackageFailure { package_id, failure });
                break;
            }
        }
    }
    // Flights decide what plays: a campaign that stays longer because one was refused does no harm.
    if !after.is_empty() && outcome.failed.is_none() {
        step("campaign/shorten").try_set(|| campaign::change(&uploader.api, campaign, &after))??;
    }
    Ok(outcome)
}
