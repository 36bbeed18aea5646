//! The host of a component: the contract's `steps`, and WASI's HTTP and clocks.

use std::time::{Duration, SystemTime};

use time::OffsetDateTime;
use wasip2::{
    http::{
        outgoing_handler,
        types::{
            ErrorCode, Fields, HeaderError, IncomingBody, Method as WasiMethod, OutgoingBody,
            OutgoingRequest as WasiRequest, Scheme,
        },
    },
    io::streams::StreamError,
};

use super::{
    CacheHost, Clock, IncomingResponse, Method, OutgoingRequest, StepHost, StepState, Transport,
    TransportError as Error,
};
use crate::{
    bindings::flightdeck::ad_server::{cache, steps},
    types::RemoteObject,
};

/// The most bytes that one blocking write accepts (`wasi:io`,
/// `output-stream.blocking-write-and-flush`).
const WRITE_SIZE: usize = 4096;
/// The number of bytes requested per read of a response.
const READ_SIZE: u64 = 64 * 1024;

/// The host that runs this component.
pub(super) struct Component;

impl StepHost for Component {
    fn begin(&self, name: &str) -> StepState {
        match steps::begin(name) {
            steps::State::Fresh(reference) => StepState::Fresh(reference),
            steps::State::InDoubt(reference) => StepState::InDoubt(reference),
            steps::State::Done(outcome) => StepState::Done(outcome),
        }
    }

    fn absent(&self, name: &str) {
        steps::absent(name);
    }

    fn finish(&self, name: &str, outcome: &[u8]) {
        steps::finish(name, outcome);
    }

    fn remember(&self, object: &RemoteObject) {
        steps::remember(object);
    }

    fn forget(&self, object: &RemoteObject) {
        steps::forget(object);
    }
}

impl CacheHost for Component {
    fn cached(&self, key: &str) -> Option<Vec<u8>> {
        cache::get(key)
    }

    fn cache(&self, key: &str, value: &[u8], seconds: u32) {
        cache::put(key, value, seconds);
    }
}

impl Clock for Component {
    // On this target, the standard library's clock and sleep are WASI's.
    fn now(&self) -> OffsetDateTime {
        SystemTime::now().into()
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

impl Transport for Component {
    fn send(&self, request: &OutgoingRequest) -> Result<IncomingResponse, Error> {
        let outgoing = build(request)?;
        let body = outgoing.body().map_err(|()| lost("the request takes no body"))?;
        // Write the body only after handing the request over: before that, nothing reads it, and a
        // body larger than the host's buffer would block forever.
        let answer = outgoing_handler::handle(outgoing, None).map_err(refused)?;
        let written = write(body, request.body.as_deref().unwrap_or_default());
        answer.subscribe().block();
        let response = match answer.get() {
            Some(Ok(Ok(response))) => response,
            Some(Ok(Err(error))) => return Err(refused(error)),
            Some(Err(())) | None => return Err(lost("the answer was taken twice")),
        };
        // A server may respond before it has read the whole body. Then the response counts, not the
        // broken write.
        drop(written);
        let headers = response.headers().entries();
        let status = response.status();
        let body = response.consume().map_err(|()| lost("the answer has no body"))?;
        let body = read(body, request.response_limit)?;
        let headers = headers
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), String::from_utf8_lossy(&value).into_owned()));
        Ok(IncomingResponse { status, headers: headers.collect(), body })
    }
}

fn lost(why: &str) -> Error {
    Error::Lost(why.to_owned())
}

fn refused(error: ErrorCode) -> Error {
    match error {
        ErrorCode::HttpRequestDenied => Error::Denied("the host does not allow this request".to_owned()),
        ErrorCode::InternalError(Some(why)) => Error::Lost(why),
        other => Error::Lost(format!("{other:?}")),
    }
}

/// Builds a request without its body, from the parts of its URL.
fn build(request: &OutgoingRequest) -> Result<WasiRequest, Error> {
    let wrong = || Error::Address(request.url.clone());
    let (scheme, rest) = request.url.split_once("://").ok_or_else(wrong)?;
    let scheme = match scheme {
        "https" => Scheme::Https,
        "http" => Scheme::Http,
        _ => return Err(wrong()),
    };
    let path_begins = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(path_begins);
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };

    let mut headers: Vec<(String, Vec<u8>)> =
        request.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
    if let Some(body) = &request.body {
        headers.push(("content-length".to_owned(), body.len().to_string().into_bytes()));
    }
    // One by one, because the error does not name the header.
    let fields = Fields::new();
    for (name, value) in &headers {
        fields.append(name, value).map_err(|error| Error::Header(name.clone(), header_words(&error).to_owned()))?;
    }
    let outgoing = WasiRequest::new(fields);
    let method = match request.method {
        Method::Get => WasiMethod::Get,
        Method::Post => WasiMethod::Post,
        Method::Put => WasiMethod::Put,
        Method::Patch => WasiMethod::Patch,
        Method::Delete => WasiMethod::Delete,
    };
    let set = outgoing
        .set_method(&method)
        .and_then(|()| outgoing.set_scheme(Some(&scheme)))
        .and_then(|()| outgoing.set_authority(Some(authority)))
        .and_then(|()| outgoing.set_path_with_query(Some(&path)));
    set.map_err(|()| wrong())?;
    Ok(outgoing)
}

fn header_words(error: &HeaderError) -> &'static str {
    match error {
        HeaderError::Forbidden => "only the host sets it",
        HeaderError::InvalidSyntax => "its name or value has characters that a header can't carry",
        HeaderError::Immutable => "the headers can't be changed any more",
    }
}

fn write(body: OutgoingBody, bytes: &[u8]) -> Result<(), Error> {
    if !bytes.is_empty() {
        let stream = body.write().map_err(|()| lost("the request's body can't be written"))?;
        for chunk in bytes.chunks(WRITE_SIZE) {
            stream.blocking_write_and_flush(chunk).map_err(|error| Error::Lost(format!("{error:?}")))?;
        }
        // The stream must be dropped before its body is finished.
        drop(stream);
    }
    OutgoingBody::finish(body, None).map_err(refused)
}

fn read(body: IncomingBody, limit: usize) -> Result<Vec<u8>, Error> {
    let stream = body.stream().map_err(|()| lost("the answer's body can't be read"))?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(READ_SIZE) {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(error)) => {
                let why = error.to_debug_string();
                return Err(Error::Lost(format!("the answer broke off: {why}")));
            }
        }
        if bytes.len() > limit {
            return Err(Error::TooLarge(limit));
        }
    }
}
