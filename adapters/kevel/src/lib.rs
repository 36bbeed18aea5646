//! The flightdeck adapter for Kevel.
//!
//! Kevel is an ad server without an ad server's pages: everything is reached through its Management API. A media buy is
//! a campaign there, a package a flight, a creative in a package an ad. There is no approval: what is active and has an
//! ad delivers.
//!
//! Objects have no field of the caller's that could be searched, so the reference of a step ends the object's name, and
//! names are what half-made things are found by. What has no name is found by what it says: an ad by its flight and
//! creative, a place or a day part by itself.
//!
//! # Layout
//!
//! The platform, one module for each thing that it has:
//!
//! - [`campaign`], [`flight`], [`parts`] (places, sites, day parts), [`creative`], [`ads`]: what it looks like, how it
//!   is made, found and changed.
//! - [`places`], [`hours`], [`targeting`] with [`zerkel`]: where, when and to whom a flight delivers.
//! - [`caps`], [`times`], [`names`], [`ad_types`], [`vast`]: what several of them share.
//! - [`inferred`]: everything that the public documents leave open. **Look here first when a real network differs.**
//!
//! What the host asks for, one module for each question:
//!
//! - [`describe`]; [`order`] (plan, create, cancel); [`assets`]; [`update`]; [`status`] with [`counts`]; [`delivery`];
//!   [`performance`]; [`made`] (what was made late).
//!
//! And [`api`], how Kevel is spoken to; [`settings`], what a publisher configures.

pub mod ad_types;
pub mod ads;
pub mod api;
pub mod assets;
pub mod campaign;
pub mod caps;
pub mod counts;
pub mod creative;
pub mod delivery;
pub mod describe;
pub mod flight;
pub mod hours;
pub mod inferred;
pub mod made;
pub mod names;
pub mod order;
pub mod parts;
pub mod performance;
pub mod places;
#[cfg(test)]
mod samples;
pub mod settings;
pub mod status;
pub mod targeting;
pub mod times;
pub mod update;
pub mod vast;
pub mod zerkel;

use flightdeck_adapter::prelude::*;

/// The adapter.
#[derive(Debug)]
pub struct Kevel;

impl Adapter for Kevel {
    fn describe() -> Description {
        describe::description()
    }

    fn plan(ctx: Context, change: Change) -> Result<ChangePlan, Failure> {
        match change {
            Change::Create(buy) => order::plan(&ctx, &buy),
            Change::AddCreatives(batch) => assets::plan(&ctx, &batch),
            Change::Update(update) => update::plan(&ctx, &update),
            Change::Cancel(buy) => Ok(order::plan_cancel(&ctx, &buy)),
            Change::PerformanceIndex(_) => Ok(performance::plan()),
        }
    }

    fn create_media_buy(ctx: Context, buy: MediaBuy) -> Result<Outcome, Failure> {
        order::create(&ctx, &buy)
    }

    fn add_creative_assets(ctx: Context, batch: CreativeBatch) -> Result<CreativeOutcome, Failure> {
        assets::add(&ctx, &batch)
    }

    fn update_media_buy(ctx: Context, update: MediaBuyUpdate) -> Result<UpdateOutcome, Failure> {
        update::run(&ctx, &update)
    }

    fn cancel_media_buy(ctx: Context, buy: MediaBuy) -> Result<Outcome, Failure> {
        order::cancel(&ctx, &buy)
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

flightdeck_adapter::export!(Kevel);
