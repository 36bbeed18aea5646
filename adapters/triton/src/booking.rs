//! A media buy as it is on Triton: one campaign, and one flight for each package.
//!
//! This is the one translation: plans show it, creations send it, and an update is the difference of two of them.

use flightdeck_adapter::{
    host,
    names::step_name,
    plan::{Change, Plan},
    prelude::*,
    step::Remote,
};

use crate::{
    api,
    campaign::{self, Campaign},
    flight::{self, Flight},
    settings::Platform,
};

/// A media buy on Triton.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    /// The campaign.
    pub campaign: Campaign,
    /// The flights in the order of the packages.
    pub flights: Vec<Flight>,
    /// What a reviewer should know besides.
    pub notes: Vec<String>,
}

impl Booking {
    /// Translates a media buy.
    ///
    /// # Errors
    /// Everything that Triton can't do of it, item by item.
    pub fn of(ctx: &Context, platform: &Platform, buy: &MediaBuy) -> Fallible<Self> {
        let mut problems = Problems::default();
        let booking = Self::translate(ctx, platform, buy, &mut problems)?;
        problems.check()?;
        Ok(booking)
    }

    /// Translates what can be, and gathers what can't.
    ///
    /// # Errors
    /// When the buy can't even be read.
    pub fn translate(ctx: &Context, platform: &Platform, buy: &MediaBuy, problems: &mut Problems) -> Fallible<Self> {
        api::advertiser(ctx)?;
        if let Some(currency) = platform.currency.as_ref().filter(|currency| **currency != buy.currency) {
            let message = format!("Campaigns on Triton are booked in {currency} here.");
            problems.unsupported("unsupported_currency", "/currency", &buy.currency, message, &[currency]);
        }
        let mut notes = Vec::new();
        campaign::check(buy, problems);
        let translate = |package| flight::translate(platform, buy, package, problems, &mut notes);
        let flights = buy.packages.iter().map(translate).collect::<Fallible<Vec<_>>>()?;
        let campaign = campaign::translate(buy, &flights);
        notes.dedup();
        Ok(Self { campaign, flights, notes })
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
/// As [`Booking::of`].
pub fn plan(ctx: &Context, buy: &MediaBuy) -> Fallible<ChangePlan> {
    let booking = Booking::of(ctx, &Platform::read(ctx)?, buy)?;
    let mut plan = Plan::default();
    let campaign = booking.campaign.created(api::advertiser(ctx)?, &buy.currency);
    plan.push(Change::create(campaign::TYPE, &booking.campaign.name, &campaign));
    for flight in &booking.flights {
        plan.push(Change::create(flight::TYPE, &flight.name, &flight.created()).package(&flight.package_id));
    }
    for note in booking.notes {
        plan.note(note);
    }
    Ok(plan.finish())
}

/// Makes a media buy.
///
/// # Errors
/// As [`Booking::of`]; what Triton refuses.
pub fn create(ctx: &Context, buy: &MediaBuy) -> Fallible<Outcome> {
    let booking = Booking::of(ctx, &Platform::read(ctx)?, buy)?;
    let (api, advertiser) = (api::open(ctx), api::advertiser(ctx)?);
    let campaign: i64 = step("campaign")
        .remember(RemoteKind::Order, "")
        .find(|reference| campaign::find(&api, advertiser, reference))
        .create(|reference| booking.campaign.create(&api, advertiser, &buy.currency, reference))?;
    for flight in &booking.flights {
        let _: i64 = step(step_name(&["flight", &flight.package_id]))
            .remember(RemoteKind::Package, &flight.package_id)
            .find(|reference| flight::find(&api, campaign, reference))
            .create(|reference| flight.create(&api, campaign, reference))?;
        flight::remember_zone(&flight.package_id, &flight.zone);
    }
    Ok(Outcome { notes: booking.notes, ..Outcome::now() })
}

/// The changes that undo a media buy.
pub fn plan_cancel(ctx: &Context, buy: &MediaBuy) -> ChangePlan {
    let mut plan = Plan::default();
    let before = object! { "active": buy.active, "archived": false };
    let change = Change::update(campaign::TYPE, &buy.name, &before, &campaign::archived());
    plan.push(change.remote_id(ctx.remote.order()));
    plan.note("The flights are put away with their campaign.");
    plan.finish()
}

/// Undoes a media buy, or what was made of it: the campaign is put away with its flights, and nothing plays.
///
/// # Errors
/// When Triton can't be asked or refuses. What is gone already is no failure.
pub fn cancel(ctx: &Context, buy: &MediaBuy) -> Fallible<Outcome> {
    let api = api::open(ctx);
    let campaigns = match ctx.remote.order() {
        Some(id) => vec![id.to_owned()],
        // A create that was cut off after its request and never run again may have left a campaign behind, or two.
        None => {
            let found = campaign::find_by_buy(&api, api::advertiser(ctx)?, &buy.media_buy_id)?;
            found.iter().map(i64::to_string).collect()
        }
    };
    if campaigns.is_empty() {
        return Ok(Outcome::now().note("There was nothing on Triton."));
    }
    let there = step("archive/campaign").set(|| {
        let mut there = false;
        for id in &campaigns {
            there |= campaign::archive(&api, id)?;
        }
        Ok(there)
    })?;
    if !there {
        for object in ctx.remote.iter().filter(|object| matches!(object.kind, RemoteKind::Order | RemoteKind::Package))
        {
            host::forget(object);
        }
    }
    Ok(Outcome::now())
}
