//! An adapter that does what the setting `behaviour` says. `good` makes an order and a line for each package; the others
//! do one thing that the host must stop.
//!
//! - `answers`: describe, plan and the reads, with the rubbish that they can be told to give.
//! - `made`: what was made late, and stopping it.
//! - `writes`: creating, and what a write can do wrong.
//! - `endings`: creates that end well and should not.
//! - `computing`: what needs no platform: endless loops, memory, traps.
//! - `honest`: an adapter that keeps the contract, but for one thing perhaps.
//! - `http`: requests without an SDK between.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the generated exports are the component's entry points")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a trap is what a test sees when this goes wrong")]

mod answers;
mod computing;
mod endings;
mod honest;
mod http;
mod made;
mod writes;

#[allow(missing_docs, reason = "generated from the contract, which is documented")]
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit/v1.1", world: "adapter" });
}

use bindings::{exports::flightdeck::ad_server::ad_server::Guest, flightdeck::ad_server::adapter_types::*};

struct Misbehaving;

bindings::export!(Misbehaving with_types_in bindings);

/// A setting of the platform, or nothing.
fn setting(ctx: &Context, name: &str) -> String {
    let settings: serde_json::Value = serde_json::from_str(&ctx.settings).unwrap();
    settings[name].as_str().unwrap_or_default().to_owned()
}

/// What this call is to do.
fn behaviour(ctx: &Context) -> String {
    setting(ctx, "behaviour")
}

fn failure(kind: FailureKind, code: &str, message: String) -> Failure {
    Failure {
        kind,
        code: code.to_owned(),
        message,
        items: Vec::new(),
        retry_after_ms: None,
        platform: None,
        extensions: Vec::new(),
    }
}

impl Guest for Misbehaving {
    fn describe() -> Description {
        answers::describe()
    }

    fn plan(ctx: Context, change: Change) -> Result<ChangePlan, Failure> {
        computing::misbehave(&ctx);
        computing::fail_if_this_release_is_down()?;
        if honest::is_asked(&ctx) {
            let (changes, notes) = (honest::plan(&ctx, &change)?, honest::notes(&ctx, &change));
            return Ok(ChangePlan { changes, notes, extensions: Vec::new() });
        }
        answers::plan(&ctx, &change)
    }

    fn create_media_buy(ctx: Context, buy: MediaBuy) -> Result<Outcome, Failure> {
        computing::misbehave(&ctx);
        if honest::is_asked(&ctx) {
            return honest::create(&ctx, &buy);
        }
        writes::create(&ctx, &buy)
    }

    fn add_creative_assets(ctx: Context, batch: CreativeBatch) -> Result<CreativeOutcome, Failure> {
        if honest::is_asked(&ctx) {
            let assets = honest::add_creatives(&ctx, &batch)?;
            return Ok(CreativeOutcome { assets, notes: Vec::new(), extensions: Vec::new() });
        }
        let approved = |asset: &Creative| AssetStatus {
            creative_id: asset.creative_id.clone(),
            state: AssetState::Approved,
            remote_id: Some("1".to_owned()),
            feedback: None,
            extensions: Vec::new(),
        };
        let assets = batch.assets.iter().map(approved).collect();
        Ok(CreativeOutcome { assets, notes: Vec::new(), extensions: Vec::new() })
    }

    fn update_media_buy(ctx: Context, update: MediaBuyUpdate) -> Result<UpdateOutcome, Failure> {
        if honest::is_asked(&ctx) {
            honest::update(&ctx, &update)?;
        }
        let mut affected_packages = update.touched;
        match behaviour(&ctx).as_str() {
            "rubbish" => affected_packages.push("no-such-package".to_owned()),
            behaviour => writes::update(&ctx, behaviour)?,
        }
        Ok(UpdateOutcome {
            effective: None,
            affected_packages,
            failed: None,
            notes: Vec::new(),
            extensions: Vec::new(),
        })
    }

    fn cancel_media_buy(ctx: Context, buy: MediaBuy) -> Result<Outcome, Failure> {
        if honest::is_asked(&ctx) {
            honest::cancel(&ctx, &buy)?;
        }
        Ok(writes::noted(Vec::new()))
    }

    fn check_status(ctx: Context, buys: Vec<RemoteBuy>) -> Result<Vec<StatusAnswer>, Failure> {
        computing::trap_if_this_release_does();
        if behaviour(&ctx) == "write-in-read" {
            let _ = http::post(&format!("{}/orders", ctx.endpoint), b"{}");
        }
        if honest::is_asked(&ctx) {
            return honest::statuses(&ctx, &buys);
        }
        Ok(answers::statuses(&ctx, &buys))
    }

    fn get_delivery(ctx: Context, buys: Vec<RemoteBuy>, range: DateRange) -> Result<Vec<DeliveryAnswer>, Failure> {
        if honest::is_asked(&ctx) {
            return Ok(honest::deliveries(&buys));
        }
        Ok(answers::deliveries(&ctx, &buys, &range))
    }

    fn apply_performance_index(_: Context, _: PerformanceUpdate) -> Result<PerformanceOutcome, Failure> {
        Ok(PerformanceOutcome { actions: Vec::new(), extensions: Vec::new() })
    }

    fn find_made(ctx: Context, step: MadeStep) -> Result<Vec<MadeObject>, Failure> {
        computing::misbehave(&ctx);
        if honest::is_asked(&ctx) {
            return honest::find(&ctx, &step);
        }
        made::find(&ctx, &step)
    }

    fn stop_made(ctx: Context, object: MadeObject) -> Result<Outcome, Failure> {
        computing::misbehave(&ctx);
        made::stop(&ctx, &object)
    }
}
