//! Starts an emulator, waits until it can be reached, and stops it at the end.

use std::{process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
    sync::mpsc,
};

use crate::network::base_url::BaseUrl;

/// How long an emulator may take to start.
const START: Duration = Duration::from_secs(60);

/// How long it may take to stop by itself.
const STOP: Duration = Duration::from_secs(5);

/// Why an emulator can't be used.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// The command could not be started.
    #[error("`{command}` can't be started: {source}")]
    Start {
        /// The command.
        command: String,
        /// The error of the system.
        source: std::io::Error,
    },
    /// It ended before it could be reached.
    #[error(
        "`{0}` has ended before it printed an address like http://127.0.0.1:9101, or could be reached at --against"
    )]
    Ended(String),
    /// It could not be reached in time.
    #[error("`{0}` printed no address like http://127.0.0.1:9101 within a minute, and can't be reached at --against")]
    Silent(String),
}

/// A running emulator. It is killed when it is dropped.
#[derive(Debug)]
pub struct Emulator {
    child: Child,
    /// The address at which it serves.
    pub url: BaseUrl,
}

impl Emulator {
    /// Starts a command, through the shell, and waits until it prints an address or can be reached
    /// at the given one.
    ///
    /// # Errors
    /// When it does neither.
    pub async fn start(command: &str, against: Option<&BaseUrl>) -> Result<Self, EmulatorError> {
        // `exec`, so that the process that is stopped is the emulator itself and not the shell.
        let mut child = Command::new("sh")
            .args(["-c", &format!("exec {command}")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| EmulatorError::Start { command: command.to_owned(), source })?;
        let (found, mut addresses) = mpsc::unbounded_channel();
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(read(stdout, found.clone()));
        }
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(read(stderr, found));
        }
        let reached = async {
            match against {
                Some(url) => reachable(url).await,
                None => std::future::pending().await,
            }
        };
        let url = tokio::select! {
            Some(printed) = addresses.recv() => against.cloned().unwrap_or(printed),
            url = reached => url,
            _ = child.wait() => return Err(EmulatorError::Ended(command.to_owned())),
            () = tokio::time::sleep(START) => return Err(EmulatorError::Silent(command.to_owned())),
        };
        Ok(Self { child, url })
    }

    /// Stops it: first politely, then not.
    pub async fn stop(mut self) {
        if let Some(process) =
            self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw)
        {
            // It may have ended by itself.
            let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
        }
        if tokio::time::timeout(STOP, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

/// Reads everything that is printed, so that the pipe never fills up, and passes addresses on.
async fn read(printed: impl AsyncRead + Unpin, found: mpsc::UnboundedSender<BaseUrl>) {
    let mut lines = BufReader::new(printed).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let words = line.split_whitespace().map(|word| word.trim_matches(['"', '\'', ',', '.', '(', ')']));
        let address = words.filter(|word| word.starts_with("http")).find_map(|word| word.parse().ok());
        if let Some(address) = address {
            // Nobody listens any more once the first is known.
            let _ = found.send(address);
        }
    }
}

/// Waits until something listens at an address.
async fn reachable(url: &BaseUrl) -> BaseUrl {
    let port = url.url().port_or_known_default().unwrap_or(80);
    let host = url.url().host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    while tokio::net::TcpStream::connect((host.as_str(), port)).await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    url.clone()
}
