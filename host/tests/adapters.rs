//! Adapters: real components in the real sandbox, against real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(missing_docs, reason = "a test's name says what it shows")]

#[path = "adapters/bulkheads.rs"]
mod bulkheads;
#[path = "adapters/by_hand.rs"]
mod by_hand;
#[path = "adapters/calls.rs"]
mod calls;
#[path = "adapters/conformance.rs"]
mod conformance;
#[path = "adapters/descriptions.rs"]
mod descriptions;
#[path = "adapters/egress.rs"]
mod egress;
#[path = "adapters/endings.rs"]
mod endings;
#[path = "adapters/journal.rs"]
mod journal;
#[path = "adapters/late_sets.rs"]
mod late_sets;
#[path = "adapters/limits.rs"]
mod limits;
#[path = "adapters/recording.rs"]
mod recording;
#[path = "adapters/releases.rs"]
mod releases;
#[path = "adapters/server.rs"]
mod server;
#[path = "adapters/shop.rs"]
mod shop;
#[path = "adapters/signatures.rs"]
mod signatures;
#[path = "adapters/steps.rs"]
mod steps;
#[path = "adapters/tokens.rs"]
mod tokens;
#[path = "adapters/world.rs"]
mod world;
