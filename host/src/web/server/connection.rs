//! One connection: served until it ends, or has taken too long over something.

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

/// How large the head of a request may be, and how much of a connection is read ahead. Heads of hundreds of bytes are usual, cookies and
/// tokens of proxies make some kilobytes of them.
const BUFFER_BYTES: usize = 64 << 10;

/// The largest head of a request over HTTP/2.
const HEAD_BYTES: u32 = 16 << 10;

/// How often the other end of a connection of HTTP/2 is asked whether it is still there, and how long it may take to answer: a machine
/// that went away in the middle of a long answer says nothing.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a connection that has nothing more to do may take to say goodbye.
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
    // Whether it ends with what is being answered.
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
        // It may have gone on at the same moment. What is being answered is answered.
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
            // Whoever is about to ask is told that it must be over another connection.
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(GOODBYE, connection).await;
        }
        return;
    }
}

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // Heads are timed here, whatever is spoken, from before that is known.
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

/// Counts a connection for as long as it is open.
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

/// The body of an answer. The request is answered when it is gone.
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

/// A stream whose comings and goings are noted.
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
