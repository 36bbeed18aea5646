//! The functions of the contract, each delegated to the module that implements it.

use super::{AdServer, booking, creatives, delivery, late, status, update};
use crate::{
    Adapter, advice,
    plan::Plan,
    types::{
        Change, ChangePlan, Context, CreativeBatch, CreativeOutcome, DateRange, DeliveryAnswer, Description, Failure,
        MadeObject, MadeStep, MediaBuy, MediaBuyUpdate, Outcome, PerformanceOutcome, PerformanceUpdate, RemoteBuy,
        StatusAnswer, UpdateOutcome,
    },
};

impl<S: AdServer> Adapter for S {
    fn describe() -> Description {
        S::describe()
    }

    fn plan(ctx: Context, change: Change) -> Result<ChangePlan, Failure> {
        match change {
            Change::Create(buy) => booking::plan(&S::open(&ctx)?, &buy),
            Change::AddCreatives(batch) => creatives::plan(&S::open(&ctx)?, &ctx, &batch),
            Change::Update(update) => update::plan(&S::open(&ctx)?, &ctx, &update),
            Change::Cancel(buy) => Ok(booking::plan_cancel::<S>(&ctx, &buy)),
            Change::PerformanceIndex(_) => {
                let mut plan = Plan::default();
                plan.note(format!("{} has no performance index: nothing is changed there.", S::WORDS.platform));
                Ok(plan.finish())
            }
        }
    }

    fn create_media_buy(ctx: Context, buy: MediaBuy) -> Result<Outcome, Failure> {
        booking::create(S::open(&ctx)?, &buy)
    }

    fn add_creative_assets(ctx: Context, batch: CreativeBatch) -> Result<CreativeOutcome, Failure> {
        creatives::add(&S::open(&ctx)?, &ctx, &batch)
    }

    fn update_media_buy(ctx: Context, update: MediaBuyUpdate) -> Result<UpdateOutcome, Failure> {
        update::run(&S::open(&ctx)?, &ctx, &update)
    }

    fn cancel_media_buy(ctx: Context, buy: MediaBuy) -> Result<Outcome, Failure> {
        booking::cancel(&S::open(&ctx)?, &ctx, &buy)
    }

    fn check_status(ctx: Context, buys: Vec<RemoteBuy>) -> Result<Vec<StatusAnswer>, Failure> {
        status::check(&S::open(&ctx)?, &buys)
    }

    fn get_delivery(ctx: Context, buys: Vec<RemoteBuy>, range: DateRange) -> Result<Vec<DeliveryAnswer>, Failure> {
        delivery::get(&S::open(&ctx)?, &buys, &range)
    }

    fn apply_performance_index(_: Context, update: PerformanceUpdate) -> Result<PerformanceOutcome, Failure> {
        Ok(advice::advise(&update, S::ABOVE, S::BELOW))
    }

    fn find_made(ctx: Context, step: MadeStep) -> Result<Vec<MadeObject>, Failure> {
        S::open(&ctx)?.find_made(&ctx, &step)
    }

    fn stop_made(ctx: Context, object: MadeObject) -> Result<Outcome, Failure> {
        late::stop(&S::open(&ctx)?, &ctx, &object)
    }
}
