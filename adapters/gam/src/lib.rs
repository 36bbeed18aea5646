//! The flightdeck adapter for Google Ad Manager.
//!
//! A media buy is an order there, a package a line item, a creative in a package an association of the two. An order is
//! a draft until it is approved, by this adapter or by a person in Ad Manager; only then anything delivers.
//!
//! The reference of a step ends an order's and a creative's name, is a line item's `externalLineItemId`, and those are
//! what half-made things are found by. An association is named by what it connects.
//!
//! # Layout
//!
//! The platform, one module for each thing that it has:
//!
//! - [`order`] with its approval, [`line_item`], [`creative`], [`ties`] (associations): what it looks like, how it is made,
//!   found and changed.
//! - [`targeting`] with [`geo`], [`regions`] and [`words`]: to whom and where a line item delivers, in buyers' words;
//!   [`catalogue`]: what that is called on Ad Manager.
//! - [`inferred`]: everything that the public documents leave open. **Look here first when a real network differs.**
//!
//! What the host asks for, one module for each question:
//!
//! - [`describe`]; [`booking`] (plan, create, cancel); [`assets`]; [`update`]; [`status`]; [`delivery`]; [`performance`];
//!   [`made`] (what was made late).
//!
//! And [`api`], how Ad Manager is spoken to; [`refusal`], what its refusals mean; [`settings`], what a publisher configures.

pub mod api;
pub mod assets;
pub mod booking;
pub mod catalogue;
pub mod creative;
pub mod delivery;
pub mod describe;
pub mod geo;
pub mod inferred;
pub mod line_item;
pub mod made;
pub mod order;
pub mod performance;
pub mod refusal;
pub mod regions;
#[cfg(test)]
mod samples;
pub mod settings;
pub mod status;
pub mod targeting;
pub mod ties;
pub mod update;
pub mod words;

use flightdeck_adapter::prelude::*;

/// The adapter.
#[derive(Debug)]
pub struct Gam;

impl Adapter for Gam {
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

flightdeck_adapter::export!(Gam);
