//! Fault injection for tests: named points in the code at which a debug build can be made to die.
//!
//! A release build compiles [`point`] to nothing. In a debug build two environment variables, read once, steer it:
//!
//! - `FLIGHTDECK_FAULT_LOG=<file>` appends the name of every point that is passed as a line, which tells a test how
//!   many there are.
//! - `FLIGHTDECK_FAULT_AT=<n>` ends the process, as `kill -9` would, at the n-th point (1-based) counted over all points
//!   since the process started; `FLIGHTDECK_FAULT_AT=<name>` as soon as it passes the point of that name.
//!
//! A test that runs the same work once for every n has crashed it everywhere.

/// Passes a point.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn point(_name: &'static str) {}

/// Passes a point.
#[cfg(debug_assertions)]
pub fn point(name: &'static str) {
    use std::{
        io::Write as _,
        sync::{
            OnceLock,
            atomic::{AtomicU64, Ordering},
        },
    };

    struct Settings {
        log: Option<std::path::PathBuf>,
        at: Option<String>,
    }
    static SETTINGS: OnceLock<Settings> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);

    let settings = SETTINGS.get_or_init(|| Settings {
        log: std::env::var_os("FLIGHTDECK_FAULT_LOG").map(Into::into),
        at: std::env::var("FLIGHTDECK_FAULT_AT").ok(),
    });
    let passed = PASSED.fetch_add(1, Ordering::SeqCst) + 1;
    if let Some(path) = &settings.log {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        // One write a line: lines of several processes don't mix. A log that can't be written shows in its test.
        let _ = file.and_then(|mut file| file.write_all(format!("{name}\n").as_bytes()));
    }
    if settings.at.as_ref().is_some_and(|at| *at == name || *at == passed.to_string()) {
        std::process::abort();
    }
}
