//! The Rust SDK for flightdeck adapters.
//!
//! An adapter is a WebAssembly component that turns a media buy into the orders and line items of
//! one ad server. With this crate, you describe the ad server: what its objects look like, how to
//! find them again, and what it can't do. The crate handles crash recovery, HTTP, and error
//! messages.
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
//! - [`ad_server`]: an adapter as a description of its ad server. **Read this one first.** It runs
//!   the steps in order, derives plans and requests from the same translation, and handles partial
//!   updates and cancellation. The other modules are its building blocks.
//! - [`step`](mod@step): a change made exactly once, even across crashes:
//!   `step(name).find(…).create(…)`.
//! - [`cache`](mod@cache): values that outlive a call, such as a report that serves many buys.
//! - [`account`], [`follow_up`]: the optional interfaces of the contract. [`findings`]: what an
//!   inspection of the account reports.
//! - [`made`]: the objects that carry a step's reference: one lookup for the step and for
//!   `find_made`.
//! - [`http`]: a small JSON client. Unsuccessful responses become a [`Failure`](types::Failure)
//!   automatically.
//! - [`failure`]: constructors for failures, and [`Problems`](failure::Problems), which collects
//!   everything that is wrong at once.
//! - [`outcome`]: constructors for what a write returns.
//! - [`checks`]: checks that several platforms share.
//! - [`contradiction`]: targeting that contradicts the publisher's settings, or contradicts itself
//!   in a way that only the platform's adapter can detect.
//! - [`json`]: JSON that keeps the order of fields and the digits of numbers; [`object!`] writes
//!   it.
//! - [`money`]: conversion between micro-units and decimal text, without floats.
//! - [`plan`]: the planned changes that a reviewer reads, built from the translation that is sent.
//! - [`page`]: a paginated list as one iterator.
//! - [`names`]: names that carry references, and names of steps.
//! - [`naming`]: templates of the names of orders and line items, in publishers' settings.
//! - [`numbered`]: platforms with numeric ids and numbered list pages.
//! - [`settings`]: parsing of a publisher's settings, and of sizes in them.
//! - [`source`]: whether a creative has to be uploaded.
//! - [`update`]: the packages and creatives that an update affects.
//! - [`advice`]: recommendations for a package's performance, to be acted on by a person.
//! - [`moment`]: times and days.
//! - [`words`]: the contract's names for dimensions, formats and the like, as buyers write them.
//! - [`host`]: what the host provides: steps, HTTP, and a clock. It is a trait, so an adapter's
//!   logic can be tested natively, without WebAssembly.
//! - [`testing`]: a host for such tests, which can cut an operation off at any point. Not compiled
//!   into the component.
//! - [`bindings`]: generated from `wit/`.
//!
//! Build with `cargo build --release --target wasm32-wasip2`; the crate's type is `cdylib`.
//! `flightdeck adapter new` writes such a project, with a profile that makes the component small.

pub mod ad_server;
pub mod advice;
pub mod bindings;
pub mod cache;
pub mod checks;
pub mod contradiction;
pub mod failure;
pub mod findings;
pub mod host;
pub mod http;
pub mod json;
pub mod made;
pub mod moment;
pub mod money;
pub mod names;
pub mod naming;
pub mod numbered;
pub mod outcome;
pub mod page;
pub mod plan;
pub mod settings;
pub mod source;
pub mod step;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
pub mod update;
pub mod words;

/// The interface `account`: its types, and the trait `Guest` that [`export_account!`] exports.
pub use bindings::account::exports::flightdeck::ad_server::account;
/// The functions of an adapter, named as in the contract. See `wit/` for what each must do.
pub use bindings::exports::flightdeck::ad_server::ad_server::Guest as Adapter;
/// Every type of the contract, documented in `wit/v1.1/adapter-types.wit`.
pub use bindings::flightdeck::ad_server::adapter_types as types;
/// The interface `follow-up`: its types, and the trait `Guest` that [`export_follow_up!`] exports.
pub use bindings::follow_up::exports::flightdeck::ad_server::follow_up;
pub use step::step;

/// The items that nearly every module of an adapter uses.
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

/// Exports a type that implements [`Adapter`], or [`AdServer`](ad_server::AdServer), as the
/// component.
///
/// Does nothing in a native build, where the adapter is a library that its tests call.
#[macro_export]
macro_rules! export {
    ($adapter:ident) => {
        #[cfg(target_family = "wasm")]
        $crate::bindings::export_adapter!($adapter with_types_in $crate::bindings);
    };
}

/// Exports a type that implements [`account::Guest`] as the optional interface `account`.
#[macro_export]
macro_rules! export_account {
    ($adapter:ident) => {
        #[cfg(target_family = "wasm")]
        $crate::bindings::account::export_account_interface!($adapter with_types_in $crate::bindings::account);
    };
}

/// Exports a type that implements [`follow_up::Guest`] as the optional interface `follow-up`.
#[macro_export]
macro_rules! export_follow_up {
    ($adapter:ident) => {
        #[cfg(target_family = "wasm")]
        $crate::bindings::follow_up::export_follow_up_interface!($adapter with_types_in $crate::bindings::follow_up);
    };
}
