//! The adapter against the Ad Manager emulator, natively: the same code that the component is made of, its requests
//! carried over a real connection.
//!
//! - [`network`]: an emulator, and a fake host that speaks to it.
//! - [`lifecycle`]: a buy from its plan to its end.
//! - [`approval`]: who approves orders, and what waits for it.
//! - [`targeted`]: what targeting becomes on the network, and what it does not have.
//! - [`pages`]: lists and rows in pages.
//! - [`updates`]: changes of a buy that exists.
//! - [`crashes`]: every operation cut off after every one of its interactions.
//! - [`late`]: what was carried out, or shown, after it was made again.
//! - [`examples`]: what buyers write, as the lifecycle document shows it.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing there")]

mod approval;
mod crashes;
mod examples;
mod late;
mod lifecycle;
mod network;
mod pages;
// The unit tests' own.
#[path = "../../src/samples.rs"]
mod samples;
mod targeted;
mod updates;
