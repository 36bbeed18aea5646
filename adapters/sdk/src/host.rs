//! What the host provides to an adapter: steps, HTTP and a clock.
//!
//! In a component, these are the imports of the contract and of WASI. A native test installs a
//! [`Host`] of its own instead (see [`testing`](crate::testing)) and runs the same adapter code.

#[cfg(target_family = "wasm")]
mod component;

use std::time::Duration;

use time::OffsetDateTime;

use crate::types::RemoteObject;

/// The state of a step. The contract's `steps.state`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepState {
    /// It never happened. Put the reference on the object.
    Fresh(String),
    /// It may have happened. Look for an object with the reference.
    InDoubt(String),
    /// It happened, with this outcome.
    Done(Vec<u8>),
}

/// The contract's interface `steps`.
pub trait StepHost {
    /// Opens a step.
    fn begin(&self, name: &str) -> StepState;
    /// Reports that the open step was looked up and did not happen.
    fn absent(&self, name: &str);
    /// Closes the open step with its outcome.
    fn finish(&self, name: &str, outcome: &[u8]);
    /// Registers an object that belongs to the buy.
    fn remember(&self, object: &RemoteObject);
    /// Reports that such an object is gone.
    fn forget(&self, object: &RemoteObject);
}

/// The HTTP methods that an adapter may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are HTTP's")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// Returns the method as it is written on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// An outgoing request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingRequest {
    /// The HTTP method.
    pub method: Method,
    /// The absolute URL.
    pub url: String,
    /// Names and values. The host adds credentials.
    pub headers: Vec<(String, String)>,
    /// The body; `None` for a request without one.
    pub body: Option<Vec<u8>>,
    /// The most bytes of the response body that are read.
    pub response_limit: usize,
}

/// A response of any status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IncomingResponse {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransportError {
    /// The host refused to send the request: another origin, or a write outside of a step.
    Denied(String),
    /// A header can't be sent: its name, and why. Nothing was sent.
    Header(String, String),
    /// The URL is invalid: a mistake in the configuration or in the adapter.
    Address(String),
    /// The response is larger than the limit, in bytes.
    TooLarge(usize),
    /// The request or its response was lost on the way.
    Lost(String),
}

/// Sends requests.
pub trait Transport {
    /// Sends one request and reads the whole answer.
    ///
    /// # Errors
    /// [`TransportError`] when there is no response. A response of any status is not an error here.
    fn send(&self, request: &OutgoingRequest) -> Result<IncomingResponse, TransportError>;
}

/// Tells the time.
pub trait Clock {
    /// Returns the current time in UTC.
    fn now(&self) -> OffsetDateTime;
    /// Waits.
    fn sleep(&self, duration: Duration);
}

/// The contract's interface `cache`. See [`cache`](crate::cache) for what it is used with.
pub trait CacheHost {
    /// Returns what was put under a key, if the host still has it.
    fn cached(&self, key: &str) -> Option<Vec<u8>>;
    /// Keeps a value for at most so many seconds.
    fn cache(&self, key: &str, value: &[u8], seconds: u32);
}

/// The parts of a host together.
pub trait Host: StepHost + Transport + Clock + CacheHost {}

impl<T: StepHost + Transport + Clock + CacheHost> Host for T {}

/// Runs a function with the host of this component.
#[cfg(target_family = "wasm")]
pub(crate) fn with<T>(use_it: impl FnOnce(&dyn Host) -> T) -> T {
    use_it(&component::Component)
}

/// Runs a function with the host that the test installed.
///
/// # Panics
/// When there is none: outside of a component, only [`testing::run`](crate::testing::run) installs
/// one.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn with<T>(use_it: impl FnOnce(&dyn Host) -> T) -> T {
    let host = crate::testing::installed();
    use_it(host.as_ref())
}

/// Returns the current time in UTC.
#[must_use]
pub fn now() -> OffsetDateTime {
    with(|host| host.now())
}

/// Waits. The host's deadline keeps running.
pub fn sleep(duration: Duration) {
    with(|host| host.sleep(duration));
}

/// Registers an object on the platform as part of the buy. Steps do so automatically with
/// [`Step::remember`](crate::step::Step::remember).
pub fn remember(kind: crate::types::RemoteKind, key: &str, id: &str) {
    let object = RemoteObject { kind, key: key.to_owned(), id: id.to_owned() };
    with(|host| host.remember(&object));
}

/// Reports that an object is gone from the platform.
pub fn forget(object: &RemoteObject) {
    with(|host| host.forget(object));
}
