//! The emulator and Google's own package, which we did not write: what the package says, and its
//! client playing a buy.

use std::{ffi::OsString, path::Path};

use flightdeck_emulators::{
    Running,
    gam::{Gam, Options},
};
use tokio::process::Command;

fn python() -> OsString {
    std::env::var_os("FLIGHTDECK_PYTHON")
        .expect("FLIGHTDECK_PYTHON is not set: run `make test`, which installs Google's client and sets it")
}

#[tokio::test]
async fn the_schema_is_what_googles_package_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("gam");
    let read = Command::new(python())
        .arg(folder.join("extract.py"))
        .arg("--check")
        .arg(folder.join("messages.json"))
        .output()
        .await
        .unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
}

/// Runs a script of Google's client on an emulator.
async fn play(script: &str) -> Running<Gam> {
    let running = Gam::start(Options::default()).await.unwrap();
    let key = std::env::temp_dir().join(format!("flightdeck-gam-key-{}-{script}.json", std::process::id()));
    std::fs::write(&key, running.platform().key_file().to_string()).unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../google").join(script);
    let played =
        Command::new(python()).arg(file).args(["--url", &running.url]).arg("--key").arg(&key).output().await.unwrap();
    std::fs::remove_file(&key).unwrap();
    assert!(
        played.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&played.stdout),
        String::from_utf8_lossy(&played.stderr),
    );
    running
}

#[tokio::test]
async fn googles_own_client_plays_a_whole_buy() {
    let running = play("client.py").await;
    let platform = running.platform();
    assert_eq!(
        ["orders", "lineItems", "creatives", "associations", "reports"].map(|kind| platform.count(kind)),
        [1; 5]
    );
    assert!(running.controls().log.count("POST", "/token") >= 1);
}

#[tokio::test]
async fn what_the_emulator_writes_is_what_googles_library_writes() {
    let running = play("lifecycle.py").await;
    let platform = running.platform();
    let counts = ["orders", "lineItems", "creatives", "associations", "reports"].map(|kind| platform.count(kind));
    assert_eq!(counts, [1, 2, 4, 4, 1]);
}
