//! One connection, served until it ends or misses a deadline.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    http::{Request, Version},
};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::{body::Incoming, service::Service as _};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_util::sync::CancellationToken;

use super::{
    Closed, Limits,
    activity::{Activity, Answering},
    crowd::Place,
};
use crate::{metrics::CONNECTIONS, web::address::Peer};

/// Read-ahead buffer of a connection, which also limits the head of a request. Heads of several
/// hundred bytes are usual; cookies and proxies' tokens can make them several kilobytes.
const BUFFER_BYTES: usize = 64 << 10;

/// Maximum size of a request head over HTTP/2.
const HEAD_BYTES: u32 = 16 << 10;

/// How often an HTTP/2 client is pinged, and how long it may take to answer: a machine that
/// disappears during a long answer sends no notice.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a connection with nothing left to do may take to close.
const GOODBYE: Duration = Duration::from_secs(1);

/// Serves a connection.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: Arc<Limits>,
    place: Place,
    stop: CancellationToken,
) {
    let _open = Open::begin();
    let activity = Activity::new(place);
    let service = TowerToHyperService::new(router);
    let noted = activity.clone();
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        let answering = noted.request(request.version() == Version::HTTP_2);
        request.extensions_mut().insert(Peer(peer));
        let answer = service.call(request);
        async move {
            let answer = answer.await?;
            Ok::<_, Infallible>(answer.map(|body| Answered { body, _answering: answering }))
        }
    });
    let io = TokioIo::new(Noted { stream, activity: activity.clone() });
    let builder = builder(&limits);
    let mut connection = pin!(builder.serve_connection(io, service));
    // Whether the connection ends after the requests in flight.
    let mut ending = false;
    let mut displaced = false;
    loop {
        let deadline = activity.deadline(&limits);
        let too_late = async {
            match deadline {
                Some((at, closed)) => {
                    tokio::time::sleep_until(at.into()).await;
                    closed
                }
                None => std::future::pending().await,
            }
        };
        let closed = tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::trace!(%peer, %error, "a connection broke");
                }
                return;
            }
            () = stop.cancelled(), if !ending => {
                ending = true;
                connection.as_mut().graceful_shutdown();
                continue;
            }
            () = activity.changed() => continue,
            () = activity.displaced(), if !displaced => {
                displaced = true;
                Closed::Displaced
            }
            closed = too_late => closed,
        };
        // The client may have acted at the same moment. Requests in flight are finished.
        let on_time = activity.deadline(&limits).is_none_or(|(at, _)| at > Instant::now());
        if on_time && closed != Closed::Displaced {
            continue;
        }
        if closed == Closed::Displaced && activity.is_answering() {
            ending = true;
            connection.as_mut().graceful_shutdown();
            continue;
        }
        closed.count();
        if closed == Closed::Idle {
            // A client about to send a request learns that it must use another connection.
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(GOODBYE, connection).await;
        }
        return;
    }
}

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // Heads are timed by [`Activity`] for every protocol version, even before the version is known.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(BUFFER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(HEAD_BYTES)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

/// Counts a connection while it is open.
struct Open;

impl Open {
    fn begin() -> Self {
        metrics::gauge!(CONNECTIONS).increment(1.0);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        metrics::gauge!(CONNECTIONS).decrement(1.0);
    }
}

/// An answer's body. Its request counts as in flight until this is dropped.
struct Answered {
    body: Body,
    _answering: Answering,
}

impl http_body::Body for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream whose reads and writes are recorded.
struct Noted {
    stream: TcpStream,
    activity: Arc<Activity>,
}

impl Noted {
    fn wrote<T>(&self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.activity.wrote(written.is_ready());
        written
    }
}

impl AsyncRead for Noted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.activity.read();
        }
        read
    }
}

impl AsyncWrite for Noted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
