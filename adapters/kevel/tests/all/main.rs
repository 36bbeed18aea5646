//! The adapter against the Kevel emulator, natively: the same code as in the component, with
//! requests over a real connection.
//!
//! - [`account`]: what an inspection of the account finds.
//! - [`network`]: an emulator, and a fake host connected to it.
//! - [`lifecycle`]: a buy, from its plan to its end.
//! - [`crashes`]: each operation, cut off after each of its interactions.
//! - [`pages`]: pagination of lists and rows.
//! - [`updates`]: updates of an existing buy.
//! - [`by_hand`]: networks that differ from what the adapter left.
//! - [`late`]: requests that took effect, or became visible, after their objects were made again.
//! - [`shares`]: the shares of a flight's ads; [`witness`]: what Kevel's own client sends.
//! - [`examples`]: the requests of the lifecycle document.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing there")]

mod account;
mod by_hand;
mod crashes;
mod examples;
mod late;
mod lifecycle;
mod network;
mod pages;
// Shared with the unit tests.
#[path = "../../src/samples.rs"]
mod samples;
mod shares;
mod updates;
mod witness;
