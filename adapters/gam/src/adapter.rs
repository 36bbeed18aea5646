//! The adapter: what the SDK makes of the [`Server`], with what only Ad Manager says of its delivery.

use flightdeck_adapter::{ad_server, ad_server::AdServer, prelude::*};

use crate::ad_server::Server;

/// The name of the extension that says whose days a delivery counts: an IANA time zone.
pub const TIME_ZONE: &str = "time_zone";
/// The name of the extension that says in which currency the spend of a delivery is.
pub const CURRENCY: &str = "currency";

/// The adapter for Google Ad Manager.
#[derive(Debug)]
pub struct Gam;

impl Adapter for Gam {
    fn describe() -> Description {
        <Server as Adapter>::describe()
    }

    fn plan(ctx: Context, change: Change) -> Result<ChangePlan, Failure> {
        <Server as Adapter>::plan(ctx, change)
    }

    fn create_media_buy(ctx: Context, buy: MediaBuy) -> Result<Outcome, Failure> {
        <Server as Adapter>::create_media_buy(ctx, buy)
    }

    fn add_creative_assets(ctx: Context, batch: CreativeBatch) -> Result<CreativeOutcome, Failure> {
        <Server as Adapter>::add_creative_assets(ctx, batch)
    }

    fn update_media_buy(ctx: Context, update: MediaBuyUpdate) -> Result<UpdateOutcome, Failure> {
        <Server as Adapter>::update_media_buy(ctx, update)
    }

    fn cancel_media_buy(ctx: Context, buy: MediaBuy) -> Result<Outcome, Failure> {
        <Server as Adapter>::cancel_media_buy(ctx, buy)
    }

    fn check_status(ctx: Context, buys: Vec<RemoteBuy>) -> Result<Vec<StatusAnswer>, Failure> {
        <Server as Adapter>::check_status(ctx, buys)
    }

    /// Says up to when Ad Manager had counted, whose days these are, and in which currency.
    fn get_delivery(ctx: Context, buys: Vec<RemoteBuy>, range: DateRange) -> Result<Vec<DeliveryAnswer>, Failure> {
        let server = Server::open(&ctx)?;
        let mut answers = ad_server::delivery::get(&server, &buys, &range)?;
        let said = server.said();
        for delivery in answers.iter_mut().filter_map(|answer| answer.delivery.as_mut().ok()) {
            delivery.as_of.clone_from(&said.as_of);
            for (name, value) in [(TIME_ZONE, &said.time_zone), (CURRENCY, &said.currency)] {
                delivery.extensions.extend(value.clone().map(|value| (name.to_owned(), value)));
            }
        }
        Ok(answers)
    }

    fn apply_performance_index(ctx: Context, update: PerformanceUpdate) -> Result<PerformanceOutcome, Failure> {
        <Server as Adapter>::apply_performance_index(ctx, update)
    }

    fn find_made(ctx: Context, step: MadeStep) -> Result<Vec<MadeObject>, Failure> {
        <Server as Adapter>::find_made(ctx, step)
    }

    fn stop_made(ctx: Context, object: MadeObject) -> Result<Outcome, Failure> {
        <Server as Adapter>::stop_made(ctx, object)
    }
}
