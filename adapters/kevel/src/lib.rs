//! The flightdeck adapter for Kevel.
//!
//! Kevel is an ad server without a web interface of its own: everything goes through its Management
//! API. A media buy is a campaign there, a package a flight, and a creative in a package an ad.
//! There is no approval: whatever is active and has an ad delivers.
//!
//! Objects have no searchable field for the caller's own use, so the reference of a step is the
//! suffix of the object's name, and objects from interrupted steps are found by name. An object
//! without a name is found by its content: an ad by its flight and creative, a place or a day part
//! by its fields.
//!
//! # Layout
//!
//! Modules for the platform's objects:
//!
//! - [`campaign`], [`flight`], [`parts`] (places, sites, day parts), [`creative`], [`ads`] with their [`shares`]:
//!   how each is represented, made, found and changed.
//! - [`places`], [`hours`], [`targeting`] with [`zerkel`]: where, when and to whom a flight
//!   delivers.
//! - [`caps`], [`times`], [`names`], [`ad_types`], [`keywords`], [`video`]: what several of them share.
//! - [`inferred`]: everything that the public documentation leaves open. **Look here first when a
//!   real network differs.**
//!
//! Modules for the adapter's functions: [`ad_server`] delegates to the other modules, [`booking`]
//! translates a media buy, [`describe`], [`status`] with [`counts`] and [`delivery`] read. The SDK
//! calls them in order.
//!
//! [`account`] looks at what the settings name.
//!
//! Also: [`api`], the client; [`settings`], the publisher's configuration.

pub mod account;
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
pub mod keywords;
pub mod names;
pub mod parts;
pub mod places;
#[cfg(test)]
mod samples;
pub mod settings;
pub mod shares;
pub mod status;
pub mod targeting;
pub mod times;
pub mod video;
pub mod zerkel;

pub use ad_server::Kevel;

flightdeck_adapter::export!(Kevel);
flightdeck_adapter::export_account!(Kevel);
