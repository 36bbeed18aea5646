//! A disk without room.

use std::path::{Path, PathBuf};

use flightdeck_test_support::{left_out, postgres};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use tokio::process::Command;

use crate::{
    house::{Answer, BUYER, House, REVIEWER, today},
    replicas::Replicas,
};

/// A request for one package.
fn request(package: &str) -> serde_json::Value {
    json!({ "packages": [package], "total_budget": 1_000, "flight_start_date": today() })
}

/// How many buys an answer lists.
fn buys(answer: &Answer) -> Option<usize> {
    answer.body["media_buys"].as_array().map(Vec::len)
}

/// A small disk of its own; it is taken away with the test.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where one may not have one: only root may, and not in every container.
    async fn new(at: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir(at).expect("its place");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(at).output().await;
        if !mounted.is_ok_and(|mounted| mounted.status.success()) {
            left_out("a small disk is not to be had: that takes root, and a machine that lets it mount -t tmpfs");
            return None;
        }
        Some(Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn on_sqlite_it_is_told_as_such_what_is_there_is_readable_and_with_room_it_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(disk) = SmallDisk::new(&folder.path().join("disk"), "4m").await else { return };
    let store = format!("[store]\nurl = \"sqlite://{}\"\n", disk.0.join("flightdeck.db").display());
    let mut house = House::empty(&store).await;
    house.start(&[]).await;
    let waiting = house.post(BUYER, "/v1/media-buys", request("news")).await.expect(202);
    // Whatever room is left is taken.
    let ballast = disk.0.join("ballast");
    let mut file = std::fs::File::create(&ballast).expect("a file");
    let mut size = 64 << 10;
    while size >= 512 {
        if std::io::Write::write_all(&mut file, &vec![7u8; size]).is_err() {
            size /= 2;
        }
    }
    // The log beside the database has some room of its own, that is used up first.
    let mut refused = None;
    for _ in 0..400 {
        let answer = house.post(BUYER, "/v1/media-buys", request("news")).await;
        if answer.status == 503 {
            refused = Some(answer);
            break;
        }
        answer.expect(202);
    }
    let refused = refused.expect("the disk is full some time");
    assert_eq!(refused.error_code().as_deref(), Some("STORAGE_UNAVAILABLE"), "{:#}", refused.body);
    let before = house.get(BUYER, "/v1/media-buys?limit=200").await.expect(200);
    house.get(REVIEWER, &format!("/v1/tasks/{}", waiting.text("/task_id"))).await.expect(200);
    // Readers are served on.
    house.get("", "/readyz").await.expect(200);
    assert!(house.runs());
    assert!(house.log().contains("the disk is full"), "{}", house.log());

    drop(file);
    std::fs::remove_file(&ballast).expect("room is made");
    house.approve(&waiting.text("/task_id")).await.expect(200);
    assert_eq!(house.task_closed(&waiting.text("/task_id")).await.body["status"], "completed");
    let after = house.get(BUYER, "/v1/media-buys?limit=200").await.expect(200);
    assert_eq!(buys(&after), buys(&before), "what was refused is not there");
    house.stop().await;
}

#[tokio::test]
async fn on_postgresql_it_is_told_as_such_what_is_there_is_readable_and_with_room_it_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(disk) = SmallDisk::new(&folder.path().join("disk"), "32m").await else { return };
    let Some(database) = postgres::ConfinedDatabase::new(&disk.0).await else { return };
    let replicas = Replicas::on(database.url.clone(), 2, "").await;
    for index in 0..2 {
        replicas.start(index).await;
    }
    let waiting = replicas.post(0, BUYER, "/v1/media-buys", request("front_page")).await.expect(202);
    // Whatever room is left is taken.
    let mut beside = PgConnection::connect(&database.url).await.expect("the database");
    sqlx::query("CREATE TABLE ballast (content TEXT)").execute(&mut beside).await.expect("a table");
    let more = "INSERT INTO ballast SELECT repeat('7', 1000) FROM generate_series(1, 50)";
    let full = loop {
        if let Err(error) = sqlx::query(more).execute(&mut beside).await {
            break error;
        }
    };
    assert_eq!(full.as_database_error().and_then(|error| error.code()).as_deref(), Some("53100"), "{full}");
    // Pages that are there have some room of their own, that is used up first.
    let mut refused = None;
    for round in 0..400 {
        let answer = replicas.post(round % 2, BUYER, "/v1/media-buys", request("front_page")).await;
        if answer.status == 503 {
            refused = Some(answer);
            break;
        }
        answer.expect(202);
    }
    let refused = refused.expect("the disk is full some time");
    assert_eq!(refused.error_code().as_deref(), Some("STORAGE_UNAVAILABLE"), "{:#}", refused.body);
    let before = replicas.get(0, BUYER, "/v1/media-buys?limit=200").await.expect(200);
    let task = format!("/v1/tasks/{}", waiting.text("/task_id"));
    replicas.get(1, REVIEWER, &task).await.expect(200);
    replicas.get(1, "", "/readyz").await.expect(200);
    let logs = format!("{}{}", replicas.log(0), replicas.log(1));
    assert!(logs.contains("the disk is full"), "{logs}");

    sqlx::query("DROP TABLE ballast").execute(&mut beside).await.expect("room is made");
    let approve = format!("{task}/complete");
    replicas.post(1, REVIEWER, &approve, json!({ "resolution": "approved" })).await.expect(200);
    let operation = format!("/v1/operations/{}", waiting.text("/operation_id"));
    replicas.until(0, BUYER, &operation, |answer| answer.body["state"] == "succeeded").await;
    let after = replicas.get(0, BUYER, "/v1/media-buys?limit=200").await.expect(200);
    assert_eq!(buys(&after), buys(&before), "what was refused is not there");
    for index in 0..2 {
        replicas.stop(index).await;
    }
}
