//! A flightdeck adapter for the ad server Signpost.
//!
//! - [`translate`]: what Signpost can do, and how a media buy becomes an order and its lines. No
//!   network.
//! - [`api`]: Signpost's API, one function for each request.
//! - [`adapter`]: the ad server as the SDK asks for it. The SDK has the functions of the contract.

pub mod adapter;
pub mod api;
pub mod translate;

pub use adapter::Signpost;

flightdeck_adapter::export!(Signpost);
