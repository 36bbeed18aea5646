//! The Rust SDK for flightdeck adapters.
//!
//! An adapter is a WebAssembly component that turns a media buy into the orders and line items of one ad server. With
//! this crate it reads as a description of that ad server: what its objects look like, how they are found again, what
//! it can't do. Everything about surviving crashes, speaking HTTP and explaining failures is here.
//!
//! ```ignore
//! use flightdeck_adapter::{ad_server::{AdServer, Booking}, prelude::*};
//!
//! struct Acme {
//!     api: Api,
//! }
//!
//! impl AdServer for Acme {
//!     fn open(ctx: &Context) -> Fallible<Self> {
//!         Ok(Self { api: Api::new(&ctx.endpoint) })
//!     }
//!
//!     fn translate(&self, buy: &MediaBuy, problems: &mut Problems) -> Fallible<Booking<Order, LineItem>> {
//!         Ok(Booking { order: Order::of(buy, problems), items: LineItem::all_of(buy, problems), notes: Vec::new() })
//!     }
//!
//!     fn create_order(&self, order: &Order, reference: &str) -> Fallible<String> {
//!         let made: Made = self.api.post("/orders").json(&order.with(reference)).fetch()?;
//!         Ok(made.id)
//!     }
//!
//!     fn find_orders(&self, reference: &str) -> Fallible<Vec<Seen<String>>> { /* every page of the list */ }
//!     // the same for line items and creatives; change, stop, status, delivery
//! }
//!
//! flightdeck_adapter::export!(Acme);
//! ```
//!
//! # Layout
//!
//! - [`ad_server`]: an adapter as a description of its ad server. **Read this one first.** It has the order of the steps,
//!   the plans from the same translation, partial updates and cancellation; what follows is what it is made of.
//! - [`step`](mod@step): a change made once, whatever crashes: `step(name).find(…).create(…)`.
//! - [`made`]: what carries a step's reference: one lookup for a step and for `find_made`.
//! - [`http`]: a small JSON client. Answers that are no success become a [`Failure`](types::Failure) by themselves.
//! - [`failure`]: making failures, and [`Problems`](failure::Problems), which gathers everything that is wrong at once.
//! - [`checks`]: what several platforms refuse in the same way.
//! - [`contradiction`]: targeting that contradicts a publisher's settings, or itself in ways that only the platform's adapter sees.
//! - [`json`]: JSON that keeps the order of fields and the digits of numbers; [`object!`] writes it.
//! - [`money`]: micro-units to decimal text and back, without floats.
//! - [`plan`]: the planned changes that a reviewer reads, from the same translation that is sent.
//! - [`page`]: lists in pages, as one iterator.
//! - [`names`]: names that carry references, and names of steps.
//! - [`numbered`]: platforms whose objects are numbered and listed in numbered pages.
//! - [`settings`]: reading a publisher's settings, and sizes in them.
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

pub mod ad_server;
pub mod advice;
pub mod bindings;
pub mod checks;
pub mod contradiction;
pub mod failure;
pub mod host;
pub mod http;
pub mod json;
pub mod made;
pub mod moment;
pub mod money;
pub mod names;
pub mod numbered;
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

/// Exports a type that implements [`Adapter`], or [`AdServer`](ad_server::AdServer), as the component.
///
/// Does nothing in a native build, where the adapter is a library that its tests call.
#[macro_export]
macro_rules! export {
    ($adapter:ident) => {
        #[cfg(target_family = "wasm")]
        $crate::bindings::export_adapter!($adapter with_types_in $crate::bindings);
    };
}
