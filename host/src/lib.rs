//! flightdeck: one API for buying media on many ad servers.
pub mod adapters;
pub mod app;
pub mod config;
pub mod domain;
pub mod fault;
pub mod operations;
pub mod store;
