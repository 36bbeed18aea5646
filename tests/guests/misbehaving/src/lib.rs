//! An adapter that does what the setting `behaviour` says. `good` makes an order and a line for each package; the others
//! do one thing that the host must stop.
//!
//! - `answers`: describe, plan and the reads, with the rubbish that they can be told to give.
//! - `made`: what was made late, and stopping it.
//! - `writes`: creating, and what a write can do wrong.
//! - `endings`: creates that end well and should not.
//! - `computing`: what needs no platform: endless loops, memory, traps.
//! - `http`: requests without an SDK between.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the generated exports are the component's entry points")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a trap is what a test sees when this goes wrong")]

mod answers;
mod computing;
mod endings;
mod http;
mod made;
mod writes;

#[allow(missing_docs, reason = "generated from the contract, which is documented")]
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit/v1.0", world: "adapter" });
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
        answers::plan(&ctx, &change)
    }

    fn create_media_buy(ctx: Context, buy: MediaBuy) -> Result<Outcome, Failure> {
        computing::misbehave(&ctx);
        writes::create(&ctx, &buy)
    }

    fn add_creative_assets(_: Context, batch: CreativeBatch) -> Result<CreativeOutcome, Failure> {
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

    fn cancel_media_buy(_: Context, _: MediaBuy) -> Result<Outcome, Failure> {
        Ok(writes::noted(Vec::new()))
    }

    fn check_status(ctx: Context, buys: Vec<RemoteBuy>) -> Result<Vec<StatusAnswer>, Failure> {
        computing::trap_if_this_release_does();
        if behaviour(&ctx) == "write-in-read" {
            let _ = http::post(&format!("{}/orders", ctx.endpoint), b"{}");
        }
        Ok(answers::statuses(&ctx, &buys))
    }

    fn get_delivery(ctx: Context, buys: Vec<RemoteBuy>, range: DateRange) -> Result<Vec<DeliveryAnswer>, Failure> {
        Ok(answers::deliveries(&ctx, &buys, &range))
    }

    fn apply_performance_index(_: Context, _: PerformanceUpdate) -> Result<PerformanceOutcome, Failure> {
        Ok(PerformanceOutcome { actions: Vec::new(), extensions: Vec::new() })
    }

    fn find_made(ctx: Context, step: MadeStep) -> Result<Vec<MadeObject>, Failure> {
        computing::misbehave(&ctx);
        made::find(&ctx, &step)
    }

    fn stop_made(ctx: Context, object: MadeObject) -> Result<Outcome, Failure> {
        computing::misbehave(&ctx);
        made::stop(&ctx, &object)
    }
}
