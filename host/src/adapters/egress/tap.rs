//! Shows the requests of calls to whoever develops an adapter: as the adapter sent them, without the
//! host's credentials, and the answers as the adapter got them.

use std::{fmt::Debug, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

use crate::domain::{failure::Failure, purpose::Purpose};

/// The bytes of one body that are kept. The rest of a larger one is not shown.
const SHOWN: usize = 64 * 1024;

/// A request of an adapter, and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The method, as `POST`.
    pub method: String,
    /// The address that the adapter asked for.
    pub url: String,
    /// The body that the adapter sent, at most 64 KiB of it.
    pub request: Bytes,
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
        /// Its body as far as the adapter read it, at most 64 KiB of it.
        body: Bytes,
    },
    /// There was none; the reason, in words.
    Failed(String),
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

/// Takes the calls on a platform and their exchanges.
pub trait Tap: Debug + Send + Sync {
    /// A call has ended. Its exchanges came before.
    fn called(&self, call: CallSeen);

    /// A request has got its answer, or has failed.
    fn exchanged(&self, exchange: Exchange);
}

/// A request on its way, in front of a tap.
#[derive(Debug)]
pub(super) struct Tapped {
    tap: Arc<dyn Tap>,
    method: String,
    url: String,
    request: Bytes,
    began: Instant,
    status: Option<u16>,
    body: BytesMut,
}

impl Tapped {
    pub(super) fn new(tap: &Arc<dyn Tap>, method: &http::Method, url: &reqwest::Url, request: &Bytes) -> Self {
        Self {
            tap: Arc::clone(tap),
            method: method.to_string(),
            url: url.to_string(),
            request: request.slice(..request.len().min(SHOWN)),
            began: Instant::now(),
            status: None,
            body: BytesMut::new(),
        }
    }

    /// The ad server answers.
    pub(super) fn answered(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// The adapter has read a part of the answer.
    pub(super) fn read(&mut self, data: &[u8]) {
        let room = SHOWN.saturating_sub(self.body.len());
        self.body.extend_from_slice(&data[..data.len().min(room)]);
    }

    /// There is no answer.
    pub(super) fn failed(self, words: &str) {
        self.tell(Answer::Failed(words.to_owned()));
    }

    fn tell(&self, answer: Answer) {
        self.tap.exchanged(Exchange {
            method: self.method.clone(),
            url: self.url.clone(),
            request: self.request.clone(),
            answer,
            took: self.began.elapsed(),
        });
    }
}

impl Drop for Tapped {
    fn drop(&mut self) {
        // The adapter has read the answer, or drops it unread.
        if let Some(status) = self.status {
            let body = std::mem::take(&mut self.body).freeze();
            self.tell(Answer::Answered { status, body });
        }
    }
}
