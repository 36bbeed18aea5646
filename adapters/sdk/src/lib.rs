//! The Rust SDK for flightdeck adapters.
//!
//! An adapter is a WebAssembly component that turns a media buy into the orders and line items of one ad server. With
//! this crate it reads as a description of that ad server: what its objects look like, how they are found again, what
//! it can't do. Everything about surviving crashes, speaking HTTP and explaining failures is here.
//!
//! ```ignore
//! use flightdeck_adapter::prelude::*;
//!
//! struct Acme;
//!
//! impl Adapter for Acme {
//!     fn create_media_buy(ctx: Context, buy: MediaBuy) -> Result<Outcome, Failure> {
//!         let acme = Api::new(&ctx.endpoint);
//!         let order: String = step("order")
//!             .remember(RemoteKind::Order, "")
//!             .find(|reference| orders_with(&acme, reference))
//!             .create(|reference| create_order(&acme, &buy, reference))?;
//!         // one step more for each package …
//!         Ok(Outcome::now())
//!     }
//!     // describe, plan and the others
//! }
//!
//! flightdeck_adapter::export!(Acme);
//! ```
//!
//! # Layout
//!
//! - [`step`](mod@step): a change made once, whatever crashes: `step(name).find(…).create(…)`. **Read this one first.**
//! - [`made`]: what carries a step's reference: one lookup for a step and for `find_made`.
//! - [`http`]: a small JSON client. Answers that are no success become a [`Failure`](types::Failure) by themselves.
//! - [`failure`]: making failures, and [`Problems`](failure::Problems), which gathers everything that is wrong at once.
//! - [`contradiction`]: targeting that contradicts a publisher's settings, or itself in ways that only the platform's adapter sees.
//! - [`json`]: JSON that keeps the order of fields and the digits of numbers; [`object!`] writes it.
//! - [`money`]: micro-units to decimal text and back, without floats.
//! - [`plan`]: the planned changes that a reviewer reads, from the same translation that is sent.
//! - [`page`]: lists in pages, as one iterator.
//! - [`names`]: names that carry references, and names of steps.
//! - [`settings`]: reading a publisher's settings.
//! - [`source`]: whether a creative is to be uploaded.
//! - [`update`]: which packages and creatives an update concerns.
//! - [`advice`]: what a person could do about a package's performance.
//! - [`moment`]: times and days.
//! - [`words`]: the contract's names for dimensions, formats and the like, as buyers write them.
//! - [`host`]: what an adapter gets from outside: steps, HTTP, a clock. Behind one trait, so that an adapter's logic is
//!   tested natively, without WebAssembly.
//! - [`testing`]: a host for such tests, that can cut an operation off at any point. Not in the component.
//! - [`bindings`]: generated from `wit/`.
//!
//! Build with `cargo build --target wasm32-wasip2 --profile guest`; the crate's type is `cdylib`.

pub mod advice;
pub mod bindings;
pub mod contradiction;
pub mod failure;
pub mod host;
pub mod http;
pub mod json;
pub mod made;
pub mod moment;
pub mod money;
pub mod names;
pub mod page;
pub mod plan;
pub mod settings;
pub mod source;
pub mod step;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
pub mod update;
pub mod words;

/// The functions of an adapter, as the contract names them. See `wit/` for what each must do.
pub use bindings::exports::flightdeck::ad_server::ad_server::Guest as Adapter;
/// Every type of the contract, documented in `wit/v0.1/types.wit`.
pub use bindings::flightdeck::ad_server::types;
pub use step::step;

/// What nearly every module of an adapter uses.
pub mod prelude {
    pub use crate::{
        Adapter,
        failure::{Fallible, Problems},
        http::{Api, Request, Response},
        json::{Json, Object},
        made::{self, Seen},
        object, path,
        step::{Verdict, step},
        types::*,
    };
}

/// Exports a type that implements [`Adapter`] as the component.
///
/// Does nothing in a native build, where the adapter is a library that its tests call.
#[macro_export]
macro_rules! export {
    ($adapter:ident) => {
        #[cfg(target_family = "wasm")]
        $crate::bindings::export_adapter!($adapter with_types_in $crate::bindings);
    };
}
