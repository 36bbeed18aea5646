//! The flightdeck adapter for Kevel.
//!
//! Kevel is an ad server without an ad server's pages: everything is reached through its Management API. A media buy is
//! a campaign there, a package a flight, a creative in a package an ad. There is no approval: what is active and has an
//! ad delivers.
//!
//! Objects have no field of the caller's that could be searched, so the reference of a step ends the object's name, and
//! names are what half-made things are found by. What has no name is found by what it says: an ad by its flight and
//! creative, a place or a day part by itself.
//!
//! # Layout
//!
//! The platform, one module for each thing that it has:
//!
//! - [`campaign`], [`flight`], [`parts`] (places, sites, day parts), [`creative`], [`ads`]: what it looks like, how it
//!   is made, found and changed.
//! - [`places`], [`hours`], [`targeting`] with [`zerkel`]: where, when and to whom a flight delivers.
//! - [`caps`], [`times`], [`names`], [`ad_types`], [`vast`]: what several of them share.
//! - [`inferred`]: everything that the public documents leave open. **Look here first when a real network differs.**
//!
//! How it is asked about them: [`ad_server`] says which module answers what, [`booking`] translates a media buy,
//! [`describe`], [`status`] with [`counts`] and [`delivery`] read. The order of it all is the SDK's.
//!
//! And [`api`], how Kevel is spoken to; [`settings`], what a publisher configures.

pub mod ad_server;
pub mod ad_types;
pub mod ads;
pub mod api;
pub mod booking;
pub mod campaign;
pub mod caps;
pub mod counts;
pub mod creative;
pub mod delivery;
pub mod describe;
pub mod flight;
pub mod hours;
pub mod inferred;
pub mod names;
pub mod parts;
pub mod places;
#[cfg(test)]
mod samples;
pub mod settings;
pub mod status;
pub mod targeting;
pub mod times;
pub mod vast;
pub mod zerkel;

pub use ad_server::Kevel;

flightdeck_adapter::export!(Kevel);
