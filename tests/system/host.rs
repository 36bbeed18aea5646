//! A process of the real binary, and what may befall it.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::house::PATIENCE;

/// A host that serves.
pub(crate) struct Host {
    child: Child,
    /// Where it serves.
    pub(crate) url: String,
    log: PathBuf,
    logging: tokio::task::JoinHandle<()>,
}

impl Host {
    /// Starts `serve` of a command, and waits until it serves. Its log is written to a file, from the beginning.
    pub(crate) async fn start(mut command: Command, log: &Path) -> Self {
        let mut child = command
            .arg("serve")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the host starts");
        let stderr = child.stderr.take().expect("the host's log");
        let (address, mut found) = tokio::sync::mpsc::channel(1);
        let mut log_file = std::fs::File::create(log).expect("a log");
        let logging = tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(at) = line.split("serving address=").nth(1) {
                    let _ = address.send(at.trim().to_owned()).await;
                }
                let _ = writeln!(log_file, "{line}");
            }
        });
        let address = tokio::time::timeout(PATIENCE, found.recv()).await.ok().flatten();
        let Some(address) = address else {
            panic!("the host did not serve:\n{}", std::fs::read_to_string(log).unwrap_or_default());
        };
        Self { child, url: format!("http://{address}"), log: log.to_owned(), logging }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Sends it a signal, as `kill -NAME` does.
    pub(crate) async fn signal(&self, name: &str) {
        let pid = self.child.id().expect("the host has a pid").to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().await.expect("kill runs").success());
    }

    /// Stops it as an operator would.
    pub(crate) async fn stop(self) {
        self.signal("TERM").await;
        let log = self.log.clone();
        let status = self.ended().await;
        assert!(
            status.success(),
            "the host ended with {status}:\n{}",
            std::fs::read_to_string(log).unwrap_or_default()
        );
    }

    /// Kills it without a word.
    pub(crate) async fn kill(mut self) {
        self.child.start_kill().expect("the host is killed");
        self.ended().await;
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(mut self) -> ExitStatus {
        let status =
            tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("the host ends").expect("it is waited for");
        let _ = self.logging.await;
        status
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}
