//! The adapter against the Triton emulator, natively: the same code as in the component, with
//! requests over a real connection.
//!
//! - [`account`]: what an inspection of the account finds.
//! - [`network`]: an emulator, and a fake host connected to it.
//! - [`lifecycle`]: a buy, from its plan to its end.
//! - [`pages`]: pagination of lists and rows.
//! - [`updates`]: updates of an existing buy.
//! - [`counted`]: reports that buys share.
//! - [`crashes`]: each operation, cut off after each of its interactions.
//! - [`late`]: requests that took effect, or became visible, after their objects were made again.
//! - [`narrowed`]: what narrows a flight beyond the contract's targeting.
//! - [`examples`]: the requests of the lifecycle document.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing there")]

mod account;
mod counted;
mod crashes;
mod examples;
mod late;
mod lifecycle;
mod narrowed;
mod network;
mod pages;
// Shared with the unit tests.
#[path = "../../src/samples.rs"]
mod samples;
mod updates;
