//! Changes a media buy: translates the current and the desired buy, and sends the differences.
//!
//! The order comes first, then the line items in the order of the request. Within a line item, its
//! fields come first, then the resources below it, then its creatives: new ones before removed ones.

use std::collections::BTreeSet;

use super::{
    AdServer, Booking, LineItem, Translated, Uploadable,
    creatives::{self, Uploader, item_of},
};
use crate::{
    failure::{Fallible, Problems},
    names::{association_key, step_name},
    plan::{Change, Plan},
    source::Source,
    step::{Remote, RemoteId, Verdict, step},
    types::{ChangePlan, Context, MediaBuyUpdate, PackageFailure, RemoteKind, RemoteObject, UpdateOutcome},
    update,
};

/// A change of a media buy, translated.
#[derive(Debug)]
pub struct Update<'u, S: AdServer> {
    /// What was asked for.
    pub request: &'u MediaBuyUpdate,
    /// What the host knows of the buy.
    pub remote: &'u [RemoteObject],
    /// The buy's order; empty in plans of a buy that has none yet.
    pub order: &'u str,
    /// What is.
    pub current: Booking<S::Order, S::Item>,
    /// What is to be, with the notes of its creatives.
    pub desired: Booking<S::Order, S::Item>,
    /// Creatives that the packages may need.
    assets: Vec<S::Asset>,
}

/// What changes of one package.
#[derive(Debug)]
pub struct ItemChange<'a, S: AdServer> {
    /// Its line item as it is.
    pub current: &'a S::Item,
    /// Its line item as it is to be.
    pub desired: &'a S::Item,
    /// Creatives that begin to run in it.
    pub on: Vec<&'a str>,
    /// Creatives that stop.
    pub off: Vec<&'a str>,
}

impl<'u, S: AdServer> Update<'u, S> {
    fn of(server: &S, ctx: &'u Context, request: &'u MediaBuyUpdate) -> Fallible<Self> {
        let (mut problems, mut accepted, mut notes) = (Problems::default(), Problems::default(), Vec::new());
        let mut desired = server.translate(&request.desired, &mut problems)?;
        // What is on the platform was accepted, whatever this release or its settings say now: a buy can always be paused.
        let current = server.translate(&request.current, &mut accepted)?;
        problems.leave_out(&accepted, |field| update::stands(request, field));
        let assets = update::translated(ctx, request, &mut problems, |creative, packages, problems| {
            server.translate_creative(&request.desired, creative, packages, problems, &mut notes)
        })?;
        problems.check()?;
        desired.notes.extend(notes);
        let (remote, order) = (ctx.remote.as_slice(), ctx.remote.order().unwrap_or_default());
        Ok(Self { request, remote, order, current, desired, assets })
    }

    /// What changes of each package, in the buyer's order; those that the buyer did not name come last.
    fn items(&self) -> Vec<ItemChange<'_, S>> {
        let change = |id: &str| {
            let (on, off) = update::switched(self.request, id);
            Some(ItemChange { current: self.current.item(id)?, desired: self.desired.item(id)?, on, off })
        };
        update::in_order(self.request).into_iter().filter_map(change).filter(|change| !change.is_empty()).collect()
    }

    fn asset(&self, creative_id: &str) -> Option<&S::Asset> {
        self.assets.iter().find(|asset| asset.creative_id() == creative_id)
    }

    fn placement(&self, package_id: &str, creative_id: &str) -> Option<&str> {
        self.remote.id_of(&RemoteKind::Association, &association_key(package_id, creative_id))
    }
}

impl<S: AdServer> ItemChange<'_, S> {
    /// The fields of the line item that are sent.
    #[must_use]
    pub fn fields(&self) -> crate::json::Object {
        self.desired.changes_from(self.current)
    }

    fn is_empty(&self) -> bool {
        !self.desired.differs_from(self.current) && self.on.is_empty() && self.off.is_empty()
    }

    fn plan<'p>(
        &'p self,
        server: &S,
        update: &'p Update<'_, S>,
        uploaded: &mut BTreeSet<&'p str>,
        plan: &mut Plan,
    ) -> Fallible<()> {
        let id = self.desired.package_id();
        let (before, after) = (self.current.shown(), self.desired.shown());
        let fields = Change::update(S::WORDS.item.remote_type, self.desired.name(), &before, &after);
        plan.push_if_any(fields.package(id).remote_id(update.remote.package(id)));
        server.plan_parts(Some(self.current), self.desired, plan);
        for creative in &self.on {
            let (key, known) = (association_key(id, creative), update.placement(id, creative));
            if let Some(again) = known.and_then(|_| S::plan_again(&key)) {
                plan.push(again.package(id).remote_id(known));
                continue;
            }
            if let Some(asset) = update.asset(creative).filter(|_| uploaded.insert(creative)) {
                plan.push(creatives::uploaded(server, asset)?.package(id));
            }
            plan.push(creatives::placed::<S>(id, creative));
        }
        for creative in &self.off {
            let end = S::plan_end(&association_key(id, creative), creative);
            plan.push(end.package(id).remote_id(update.placement(id, creative)));
        }
        Ok(())
    }

    fn run(
        &self,
        server: &S,
        update: &Update<'_, S>,
        uploader: &Uploader<'_, S>,
        ctx: &Context,
    ) -> Fallible<Verdict<()>> {
        let id = self.desired.package_id();
        let item = match item_of::<S>(update.remote, id) {
            Ok(item) => item,
            Err(missing) => return Ok(Err(missing)),
        };
        let fields = self.fields();
        if !fields.is_empty() {
            let name = step_name(&[S::WORDS.item.step, id, "update"]);
            let change = || server.change_item(update.order, item, self.desired, fields);
            if let Err(refused) = step(name).try_set(change)? {
                return Ok(Err(refused));
            }
        }
        if let Err(refused) = server.change_parts(item, self, update.remote)? {
            return Ok(Err(refused));
        }
        let mut uploaded = Vec::new();
        for creative in &self.on {
            // What is known decides what happens within the two steps, not which there are: it grows between runs.
            let asset = update.asset(creative);
            match uploader.upload(creative, Source::of(ctx, creative, asset), asset)? {
                Ok(on_platform) => uploaded.push((creative, on_platform)),
                Err(refused) => return Ok(Err(refused)),
            }
        }
        let all: Vec<String> = uploaded.iter().map(|(_, on_platform)| on_platform.remote_id()).collect();
        for (creative, on_platform) in &uploaded {
            let known = update.placement(id, creative);
            if let Err(refused) = uploader.place(on_platform, id, creative, known, &all)? {
                return Ok(Err(refused));
            }
        }
        for creative in &self.off {
            if let Err(refused) = uploader.displace(item, id, creative)? {
                return Ok(Err(refused));
            }
        }
        server.switch_item(item, self, update)
    }
}

/// The changes that an update makes.
///
/// # Errors
/// Everything that the platform can't do of it, item by item.
pub fn plan<S: AdServer>(server: &S, ctx: &Context, request: &MediaBuyUpdate) -> Fallible<ChangePlan> {
    let update = Update::of(server, ctx, request)?;
    let mut plan = Plan::default();
    let (before, after) = (update.current.order.shown(), update.desired.order.shown());
    let change = Change::update(S::WORDS.order.remote_type, update.desired.order.name(), &before, &after);
    plan.push_if_any(change.remote_id(ctx.remote.order()));
    let items = update.items();
    let mut uploaded = BTreeSet::new();
    for item in &items {
        item.plan(server, &update, &mut uploaded, &mut plan)?;
    }
    if items.iter().any(|item| !item.fields().is_empty()) {
        plan.notes(S::CHANGE_NOTES.iter().copied());
    }
    plan.notes(update.desired.notes.iter().map(String::as_str));
    Ok(plan.finish())
}

/// Carries an update out. The first package that is refused ends it and is named.
///
/// # Errors
/// When the order is refused, and whatever may pass.
pub fn run<S: AdServer>(server: &S, ctx: &Context, request: &MediaBuyUpdate) -> Fallible<UpdateOutcome> {
    let update = Update::of(server, ctx, request)?;
    let uploader = Uploader::new(server, ctx, &request.desired)?;
    server.change_order(&update)?;
    let mut outcome = UpdateOutcome {
        effective: None,
        affected_packages: Vec::new(),
        failed: None,
        notes: update.desired.notes.clone(),
        extensions: Vec::new(),
    };
    let items = update.items();
    for item in &items {
        let package_id = item.desired.package_id().to_owned();
        match item.run(server, &update, &uploader, ctx)? {
            Ok(()) => outcome.affected_packages.push(package_id),
            Err(failure) => {
                outcome.failed = Some(PackageFailure { package_id, failure });
                break;
            }
        }
    }
    server.end_update(&update, &items, outcome.failed.is_none())?;
    Ok(outcome)
}
