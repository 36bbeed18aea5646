//! A small JSON client for a platform's API.
//!
//! ```ignore
//! let api = Api::new(&ctx.endpoint);
//! let campaign: Campaign = api.get(path!("/v1/campaign/{}", id)).query("version", 2).fetch()?;
//! let made: Made = api.post("/v1/flight").json(&body).fetch()?;
//! ```
//!
//! The host adds credentials after the request has left the adapter. The client doesn't retry and
//! doesn't follow redirects. An unsuccessful response becomes a [`Failure`], so an author writes
//! only `?`:
//!
//! | response | failure |
//! |---|---|
//! | 3xx | `rejected`, `redirected`: the request was not carried out where it was sent |
//! | 401, 403 | `permission` |
//! | 404, 410 | `not-found` |
//! | 408, 425, 429, 5xx, no response | `unavailable`, with the delay of `Retry-After` |
//! | refused by the host, or with a header that only the host sets | `unavailable`, `egress_refused` or `header_refused`: the platform never saw it |
//! | response too large | `unavailable`, `answer_too_large`: the request took effect |
//! | any other | `rejected`, with the platform's status and words |
//!
//! Of an HTML page, a fault or an envelope, only the [words](crate::failure::prose) are passed on.
//!
//! [`Api::explain`] adjusts the mapping for a platform that reports errors differently.

pub mod url;

use std::{fmt::Display, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    failure::{Fallible, REDIRECTED, clean, prose},
    host::{self, IncomingResponse, Method, OutgoingRequest, TransportError},
    types::{Failure, FailureKind, PlatformAnswer},
};

/// The most bytes of a response that are read, unless [`Api::response_limit`] says otherwise:
/// enough for a page of a thousand objects of some kilobytes each, and well below a guest's memory.
pub const RESPONSE_LIMIT: usize = 8 * 1024 * 1024;

/// Formats a path with percent-encoded arguments: `path!("/v1/flight/{}/creatives", flight)`.
#[macro_export]
macro_rules! path {
    ($template:literal $(, $argument:expr)* $(,)?) => {
        format!($template $(, $crate::http::url::segment(&$argument))*)
    };
}

/// A platform's API at its base address.
#[derive(Debug, Clone)]
pub struct Api {
    endpoint: String,
    headers: Vec<(String, String)>,
    explain: fn(&Response, Failure) -> Failure,
    response_limit: usize,
}

impl Api {
    /// Makes an API for a base URL such as `context.endpoint`. A trailing slash is removed.
    #[must_use]
    pub fn new(endpoint: &str) -> Self {
        Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            headers: vec![("accept".to_owned(), "application/json".to_owned())],
            explain: |_, failure| failure,
            response_limit: RESPONSE_LIMIT,
        }
    }

    /// Adds a header to every request.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Changes how unsuccessful responses are interpreted. The function gets the response and the
    /// default failure, and returns the failure to use.
    #[must_use]
    pub fn explain(mut self, explain: fn(&Response, Failure) -> Failure) -> Self {
        self.explain = explain;
        self
    }

    /// Sets the most bytes of a response that are read.
    #[must_use]
    pub fn response_limit(mut self, bytes: usize) -> Self {
        self.response_limit = bytes;
        self
    }

    /// Starts a `GET` request for a path below the endpoint.
    pub fn get(&self, path: impl AsRef<str>) -> Request<'_> {
        self.request(Method::Get, path.as_ref())
    }

    /// Starts a `POST` request.
    pub fn post(&self, path: impl AsRef<str>) -> Request<'_> {
        self.request(Method::Post, path.as_ref())
    }

    /// Starts a `PUT` request.
    pub fn put(&self, path: impl AsRef<str>) -> Request<'_> {
        self.request(Method::Put, path.as_ref())
    }

    /// Starts a `PATCH` request.
    pub fn patch(&self, path: impl AsRef<str>) -> Request<'_> {
        self.request(Method::Patch, path.as_ref())
    }

    /// Starts a `DELETE` request.
    pub fn delete(&self, path: impl AsRef<str>) -> Request<'_> {
        self.request(Method::Delete, path.as_ref())
    }

    fn request(&self, method: Method, path: &str) -> Request<'_> {
        // The platform itself supplies absolute URLs, such as that of a finished report.
        let url = if path.contains("://") { path.to_owned() } else { format!("{}{path}", self.endpoint) };
        Request { api: self, method, url, headers: self.headers.clone(), body: None }
    }
}

/// A request under construction.
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request<'a> {
    api: &'a Api,
    method: Method,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<Result<Vec<u8>, String>>,
}

impl Request<'_> {
    /// Adds a query parameter.
    pub fn query(mut self, name: &str, value: impl Display) -> Self {
        let separator = if self.url.contains('?') { '&' } else { '?' };
        self.url.push(separator);
        self.url.push_str(&url::pair(name, &value.to_string()));
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets a JSON body.
    pub fn json<T: Serialize + ?Sized>(self, body: &T) -> Self {
        let bytes = serde_json::to_vec(body).map_err(|error| error.to_string());
        Self { body: Some(bytes), ..self.header("content-type", "application/json") }
    }

    /// Sets a form-encoded body.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let pairs: Vec<String> = fields.iter().map(|(name, value)| url::pair(name, value)).collect();
        let body = Some(Ok(pairs.join("&").into_bytes()));
        Self { body, ..self.header("content-type", "application/x-www-form-urlencoded") }
    }

    /// Sends the request and parses a JSON response.
    ///
    /// # Errors
    /// As [`send`](Self::send) and [`Response::json`].
    pub fn fetch<T: DeserializeOwned>(self) -> Fallible<T> {
        self.send()?.json()
    }

    /// Sends the request and parses a JSON response. Returns `None` if the platform doesn't have
    /// the resource.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch), except `not-found`.
    pub fn fetch_if_any<T: DeserializeOwned>(self) -> Fallible<Option<T>> {
        match self.fetch() {
            Ok(value) => Ok(Some(value)),
            Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Sends the request. Any status other than 2xx is a failure.
    ///
    /// # Errors
    /// See the table of this module.
    pub fn send(self) -> Fallible<Response> {
        let explain = self.api.explain;
        let response = self.send_any()?;
        if response.is_success() {
            return Ok(response);
        }
        let failure = response.failure();
        // A redirect comes from something in front of the platform, so it doesn't use the
        // platform's error format.
        if response.is_redirect() { Err(failure) } else { Err(explain(&response, failure)) }
    }

    /// Sends the request and returns the response, whatever its status.
    ///
    /// # Errors
    /// When there is no response.
    pub fn send_any(self) -> Fallible<Response> {
        let body = self.body.transpose().map_err(|why| {
            Failure::invalid("unwritable_body", format!("The request's body can't be written as JSON: {why}."))
        })?;
        let response_limit = self.api.response_limit;
        let request =
            OutgoingRequest { method: self.method, url: self.url, headers: self.headers, body, response_limit };
        let sent = host::with(|host| host.send(&request));
        let what = format!("{} {}", request.method.as_str(), url::without_query(&request.url));
        sent.map(|answer| Response { answer, what: what.clone() }).map_err(|error| no_answer(&what, error))
    }
}

fn no_answer(what: &str, error: TransportError) -> Failure {
    match error {
        // The platform said neither of these two, so a step must not record them as its answer: an
        // operator corrects the origins, or the adapter's next release asks for less, and the step
        // runs again.
        TransportError::Denied(why) => Failure::unavailable(
            "egress_refused",
            format!("flightdeck did not let {what} out: {why}. Compare the platform's configured origins and steps."),
        ),
        TransportError::Header(name, why) => Failure::unavailable(
            "header_refused",
            format!(
                "The header {name} of {what} was not accepted: {why}. Leave it out; credentials belong in the platform's `auth`."
            ),
        ),
        TransportError::Address(url) => {
            Failure::rejected("invalid_address", format!("{url} is not an address. Correct the platform's endpoint."))
        }
        TransportError::TooLarge(limit) => Failure::unavailable(
            "answer_too_large",
            format!("The answer to {what} is larger than {limit} bytes. Ask for less at a time."),
        ),
        TransportError::Lost(why) => {
            Failure::unavailable("no_answer", format!("The platform did not answer {what}: {}.", clean(&why, 500)))
        }
    }
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    answer: IncomingResponse,
    what: String,
}

impl Response {
    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.answer.status
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.answer.status)
    }

    /// Whether the status is 3xx: the platform redirects instead of answering.
    #[must_use]
    pub fn is_redirect(&self) -> bool {
        (300..400).contains(&self.answer.status)
    }

    /// Returns the first header with this name, which must be in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.answer.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the delay that the response asks for with `Retry-After`.
    #[must_use]
    pub fn asked_to_wait(&self) -> Option<Duration> {
        flightdeck_retry_after::read(self.header("retry-after")?, host::now().into())
    }

    /// The raw body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.answer.body
    }

    /// Returns the body as text. Invalid UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.answer.body).into_owned()
    }

    /// Parses the body as JSON.
    ///
    /// # Errors
    /// `unavailable` when the body is not as expected: usually a proxy's page, or a truncated
    /// response.
    pub fn json<T: DeserializeOwned>(&self) -> Fallible<T> {
        serde_json::from_slice(&self.answer.body).map_err(|error| {
            let message = format!("The answer to {} can't be understood: {error}.", self.what);
            Failure::unavailable("unreadable_answer", message).said(self.answer.status, "", &self.text())
        })
    }

    /// Returns the failure for an unsuccessful response, according to the table of this module.
    #[must_use]
    pub fn failure(&self) -> Failure {
        let status = self.answer.status;
        if self.is_redirect() {
            return self.redirected();
        }
        let (kind, code, means) = match status {
            401 | 403 => (FailureKind::Permission, "permission", "the account may not do this"),
            404 | 410 => (FailureKind::NotFound, "not_found", "there is no such thing"),
            408 | 425 | 429 => (FailureKind::Unavailable, "busy", "it asks to wait"),
            500.. => (FailureKind::Unavailable, "platform_error", "it has a problem of its own"),
            _ => (FailureKind::Rejected, "rejected", "it refused"),
        };
        let words = self.text();
        let said = prose(&words, 300);
        let said = if said.is_empty() { String::new() } else { format!(" It said: {said}") };
        let mut failure =
            Failure::new(kind, code, format!("The platform answered {status} to {}: {means}.{said}", self.what))
                .said(status, "", &words);
        if kind == FailureKind::Unavailable {
            failure.retry_after_ms = self.asked_to_wait().and_then(|wait| u64::try_from(wait.as_millis()).ok());
        }
        failure
    }

    /// Returns the failure for a redirect. Its words call it a redirect, whatever page comes with
    /// it. Only operators may see the target, so URLs in the page's words are dropped.
    fn redirected(&self) -> Failure {
        let status = self.answer.status;
        let page = prose(&self.text(), 300);
        let page: Vec<&str> = page.split(' ').filter(|word| !word.contains("://")).collect();
        let page = page.join(" ");
        let said = if page.is_empty() { String::new() } else { format!(" It said: {page}") };
        let words = format!("It redirected the request ({status}) instead of answering it.{said}");
        let leads = self.header("location").map(|to| clean(url::without_query(to), 300)).filter(|to| !to.is_empty());
        let leads = leads.map_or_else(|| "without saying where".to_owned(), |to| format!("to {to}"));
        let message = format!(
            "The platform redirected {} ({status}) {leads}. Redirects are not followed: if it has moved, correct the platform's \
             endpoint; a login page means that something stands before it.{said}",
            self.what
        );
        let mut failure = Failure::rejected(REDIRECTED, message);
        failure.platform = Some(PlatformAnswer { status, code: String::new(), message: words });
        failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FakeHost, answer, run};

    fn failed(status: u16, headers: &[(&str, &str)], body: &str) -> Failure {
        let mut answer = answer(status, body);
        answer.headers.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let host = FakeHost::new(move |_| Ok(answer.clone()));
        let api = Api::new("https://ads.example").explain(|_, _| Failure::invalid("explained", "In its own way."));
        run(&host, || api.get("/v1/creative").send()).unwrap().unwrap_err()
    }

    #[test]
    fn a_redirect_is_named_as_one() {
        let page = "<html><head><title>302 Found</title></head><body>Moved <a href=\"/x\">here</a> https://new.example/x</body></html>";
        for status in [300, 301, 302, 303, 304, 307, 308] {
            let failure = failed(status, &[("location", "https://new.example/login?token=1")], page);
            assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Rejected, REDIRECTED));
            assert_eq!(
                failure.words(),
                format!("It redirected the request ({status}) instead of answering it. It said: 302 Found: Moved here")
            );
            assert!(failure.message.contains("GET https://ads.example/v1/creative"), "{}", failure.message);
            assert!(failure.message.contains("to https://new.example/login."), "{}", failure.message);
            assert!(!failure.message.contains("token") && !failure.message.contains('<'), "{}", failure.message);
        }
        let nowhere = failed(302, &[], "");
        assert_eq!(nowhere.words(), "It redirected the request (302) instead of answering it.");
        assert!(nowhere.message.contains("without saying where"), "{}", nowhere.message);
    }

    #[test]
    fn a_page_is_told_in_its_words() {
        let host = FakeHost::new(|_| Ok(answer(502, "<html><body><h1>502 Bad Gateway</h1><hr>nginx</body></html>")));
        let api = Api::new("https://ads.example");
        let failure = run(&host, || api.get("/x").send()).unwrap().unwrap_err();
        assert_eq!(failure.words(), "502 Bad Gateway nginx");
        assert!(failure.message.ends_with("It said: 502 Bad Gateway nginx"), "{}", failure.message);
        let failure = run(&host, || api.get("/x").send_any().and_then(|answer| answer.json::<u8>())).unwrap();
        assert_eq!(failure.unwrap_err().words(), "502 Bad Gateway nginx");
    }
}
