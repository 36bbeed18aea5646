//! Connects `wasi:http` to the egress.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderName;
use http_body_util::BodyExt as _;
use reqwest::Url;
use tokio::time::Instant;
use wasmtime_wasi_http::{Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpHooks};

use super::{
    CallEgress, Mode,
    body::{self, ResponseBody},
    is_forbidden,
    replay::Asked,
    shown,
    tap::{Tap, Tapped},
};
use crate::{
    adapters::{failures, limits::LimitHit},
    clock,
    domain::{
        failure::{Failure, FailureKind},
        id::PlatformName,
        step::SentRequest,
    },
    fault,
    metrics::AD_SERVER_REQUESTS,
    network::{allow_list::AddressRefused, origins::Origin},
};

type Sent = (http::Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

/// The callbacks that `wasi:http` invokes for each request.
pub(crate) struct Hooks(pub(crate) Arc<CallEgress>);

impl WasiHttpHooks for Hooks {
    /// The guest learns only that some header is forbidden, so the log names it. Answers have lost
    /// these headers before they come here.
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        let forbidden = self.0.platform.is_forbidden(name);
        if forbidden {
            self.0.note_forbidden_header(name);
        }
        forbidden
    }

    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        let known = self.0.platform.authentication.known();
        Arc::new(move |name| is_forbidden(&known, name))
    }

    /// The client sets the header from the address that was checked.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        let call = Arc::clone(&self.0);
        Box::new(async move {
            let response = call.send(request, options).await?;
            Ok((response, Box::new(async { Ok(()) }) as Box<dyn Future<Output = _> + Send>))
        })
    }
}

impl CallEgress {
    /// Refuses a request. The guest learns that it was refused; the operator learns why.
    pub(super) fn deny(&self, failure: Failure) -> Error {
        tracing::warn!(adapter = %self.platform.name, code = failure.code, "{}", failure.message);
        self.first_failure.fail(failure);
        Error::HttpRequestDenied
    }

    async fn send(
        self: Arc<Self>,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Result<http::Response<WasiBody>, Error> {
        let running = self.running.token();
        let number = self.traffic.add_request();
        if number > self.limits.requests {
            self.limit(LimitHit::Requests(self.limits.requests));
            return Err(Error::HttpRequestDenied);
        }
        let (parts, guest_body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).map_err(|_| Error::HttpRequestUriInvalid)?;
        self.platform.judge(&url).map_err(|failure| self.deny(failure))?;
        let steps = self.writes(&parts.method, &url).map_err(|failure| self.deny(failure))?;
        let body = body::collect(&self, guest_body).await?;
        if let Some(replay) = self.listening.replay.clone() {
            return self.replayed(&replay, number, &Asked { method: &parts.method, url: &url, body: &body }, steps);
        }
        let mut headers = self.request_headers(&parts.headers);
        let authentication = &self.platform.authentication;
        let given = match self.platform.is_endpoint(&url) {
            true => Some(authentication.ready().await.map_err(|failure| self.deny(failure))?),
            false => None,
        };
        let turn = self.platform.pace.turn(self.mode.purpose()).await.map_err(|failure| self.deny(failure))?;
        // Everything that is logged uses `url`, which has no secrets in its query.
        let mut sent_to = url.clone();
        if let Some(injection) = &given {
            injection.apply(&mut headers);
            injection.apply_query(&mut sent_to);
        }

        let mut tapped = self.tapped(number, &parts.method, &url, &body);
        let mut prepared = reqwest::Request::new(parts.method, sent_to);
        *prepared.headers_mut() = headers;
        if !body.is_empty() {
            *prepared.body_mut() = Some(body.into());
        }
        // The last check of the call's remaining time, the lease and the step, after everything
        // that may have taken time.
        if steps.is_some() && self.ends_at.saturating_duration_since(Instant::now()) < self.write_window {
            return Err(self.deny(failures::too_late_to_write(self.platform.name.as_str())));
        }
        let leaving = steps
            .map(|steps| self.gate.leave(steps, self.platform.connect_timeout))
            .transpose()
            .map_err(|error| self.deny(self.journal(&error)))?;
        if leaving.is_some() {
            fault::point("request.before");
        }
        if let Some(tapped) = &mut tapped {
            tapped.leaves();
        }
        let first_byte = match leaving {
            // Whatever time-out the guest asked for: an answer that nobody waits for is lost and
            // must be looked up.
            Some(_) => self.write_window,
            None => {
                let most = self.limits.first_byte();
                options.and_then(|options| options.first_byte_timeout).map_or(most, |asked| asked.min(most))
            }
        };
        let answered = tokio::time::timeout(first_byte, self.platform.client.execute(prepared)).await;
        if leaving.is_some() && matches!(answered, Ok(Ok(_))) {
            fault::point("request.after");
        }
        let (became, answered) = match answered {
            Ok(Ok(response)) => (SentRequest::Answered(response.status().as_u16()), Ok(response)),
            Ok(Err(error)) => self.why(&url, &error),
            Err(_) => (SentRequest::Lost, Err(Error::HttpResponseTimeout)),
        };
        count(&self.platform.name, became);
        if let Some(leaving) = leaving {
            leaving.became(became);
        }
        let response = match answered {
            Ok(response) => response,
            Err(error) => {
                if let Some(tapped) = tapped {
                    tapped.failed(&error);
                }
                return Err(error);
            }
        };
        let tapped =
            tapped.map(|tapped| tapped.answered(response.status().as_u16(), self.response_headers(response.headers())));
        let accepted = response.status() != http::StatusCode::UNAUTHORIZED;
        if let Some(injection) = given
            && authentication.judged(&injection, accepted).await
        {
            // The token was revoked or expired early. Nothing was carried out, and the next attempt
            // uses another token.
            if let Some(tapped) = tapped {
                tapped.failed(&Error::HttpRequestDenied);
            }
            let words = "the platform did not accept the host's token any more; another one is fetched";
            return Err(self.deny(Failure::new(FailureKind::Unavailable, "token_refused", words)));
        }
        let (head, body) = http::Response::<reqwest::Body>::from(response).into_parts();
        let now = clock::now();
        self.platform.clock.note(&head.headers, now);
        self.platform.pace.note(self.mode.purpose(), head.status.as_u16(), &head.headers, now);
        if let Err(failure) = self.judge_encoding(&head.headers) {
            if let Some(tapped) = tapped {
                tapped.failed(&Error::HttpRequestDenied);
            }
            return Err(self.deny(failure));
        }
        let mut response = http::Response::new(());
        *response.status_mut() = head.status;
        *response.headers_mut() = self.response_headers(&head.headers);
        Ok(response.map(|()| ResponseBody::new(body, self, turn, (running, tapped)).boxed_unsync()))
    }

    /// Puts a request in front of whoever listens.
    pub(super) fn tapped(&self, number: u32, method: &http::Method, url: &Url, body: &Bytes) -> Option<Tapped> {
        let recorder = self.listening.recorder.clone().map(|recorder| recorder as Arc<dyn Tap>);
        let taps = self.platform.tap.get().cloned().into_iter().chain(recorder);
        Tapped::new(taps.collect(), number, method, url, body)
    }

    /// Returns what a failed request means for the journal and for the guest.
    fn why(&self, url: &Url, error: &reqwest::Error) -> (SentRequest, Result<reqwest::Response, Error>) {
        let causes = || std::iter::successors(std::error::Error::source(error), |error| error.source());
        if let Some(refused) = causes().find_map(|cause| cause.downcast_ref::<AddressRefused>()) {
            let failure = Origin::of(url).map(|origin| self.platform.refused(&shown(url), &origin, refused));
            let denied = failure.map_or(Error::HttpRequestDenied, |failure| self.deny(failure));
            return (SentRequest::NeverSent, Err(denied));
        }
        let io = causes().find_map(|cause| cause.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
        tracing::debug!(adapter = %self.platform.name, url = shown(url), ?io, "a request failed");
        if error.is_connect() {
            let code = match io {
                _ if error.is_timeout() => Error::ConnectionTimeout,
                _ if error.is_dns() => Error::DnsError { rcode: None, info_code: None },
                // How the TLS library reports a failed handshake.
                Some(std::io::ErrorKind::InvalidData) => Error::TlsProtocolError,
                _ => Error::ConnectionRefused,
            };
            return (SentRequest::NeverSent, Err(code));
        }
        if error.is_builder() {
            return (SentRequest::NeverSent, Err(Error::HttpRequestUriInvalid));
        }
        let code = if error.is_timeout() { Error::HttpResponseTimeout } else { Error::ConnectionTerminated };
        (SentRequest::Lost, Err(code))
    }
}

impl std::fmt::Debug for CallEgress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mode = match self.mode {
            Mode::Offline => "offline",
            Mode::Read => "read",
            Mode::Write(_) => "write",
        };
        f.debug_struct("CallEgress").field("platform", &self.platform.name).field("mode", &mode).finish_non_exhaustive()
    }
}

/// Counts a request by its result.
fn count(platform: &PlatformName, became: SentRequest) {
    let status = match became {
        SentRequest::Answered(status) => status.to_string(),
        SentRequest::Lost => "lost".to_owned(),
        SentRequest::NeverSent => "never_sent".to_owned(),
    };
    metrics::counter!(AD_SERVER_REQUESTS, "platform" => platform.to_string(), "status" => status).increment(1);
}
