//! Stand-ins for the ad servers flightdeck books on: real HTTP servers that keep state, refuse what
//! the platform refuses, and can be told to fail in the ways networks fail.
//!
//! They exist because an adapter is only as good as what it was tried against. A mock that answers
//! 200 to everything proves nothing; these check every field they know, keep what was written,
//! deliver impressions as their clock moves, and let a test cut the connection after the effect but
//! before the answer, which is the case that decides whether a booking is made twice.
//!
//! # Layout
//!
//! The half that knows no platform, shared by every emulator in this house:
//!
//! - [`server`]: the accept loop. It owns the TCP connection, so "dropped" means dropped: not a byte
//!   of an answer. An action once begun is finished even if the client hangs up.
//! - [`platform`]: the trait a platform implements to live here, and the call it is handed.
//! - [`control`]: what a test may turn: [`control::clock`], [`control::faults`] with
//!   [`control::held`], [`control::settings`]; and what it may ask: [`control::log`],
//!   [`control::references`]. `control::routes` serves them under `/__control/`.
//! - [`amount`]: exact decimal amounts; no money passes through a float.
//!
//! One module per platform:
//!
//! - [`gam`]: the Google Ad Manager REST API. Its own first page lists its modules.
//! - [`kevel`]: the Kevel Management API. Its own first page lists its modules.
//! - [`triton`]: Triton Digital's Booking API. Its own first page lists its modules.
//!
//! # A slow ad server
//!
//! - A fault holds any write for a time, or until the test releases it; it then acts, however long
//!   ago its client hung up ([`control::faults`]).
//! - `PUT /__control/settings {"lookup_lag_ms": 60000}`: for so long lists and searches miss what is
//!   new, while a read by its id has it at once. Set back to 0, they show everything at once.
//! - `GET /__control/references`: how many objects carry a reference, and how many of them are
//!   active: one, if nothing happened twice.
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
pub mod triton;

pub use server::{Running, StartError};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, whatever a panicking holder left behind. A test that made one request panic still wants
/// to read the log of the others, so poisoning is not an error here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
