//! A small HTTP proxy between the sandbox and the ad server. It numbers requests, and makes one of
//! them fail in a way that the kit chooses.

use std::{
    convert::Infallible,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, sync::Notify};
use tokio_util::task::AbortOnDropHandle;

use crate::network::base_url::BaseUrl;

/// Headers of one connection, which are not passed on, and those that are made anew.
const OWN: [HeaderName; 7] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
];

/// How a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The host dies before the request is sent.
    KilledBefore,
    /// The host dies after the ad server has acted and before its answer arrives.
    KilledAfter,
    /// The ad server acts, and its answer is lost.
    Dropped,
    /// The ad server does not act, and answers with this status.
    Answered(u16),
    /// The ad server acts, and its answer has no body.
    EmptyBody,
    /// The ad server acts, and its answer comes after this time.
    Delayed(Duration),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::KilledBefore => f.write_str("the host was killed before it was sent"),
            Self::KilledAfter => f.write_str("the host was killed after the ad server had acted"),
            Self::Dropped => f.write_str("the ad server acted and its answer was lost"),
            Self::Answered(302) => f.write_str("it was answered 302, a redirect to a login page"),
            Self::Answered(status) => write!(f, "it was answered {status}"),
            Self::EmptyBody => f.write_str("the ad server acted and answered without a body"),
            Self::Delayed(_) => f.write_str("its answer came too late"),
        }
    }
}

/// A request that has come.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) path: String,
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

#[derive(Debug, Default)]
struct Inner {
    seen: Vec<Seen>,
    /// The number of a request, from 0, and what becomes of it.
    fault: Option<(usize, Fault)>,
    /// Wakes whoever waits for the host's death.
    killed: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    /// Scheme and authority of the ad server.
    origin: String,
    /// Scheme and authority of the proxy.
    own: String,
    client: reqwest::Client,
    inner: Mutex<Inner>,
}

/// A proxy that listens until it is dropped.
#[derive(Debug)]
pub(super) struct Proxy {
    /// Its address, with the path of the ad server's.
    pub(super) url: BaseUrl,
    state: Arc<State>,
    _serving: AbortOnDropHandle<()>,
}

impl Proxy {
    /// Starts a proxy in front of an ad server.
    ///
    /// # Errors
    /// When no port is free.
    pub(super) async fn before(ad_server: &BaseUrl) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let path = ad_server.url().path().trim_end_matches('/');
        let own = format!("http://{}", listener.local_addr()?);
        let url = format!("{own}{path}").parse().map_err(io::Error::other)?;
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let state = Arc::new(State {
            origin: format!("{}://{}", ad_server.url().scheme(), ad_server.authority()),
            own,
            client: client.build().map_err(io::Error::other)?,
            inner: Mutex::default(),
        });
        let serving = tokio::spawn(serve(listener, Arc::clone(&state)));
        Ok(Self { url, state, _serving: AbortOnDropHandle::new(serving) })
    }

    /// Begins to count requests anew, and lets one of them fail.
    pub(super) fn arm(&self, fault: Option<(usize, Fault)>) {
        *self.state.inner() = Inner { fault, ..Inner::default() };
    }

    /// Returns the requests since [`Proxy::arm`].
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.state.inner().seen.clone()
    }

    /// Waits until a request comes at which the host dies.
    pub(super) async fn killed(&self) {
        let killed = Arc::clone(&self.state.inner().killed);
        killed.notified().await;
    }
}

impl State {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a request, and returns what becomes of it.
    fn note(&self, request: &Request<Incoming>) -> Option<Fault> {
        let mut inner = self.inner();
        let number = inner.seen.len();
        inner.seen.push(Seen { method: request.method().to_string(), path: request.uri().path().to_owned() });
        inner.fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault)
    }

    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
        let fault = self.note(&request);
        match fault {
            Some(Fault::KilledBefore) => {
                self.inner().killed.notify_one();
                std::future::pending::<Infallible>().await;
            }
            Some(Fault::Answered(status)) => {
                // The whole request is read, as a server does.
                drop(request.into_body().collect().await);
                return instead(status);
            }
            _ => {}
        }
        let answer = self.pass_on(request).await?;
        match fault {
            Some(Fault::KilledAfter) => {
                self.inner().killed.notify_one();
                std::future::pending::<Infallible>().await;
            }
            // An error closes the connection.
            Some(Fault::Dropped) => return Err(io::ErrorKind::ConnectionReset.into()),
            Some(Fault::Delayed(time)) => tokio::time::sleep(time).await,
            Some(Fault::EmptyBody) => return Ok(answer.map(|_| Full::default())),
            _ => {}
        }
        Ok(answer)
    }

    /// Makes links to the ad server, such as that of a report, lead through the proxy: the adapter may
    /// reach nothing else.
    fn with_own_links(&self, body: Bytes) -> Bytes {
        match std::str::from_utf8(&body) {
            Ok(text) if text.contains(&self.origin) => text.replace(&self.origin, &self.own).into(),
            _ => body,
        }
    }

    async fn pass_on(&self, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let sent = self.client.request(parts.method, format!("{}{path}", self.origin));
        let mut sent = sent.headers(passed_on(parts.headers));
        if !body.is_empty() {
            sent = sent.body(body);
        }
        let answer = sent.send().await.map_err(io::Error::other)?;
        let (status, headers) = (answer.status(), passed_on(answer.headers().clone()));
        let body = self.with_own_links(answer.bytes().await.map_err(io::Error::other)?);
        let mut answer = Response::new(Full::new(body));
        (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
        Ok(answer)
    }
}

fn passed_on(mut headers: HeaderMap) -> HeaderMap {
    for name in OWN {
        headers.remove(name);
    }
    headers
}

/// An answer in place of the ad server's.
fn instead(status: u16) -> io::Result<Response<Full<Bytes>>> {
    let status = StatusCode::from_u16(status).map_err(io::Error::other)?;
    let page = format!("<html><body><h1>{}</h1></body></html>", status.canonical_reason().unwrap_or("Error"));
    let answer = Response::builder().status(status).header(header::CONTENT_TYPE, "text/html");
    let answer = match status.as_u16() {
        302 => answer.header(header::LOCATION, "https://login.example/"),
        429 => answer.header(header::RETRY_AFTER, "1"),
        _ => answer,
    };
    answer.body(Full::new(Bytes::from(page))).map_err(io::Error::other)
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let state = Arc::clone(&state);
                async move { state.answer(request).await }
            });
            // A connection that breaks is what the kit wants of it, or is seen by its client.
            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
        while connections.try_join_next().is_some() {}
    }
}
