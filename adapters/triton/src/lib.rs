//! The flightdeck adapter for Triton Digital.
//!
//! Triton sells audio: streams of stations, and podcasts. A media buy is a campaign there, and a
//! package a flight, which lists the creatives that it plays. There is no approval: whatever is
//! active and has a creative delivers.
//!
//! The reference of the Booking API is behind a login. The adapter follows what is public; the rest
//! is in [`inferred`].
//!
//! Objects have no searchable field for the caller's own use, so the reference of a step is the
//! suffix of the object's name.
//!
//! # Layout
//!
//! Modules for the platform's objects:
//!
//! - [`campaign`], [`flight`], [`creative`], [`playing`] (creatives in flights): how each is
//!   represented, made, found and changed.
//! - [`targeting`] with [`criteria`] (the tree), [`hours`] (day parts), [`caps`]: to whom, when and
//!   how often a flight plays.
//! - [`inferred`]: everything that is not public. **Look here first when the real platform
//!   differs.**
//!
//! Modules for the adapter's functions: [`ad_server`] delegates to the other modules, [`booking`]
//! translates a media buy, [`describe`], [`status`] and [`delivery`] with [`csv`] read. The SDK
//! calls them in order.
//!
//! [`account`] looks at what the settings name.
//!
//! Also: [`api`], the client; [`settings`], the publisher's configuration; [`days`], conversion of
//! timestamps to days.

pub mod account;
pub mod ad_server;
pub mod api;
pub mod booking;
pub mod campaign;
pub mod caps;
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
flightdeck_adapter::export_account!(Triton);
