//! Connections: how many there may be, how long they last, and how unused ones are closed.
//!
//! Anyone who can reach the host can open connections to it without a token. So no connection is
//! kept without use, and there is always room for one that sends a request:
//!
//! | what | until |
//! |---|---|
//! | a new connection, before its first request | `header_timeout` |
//! | the head of a request, from its first byte | `header_timeout` |
//! | the body of a request, all of it | `body_timeout`; see [`super::http::frame`] |
//! | an answer that the client does not read | `body_timeout` |
//! | a connection without a request in flight | `idle_timeout`, or until its place is needed |
//! | a request in flight | it is answered: a wait or a stream is not cut off |
//!
//! - `connection`: one connection, and its deadlines. `activity`: a connection's state.
//! - `crowd`: all connections, and which one loses its place to a new one.
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

/// How long to wait before accepting again after an error; a file may be closed in the meantime.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// The operator's limits on connections.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Maximum concurrent connections.
    pub connections: usize,
    /// Maximum concurrent connections from one address.
    pub connections_per_address: usize,
    /// How long the head of a request may take.
    pub header_timeout: Duration,
    /// How long a client may leave its answer unread.
    pub stall_timeout: Duration,
    /// How long a connection is kept without a request in flight.
    pub idle_timeout: Duration,
    /// Maximum concurrent requests over one HTTP/2 connection.
    pub streams: u32,
    /// Proxies exempt from `connections_per_address`, because many clients connect through them.
    pub trusted_proxies: Vec<IpNet>,
}

/// Why the host closed a connection, as named in metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closed {
    /// No request head arrived in time.
    Header,
    /// No request was sent for too long.
    Idle,
    /// The client did not read its answer.
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

/// Serves until `stop`, then finishes the requests in flight.
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
        // Send answers at once, without waiting for earlier data to be acknowledged.
        let _ = stream.set_nodelay(true);
        served.spawn(connection::serve(stream, peer, router.clone(), limits.clone(), place, stop.clone()));
    }
    drop(listener);
    served.close();
    served.wait().await;
}

/// Accepts the next connection. Returns `None` if the host is stopping.
async fn next(listener: &TcpListener, crowd: &Crowd, stop: &CancellationToken) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = stop.run_until_cancelled(listener.accept()).await?;
        match accepted {
            Ok(accepted) => return Some(accepted),
            // The client went away before the connection was accepted.
            Err(error) if is_of_connection(&error) => {}
            Err(error) => {
                // Most probably the limit of open files is reached; displacing an idle connection
                // makes room.
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
