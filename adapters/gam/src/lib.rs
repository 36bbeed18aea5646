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
//! - [`order`] with its [`approval`], [`line_item`], [`creative`], [`ties`] (associations): what it looks like, how it is made,
//!   found and changed.
//! - [`targeting`] with [`geo`], [`regions`] and [`words`]: to whom and where a line item delivers, in buyers' words;
//!   [`catalogue`]: what that is called on Ad Manager.
//! - [`inferred`]: everything that the public documents leave open. **Look here first when a real network differs.**
//!
//! How it is asked about them: [`ad_server`] says which module answers what, [`booking`] translates a media buy,
//! [`describe`], [`status`] and [`delivery`] read. The order of it all is the SDK's.
//!
//! And [`api`], how Ad Manager is spoken to; [`refusal`], what its refusals mean; [`settings`], what a publisher configures.

pub mod ad_server;
pub mod api;
pub mod approval;
pub mod booking;
pub mod catalogue;
pub mod creative;
pub mod delivery;
pub mod describe;
pub mod geo;
pub mod inferred;
pub mod line_item;
pub mod order;
pub mod refusal;
pub mod regions;
#[cfg(test)]
mod samples;
pub mod settings;
pub mod status;
pub mod targeting;
pub mod ties;
pub mod words;

pub use ad_server::Gam;

flightdeck_adapter::export!(Gam);
