//! The program itself.

use std::process::Stdio;

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::gam_app::{assertion, claims, head};

#[tokio::test]
async fn it_prints_its_address_and_stops_on_sigterm() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_flightdeck-emulators"))
        .args(["kevel", "--listen", "127.0.0.1:0", "--api-key", "k"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = lines.next_line().await.unwrap().unwrap();
    let answer = reqwest::Client::new()
        .get(format!("{url}/v1/advertiser/1001"))
        .header("X-Adzerk-ApiKey", "k")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn an_address_in_use_is_a_failure_with_a_reason() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_flightdeck-emulators"))
        .args(["kevel", "--listen", &address])
        .output()
        .await
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains(&address));
}

#[tokio::test]
async fn the_ad_manager_writes_a_key_that_its_token_endpoint_knows() {
    let file = std::env::temp_dir().join(format!("flightdeck-gam-written-{}.json", std::process::id()));
    let mut child = Command::new(env!("CARGO_BIN_EXE_flightdeck-emulators"))
        .args(["gam", "--listen", "127.0.0.1:0", "--write-key"])
        .arg(&file)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = lines.next_line().await.unwrap().unwrap();
    let key: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(key["token_uri"], format!("{url}/token"));
    let assertion = assertion(&key, &head(), &claims(&key));
    let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &assertion)];
    let answer = reqwest::Client::new().post(format!("{url}/token")).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_key_that_cannot_be_written_is_a_failure_with_a_reason() {
    let output = Command::new(env!("CARGO_BIN_EXE_flightdeck-emulators"))
        .args(["gam", "--listen", "127.0.0.1:0", "--write-key", "/nowhere/key.json"])
        .output()
        .await
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere/key.json"));
}
