//! The emulator played by Google's own client, which we did not write.

use std::path::Path;

use flightdeck_emulators::gam::{Gam, Options};
use tokio::process::Command;

#[tokio::test]
async fn googles_own_client_plays_a_whole_buy() {
    let Some(python) = std::env::var_os("FLIGHTDECK_PYTHON") else {
        panic!("FLIGHTDECK_PYTHON is not set: run `make test`, which installs Google's client and sets it");
    };
    let running = Gam::start(Options::default()).await.unwrap();
    let key = std::env::temp_dir().join(format!("flightdeck-gam-key-{}.json", std::process::id()));
    std::fs::write(&key, running.platform().key_file().to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../google/client.py");
    let played =
        Command::new(python).arg(script).args(["--url", &running.url]).arg("--key").arg(&key).output().await.unwrap();
    std::fs::remove_file(&key).unwrap();
    assert!(
        played.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&played.stdout),
        String::from_utf8_lossy(&played.stderr),
    );
    let platform = running.platform();
    assert_eq!(
        ["orders", "lineItems", "creatives", "associations", "reports"].map(|kind| platform.count(kind)),
        [1; 5]
    );
    assert!(running.controls().log.count("POST", "/token") >= 1);
}
