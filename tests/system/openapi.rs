//! The OpenAPI document says what the host takes and answers: a tester that we did not write asks everything that it allows, and what
//! it does not, with each role's token.

use std::path::Path;

use tokio::process::Command;

use crate::{
    house::{BUYER, OPERATOR, REVIEWER},
    servers::Servers,
};

/// How long each role may ask. What is asked first is fixed and covers every operation; more time finds more.
const SECONDS: &str = "25";

#[tokio::test]
async fn the_openapi_document_says_what_is_taken_and_what_is_refused() {
    let Some(python) = std::env::var_os("FLIGHTDECK_PYTHON") else {
        panic!("FLIGHTDECK_PYTHON is not set: run `make test`, which installs schemathesis and sets it");
    };
    let servers = Servers::new().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/openapi");
    for (role, token, paths) in [
        ("buyer", BUYER, "^/v1/(media-buys|products|tasks$|operations)"),
        ("reviewer", REVIEWER, "^/v1/tasks"),
        ("operator", OPERATOR, "^/v1/(webhooks|audit)"),
    ] {
        let asked = Command::new(&python)
            .args(["-m", "schemathesis.cli", "--config-file"])
            .arg(folder.join("schemathesis.toml"))
            .arg("run")
            .arg(format!("{}/openapi.json", servers.house.url()))
            .args(["--header", &format!("Authorization: Bearer {token}")])
            .args(["--include-path-regex", paths, "--max-time", SECONDS, "--max-examples", "5"])
            .args(["--continue-on-failure", "--no-color"])
            // It keeps what it found where it runs.
            .current_dir(servers.house.dir())
            .env("SCHEMATHESIS_HOOKS", "hooks")
            .env("PYTHONPATH", &folder)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .await
            .expect("python runs");
        let said = String::from_utf8_lossy(&asked.stdout);
        assert!(asked.status.success(), "{role}:\n{said}\n{}", String::from_utf8_lossy(&asked.stderr));
        // It asked, and did not only start.
        assert!(said.contains("Test cases:") && said.contains("generated"), "{role}:\n{said}");
    }
}
