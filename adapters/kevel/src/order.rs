//! A media buy as it is on Kevel: one campaign, and one flight for each package.
//!
//! This is the one translation: plans show it, creations send it, and an update is the difference of two of them.
//!
//! Campaign and flights could be made in one request (`POST /v2/campaign`), but that form has no places, sites and day
//! parts, and a refusal would not say of which package. So each is made by itself, in a step of its own.

use flightdeck_adapter::{
    plan::{Change, Plan},
    prelude::*,
    step::Remote,
};

use crate::{
    api,
    campaign::{self, Campaign},
    caps,
    flight::{self, Flight},
    hours::Window,
    names::step_name,
    parts::Item,
    settings::Platform,
};

/// What a reviewer reads of a day part.
pub const DAY_PART: &str = "DayPart";

/// A media buy on Kevel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The buyer's advertiser.
    pub advertiser: i64,
    /// The campaign.
    pub campaign: Campaign,
    /// The flights in the order of the packages.
    pub flights: Vec<Flight>,
    /// What a reviewer should know besides.
    pub notes: Vec<String>,
}

impl Order {
    /// Translates a media buy.
    ///
    /// # Errors
    /// Everything that Kevel can't do of it, item by item.
    pub fn of(ctx: &Context, platform: &Platform, buy: &MediaBuy) -> Fallible<Self> {
        let mut problems = Problems::default();
        let order = Self::translate(ctx, platform, buy, &mut problems)?;
        problems.check()?;
        Ok(order)
    }

    /// Translates what can be, and gathers what can't.
    ///
    /// # Errors
    /// When the buy can't even be read.
    pub fn translate(ctx: &Context, platform: &Platform, buy: &MediaBuy, problems: &mut Problems) -> Fallible<Self> {
        let advertiser = api::advertiser(ctx)?;
        let mut notes = Vec::new();
        if let Some(currency) = platform.currency.as_ref().filter(|currency| **currency != buy.currency) {
            let message = format!("This Kevel network counts in {currency}.");
            problems.unsupported("unsupported_currency", "/currency", &buy.currency, message, &[currency]);
        }
        let campaign = campaign::translate(buy, problems, &mut notes);
        let flights = buy
            .packages
            .iter()
            .map(|package| flight::translate(platform, buy, package, problems))
            .collect::<Fallible<Vec<_>>>()?;
        if buy.packages.iter().any(|package| package.pacing == Pacing::Asap) {
            notes.push("asap is a percentage goal of 100 with a lifetime cap of the impressions.".to_owned());
        }
        Ok(Self { advertiser, campaign, flights, notes })
    }

    /// The flight of a package.
    #[must_use]
    pub fn flight(&self, package_id: &str) -> Option<&Flight> {
        self.flights.iter().find(|flight| flight.package_id == package_id)
    }
}

/// The changes that make a media buy.
///
/// # Errors
/// As [`Order::of`].
pub fn plan(ctx: &Context, buy: &MediaBuy) -> Fallible<ChangePlan> {
    let order = Order::of(ctx, &Platform::read(ctx)?, buy)?;
    let mut plan = Plan::default();
    plan.push(Change::create(campaign::TYPE, &order.campaign.name, &order.campaign.created(order.advertiser)));
    for flight in &order.flights {
        plan.push(Change::create(flight::TYPE, &flight.name, &flight.created()).package(&flight.package_id));
        for window in &flight.windows {
            plan.push(add_window(&flight.package_id, window));
        }
    }
    for note in order.notes {
        plan.note(note);
    }
    Ok(plan.finish())
}

/// A planned day part.
pub fn add_window(package_id: &str, window: &Window) -> Change {
    Change::create(DAY_PART, &window.name(), &window.object()).package(package_id)
}

/// Makes a media buy.
///
/// # Errors
/// As [`Order::of`]; what Kevel refuses.
pub fn create(ctx: &Context, buy: &MediaBuy) -> Fallible<Outcome> {
    let order = Order::of(ctx, &Platform::read(ctx)?, buy)?;
    let api = api::open(ctx);
    let campaign: i64 = step("campaign")
        .remember(RemoteKind::Order, "")
        .find(|reference| campaign::find(&api, reference))
        .create(|reference| order.campaign.create(&api, order.advertiser, reference))?;
    for flight in &order.flights {
        let package_id = &flight.package_id;
        let id: i64 = step(step_name(&["flight", package_id]))
            .remember(RemoteKind::Package, package_id)
            .find(|reference| flight::find(&api, campaign, reference))
            .create(|reference| flight.create(&api, campaign, reference))?;
        for window in &flight.windows {
            Item::Window(window).add(&api, &id.to_string(), package_id)??;
        }
    }
    Ok(Outcome { notes: order.notes, ..Outcome::now() })
}

/// The changes that undo a media buy.
pub fn plan_cancel(ctx: &Context, buy: &MediaBuy) -> ChangePlan {
    let mut plan = Plan::default();
    let mut archive = |kind: &str, name: &str, active: bool, id: Option<&str>, package: Option<&str>| {
        let change = Change::update(kind, name, &caps::not_archived(active), &caps::archived()).remote_id(id);
        plan.push(match package {
            Some(package) => change.package(package),
            None => change,
        });
    };
    for package in &buy.packages {
        if let Some(id) = ctx.remote.package(&package.package_id) {
            archive(flight::TYPE, &package.name, package.active, Some(id), Some(&package.package_id));
        }
    }
    archive(campaign::TYPE, &buy.name, buy.active, ctx.remote.order(), None);
    plan.finish()
}

/// Undoes a media buy, or what was made of it: flights are archived, then the campaign, and nothing delivers.
///
/// # Errors
/// When Kevel can't be asked or refuses. What is gone already is no failure.
pub fn cancel(ctx: &Context, buy: &MediaBuy) -> Fallible<Outcome> {
    let api = api::open(ctx);
    for object in ctx.remote.iter().filter(|object| object.kind == RemoteKind::Package) {
        let package = buy.packages.iter().find(|package| package.package_id == object.key);
        let name = step_name(&["archive", "flight", &object.key]);
        let there = step(name).set(|| flight::archive(&api, &object.id, package))?;
        if !there {
            flightdeck_adapter::host::forget(object);
        }
    }
    let campaigns = match ctx.remote.order() {
        Some(id) => vec![id.to_owned()],
        // A create that was cut off after its request and never run again may have left a campaign behind, or two.
        None => {
            let found = campaign::find_by_buy(&api, api::advertiser(ctx)?, &buy.media_buy_id)?;
            found.iter().map(i64::to_string).collect()
        }
    };
    if campaigns.is_empty() {
        return Ok(Outcome::now().note("There was nothing on Kevel."));
    }
    let gone: Vec<String> = step("archive/campaign").set(|| {
        let mut gone = Vec::new();
        for id in &campaigns {
            if !campaign::archive(&api, id, &buy.start)? {
                gone.push(id.clone());
            }
        }
        Ok(gone)
    })?;
    for id in &gone {
        campaign::forget(id);
    }
    Ok(Outcome::now())
}
