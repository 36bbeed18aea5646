//! Requests, straight over `wasi:http`.

use wasip2::{
    http::{
        outgoing_handler,
        types::{ErrorCode, Fields, IncomingBody, Method, OutgoingBody, OutgoingRequest, Scheme},
    },
    io::streams::StreamError,
};

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

pub(crate) fn get(url: &str) -> Result<Answer, ErrorCode> {
    send(&Method::Get, url, &[], b"")
}

pub(crate) fn post(url: &str, body: &[u8]) -> Result<Answer, ErrorCode> {
    send(&Method::Post, url, &[("content-type", "application/json")], body)
}

/// Reads an answer to its end and keeps its handle.
pub(crate) fn get_and_keep(url: &str) -> Result<(Vec<u8>, IncomingBody), ErrorCode> {
    let (_, _, incoming) = exchange(&Method::Get, url, &[], b"")?;
    Ok((read(&incoming)?, incoming))
}

pub(crate) fn send(method: &Method, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, ErrorCode> {
    let (status, headers, incoming) = exchange(method, url, headers, body)?;
    let body = read(&incoming)?;
    drop(IncomingBody::finish(incoming));
    Ok(Answer { status, headers, body })
}

type Exchanged = (u16, Vec<(String, Vec<u8>)>, IncomingBody);

fn exchange(method: &Method, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Exchanged, ErrorCode> {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let fields = Fields::new();
    for (name, value) in headers {
        let added = fields.append(name, value.as_bytes());
        added.map_err(|error| ErrorCode::InternalError(Some(format!("header {name}: {error:?}"))))?;
    }
    let request = OutgoingRequest::new(fields);
    request.set_method(method).unwrap();
    request.set_scheme(Some(&if scheme == "https" { Scheme::Https } else { Scheme::Http })).unwrap();
    request.set_authority(Some(authority)).map_err(|()| ErrorCode::HttpRequestUriInvalid)?;
    request.set_path_with_query(Some(if path.is_empty() { "/" } else { path })).unwrap();
    let outgoing = request.body().unwrap();
    let answer = outgoing_handler::handle(request, None)?;
    if !body.is_empty() {
        let stream = outgoing.write().unwrap();
        for chunk in body.chunks(4096) {
            if stream.blocking_write_and_flush(chunk).is_err() {
                break;
            }
        }
    }
    let _ = OutgoingBody::finish(outgoing, None);
    answer.subscribe().block();
    let response = answer.get().unwrap().unwrap()?;
    let (status, headers) = (response.status(), response.headers().entries());
    Ok((status, headers, response.consume().unwrap()))
}

fn read(incoming: &IncomingBody) -> Result<Vec<u8>, ErrorCode> {
    let stream = incoming.stream().unwrap();
    let mut body = Vec::new();
    loop {
        match stream.blocking_read(65_536) {
            Ok(chunk) => body.extend(chunk),
            Err(StreamError::Closed) => return Ok(body),
            Err(error) => return Err(ErrorCode::InternalError(Some(format!("body {error:?}")))),
        }
    }
}
