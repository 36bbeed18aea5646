//! Emulators of the ad servers that flightdeck books on: real HTTP servers that keep state, refuse
//! what the platform refuses, and can be made to fail in the ways in which networks fail.
//!
//! They exist because an adapter is only as good as the server it was tested against. A mock that
//! answers 200 to everything proves nothing. These emulators check every field they know, store
//! what was written, and deliver impressions as their clock moves. A test can cut the connection
//! after the effect but before the response, which is the case that decides whether a booking is
//! made twice.
//!
//! # Layout
//!
//! Platform-independent modules, shared by all emulators:
//!
//! - [`server`]: the accept loop. It owns the TCP connection, so "dropped" means dropped: not a
//!   byte of a response. An action that has begun is finished even if the client hangs up.
//! - [`platform`]: the trait that a platform implements, and the call that it gets.
//! - [`control`]: what a test can set: [`control::clock`], [`control::faults`] with
//!   [`control::held`], [`control::settings`]; and what it can read: [`control::log`],
//!   [`control::references`]. `control::routes` serves them under `/__control/`.
//! - [`amount`]: exact decimal amounts; money is never a float.
//!
//! One module per platform, each of which documents its own modules:
//!
//! - [`gam`]: the Google Ad Manager REST API.
//! - [`kevel`]: the Kevel Management API.
//! - [`signpost`]: an invented ad server, for the example adapters.
//! - [`triton`]: Triton Digital's Booking API.
//!
//! # A slow ad server
//!
//! - A fault holds any write for some time, or until the test releases it. It then acts, however
//!   long ago its client hung up ([`control::faults`]).
//! - `PUT /__control/settings {"lookup_lag_ms": 60000}`: for this long, lists and searches omit new
//!   objects, while a read by id returns them immediately. When set back to 0, lists show
//!   everything.
//! - `GET /__control/references`: how many objects carry a reference, and how many of them are
//!   active: one, if there are no duplicates.
//!
//! # Starting one
//!
//! ```no_run
//! # async fn demo() -> Result<(), flightdeck_emulators::StartError> {
//! use flightdeck_emulators::kevel::{Kevel, Options};
//!
//! let running = Kevel::start(Options::default()).await?;
//! println!("listening at {}", running.url);
//! running.shutdown().await;
//! # Ok(())
//! # }
//! ```

pub mod amount;
pub mod control;
pub mod gam;
pub mod kevel;
pub mod platform;
pub mod server;
pub mod signpost;
pub mod triton;

pub use server::{Running, StartError};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex even if a previous holder panicked. A test in which one request panicked still
/// needs to read the log of the others, so poisoning is not an error here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
