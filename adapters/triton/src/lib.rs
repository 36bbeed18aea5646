//! The flightdeck adapter for Triton Digital.
//!
//! Triton sells audio: streams of stations, and podcasts. A media buy is a campaign there, a package a flight, and a flight
//! names the creatives that it plays. There is no approval: what is active and has a creative delivers.
//!
//! The reference of the Booking API is behind a login. What is public is kept to; the rest stands in [`inferred`].
//!
//! Objects have no field of the caller's that could be searched, so the reference of a step ends the object's name.
//!
//! # Layout
//!
//! The platform, one module for each thing that it has:
//!
//! - [`campaign`], [`flight`], [`creative`]: what it looks like, how it is made, found and changed.
//! - [`targeting`] with [`criteria`] (the tree), [`hours`] (day parts): to whom and when a flight plays.
//! - [`inferred`]: everything that is not public. **Look here first when the real platform differs.**
//!
//! What the host asks for, one module for each question:
//!
//! - [`describe`]; [`booking`] (plan, create, cancel); [`assets`]; [`update`]; [`status`]; [`delivery`] with [`csv`];
//!   [`performance`]; [`made`] (what was made late).
//!
//! And [`api`], how the platform is spoken to; [`settings`], what a publisher configures; [`days`], from moments to days.

pub mod api;
pub mod assets;
pub mod booking;
pub mod campaign;
pub mod creative;
pub mod criteria;
pub mod csv;
pub mod days;
pub mod delivery;
pub mod describe;
pub mod flight;
pub mod hours;
pub mod inferred;
pub mod made;
pub mod performance;
#[cfg(test)]
mod samples;
pub mod settings;
pub mod status;
pub mod targeting;
pub mod update;

use flightdeck_adapter::prelude::*;

/// The adapter.
#[derive(Debug)]
pub struct Triton;

impl Adapter for Triton {
    fn describe() -> Description {
        describe::description()
    }

    fn plan(ctx: Context, change: Change) -> Result<ChangePlan, Failure> {
        match change {
            Change::Create(buy) => booking::plan(&ctx, &buy),
            Change::AddCreatives(batch) => assets::plan(&ctx, &batch),
            Change::Update(update) => update::plan(&ctx, &update),
            Change::Cancel(buy) => Ok(booking::plan_cancel(&ctx, &buy)),
            Change::PerformanceIndex(_) => Ok(performance::plan()),
        }
    }

    fn create_media_buy(ctx: Context, buy: MediaBuy) -> Result<Outcome, Failure> {
        booking::create(&ctx, &buy)
    }

    fn add_creative_assets(ctx: Context, batch: CreativeBatch) -> Result<CreativeOutcome, Failure> {
        assets::add(&ctx, &batch)
    }

    fn update_media_buy(ctx: Context, update: MediaBuyUpdate) -> Result<UpdateOutcome, Failure> {
        update::run(&ctx, &update)
    }

    fn cancel_media_buy(ctx: Context, buy: MediaBuy) -> Result<Outcome, Failure> {
        booking::cancel(&ctx, &buy)
    }

    fn check_status(ctx: Context, buys: Vec<RemoteBuy>) -> Result<Vec<StatusAnswer>, Failure> {
        status::check(&ctx, &buys)
    }

    fn get_delivery(ctx: Context, buys: Vec<RemoteBuy>, range: DateRange) -> Result<Vec<DeliveryAnswer>, Failure> {
        delivery::get(&ctx, &buys, &range)
    }

    fn apply_performance_index(_: Context, update: PerformanceUpdate) -> Result<PerformanceOutcome, Failure> {
        Ok(performance::advise(&update))
    }

    fn find_made(ctx: Context, step: MadeStep) -> Result<Vec<MadeObject>, Failure> {
        made::find(&ctx, &step)
    }

    fn stop_made(ctx: Context, object: MadeObject) -> Result<Outcome, Failure> {
        made::stop(&ctx, &object)
    }
}

flightdeck_adapter::export!(Triton);
