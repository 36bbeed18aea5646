//! flightdeck: one API for buying media on many ad servers, each behind a sandboxed adapter.
//!
//! What depends on what, from the inside out; nothing inside knows what is outside of it:
//!
//! - [`domain`]: what a media buy, a task and an operation are, and every rule about them. No input or output.
//! - [`clock`]: the host's clock. [`fault`]: points at which tests make the process die. [`metrics`]: what is counted, by name.
//! - [`network`]: where this host's own requests may go.
//! - [`store`]: where media buys, operations and tasks are kept: one contract, SQLite and PostgreSQL behind it.
//! - [`adapters`]: ad servers, each a WebAssembly component in a sandbox.
//! - [`distribution`]: adapters in OCI registries.
//! - [`config`]: what the publisher decides.
//! - [`conformance`]: checks an adapter for its author.
//! - [`operations`]: carries accepted changes out, once each, whatever crashes.
//! - [`webhooks`]: sends events to those who asked for them.
//! - [`app`]: what callers can ask for: one function for each tool.
//! - [`web`]: the faces, HTTP and MCP. They translate and decide nothing.
//! - [`serve`]: puts everything together. [`cli`]: the command line.
//!
//! The tests in `layers.rs` read all imports, and fail on one against this order.

pub mod adapters;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod conformance;
pub mod distribution;
pub mod domain;
pub mod fault;
pub mod metrics;
pub mod network;
pub mod operations;
pub mod serve;
pub mod store;
pub mod web;
pub mod webhooks;

#[cfg(test)]
mod layers;
