//! A proxy between a client and a database that can cut the connection: abruptly, without notice,
//! in the middle of a commit.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpSocket, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinSet,
};

/// The moment at which a connection is cut around a `COMMIT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Before the `COMMIT` reaches the server.
    Before,
    /// After the server has committed, but before its response arrives.
    After,
    /// Before the `COMMIT` reaches the server, where it still arrives after this delay.
    Late(Duration),
}

/// What happens to the traffic on a cable.
#[derive(Debug, Default)]
struct Faults {
    /// The cut of the next commit.
    commit: Mutex<Option<(&'static str, Cut)>>,
    /// Connections that were opened before this counter rose hang forever without any traffic.
    silences: AtomicUsize,
}

impl Faults {
    fn commit(&self) -> MutexGuard<'_, Option<(&'static str, Cut)>> {
        self.commit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether these bytes contain the words after which the next commit is cut.
    fn are_in(&self, bytes: &[u8]) -> bool {
        self.commit().is_some_and(|(words, _)| contains(bytes, words))
    }
}

fn contains(bytes: &[u8], words: &str) -> bool {
    words.is_empty() || bytes.windows(words.len()).any(|window| window == words.as_bytes())
}

/// A connection to the database, which is cut when this is dropped.
#[derive(Debug)]
pub struct Cable {
    /// The URL of the database through the cable.
    pub url: String,
    /// The address on which the cable listens.
    pub address: SocketAddr,
    faults: Arc<Faults>,
    calls: tokio::task::JoinHandle<()>,
}

impl Cable {
    /// Opens a cable to the server of a database.
    ///
    /// # Panics
    /// When it can't listen.
    #[must_use]
    pub fn to(url: &str) -> Self {
        Self::between(SocketAddr::from(([127, 0, 0, 1], 0)), url)
    }

    /// Opens a cable from an address to the server of a database.
    ///
    /// # Panics
    /// When it can't listen on the address.
    #[must_use]
    pub fn between(address: SocketAddr, url: &str) -> Self {
        let Some(server) = url.split('@').nth(1).and_then(|rest| rest.split('/').next()).map(str::to_owned) else {
            panic!("{url} names no server");
        };
        let (listener, address) = match listen(address) {
            Ok(listening) => listening,
            Err(error) => panic!("nothing listens on {address}: {error}"),
        };
        let url = url.replace(&server, &address.to_string());
        let faults = Arc::new(Faults::default());
        let of_calls = faults.clone();
        let calls = tokio::spawn(async move {
            // They end with this task.
            let mut calls = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(&server).await else { continue };
                calls.spawn(carry(near, far, of_calls.clone()));
            }
        });
        Self { url, address, faults, calls }
    }

    /// Cuts the next connection that commits after it has sent these words, which are part of what
    /// it binds to a statement.
    pub fn cut_at_commit(&self, words: &'static str, cut: Cut) {
        *self.faults.commit() = Some((words, cut));
    }

    /// Stops all traffic on the open connections, without notice to either side.
    pub fn silence(&self) {
        self.faults.silences.fetch_add(1, Ordering::SeqCst);
    }

    /// Cuts the cable. Waiting clients notice.
    pub async fn cut(mut self) {
        self.calls.abort();
        let _ = (&mut self.calls).await;
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.calls.abort();
    }
}

fn listen(address: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let socket = TcpSocket::new_v4()?;
    // The same address is bound again right after the cut.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(64)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Carries one connection until it ends or is cut.
async fn carry(near: TcpStream, far: TcpStream, faults: Arc<Faults>) {
    let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
    let began = faults.silences.load(Ordering::SeqCst);
    let (silent, unheard) = (|| faults.silences.load(Ordering::SeqCst) > began, AtomicBool::new(false));
    tokio::select! {
        () = ask(from_near, to_far, &faults, &silent, &unheard) => {}
        () = answer(from_far, to_near, &silent, &unheard) => {}
    }
}

async fn ask(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    faults: &Faults,
    silent: &impl Fn() -> bool,
    unheard: &AtomicBool,
) {
    let (mut buffer, mut said) = (vec![0; 64 << 10], false);
    while let Ok(size @ 1..) = from.read(&mut buffer).await {
        let sent = &buffer[..size];
        said |= faults.are_in(sent);
        let cut = if said && contains(sent, "COMMIT") { faults.commit().take() } else { None };
        match cut {
            Some((_, Cut::Before)) => return,
            Some((_, Cut::After)) => unheard.store(true, Ordering::SeqCst),
            Some((_, Cut::Late(time))) => {
                let sent = sent.to_vec();
                tokio::spawn(async move {
                    tokio::time::sleep(time).await;
                    // Nobody learns whether it arrives.
                    let _ = to.write_all(&sent).await;
                });
                return;
            }
            None => {}
        }
        if !silent() && to.write_all(sent).await.is_err() {
            return;
        }
    }
}

async fn answer(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, silent: &impl Fn() -> bool, unheard: &AtomicBool) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(size @ 1..) = from.read(&mut buffer).await {
        if unheard.load(Ordering::SeqCst) || !silent() && to.write_all(&buffer[..size]).await.is_err() {
            return;
        }
    }
}
