//! A proxy between a host and what it needs, which can be told to fail: a cut cable, a wall, a network that hangs.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// What it does to connections, also to those that are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It passes everything on.
    Pass,
    /// It closes what is open and what comes.
    Cut,
    /// It takes everything and passes nothing on, either way. What was held up is lost: when this ends, connections are closed.
    Hang,
}

/// The proxy; it ends with the test.
pub(crate) struct Proxy {
    /// `127.0.0.1` and its port.
    pub(crate) address: String,
    mode: Arc<watch::Sender<Mode>>,
}

impl Proxy {
    /// Before a server at `host:port`.
    pub(crate) async fn before(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let mode = Arc::new(watch::Sender::new(Mode::Pass));
        let (target, changes) = (target.to_owned(), mode.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, target.clone(), changes.subscribe()));
            }
        });
        Self { address, mode }
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

async fn carry(mut client: TcpStream, target: String, mut mode: watch::Receiver<Mode>) {
    let first = *mode.borrow_and_update();
    if first == Mode::Cut {
        return;
    }
    if first == Mode::Hang {
        let _ = mode.wait_for(|mode| *mode != Mode::Hang).await;
        return;
    }
    let Ok(mut server) = TcpStream::connect(&target).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut up, mut down) = (vec![0u8; 16 << 10], vec![0u8; 16 << 10]);
    loop {
        tokio::select! {
            biased;
            changed = mode.changed() => {
                if changed.is_err() {
                    return;
                }
                let now = *mode.borrow_and_update();
                match now {
                    Mode::Pass => {}
                    Mode::Cut => return,
                    Mode::Hang => {
                        let _ = mode.wait_for(|mode| *mode != Mode::Hang).await;
                        return;
                    }
                }
            }
            read = client.read(&mut up) => match read {
                Ok(count) if count > 0 => if server.write_all(&up[..count]).await.is_err() { return },
                _ => return,
            },
            read = server.read(&mut down) => match read {
                Ok(count) if count > 0 => if client.write_all(&down[..count]).await.is_err() { return },
                _ => return,
            },
        }
    }
}
