//! The protocol document's examples over MCP, played by a client that we did not write.

use std::path::Path;

use tokio::process::Command;

use crate::house::{APPROVALS_BY_DEFAULT, BUYER, House, REVIEWER};

#[tokio::test]
async fn a_foreign_client_plays_the_documents_examples() {
    let Some(python) = std::env::var_os("FLIGHTDECK_PYTHON") else {
        panic!("FLIGHTDECK_PYTHON is not set: run `make test`, which installs the MCP client and sets it");
    };
    let mut house = House::empty(APPROVALS_BY_DEFAULT).await;
    house.start(&[]).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/mcp/lifecycle.py");
    let played = Command::new(python)
        .arg(script)
        .args(["--url", house.url(), "--buyer", BUYER, "--reviewer", REVIEWER])
        .output()
        .await
        .expect("python runs");
    assert!(
        played.status.success(),
        "{}\n{}\n{}",
        String::from_utf8_lossy(&played.stdout),
        String::from_utf8_lossy(&played.stderr),
        house.log()
    );
    assert_eq!((house.kevel.platform().count("campaigns"), house.kevel.platform().count("flights")), (1, 2));
}
