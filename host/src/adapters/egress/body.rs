//! Bodies in transit: request bodies are collected before they are sent, response bodies are
//! counted while they stream.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::{sync::OwnedSemaphorePermit, task::AbortHandle};
use wasmtime_wasi_http::{Error, WasiBody};

use super::{CallEgress, credentials::Injection, echo::Scrubber, running::Request, tap::Tapped};
use crate::adapters::limits::LimitHit;

/// How long an unread answer keeps its request's turn. Reading even a large report takes less.
const UNREAD: Duration = Duration::from_secs(10);

/// Collects the body that the guest wants to send.
///
/// # Errors
/// When the body is too large, or the guest aborts it.
pub(super) async fn collect(call: &CallEgress, mut body: WasiBody) -> Result<Bytes, Error> {
    let limits = &call.limits;
    let mut collected = BytesMut::new();
    let _turn = call.running.guest_turn();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let total = call.traffic.add_sent(data.len());
        if collected.len() + data.len() > limits.request_bytes || total > limits.requests_bytes {
            call.limit(LimitHit::RequestSize(limits.request_bytes.min(limits.requests_bytes)));
            return Err(Error::HttpRequestBodySize(u64::try_from(limits.request_bytes).ok()));
        }
        collected.extend_from_slice(&data);
    }
    Ok(collected.freeze())
}

/// A response body that counts its bytes and overwrites echoed secrets. The request's turn ends
/// with its last byte.
pub(super) struct ResponseBody {
    inner: reqwest::Body,
    call: Arc<CallEgress>,
    injection: Arc<Injection>,
    scrubber: Scrubber,
    received: usize,
    ended: bool,
    turn: Turn,
    running: Request,
    tapped: Option<Tapped>,
}

impl ResponseBody {
    pub(super) fn new(
        inner: reqwest::Body,
        call: Arc<CallEgress>,
        turn: OwnedSemaphorePermit,
        (mut running, tapped): (Request, Option<Tapped>),
    ) -> Self {
        running.waits(false);
        let turn = Turn::hold(turn);
        let injection = call.platform.authentication.known();
        let scrubber = Scrubber::new();
        Self { inner, call, injection, scrubber, received: 0, ended: false, turn, running, tapped }
    }

    fn count(&mut self, length: usize) -> Result<(), Error> {
        self.received += length;
        let total = self.call.traffic.add_received(length);
        let limits = &self.call.limits;
        if self.received > limits.response_bytes || total > limits.responses_bytes {
            self.call.limit(LimitHit::ResponseSize(limits.response_bytes.min(limits.responses_bytes)));
            return Err(Error::HttpResponseBodySize(u64::try_from(limits.response_bytes).ok()));
        }
        Ok(())
    }
}

/// A request's turn while its answer is read. It ends with the body's last byte, or after a
/// time-out: a guest that holds an answer without reading it must not block itself or others.
struct Turn {
    permit: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
    timer: AbortHandle,
}

impl Turn {
    fn hold(permit: OwnedSemaphorePermit) -> Self {
        let permit = Arc::new(Mutex::new(Some(permit)));
        let held = Arc::clone(&permit);
        let timer = tokio::spawn(async move {
            tokio::time::sleep(UNREAD).await;
            take(&held);
        });
        Self { permit, timer: timer.abort_handle() }
    }

    fn give_back(&self) {
        self.timer.abort();
        take(&self.permit);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.give_back();
    }
}

fn take(permit: &Mutex<Option<OwnedSemaphorePermit>>) {
    drop(permit.lock().unwrap_or_else(PoisonError::into_inner).take());
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        loop {
            if this.ended {
                let rest = this.scrubber.end(this.injection.echoes());
                if let Some(mut tapped) = this.tapped.take() {
                    tapped.read(&rest);
                }
                return Poll::Ready((!rest.is_empty()).then(|| Ok(Frame::data(rest))));
            }
            let polled = Pin::new(&mut this.inner).poll_frame(cx);
            this.running.waits(polled.is_pending());
            match ready!(polled) {
                None => {
                    this.ended = true;
                    this.turn.give_back();
                }
                Some(Err(error)) => {
                    tracing::debug!(adapter = %this.call.platform.name, error = %error.without_url(), "a response broke off");
                    if let Some(tapped) = &mut this.tapped {
                        tapped.breaks_off();
                    }
                    return Poll::Ready(Some(Err(Error::HttpResponseIncomplete)));
                }
                Some(Ok(frame)) => {
                    // Trailers are dropped: no platform needs them, and they would have to be
                    // checked like headers.
                    let Ok(data) = frame.into_data() else { continue };
                    if let Err(error) = this.count(data.len()) {
                        return Poll::Ready(Some(Err(error)));
                    }
                    let data = this.scrubber.next(this.injection.echoes(), data);
                    if !data.is_empty() {
                        if let Some(tapped) = &mut this.tapped {
                            tapped.read(&data);
                        }
                        return Poll::Ready(Some(Ok(Frame::data(data))));
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        (self.ended || self.inner.is_end_stream()) && self.scrubber.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
