//! Changing a media buy: what is and what is to be are both translated, and what differs is sent.
//!
//! The order comes first, then the line items in the buyer's order. What waits for approval can't be changed, so an order
//! that does is taken back, changed, and submitted again; also when a line item is refused on the way.

use std::{cell::Cell, collections::BTreeSet};

use flightdeck_adapter::{
    names::{association_key, step_name},
    plan::{Change, Plan},
    prelude::*,
    source::Source,
    step::Remote,
    update,
};

use crate::{
    api::{self, Network},
    assets::{self, Uploader},
    booking::Booking,
    creative::{self, Asset},
    line_item::{self, LineItem},
    order,
    settings::Platform,
    ties,
};

/// What becomes of one package.
struct PackageChange<'a> {
    current: &'a LineItem,
    desired: &'a LineItem,
    /// Creatives that begin to run in it.
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
    notes: Vec<String>,
}

impl BuyChange {
    fn of(ctx: &Context, platform: &Platform, update: &MediaBuyUpdate) -> Fallible<Self> {
        let (mut problems, mut accepted, mut notes) = (Problems::default(), Problems::default(), Vec::new());
        let desired = Booking::translate(ctx, platform, &update.desired, &mut problems)?;
        // What Ad Manager has was accepted, whatever this release or its settings say now: a buy can always be paused.
        let current = Booking::translate(ctx, platform, &update.current, &mut accepted)?;
        problems.leave_out(&accepted, |field| update::stands(update, field));
        let assets = update::translated(ctx, update, &mut problems, |creative, packages, problems| {
            creative::translate(platform, &update.desired, creative, packages, problems, &mut notes)
        })?;
        problems.check()?;
        Ok(Self { current, desired, assets, notes })
    }

    /// What becomes of each package, in the buyer's order; those that the buyer did not name come last.
    fn packages<'a>(&'a self, update: &'a MediaBuyUpdate) -> Vec<PackageChange<'a>> {
        let change = |id: &str| {
            let (on, off) = update::switched(update, id);
            Some(PackageChange { current: self.current.item(id)?, desired: self.desired.item(id)?, on, off })
        };
        update::in_order(update).into_iter().filter_map(change).filter(|change| !change.is_empty()).collect()
    }

    fn switches(&self) -> bool {
        self.current.order.active != self.desired.order.active
    }
}

impl PackageChange<'_> {
    fn changes(&self) -> Object {
        self.desired.changes_from(self.current)
    }

    fn switches(&self) -> bool {
        self.current.active != self.desired.active
    }

    fn is_empty(&self) -> bool {
        self.changes().is_empty() && !self.switches() && self.on.is_empty() && self.off.is_empty()
    }

    fn plan<'p>(
        &'p self,
        ctx: &Context,
        network: &Network<'_>,
        buy: &BuyChange,
        uploaded: &mut BTreeSet<&'p str>,
        plan: &mut Plan,
    ) -> Fallible<()> {
        let (id, remote) = (self.desired.package_id.as_str(), &ctx.remote);
        let (before, after) = (self.current.shown_with_state(), self.desired.shown_with_state());
        let fields = Change::update(line_item::TYPE, &self.desired.name, &before, &after);
        plan.push_if_any(fields.package(id).remote_id(remote.package(id)));
        for creative in &self.on {
            let asset = buy.assets.iter().find(|asset| asset.creative_id == *creative);
            if let Some(asset) = asset.filter(|_| uploaded.insert(creative)) {
                let created = asset.created(network, api::advertiser(ctx)?);
                plan.push(Change::create(creative::TYPE, &asset.name, &created).package(id));
            }
            plan.push(assets::associate(id, creative));
        }
        for creative in &self.off {
            let key = association_key(id, creative);
            let change = Change::delete(ties::TYPE, &key, &ties::shown(creative)).package(id);
            plan.push(change.remote_id(remote.id_of(&RemoteKind::Association, &key)));
        }
        Ok(())
    }

    /// Carries it out.
    fn run(
        &self,
        buy: &BuyChange,
        uploader: &Uploader<'_>,
        opening: &Opening<'_>,
        ctx: &Context,
    ) -> Fallible<Verdict<()>> {
        let (network, id) = (&uploader.network, self.desired.package_id.as_str());
        let Some(item) = ctx.remote.package(id) else {
            let message = format!("The package {id} has no line item on Ad Manager.");
            return Ok(Err(Failure::not_found("line_item_missing", message)));
        };
        let changes = self.changes();
        if !changes.is_empty() {
            let name = step_name(&["line-item", id, "update"]);
            let change = || opening.open().and_then(|()| self.desired.change(network, item, changes));
            if let Err(refused) = step(name).try_set(change)? {
                return Ok(Err(refused));
            }
        }
        for creative in &self.on {
            // What is known decides what happens within the two steps, not which there are: it grows between runs.
            let source = Source::of(ctx, creative, buy.assets.iter().find(|asset| asset.creative_id == *creative));
            let made = match uploader.uploaded(creative, source)? {
                Ok(uploaded) => uploader.associate(&uploaded, id, creative)?,
                Err(refused) => Err(refused),
            };
            if let Err(refused) = made {
                return Ok(Err(refused));
            }
        }
        for creative in &self.off {
            let key = association_key(id, creative);
            let known = ctx.remote.id_of(&RemoteKind::Association, &key);
            if let Err(refused) = ties::remove(network, known, (id, creative))? {
                return Ok(Err(refused));
            }
        }
        if self.switches() {
            let (on, runs) = (self.desired.active, buy.desired.order.active);
            let name = step_name(&["line-item", id, if on { "wake" } else { "rest" }]);
            let switch = || if on { ties::wake(network, item, runs) } else { ties::rest(network, item) };
            if let Err(refused) = step(name).try_set(switch)? {
                return Ok(Err(refused));
            }
        }
        Ok(Ok(()))
    }
}

/// Sees to it that line items can be changed: an order that waits for approval is taken back.
///
/// That belongs to the step of each change and is none by itself, which would be done with once and for all: when the operation
/// is run again, a resume may have submitted the order meanwhile. Within one run a look is enough.
struct Opening<'a> {
    network: &'a Network<'a>,
    order: &'a str,
    looked: Cell<bool>,
}

impl Opening<'_> {
    fn open(&self) -> Fallible<()> {
        if !self.looked.get() {
            order::open(self.network, self.order)?;
            self.looked.set(true);
        }
        Ok(())
    }
}

/// The changes that an update makes.
///
/// # Errors
/// Everything that Ad Manager can't do of it, item by item.
pub fn plan(ctx: &Context, update: &MediaBuyUpdate) -> Fallible<ChangePlan> {
    let platform = Platform::read(ctx)?;
    let network = api::open(ctx, &platform);
    let buy = BuyChange::of(ctx, &platform, update)?;
    let mut plan = Plan::default();
    let active = |active: bool| object! { "active": active };
    let (before, after) = (active(buy.current.order.active), active(buy.desired.order.active));
    plan.push_if_any(
        Change::update(order::TYPE, &buy.desired.order.name, &before, &after).remote_id(ctx.remote.order()),
    );
    let packages = buy.packages(update);
    let mut uploaded = BTreeSet::new();
    for package in &packages {
        package.plan(ctx, &network, &buy, &mut uploaded, &mut plan)?;
    }
    if packages.iter().any(|package| !package.changes().is_empty()) {
        plan.note("An order that waits for approval is taken back for the change and submitted again.");
    }
    for note in &buy.notes {
        plan.note(note);
    }
    Ok(plan.finish())
}

/// Carries an update out. The first package that is refused ends it and is named.
///
/// # Errors
/// When the order is refused, and whatever may pass.
pub fn run(ctx: &Context, update: &MediaBuyUpdate) -> Fallible<UpdateOutcome> {
    let platform = Platform::read(ctx)?;
    let buy = BuyChange::of(ctx, &platform, update)?;
    let uploader = Uploader::of(ctx, &platform, &update.desired)?;
    let (network, order) = (&uploader.network, uploader.order);
    let has_creatives = update.desired.packages.iter().any(|package| !package.creative_ids.is_empty());
    if buy.switches() {
        if buy.desired.order.active {
            let shows = has_creatives || is_being_uploaded(ctx, update);
            step("order/resume").try_set(|| order::resume(network, order, shows))??;
            wake_all(&buy, network, ctx)?;
        } else {
            step("order/pause").try_set(|| order::pause(network, order))??;
        }
    }
    let mut outcome = UpdateOutcome {
        effective: None,
        affected_packages: Vec::new(),
        failed: None,
        notes: buy.notes.clone(),
        extensions: Vec::new(),
    };
    let packages = buy.packages(update);
    let edits = packages.iter().any(|package| !package.changes().is_empty());
    let opening = Opening { network, order, looked: Cell::new(false) };
    for package in &packages {
        let package_id = package.desired.package_id.clone();
        match package.run(&buy, &uploader, &opening, ctx)? {
            Ok(()) => outcome.affected_packages.push(package_id),
            Err(failure) => {
                outcome.failed = Some(PackageFailure { package_id, failure });
                break;
            }
        }
    }
    if has_creatives && (edits || packages.iter().any(|package| !package.on.is_empty())) {
        uploader.approve()?;
    }
    Ok(outcome)
}

/// Whether creatives are in the order that the buy does not know of: their upload has not ended yet.
fn is_being_uploaded(ctx: &Context, update: &MediaBuyUpdate) -> bool {
    let known = |key: &str| {
        let mut packages = update.current.packages.iter();
        packages.any(|package| {
            package.creative_ids.iter().any(|creative| association_key(&package.package_id, creative) == key)
        })
    };
    ctx.remote.iter().any(|object| object.kind == RemoteKind::Association && !known(&object.key))
}

/// After a buy was resumed: packages that were switched on meanwhile could not be.
fn wake_all(buy: &BuyChange, network: &Network<'_>, ctx: &Context) -> Fallible<()> {
    for item in buy.desired.items.iter().filter(|item| item.active) {
        // One that is switched on by this very update has a step of its own.
        if buy.current.item(&item.package_id).is_none_or(|current| !current.active) {
            continue;
        }
        let Some(id) = ctx.remote.package(&item.package_id) else { continue };
        step(step_name(&["line-item", &item.package_id, "wake"])).try_set(|| ties::wake(network, id, true))??;
    }
    Ok(())
}
