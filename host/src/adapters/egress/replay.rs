//! Answers a call's requests from a recording. Nothing leaves the machine.
//!
//! A request is answered with what the recorded one of the same method, address and body got. Bodies
//! in JSON are the same if their values are, because the order of members means nothing. The same
//! request may occur several times; its answers come in the recorded order. Requests that a guest
//! sends side by side may come in another order than when they were recorded.
//!
//! What the call read of the cache that calls share comes from the recording, too.
//!
//! The first request that was not recorded ends the call: no answer can be made up for it.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use reqwest::Url;
use serde_json::Value;
use wasmtime_wasi_http::{Error, WasiBody};

use super::{CallEgress, tap::Unanswered};
use crate::{
    adapters::{
        limits::LimitHit,
        recording::{RecordedAnswer, RecordedExchange, RecordedRead},
        steps::CallSteps,
    },
    domain::{
        failure::{Failure, FailureKind},
        step::SentRequest,
    },
};

/// The failure code of a call that sent what was not recorded.
pub(crate) const NOT_RECORDED: &str = "not_recorded";

/// The members in which two bodies differ that are told.
const DIFFERENCES: usize = 5;

/// The characters of a value that are told.
const SHOWN: usize = 200;

/// A request.
pub(super) struct Asked<'a> {
    pub(super) method: &'a Method,
    pub(super) url: &'a Url,
    pub(super) body: &'a Bytes,
}

impl Asked<'_> {
    fn is_for(&self, recorded: &RecordedExchange) -> bool {
        self.method.as_str() == recorded.method && self.url.as_str() == recorded.url
    }

    fn is(&self, recorded: &RecordedExchange) -> bool {
        if !self.is_for(recorded) {
            return false;
        }
        let body = recorded.request.bytes();
        let value = |bytes: &Bytes| serde_json::from_slice::<Value>(bytes).ok();
        body == *self.body || value(&body).is_some_and(|recorded| value(self.body) == Some(recorded))
    }
}

#[derive(Debug, Default)]
struct Inner {
    left: VecDeque<RecordedExchange>,
    /// What the call read of the cache.
    cached: Vec<RecordedRead>,
    /// How many requests came.
    asked: usize,
    /// How the first request that was not recorded differs.
    differs: Option<String>,
}

/// The answers of a recording that were not given yet.
#[derive(Debug, Default)]
pub(crate) struct Replay(Mutex<Inner>);

impl Replay {
    pub(crate) fn of(exchanges: Vec<RecordedExchange>, cached: Vec<RecordedRead>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Inner { left: exchanges.into(), cached, ..Inner::default() })))
    }

    /// Returns what the recorded call read of the cache under a key. Reads of the same key come in the
    /// recorded order.
    pub(crate) fn cached(&self, key: &str) -> Option<Vec<u8>> {
        let mut inner = self.inner();
        let place = inner.cached.iter().position(|read| read.key == key)?;
        inner.cached.remove(place).value.map(|value| value.bytes().to_vec())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how the call differs from the recorded one, in words: a request that was not recorded,
    /// or else those that were recorded and not sent.
    pub(crate) fn differences(&self) -> Vec<String> {
        let inner = self.inner();
        match &inner.differs {
            Some(differs) => vec![differs.clone()],
            None => inner.left.iter().map(|left| format!("{} {} was not sent", left.method, left.url)).collect(),
        }
    }

    /// Returns what was recorded for a request.
    fn answer(&self, asked: &Asked<'_>) -> Result<RecordedAnswer, String> {
        let mut inner = self.inner();
        inner.asked += 1;
        let number = inner.asked;
        if let Some(differs) = &inner.differs {
            return Err(differs.clone());
        }
        let found = inner.left.iter().position(|recorded| asked.is(recorded));
        let differs = match found.and_then(|place| inner.left.remove(place)) {
            Some(recorded) if !recorded.is_cut => return Ok(recorded.answer),
            Some(_) => format!(
                "request {number}, {} {}, was recorded without its bodies, which are too large for a recording",
                asked.method, asked.url
            ),
            None => difference(number, asked, &inner.left),
        };
        inner.differs = Some(differs.clone());
        Err(differs)
    }
}

/// Says how a request differs from the recorded one that is most like it.
fn difference(number: usize, asked: &Asked<'_>, left: &VecDeque<RecordedExchange>) -> String {
    let sent = format!("request {number}, {} {}", asked.method, asked.url);
    let Some(next) = left.front() else {
        return format!("{sent}, goes beyond the recording: the recorded call sent no more requests");
    };
    let Some(recorded) = left.iter().find(|recorded| asked.is_for(recorded)) else {
        return format!("{sent}, is not what was recorded: {} {}", next.method, next.url);
    };
    let body = recorded.request.bytes();
    if recorded.is_cut && body.is_empty() {
        return format!("{sent}, was recorded without its bodies, which are too large for a recording");
    }
    let values = serde_json::from_slice::<Value>(&body).ok().zip(serde_json::from_slice::<Value>(asked.body).ok());
    let mut told = Vec::new();
    match values {
        Some((recorded, sent)) => in_values(&recorded, &sent, String::new(), &mut told),
        None => told.push(in_texts(&String::from_utf8_lossy(&body), &String::from_utf8_lossy(asked.body))),
    }
    let more = told.len().saturating_sub(DIFFERENCES);
    told.truncate(DIFFERENCES);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("{sent}, has another body than was recorded: {}{more}", told.join("; "))
}

fn in_values(recorded: &Value, sent: &Value, at: String, told: &mut Vec<String>) {
    let shown = |value: &Value| cut(&value.to_string());
    match (recorded, sent) {
        (Value::Object(before), Value::Object(now)) => {
            for (name, value) in before {
                let at = format!("{at}/{name}");
                match now.get(name) {
                    Some(other) => in_values(value, other, at, told),
                    None => told.push(format!("{at} is missing, and was {}", shown(value))),
                }
            }
            let new = now.iter().filter(|(name, _)| !before.contains_key(*name));
            told.extend(new.map(|(name, value)| format!("{at}/{name} is new: {}", shown(value))));
        }
        (Value::Array(before), Value::Array(now)) if before.len() == now.len() => {
            for (index, (value, other)) in before.iter().zip(now).enumerate() {
                in_values(value, other, format!("{at}/{index}"), told);
            }
        }
        _ if recorded == sent => {}
        _ => {
            let at = if at.is_empty() { "it".to_owned() } else { at };
            told.push(format!("{at} is {}, and was {}", shown(sent), shown(recorded)));
        }
    }
}

fn in_texts(recorded: &str, sent: &str) -> String {
    let mut lines = recorded.lines().map(Some).chain([None]).zip(sent.lines().map(Some).chain([None])).enumerate();
    match lines.find(|(_, (before, now))| before != now) {
        Some((index, (before, now))) => {
            let line = |line: Option<&str>| line.map_or_else(|| "at its end".to_owned(), cut);
            format!("line {} is {}, and was {}", index + 1, line(now), line(before))
        }
        None => "its line breaks differ".to_owned(),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl CallEgress {
    /// Answers a request from a recording. It has passed the same checks as one that leaves.
    pub(super) fn replayed(
        &self,
        replay: &Replay,
        number: u32,
        asked: &Asked<'_>,
        steps: Option<&Arc<CallSteps>>,
    ) -> Result<http::Response<WasiBody>, Error> {
        let leaving = steps
            .map(|steps| self.gate.leave(steps, self.platform.connect_timeout))
            .transpose()
            .map_err(|error| self.deny(self.journal(&error)))?;
        let mut tapped = self.tapped(number, asked.method, asked.url, asked.body);
        if let Some(tapped) = &mut tapped {
            tapped.leaves();
        }
        let answer = replay.answer(asked);
        if let Some(leaving) = leaving {
            leaving.became(match &answer {
                Ok(RecordedAnswer::Answered { status, .. }) => SentRequest::Answered(*status),
                Ok(RecordedAnswer::Unanswered {
                    why: Unanswered::Timeout | Unanswered::ConnectionTerminated, ..
                }) => SentRequest::Lost,
                Ok(RecordedAnswer::Unanswered { .. }) | Err(_) => SentRequest::NeverSent,
            });
        }
        let played = self.played(answer);
        match played {
            Ok(response) => {
                if let Some(mut tapped) = tapped {
                    let body = response.body();
                    tapped.read(body.data.as_ref().unwrap_or(&Bytes::new()));
                    if body.broke_off {
                        tapped.breaks_off();
                    }
                    drop(tapped.answered(response.status().as_u16(), response.headers().clone()));
                }
                Ok(response.map(Played::boxed_unsync))
            }
            Err(error) => {
                if let Some(tapped) = tapped {
                    tapped.failed(&error);
                }
                Err(error)
            }
        }
    }

    /// Returns what the guest gets. An answer that was not recorded is none.
    fn played(&self, answer: Result<RecordedAnswer, String>) -> Result<http::Response<Played>, Error> {
        match answer {
            Err(differs) => Err(self.refuse(Failure::new(FailureKind::Unavailable, NOT_RECORDED, differs))),
            Ok(RecordedAnswer::Unanswered { why: Unanswered::Denied, words }) => {
                let words = format!("the host refused this request when it was recorded: {words}");
                Err(self.refuse(Failure::new(FailureKind::Unavailable, "denied", words)))
            }
            Ok(RecordedAnswer::Unanswered { why, .. }) => Err(why.error()),
            Ok(RecordedAnswer::Answered { status, headers, body, broke_off }) => {
                let body = body.bytes();
                self.count_replayed(body.len())?;
                let mut response = http::Response::new(Played { data: Some(body), broke_off });
                *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
                for (name, value) in headers {
                    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                        response.headers_mut().append(name, value);
                    }
                }
                Ok(response)
            }
        }
    }

    /// As [`CallEgress::deny`], without a line in the log: the caller is shown the reason.
    fn refuse(&self, failure: Failure) -> Error {
        self.first_failure.fail(failure);
        Error::HttpRequestDenied
    }

    fn count_replayed(&self, length: usize) -> Result<(), Error> {
        let (total, limits) = (self.traffic.add_received(length), &self.limits);
        if length > limits.response_bytes || total > limits.responses_bytes {
            self.limit(LimitHit::ResponseSize(limits.response_bytes.min(limits.responses_bytes)));
            return Err(Error::HttpResponseBodySize(u64::try_from(limits.response_bytes).ok()));
        }
        Ok(())
    }
}

/// A recorded body.
struct Played {
    data: Option<Bytes>,
    broke_off: bool,
}

impl Body for Played {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(data) = self.data.take().filter(|data| !data.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        let broke_off = std::mem::take(&mut self.broke_off);
        Poll::Ready(broke_off.then_some(Err(Error::HttpResponseIncomplete)))
    }

    fn is_end_stream(&self) -> bool {
        self.data.as_ref().is_none_or(Bytes::is_empty) && !self.broke_off
    }
}

#[cfg(test)]
mod tests;
