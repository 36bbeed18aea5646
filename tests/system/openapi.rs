//! The OpenAPI document says what the host takes and answers: a tester that we did not write asks everything that it allows, and what
//! it does not, with each role's token.

use std::path::Path;

use tokio::process::Command;

use crate::{
    house::{BUYER, OPERATOR, REVIEWER},
    servers::Servers,
};

/// Who asks, where, in which phases, and by which methods not. What is asked is fixed, however fast the machine is: the
/// combinations of what a buyer may send and ask for are so many that only examples of them are tried.
const ASKED: [(&str, &str, &str, &str, &[&str]); 4] = [
    ("buyer", BUYER, "^/v1/(media-buys|products|tasks$|operations)", "examples", &[]),
    ("buyer", BUYER, "^/v1/(media-buys|products|tasks$|operations)", "fuzzing", &["POST", "PUT", "PATCH", "DELETE"]),
    ("reviewer", REVIEWER, "^/v1/tasks", "examples,coverage,fuzzing", &[]),
    ("operator", OPERATOR, "^/v1/(webhooks|audit)", "examples,coverage,fuzzing", &[]),
];

#[tokio::test]
async fn the_openapi_document_says_what_is_taken_and_what_is_refused() {
    let Some(python) = std::env::var_os("FLIGHTDECK_PYTHON") else {
        panic!("FLIGHTDECK_PYTHON is not set: run `make test`, which installs schemathesis and sets it");
    };
    let servers = Servers::new().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/openapi");
    for (role, token, paths, phases, unasked) in ASKED {
        let asked = Command::new(&python)
            .args(["-m", "schemathesis.cli", "--config-file"])
            .arg(folder.join("schemathesis.toml"))
            .arg("run")
            .arg(format!("{}/openapi.json", servers.house.url()))
            .args(["--header", &format!("Authorization: Bearer {token}")])
            .args(["--include-path-regex", paths, "--phases", phases, "--max-examples", "5"])
            .args(unasked.iter().flat_map(|method| ["--exclude-method", method]))
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
