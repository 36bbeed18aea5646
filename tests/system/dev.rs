//! `flightdeck adapter dev`: builds an adapter, serves it, and swaps it whenever a file is saved.

use std::{path::Path, process::Stdio};

use flightdeck::domain::digest;
use flightdeck_test_support::guest;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::house::{PATIENCE, today};

const CHECK: &str = r#"
advertiser_id = "7"
[dev]
build = "test ! -e broken && cp source.bin acme.wasm"
component = "acme.wasm"
[platform]
read_requests = ["POST /report/*"]
settings = { behaviour = "good" }
"#;

/// The running command.
struct Loop {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    said: Vec<String>,
}

impl Loop {
    fn start(dir: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flightdeck"));
        command.args(["adapter", "dev"]).arg(dir).args(["--against", "http://127.0.0.1:9", "--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        Self { child, lines, said: Vec::new() }
    }

    /// Reads on until a line has these words.
    async fn until(&mut self, words: &str) -> String {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
            match next {
                Ok(Ok(Some(line))) => {
                    self.said.push(line.clone());
                    if line.contains(words) {
                        return line;
                    }
                }
                _ => panic!("it never says {words:?}: {:#?}", self.said),
            }
        }
    }
}

async fn plan(url: &str) -> String {
    let request = json!({ "packages": ["test"], "total_budget": 100, "flight_start_date": today(), "dry_run": true });
    let asked = reqwest::Client::new().post(format!("{url}/v1/media-buys")).bearer_auth("dev-buyer").json(&request);
    let answer: Value = asked.send().await.expect("an answer").json().await.expect("JSON");
    answer["plan"][0]["adapter_release"].as_str().unwrap_or_else(|| panic!("{answer:#}")).to_owned()
}

#[tokio::test]
async fn a_saved_adapter_is_built_and_swapped_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let save = |bytes: &[u8]| std::fs::write(folder.path().join("source.bin"), bytes).expect("it is saved");
    std::fs::write(folder.path().join("check.toml"), CHECK).expect("it is written");
    std::fs::write(folder.path().join("broken"), "").expect("it is written");
    let (first, second) = (guest::release("first", false), guest::release("second", false));
    save(&first);
    let mut work = Loop::start(folder.path());
    work.until("the build failed").await;
    work.until("waiting for a change").await;
    std::fs::remove_file(folder.path().join("broken")).expect("it is removed");
    let line = work.until("serving on http://").await;
    let url = line.split_whitespace().find(|word| word.starts_with("http")).expect("an address").trim_end_matches('.');
    assert_eq!(plan(url).await, digest::sha256(&first));
    let shown = work.until("== plan by").await;
    assert!(shown.contains(&digest::sha256(&first)[..8]) && shown.ends_with(": ok"), "{shown}");

    save(&second);
    work.until("serving: another release serves test").await;
    assert_eq!(plan(url).await, digest::sha256(&second));
    // What was left before serves again if it is saved again.
    save(&first);
    work.until("serving: another release serves test").await;
    assert_eq!(plan(url).await, digest::sha256(&first));
    save(b"no component");
    work.until("the adapter before it serves on").await;
    std::fs::write(folder.path().join("broken"), "").expect("it is written");
    work.until("the build failed").await;
    work.until("the adapter before it serves on").await;
    assert_eq!(plan(url).await, digest::sha256(&first));

    let process = rustix::process::Pid::from_raw(i32::try_from(work.child.id().expect("it runs")).expect("a pid"));
    rustix::process::kill_process(process.expect("a pid"), rustix::process::Signal::INT).expect("it is told to stop");
    let ended = tokio::time::timeout(PATIENCE, work.child.wait()).await.expect("it ends").expect("it ends");
    assert!(ended.success(), "{ended}: {:#?}", work.said);
    assert!(!folder.path().join(".flightdeck-dev.toml").exists(), "it leaves nothing behind");
}

#[tokio::test]
async fn what_is_missing_in_the_project_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = async || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flightdeck"));
        let ran = command.args(["adapter", "dev"]).arg(folder.path()).output().await.expect("it runs");
        assert_eq!(ran.status.code(), Some(1));
        String::from_utf8_lossy(&ran.stderr).into_owned()
    };
    assert!(run().await.contains("check.toml"), "there is none");
    std::fs::write(folder.path().join("check.toml"), "[dev]\nbuilds = \"make\"\n").expect("it is written");
    assert!(run().await.contains("check.toml:2:1: `builds` is no key of [dev]"), "{}", run().await);
    std::fs::write(folder.path().join("check.toml"), "[dev]\nbuild = \"make\"\n").expect("it is written");
    assert!(run().await.contains("has no `component` in its section [dev]"), "{}", run().await);
}
