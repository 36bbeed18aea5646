//! The demo plays to its end, as `make demo` runs it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::{path::Path, process::Command};

#[test]
fn the_demo_plays_to_its_end() {
    // The demo's configuration names the components where `make guests` puts them.
    for adapter in ["gam", "kevel", "triton"] {
        assert!(flightdeck_test_support::component(&format!("flightdeck-adapter-{adapter}")).exists());
    }
    let demo = Path::new(env!("CARGO_BIN_EXE_flightdeck-demo"));
    let host = demo.with_file_name("flightdeck");
    assert!(host.exists(), "{} is not there: run the tests of the whole workspace", host.display());
    let data = tempfile::tempdir().unwrap();
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("flightdeck.toml");
    let played = Command::new(demo)
        .arg("play")
        .arg("--host")
        .arg(&host)
        .arg("--config")
        .arg(&config)
        .arg("--data")
        .arg(data.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&played.stdout);
    assert!(played.status.success(), "{told}\n{}", String::from_utf8_lossy(&played.stderr));
    for wanted in [
        "pending_manual",
        "pending_activation",
        "\"active\"",
        "paused",
        "add_creative_assets needs approval by the publisher: after it, the media buy has other creatives",
        "update_media_buy needs approval by the publisher: after it, the media buy has a longer flight",
        "One order, one line item and one creative on each",
    ] {
        assert!(told.contains(wanted), "{wanted} is not in:\n{told}");
    }
}
