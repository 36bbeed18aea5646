//! What tests of several crates need.
//!
//! - [`component`]: a guest component of this workspace, built once for each test process.
//! - [`postgres`]: a database for each test. [`cable`]: one that is cut, between a database and who uses it.
//! - [`left_out`]: what a test says that does not find the real thing which it needs.

use std::{
    collections::HashMap,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
};

pub mod cable;
pub mod postgres;

/// The component of a package of this workspace, as `component("flightdeck-test-guest")`.
///
/// It is built with `cargo build --target wasm32-wasip2 --profile guest` into the workspace's target directory, once for
/// each process; cargo finds for itself that there is nothing to do. `FLIGHTDECK_GUEST_DIR` names a directory of
/// components that were built before, which are taken as they are.
///
/// # Panics
/// With cargo's own words, if it can't be built.
#[must_use]
pub fn component(package: &str) -> PathBuf {
    static BUILT: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let built = built.get_or_insert_default();
    built.entry(package.to_owned()).or_insert_with(|| find_or_build(package)).clone()
}

/// Set to anything: a test that finds a real part missing fails. A machine that was prepared to run every test sets it.
pub const ALL: &str = "FLIGHTDECK_TEST_ALL";

/// Names the file that keeps what was left out, a line each: test runners show no output of tests that pass.
pub const LEFT_OUT: &str = "FLIGHTDECK_TEST_LEFT_OUT";

/// Says that a test, or a part of one, is left out because this machine has not what it needs, and how to get it.
///
/// # Panics
/// If nothing may be left out ([`ALL`]).
pub fn left_out(missing: &str) {
    assert!(
        std::env::var_os(ALL).is_none_or(|all| all.is_empty()),
        "{missing}; nothing may be left out here, because {ALL} is set"
    );
    println!("left out: {missing}");
    let Some(file) = std::env::var_os(LEFT_OUT) else { return };
    // One write for a line: several processes append to the file.
    let opened = std::fs::OpenOptions::new().create(true).append(true).open(&file);
    if let Err(error) = opened.and_then(|mut file| file.write_all(format!("{missing}\n").as_bytes())) {
        eprintln!("{} can't be written: {error}", Path::new(&file).display());
    }
}

fn find_or_build(package: &str) -> PathBuf {
    let file = format!("{}.wasm", package.replace('-', "_"));
    let ready = std::env::var_os("FLIGHTDECK_GUEST_DIR").map(|directory| Path::new(&directory).join(&file));
    if let Some(ready) = ready.filter(|path| path.is_file()) {
        return ready;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
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
