//! Shows the requests of calls to whoever develops an adapter: as the adapter sent them, without the
//! host's credentials, and the answers as the adapter got them.

use std::{fmt::Debug, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use tokio::time::Instant;
use wasmtime_wasi_http::Error;

use crate::domain::{failure::Failure, purpose::Purpose, targeting::names};

/// The bytes of one body that are shown. The rest of a larger one is not.
const SHOWN: usize = 64 * 1024;

names! {
    /// Why a request got no answer, as the adapter learned it.
    Unanswered {
        /// No connection could be made in time.
        ConnectionTimeout = "connection-timeout",
        /// The name could not be resolved.
        Dns = "DNS-error",
        /// TLS could not be agreed on.
        Tls = "TLS-protocol-error",
        /// The connection was refused.
        ConnectionRefused = "connection-refused",
        /// The connection ended before there was an answer.
        ConnectionTerminated = "connection-terminated",
        /// There was no answer in time, or the call ended before there was one.
        Timeout = "HTTP-response-timeout",
        /// The host refused to send the request, or to pass its answer on.
        Denied = "HTTP-request-denied",
        /// The address is not valid.
        Uri = "HTTP-request-URI-invalid",
    }
}

impl Unanswered {
    fn of(error: &Error) -> Self {
        match error {
            Error::ConnectionTimeout => Self::ConnectionTimeout,
            Error::DnsError { .. } => Self::Dns,
            Error::TlsProtocolError => Self::Tls,
            Error::ConnectionRefused => Self::ConnectionRefused,
            Error::HttpResponseTimeout => Self::Timeout,
            Error::HttpRequestDenied => Self::Denied,
            Error::HttpRequestUriInvalid => Self::Uri,
            _ => Self::ConnectionTerminated,
        }
    }

    /// Returns the error with which an adapter learns it.
    pub(super) fn error(self) -> Error {
        match self {
            Self::ConnectionTimeout => Error::ConnectionTimeout,
            Self::Dns => Error::DnsError { rcode: None, info_code: None },
            Self::Tls => Error::TlsProtocolError,
            Self::ConnectionRefused => Error::ConnectionRefused,
            Self::ConnectionTerminated => Error::ConnectionTerminated,
            Self::Timeout => Error::HttpResponseTimeout,
            Self::Denied => Error::HttpRequestDenied,
            Self::Uri => Error::HttpRequestUriInvalid,
        }
    }
}

/// A request of an adapter, and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Which request of its call it is, from 1.
    pub number: u32,
    /// The method, as `POST`.
    pub method: String,
    /// The address that the adapter asked for.
    pub url: String,
    /// The body that the adapter sent, as much of it as the tap takes.
    pub request: Bytes,
    /// Whether a body is not here as a whole, because it is larger than what the tap takes.
    pub is_cut: bool,
    /// The answer.
    pub answer: Answer,
    /// From the first byte sent to the last one read.
    pub took: Duration,
}

/// What an adapter got for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// An answer of the ad server.
    Answered {
        /// Its status.
        status: u16,
        /// Its headers, without those that adapters may not see.
        headers: HeaderMap,
        /// Its body as far as the adapter read it, as much of it as the tap takes.
        body: Bytes,
        /// Whether it broke off.
        broke_off: bool,
    },
    /// There was none; why, and the reason in words.
    Failed(Unanswered, String),
}

/// A call of an adapter that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallSeen {
    /// What it was for.
    pub purpose: Purpose,
    /// The release: SHA-256 of its component.
    pub release: String,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// How long it took.
    pub took: Duration,
}

/// Takes calls and their exchanges.
pub trait Tap: Debug + Send + Sync {
    /// A call has ended. Its exchanges came before.
    fn called(&self, call: CallSeen);

    /// A request has got its answer, or has failed.
    fn exchanged(&self, exchange: Exchange);

    /// The most bytes of one body that it takes.
    fn body_bytes(&self) -> usize {
        SHOWN
    }
}

/// A request on its way, in front of taps.
#[derive(Debug)]
pub(super) struct Tapped {
    taps: Vec<Arc<dyn Tap>>,
    number: u32,
    method: String,
    url: String,
    request: Bytes,
    began: Instant,
    answered: Option<(u16, HeaderMap)>,
    body: BytesMut,
    /// The most bytes of the answer that any tap takes.
    most: usize,
    is_cut: bool,
    broke_off: bool,
    /// Whether it leaves, so that its taps learn what becomes of it.
    leaves: bool,
}

impl Tapped {
    /// Returns `None` if nobody listens.
    pub(super) fn new(
        taps: Vec<Arc<dyn Tap>>,
        number: u32,
        method: &http::Method,
        url: &reqwest::Url,
        request: &Bytes,
    ) -> Option<Self> {
        let most = taps.iter().map(|tap| tap.body_bytes()).max()?;
        Some(Self {
            taps,
            number,
            method: method.to_string(),
            url: url.to_string(),
            request: request.clone(),
            began: Instant::now(),
            answered: None,
            body: BytesMut::new(),
            most,
            is_cut: false,
            broke_off: false,
            leaves: false,
        })
    }

    /// Nothing keeps it from leaving any more.
    pub(super) fn leaves(&mut self) {
        self.leaves = true;
    }

    /// The ad server answers.
    pub(super) fn answered(mut self, status: u16, headers: HeaderMap) -> Self {
        self.answered = Some((status, headers));
        self
    }

    /// The adapter has read a part of the answer.
    pub(super) fn read(&mut self, data: &[u8]) {
        let room = self.most.saturating_sub(self.body.len());
        self.is_cut |= data.len() > room;
        self.body.extend_from_slice(&data[..data.len().min(room)]);
    }

    /// The answer breaks off here.
    pub(super) fn breaks_off(&mut self) {
        self.broke_off = true;
    }

    /// There is no answer for the adapter.
    pub(super) fn failed(mut self, error: &Error) {
        self.tell(&Answer::Failed(Unanswered::of(error), error.to_string()));
    }

    fn tell(&mut self, answer: &Answer) {
        self.leaves = false;
        for tap in &self.taps {
            let most = tap.body_bytes();
            let mut answer = answer.clone();
            let mut is_cut = self.is_cut || self.request.len() > most;
            if let Answer::Answered { body, .. } = &mut answer {
                is_cut |= body.len() > most;
                body.truncate(most);
            }
            tap.exchanged(Exchange {
                number: self.number,
                method: self.method.clone(),
                url: self.url.clone(),
                request: self.request.slice(..self.request.len().min(most)),
                is_cut,
                answer,
                took: self.began.elapsed(),
            });
        }
    }
}

impl Drop for Tapped {
    fn drop(&mut self) {
        if !self.leaves {
            return;
        }
        let (body, broke_off) = (std::mem::take(&mut self.body).freeze(), self.broke_off);
        let answer = match self.answered.take() {
            // The adapter has read the answer, or drops it unread.
            Some((status, headers)) => Answer::Answered { status, headers, body, broke_off },
            None => Answer::Failed(Unanswered::Timeout, "the call ended before there was an answer".to_owned()),
        };
        self.tell(&answer);
    }
}
