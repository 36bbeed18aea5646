//! The flightdeck adapter for Google Ad Manager.
//!
//! A media buy is an order there, a package a line item, and a creative in a package an association
//! of the two. An order is a draft until it is approved, by this adapter or by a person in Ad
//! Manager. Nothing delivers before.
//!
//! The reference of a step is the suffix of an order's and a creative's name, and the
//! `externalLineItemId` of a line item. Objects from interrupted steps are found by it. An
//! association is identified by the objects that it connects.
//!
//! # Layout
//!
//! Modules for the platform's objects:
//!
//! - [`order`] with its [`approval`], [`line_item`], [`creative`], [`ties`] (associations): how
//!   each is represented, made, found and changed.
//! - [`caps`], frequency caps; [`weights`], the rotation of creatives; [`account`], the network's
//!   currency and time zone, and what is there of the settings.
//! - [`targeting`] with [`geo`], [`regions`] and [`words`]: audience and location, in buyers'
//!   words; [`catalogue`]: Ad Manager's ids for them.
//! - [`inferred`]: everything that the public documentation leaves open. **Look here first when a
//!   real network differs.**
//!
//! Modules for the adapter's functions: [`ad_server`] delegates to the other modules, [`booking`]
//! translates a media buy, [`describe`], [`status`] and [`delivery`] read. The SDK calls them in
//! order. [`follow_up`] acts after a person approved an order.
//!
//! Also: [`api`], the client; [`refusal`], the meaning of Ad Manager's errors; [`settings`], the
//! publisher's configuration.

pub mod account;
pub mod ad_server;
pub mod api;
pub mod approval;
pub mod booking;
pub mod caps;
pub mod catalogue;
pub mod creative;
pub mod delivery;
pub mod describe;
pub mod follow_up;
pub mod geo;
pub mod inferred;
pub mod line_item;
pub mod order;
pub mod refusal;
pub mod regions;
#[cfg(test)]
mod samples;
pub mod sets;
pub mod settings;
pub mod status;
pub mod targeting;
pub mod ties;
pub mod weights;
pub mod words;

pub use ad_server::Gam;

flightdeck_adapter::export!(Gam);
flightdeck_adapter::export_account!(Gam);
flightdeck_adapter::export_follow_up!(Gam);
