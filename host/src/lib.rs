//! flightdeck: one API for buying media on many ad servers, each behind a sandboxed adapter.
//!
//! What depends on what, from the inside out; nothing inside knows what is outside of it:
//!
//! - [`domain`]: what a media buy, a task and an operation are, and every rule about them. No input or output.
//! - [`store`]: where they are kept: one contract, SQLite and PostgreSQL behind it.
//! - [`adapters`]: ad servers, each a WebAssembly component in a sandbox.
//! - [`network`]: where this host's own requests may go.
//! - [`webhooks`]: tells others what happened.
//! - [`operations`]: carries accepted changes out, once each, whatever crashes.
//! - [`app`]: what callers can ask for: one function for each tool.
//! - [`web`]: the faces, HTTP and MCP. They translate and decide nothing.
//! - [`config`]: what the publisher decides. [`serve`] puts everything together, [`cli`] starts it.
//! - [`metrics`]: what is counted, by name.
//! - [`fault`]: points at which tests make the process die.

pub mod adapters;
pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod fault;
pub mod metrics;
pub mod network;
pub mod operations;
pub mod serve;
pub mod store;
pub mod web;
pub mod webhooks;
