//! Changing a media buy: what is and what is to be are both translated, and what differs is sent.
//!
//! The campaign comes first, then the flights in the buyer's order. Within a flight its own fields come first, then what
//! is added, then what is taken away, so that a flight whose places or hours move never runs without any.

use std::collections::BTreeSet;

use flightdeck_adapter::{
    plan::{Change, Plan, changed_fields},
    prelude::*,
    source::Source,
    step::Remote,
    update,
};

use crate::{
    ad_types::Catalogue,
    ads,
    assets::{self, Uploader},
    campaign,
    creative::{self, Asset},
    flight::{self, Flight},
    names::step_name,
    order::{self, Order},
    parts::{Item, Part},
    settings::Platform,
};

/// What becomes of one package.
struct PackageChange<'a> {
    current: &'a Flight,
    desired: &'a Flight,
    /// Creatives that begin to run in it.
    on: Vec<&'a str>,
    /// Creatives that stop.
    off: Vec<&'a str>,
}

/// What becomes of a media buy.
struct BuyChange {
    current: Order,
    desired: Order,
    /// Creatives that the packages may need, translated.
    assets: Vec<Asset>,
}

impl BuyChange {
    fn of(ctx: &Context, update: &MediaBuyUpdate) -> Fallible<Self> {
        let platform = Platform::read(ctx)?;
        let (mut problems, mut accepted, mut notes) = (Problems::default(), Problems::default(), Vec::new());
        let mut desired = Order::translate(ctx, &platform, &update.desired, &mut problems)?;
        // What Kevel has was accepted, whatever this release or its settings say now: a buy can always be paused.
        let current = Order::translate(ctx, &platform, &update.current, &mut accepted)?;
        problems.leave_out(&accepted, |field| update::stands(update, field));
        let assets = update::translated(ctx, update, &mut problems, |creative, _, problems| {
            creative::translate(&platform, &update.desired, creative, problems, &mut notes)
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

/// Those of one list that another does not have, numbered by their place.
fn missing<'a, T: PartialEq>(these: &'a [T], those: &'a [T]) -> impl Iterator<Item = (usize, &'a T)> {
    these.iter().enumerate().filter(|(_, item)| !those.contains(item))
}

impl PackageChange<'_> {
    fn is_empty(&self) -> bool {
        let same = |one: &Flight, two: &Flight| {
            one.fields == two.fields && one.places == two.places && one.sites == two.sites && one.windows == two.windows
        };
        same(self.current, self.desired) && self.on.is_empty() && self.off.is_empty()
    }

    /// All that the flight has or is to have.
    fn items(&self) -> Vec<Item<'_>> {
        let mut items = Vec::new();
        for flight in [self.current, self.desired] {
            items.extend(flight.places.iter().map(|place| Item::Entry(Part::Geo, place)));
            items.extend(flight.sites.iter().map(|site| Item::Entry(Part::Site, site)));
            items.extend(flight.windows.iter().map(Item::Window));
        }
        items
    }

    fn added(&self) -> Vec<Item<'_>> {
        let (current, desired) = (self.current, self.desired);
        let places = missing(&desired.places, &current.places).map(|(_, place)| Item::Entry(Part::Geo, place));
        let sites = missing(&desired.sites, &current.sites).map(|(_, site)| Item::Entry(Part::Site, site));
        let windows = missing(&desired.windows, &current.windows).map(|(_, window)| Item::Window(window));
        places.chain(sites).chain(windows).collect()
    }

    fn removed(&self) -> Vec<(usize, Item<'_>)> {
        let (current, desired) = (self.current, self.desired);
        let places = missing(&current.places, &desired.places).map(|(n, place)| (n, Item::Entry(Part::Geo, place)));
        let sites = missing(&current.sites, &desired.sites).map(|(n, site)| (n, Item::Entry(Part::Site, site)));
        let windows = missing(&current.windows, &desired.windows).map(|(n, window)| (n, Item::Window(window)));
        places.chain(sites).chain(windows).collect()
    }

    fn plan<'p>(&'p self, ctx: &Context, buy: &BuyChange, uploaded: &mut BTreeSet<&'p str>, plan: &mut Plan) {
        let (id, remote) = (self.desired.package_id.as_str(), &ctx.remote);
        let fields = Change::update(flight::TYPE, &self.desired.name, &self.current.shown(), &self.desired.shown());
        plan.push_if_any(fields.package(id).remote_id(remote.package(id)));
        for (_, window) in missing(&self.desired.windows, &self.current.windows) {
            plan.push(order::add_window(id, window));
        }
        for (_, window) in missing(&self.current.windows, &self.desired.windows) {
            plan.push(Change::delete(order::DAY_PART, &window.name(), &window.object()).package(id));
        }
        let switched = |creative: &str, on: bool| {
            let key = ads::key(id, creative);
            let change = Change::update(ads::TYPE, &key, &object! { "IsActive": !on }, &object! { "IsActive": on });
            change.package(id).remote_id(remote.id_of(&RemoteKind::Association, &key))
        };
        for creative in &self.on {
            if remote.id_of(&RemoteKind::Association, &ads::key(id, creative)).is_some() {
                plan.push(switched(creative, true));
            } else {
                let asset = buy.assets.iter().find(|asset| asset.creative_id == *creative);
                if let Some(asset) = asset.filter(|_| uploaded.insert(creative)) {
                    let name = &asset.title;
                    plan.push(Change::create(creative::TYPE, name, &asset.created(buy.desired.advertiser)).package(id));
                }
                plan.push(assets::associate(id, creative));
            }
        }
        for creative in &self.off {
            plan.push(switched(creative, false));
        }
    }

    /// Carries it out.
    fn run(
        &self,
        buy: &BuyChange,
        uploader: &Uploader<'_>,
        ctx: &Context,
        catalogue: &Catalogue<'_>,
    ) -> Fallible<Verdict<()>> {
        let (api, id) = (&uploader.api, self.desired.package_id.as_str());
        let Some(flight) = ctx.remote.package(id) else {
            return Ok(Err(Failure::not_found("flight_missing", format!("The package {id} has no flight on Kevel."))));
        };
        let changes = self.desired.changes_from(self.current);
        if !changes.is_empty() {
            let name = step_name(&["flight", id, "update"]);
            if let Err(refused) = step(name).try_set(|| flight::change(api, flight, &changes))? {
                return Ok(Err(refused));
            }
        }
        for item in self.added() {
            if let Err(refused) = item.add(api, flight, id)? {
                return Ok(Err(refused));
            }
        }
        let expected = self.items();
        for (number, item) in self.removed() {
            if let Err(refused) = item.remove(api, &ctx.remote, flight, (id, number), &expected)? {
                return Ok(Err(refused));
            }
        }
        for creative in &self.on {
            if let Err(refused) = self.switch_on(creative, buy, uploader, ctx, catalogue)? {
                return Ok(Err(refused));
            }
        }
        for creative in &self.off {
            let ad = ctx.remote.id_of(&RemoteKind::Association, &ads::key(id, creative));
            if let Err(refused) = ads::switch_off(api, flight, ad, (id, creative))? {
                return Ok(Err(refused));
            }
        }
        Ok(Ok(()))
    }

    fn switch_on(
        &self,
        creative_id: &str,
        buy: &BuyChange,
        uploader: &Uploader<'_>,
        ctx: &Context,
        catalogue: &Catalogue<'_>,
    ) -> Fallible<Verdict<()>> {
        let id = self.desired.package_id.as_str();
        // What is known decides what happens within the two steps, not which there are: it grows between runs.
        let source = Source::of(ctx, creative_id, buy.assets.iter().find(|asset| asset.creative_id == creative_id));
        let creative = match uploader.uploaded(creative_id, source, catalogue)? {
            Ok(creative) => creative,
            Err(refused) => return Ok(Err(refused)),
        };
        let ad = ctx.remote.id_of(&RemoteKind::Association, &ads::key(id, creative_id));
        uploader.associate((creative, ad), id, creative_id)
    }
}

/// The changes that an update makes.
///
/// # Errors
/// Everything that Kevel can't do of it, item by item.
pub fn plan(ctx: &Context, update: &MediaBuyUpdate) -> Fallible<ChangePlan> {
    let buy = BuyChange::of(ctx, update)?;
    let mut plan = Plan::default();
    let (before, after) = (&buy.current.campaign.fields, &buy.desired.campaign.fields);
    let change = Change::update(campaign::TYPE, &buy.desired.campaign.name, before, after);
    plan.push_if_any(change.remote_id(ctx.remote.order()));
    let packages = buy.packages(update);
    let mut uploaded = BTreeSet::new();
    for package in &packages {
        package.plan(ctx, &buy, &mut uploaded, &mut plan);
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
    let catalogue = Catalogue::new(&uploader.api);
    let changes = changed_fields(&buy.current.campaign.fields, &buy.desired.campaign.fields);
    if let Some(order) = ctx.remote.order().filter(|_| !changes.is_empty()) {
        let start = &update.desired.start;
        step("campaign/update").try_set(|| campaign::change(&uploader.api, order, &changes, start))??;
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
        match package.run(&buy, &uploader, ctx, &catalogue)? {
            Ok(()) => outcome.affected_packages.push(package_id),
            Err(failure) => {
                outcome.failed = Some(PackageFailure { package_id, failure });
                break;
            }
        }
    }
    Ok(outcome)
}
