//! Support for the tests of several crates.
//!
//! - [`component`]: a guest component of this workspace, built once per test process.
//! - [`guest`]: other releases of the test guest.
//! - [`native_code`]: what one test's host has compiled, for the hosts of others.
//! - [`postgres`]: a database for each test. [`cable`]: a connection to one that can be cut.
//! - [`left_out`]: reports a test that lacks a real part that it needs.

use std::{
    collections::HashMap,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
};

pub mod cable;
pub mod guest;
pub mod native_code;
pub mod postgres;

/// Returns the component of a package of this workspace, as in
/// `component("flightdeck-test-guest")`.
///
/// It is built with `cargo build --target wasm32-wasip2 --profile guest` into the workspace's
/// target directory, once per process; cargo itself notices if there is nothing to do. If
/// `FLIGHTDECK_GUEST_DIR` is set, its prebuilt components are used as they are.
///
/// # Panics
/// When it can't be built, with cargo's own output.
#[must_use]
pub fn component(package: &str) -> PathBuf {
    static BUILT: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let built = built.get_or_insert_default();
    built.entry(package.to_owned()).or_insert_with(|| find_or_build(package)).clone()
}

/// If this variable is set, a test that lacks a real part fails. Machines that are prepared for
/// every test set it.
pub const ALL: &str = "FLIGHTDECK_TEST_ALL";

/// The variable that names the file of omitted tests, one per line: test runners hide the output of
/// tests that pass.
pub const LEFT_OUT: &str = "FLIGHTDECK_TEST_LEFT_OUT";

/// Reports that a test, or a part of one, is omitted because this machine lacks what it needs, and
/// how to get it.
///
/// # Panics
/// When [`ALL`] is set.
pub fn left_out(missing: &str) {
    assert!(
        std::env::var_os(ALL).is_none_or(|all| all.is_empty()),
        "{missing}; nothing may be left out here, because {ALL} is set"
    );
    println!("left out: {missing}");
    let Some(file) = std::env::var_os(LEFT_OUT) else { return };
    // One write per line, because several processes append to the file.
    let opened = std::fs::OpenOptions::new().create(true).append(true).open(&file);
    if let Err(error) = opened.and_then(|mut file| file.write_all(format!("{missing}\n").as_bytes())) {
        eprintln!("{} can't be written: {error}", Path::new(&file).display());
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the workspace's target directory.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

fn find_or_build(package: &str) -> PathBuf {
    let file = format!("{}.wasm", package.replace('-', "_"));
    let ready = std::env::var_os("FLIGHTDECK_GUEST_DIR").map(|directory| Path::new(&directory).join(&file));
    if let Some(ready) = ready.filter(|path| path.is_file()) {
        return ready;
    }
    let (root, target) = (root(), target());
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--target", "wasm32-wasip2", "--profile", "guest", "-p", package, "--manifest-path"])
        .arg(root.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .output();
    match output {
        Ok(output) if output.status.success() => target.join("wasm32-wasip2/guest").join(file),
        Ok(output) => panic!(
            "{package} could not be built; is the target there (rustup target add wasm32-wasip2)?\n{}",
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => panic!("cargo could not be started to build {package}: {error}"),
    }
}
