//! Connections: who may have one, for how long, and what becomes of those that nobody uses.
//!
//! Whoever can reach the host can open connections to it, without a token. So none of them is kept for nothing, and there is always room
//! for one that asks something:
//!
//! | what | until |
//! |---|---|
//! | a new connection, until its first request is there | `header_timeout` |
//! | the head of a request, from its first byte | `header_timeout` |
//! | the body of a request, all of it | `body_timeout`; see [`super::http::frame`] |
//! | an answer of which the client takes nothing | `body_timeout` |
//! | a connection on which nothing is asked | `idle_timeout`, or until its place is needed |
//! | a request that is being answered | it is answered: a wait or a stream is not cut off |
//!
//! - `connection`: one connection, and when it has taken too long. `activity`: what is known of it.
//! - `crowd`: all of them, and whose place another one gets.
//! - [`files`]: how many files the process may have open.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::crowd::Crowd;
use super::address;
use crate::{app::authentication::login_limits::network_of, metrics::CONNECTIONS_CLOSED};

mod activity;
mod connection;
mod crowd;
pub mod files;

/// How long to wait before the next connection is accepted, if none can be: somebody closes a file meanwhile.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// What the operator decides about connections.
#[derive(Debug, Clone)]
pub struct Limits {
    /// At a time.
    pub connections: usize,
    /// At a time from one address.
    pub connections_per_address: usize,
    /// How long the head of a request may take.
    pub header_timeout: Duration,
    /// How long a client may take nothing of its answer.
    pub stall_timeout: Duration,
    /// How long a connection is kept on which nothing is asked.
    pub idle_timeout: Duration,
    /// Requests at a time over one connection of HTTP/2.
    pub streams: u32,
    /// Who may have as many connections as there are, because many speak through them.
    pub trusted_proxies: Vec<IpNet>,
}

/// Why a connection was closed by the host, as metrics call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closed {
    /// No head of a request came in time.
    Header,
    /// Nothing was asked for long.
    Idle,
    /// The client took nothing of its answer.
    Stalled,
    /// Its place was needed.
    Displaced,
    /// There was no place for it.
    Refused,
}

impl Closed {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Header => "header_timeout",
            Self::Idle => "idle",
            Self::Stalled => "stalled",
            Self::Displaced => "displaced",
            Self::Refused => "refused",
        }
    }

    fn count(self) {
        metrics::counter!(CONNECTIONS_CLOSED, "reason" => self.as_str()).increment(1);
    }
}

/// Serves until `stop`, then until what is being answered is answered.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: CancellationToken) {
    let limits = Arc::new(limits);
    let crowd = Crowd::new(limits.connections, limits.connections_per_address);
    let served = TaskTracker::new();
    while let Some((stream, peer)) = next(&listener, &crowd, &stop).await {
        let proxy = address::is_one_of(&limits.trusted_proxies, peer.ip());
        let Some(place) = crowd.enter((!proxy).then(|| network_of(peer.ip()))) else {
            Closed::Refused.count();
            continue;
        };
        // An answer is written at once, and not kept back until the last one was received.
        let _ = stream.set_nodelay(true);
        served.spawn(connection::serve(stream, peer, router.clone(), limits.clone(), place, stop.clone()));
    }
    drop(listener);
    served.close();
    served.wait().await;
}

/// The next connection; `None`: the host stops.
async fn next(listener: &TcpListener, crowd: &Crowd, stop: &CancellationToken) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = stop.run_until_cancelled(listener.accept()).await?;
        match accepted {
            Ok(accepted) => return Some(accepted),
            // Its other end went away before it was accepted.
            Err(error) if is_of_connection(&error) => {}
            Err(error) => {
                // Most probably there are no more files to open: what nobody uses makes room.
                let displaced = crowd.displace();
                tracing::error!(%error, displaced, "no connection can be accepted; see max_connections and the limit of open files");
                stop.run_until_cancelled(tokio::time::sleep(AFTER_ERROR)).await?;
            }
        }
    }
}

fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
