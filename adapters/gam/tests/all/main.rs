//! The adapter against the Ad Manager emulator, natively: the same code as in the component, with
//! requests over a real connection.
//!
//! - [`account`]: what an inspection of the account finds.
//! - [`network`]: an emulator, and a fake host connected to it.
//! - [`lifecycle`]: a buy, from its plan to its end.
//! - [`approval`]: who approves orders, and what waits for it.
//! - [`targeted`]: targeting as it arrives on the network, and targeting that the network doesn't
//!   have.
//! - [`pages`]: pagination of lists and rows.
//! - [`updates`]: updates of an existing buy.
//! - [`crashes`]: each operation, cut off after each of its interactions.
//! - [`late`]: requests that took effect, or became visible, after their objects were made again.
//! - [`rules`]: what the platform requires; [`counted`]: what it says of what it delivered.
//! - [`roadblocks`]: creatives with companions.
//! - [`examples`]: the requests of the lifecycle document.
//! - [`google`]: Google's own client, which puts the same on the wire.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing there")]

mod account;
mod approval;
mod counted;
mod crashes;
mod examples;
mod google;
mod late;
mod lifecycle;
mod network;
mod pages;
mod roadblocks;
mod rules;
// Shared with the unit tests.
#[path = "../../src/samples.rs"]
mod samples;
mod targeted;
mod updates;
