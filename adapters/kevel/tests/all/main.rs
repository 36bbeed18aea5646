//! The adapter against the Kevel emulator, natively: the same code that the component is made of, its requests carried
//! over a real connection.
//!
//! - [`network`]: an emulator, and a fake host that speaks to it.
//! - [`lifecycle`]: a buy from its plan to its end.
//! - [`crashes`]: every operation cut off after every one of its interactions.
//! - [`pages`]: lists and rows in pages.
//! - [`updates`]: changes of a buy that exists.
//! - [`by_hand`]: networks that are not as the adapter left them.
//! - [`late`]: what was carried out, or shown, after it was made again.
//! - [`examples`]: what buyers write, as the lifecycle document shows it.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing there")]

mod by_hand;
mod crashes;
mod examples;
mod late;
mod lifecycle;
mod network;
mod pages;
// The unit tests' own.
#[path = "../../src/samples.rs"]
mod samples;
mod updates;
