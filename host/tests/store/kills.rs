//! What SQLite has acknowledged survives the death of its process.

use std::{
    io::{BufRead, BufReader, Write as _},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use super::{
    fixtures::{Store, accept, stored_buy},
    sqlite::{open, open_when_free},
};

/// Where the child of the next test finds its database.
const CHILD: &str = "FLIGHTDECK_TEST_STORE_OF_CHILD";

#[test]
#[ignore = "is the process that `what_was_acknowledged_survives_kill_9` kills"]
fn child_that_writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store: Store = open(path.into()).await.unwrap();
        let writers = (0..8).map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for index in 0.. {
                    let id = format!("b{writer}-{index}");
                    accept(&store, &id).await;
                    // Past the test harness, which would keep what is printed.
                    writeln!(std::io::stdout(), "acknowledged {id}").unwrap();
                }
            })
        });
        futures::future::join_all(writers).await;
    });
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["store::kills::child_that_writes_until_it_is_killed", "--exact", "--ignored", "--nocapture"])
        .env(CHILD, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let is_id = |line: String| line.strip_prefix("acknowledged ").map(str::to_owned);
    let mut acknowledged: Vec<String> = lines.by_ref().filter_map(is_id).take(200).collect();
    child.kill().unwrap();
    acknowledged.extend(lines.filter_map(is_id));
    child.wait().unwrap();
    assert!(acknowledged.len() >= 200);

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // The dead process's lock died with it.
        let store: Store = open(path).await.unwrap();
        for id in acknowledged {
            stored_buy(&store, &id).await;
            assert!(store.creation(&id.as_str().into()).await.unwrap().is_some());
        }
    });
}

#[tokio::test]
async fn a_store_that_is_dropped_without_closing_keeps_everything_and_lets_go() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let store: Store = open(path.clone()).await.unwrap();
    accept(&store, "b1").await;
    drop(store);
    let again: Store = open_when_free(path).await;
    stored_buy(&again, "b1").await;
}
