//! The flightdeck adapter for Triton Digital.
//!
//! Triton sells audio: streams of stations, and podcasts. A media buy is a campaign there, a package a flight, and a flight
//! names the creatives that it plays. There is no approval: what is active and has a creative delivers.
//!
//! The reference of the Booking API is behind a login. What is public is kept to; the rest stands in [`inferred`].
//!
//! Objects have no field of the caller's that could be searched, so the reference of a step ends the object's name.
//!
//! # Layout
//!
//! The platform, one module for each thing that it has:
//!
//! - [`campaign`], [`flight`], [`creative`], [`playing`] (creatives in flights): what it looks like, how it is made, found
//!   and changed.
//! - [`targeting`] with [`criteria`] (the tree), [`hours`] (day parts): to whom and when a flight plays.
//! - [`inferred`]: everything that is not public. **Look here first when the real platform differs.**
//!
//! How it is asked about them: [`ad_server`] says which module answers what, [`booking`] translates a media buy,
//! [`describe`], [`status`] and [`delivery`] with [`csv`] read. The order of it all is the SDK's.
//!
//! And [`api`], how the platform is spoken to; [`settings`], what a publisher configures; [`days`], from moments to days.

pub mod ad_server;
pub mod api;
pub mod booking;
pub mod campaign;
pub mod creative;
pub mod criteria;
pub mod csv;
pub mod days;
pub mod delivery;
pub mod describe;
pub mod flight;
pub mod hours;
pub mod inferred;
pub mod playing;
#[cfg(test)]
mod samples;
pub mod settings;
pub mod status;
pub mod targeting;

pub use ad_server::Triton;

flightdeck_adapter::export!(Triton);
