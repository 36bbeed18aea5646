//! Copies of the database, and what a host makes of an old one.

use std::{os::unix::fs::PermissionsExt as _, path::PathBuf};

use flightdeck_emulators::control::faults::{Action, Rule};
use flightdeck_test_support::{left_out, postgres};
use serde_json::json;
use tokio::process::Command;

use crate::{
    house::{BUYER, House, REVIEWER, today},
    replicas::Replicas,
};

/// A request for one package.
fn request() -> serde_json::Value {
    json!({ "packages": ["news"], "total_budget": 1_000, "flight_start_date": today() })
}

fn unavailable(path: &str) -> Rule {
    let action: Action = serde_json::from_value(json!({ "fail": { "status": 503 } })).expect("an action");
    Rule { times: 0, ..Rule::new("POST", path, action) }
}

async fn run(house: &House, arguments: &[&str]) -> (bool, String) {
    let done = house.command().args(arguments).output().await.expect("it runs");
    (
        done.status.success(),
        format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr)),
    )
}

#[tokio::test]
async fn what_was_carried_out_after_the_copy_is_found_and_not_made_again() {
    let mut house = House::new().await;
    let done = house.created(json!(["premium_sports"])).await;
    let undecided = house.post(BUYER, "/v1/media-buys", request()).await.expect(202);
    // In the copy: one that can't begin, and one that made its campaign and nothing of it more.
    house.kevel.controls().faults.add(unavailable("/v1/campaign"));
    let fresh = house.post(BUYER, "/v1/media-buys", request()).await.expect(202);
    house.approve(&fresh.text("/task_id")).await.expect(200);
    let path = |answer: &crate::house::Answer| format!("/v1/operations/{}", answer.text("/operation_id"));
    house.until(BUYER, &path(&fresh), |answer| answer.body["attempts"].as_u64() > Some(1)).await;
    let copy = house.dir().join("copy.db");
    let shown = copy.display().to_string();
    let (fine, said) = run(&house, &["backup", &shown]).await;
    assert!(fine, "{said}");
    let (fine, said) = run(&house, &["backup", &shown]).await;
    assert!(!fine && said.contains("exists already"), "{said}");

    // After the copy it is carried out, and the other one is decided.
    house.kevel.controls().faults.clear();
    house.task_closed(&fresh.text("/task_id")).await;
    house.approve(&undecided.text("/task_id")).await.expect(200);
    house.task_closed(&undecided.text("/task_id")).await;
    let counts = || (house.kevel.platform().count("campaigns"), house.kevel.platform().count("flights"));
    assert_eq!(counts(), (3, 3));
    let before = std::fs::read(&copy).expect("the copy");
    for command in [&["restore", &shown][..], &["restored"]] {
        let (fine, said) = run(&house, command).await;
        assert!(!fine && said.contains("another flightdeck process"), "the host serves: {said}");
    }

    // The host dies, and leaves what it wrote last beside the database. The copy is put in its place, and nothing else is done.
    house.kill().await;
    let log = house.dir().join("data/flightdeck.db-wal");
    assert!(std::fs::metadata(log).is_ok_and(|log| log.len() > 0), "there is something to replay");
    let (fine, said) = run(&house, &["restore", &shown]).await;
    assert!(fine, "{said}");
    assert_eq!(std::fs::read(&copy).expect("the copy"), before);
    // Where there is nothing yet, a folder is made for it that nobody else may enter.
    let other = house.dir().join("other");
    let restored = house.command().env("FLIGHTDECK_DATA_DIR", &other).args(["restore", &shown]).output().await;
    assert!(restored.expect("it runs").status.success());
    let mode = std::fs::metadata(&other).expect("a folder").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    house.start(&[]).await;
    let ended = house.until(BUYER, &path(&fresh), |answer| answer.body["state"] == "succeeded").await;
    assert!(ended.body["steps"].as_array().is_some_and(|steps| steps.len() == 2), "{:#}", ended.body);
    // Decided once more, it is found as well.
    house.approve(&undecided.text("/task_id")).await.expect(200);
    assert_eq!(house.task_closed(&undecided.text("/task_id")).await.body["status"], "completed");
    assert_eq!((house.kevel.platform().count("campaigns"), house.kevel.platform().count("flights")), (3, 3));
    house.get(BUYER, &format!("/v1/media-buys/{done}/status")).await.expect(200);
    let (fine, said) = run(&house, &["audit", "verify"]).await;
    assert!(fine, "{said}");
    // What is new is made as ever.
    house.created(json!(["entertainment"])).await;
    assert_eq!(house.kevel.platform().count("campaigns"), 4);
}

/// A client program of PostgreSQL, wherever Debian put it.
fn client(name: &str) -> Option<PathBuf> {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut places: Vec<PathBuf> = installed.map(|version| version.path().join("bin")).collect();
    places.push("/usr/bin".into());
    places.push("/usr/local/bin".into());
    places.into_iter().map(|place| place.join(name)).find(|program| program.exists())
}

#[tokio::test]
async fn a_dump_of_postgresql_starts_and_goes_on() {
    let Some(mut replicas) = Replicas::new(1, "").await else { return };
    let (Some(dump), Some(psql)) = (client("pg_dump"), client("psql")) else {
        left_out("PostgreSQL's client programs are not there: make setup installs them");
        return;
    };
    let wanted = json!({ "packages": ["front_page"], "total_budget": 1_000, "flight_start_date": today() });
    replicas.servers.server("kevel").controls.faults.add(unavailable("/v1/campaign"));
    let created = replicas.post(0, BUYER, "/v1/media-buys", wanted).await.expect(202);
    let task = format!("/v1/tasks/{}/complete", created.text("/task_id"));
    replicas.post(0, REVIEWER, &task, json!({ "resolution": "approved" })).await.expect(200);
    let path = format!("/v1/operations/{}", created.text("/operation_id"));
    replicas.until(0, BUYER, &path, |answer| answer.body["attempts"].as_u64() > Some(1)).await;
    let file = replicas.servers.house.dir().join("dump.sql");
    let dumped = Command::new(dump).args([&replicas.database_url, "-f"]).arg(&file).output().await.expect("it runs");
    assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));

    // It goes on, and then its database is lost.
    replicas.servers.server("kevel").controls.faults.clear();
    replicas.until(0, BUYER, &path, |answer| answer.body["state"] == "succeeded").await;
    replicas.kill(0).await;
    replicas.database_url = postgres::database().await.expect("another database");
    let quiet = ["-q", "-v", "ON_ERROR_STOP=1", "-f"];
    let loaded = Command::new(psql).arg(&replicas.database_url).args(quiet).arg(&file).output().await.expect("it runs");
    assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));
    let marked = replicas.command().arg("restored").output().await.expect("it runs");
    assert!(marked.status.success(), "{}", String::from_utf8_lossy(&marked.stderr));
    replicas.start(0).await;
    replicas.until(0, BUYER, &path, |answer| answer.body["state"] == "succeeded").await;
    assert_eq!(replicas.servers.server("kevel").counts(), (1, 1));
    let refused = replicas.command().args(["backup", "/nowhere"]).output().await.expect("it runs");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("pg_dump"));
    let refused = replicas.command().args(["restore", "/nowhere"]).output().await.expect("it runs");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("flightdeck restored"));
    let verified = replicas.command().args(["audit", "verify"]).output().await.expect("it runs");
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}
