//! flightdeck: one API for buying media on many ad servers.
pub mod adapters;
pub mod domain;
pub mod fault;
pub mod store;
