//! What an adapter gets from outside: steps, HTTP and a clock.
//!
//! In a component these are the imports of the contract and of WASI. Natively there is no such thing, so a test
//! installs a [`Host`] of its own (see [`testing`](crate::testing)) and runs the very same adapter.

#[cfg(target_family = "wasm")]
mod component;

use std::time::Duration;

use time::OffsetDateTime;

use crate::types::RemoteObject;

/// How a step stands. The contract's `steps.state`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepState {
    /// It never happened; the reference is to be put on the object.
    Fresh(String),
    /// It may have happened; an object with the reference is to be looked for.
    InDoubt(String),
    /// It happened, with this outcome.
    Done(Vec<u8>),
}

/// The contract's interface `steps`.
pub trait StepHost {
    /// Opens a step.
    fn begin(&self, name: &str) -> StepState;
    /// Says that the open step was looked up and did not happen.
    fn absent(&self, name: &str);
    /// Closes the open step.
    fn finish(&self, name: &str, outcome: &[u8]);
    /// Tells of an object that belongs to the buy.
    fn remember(&self, object: &RemoteObject);
    /// Tells that such an object is gone.
    fn forget(&self, object: &RemoteObject);
}

/// The methods an adapter may use.
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
    /// As it is written on the wire.
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

/// A request as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingRequest {
    /// The method.
    pub method: Method,
    /// The whole address.
    pub url: String,
    /// Names and values. Credentials are the host's to add.
    pub headers: Vec<(String, String)>,
    /// Absent for a request without one.
    pub body: Option<Vec<u8>>,
    /// The most bytes of the answer's body that are read.
    pub response_limit: usize,
}

/// An answer as it came in, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IncomingResponse {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransportError {
    /// The host refuses to send it: another origin, or a write outside of a step.
    Denied(String),
    /// The address is none. A mistake in the configuration or in the adapter.
    Address(String),
    /// The answer is larger than the limit, in bytes.
    TooLarge(usize),
    /// Anything that happens to a request on its way.
    Lost(String),
}

/// Sends requests.
pub trait Transport {
    /// Sends one request and reads the whole answer.
    ///
    /// # Errors
    /// [`TransportError`] when there is none. An answer of any status is no error here.
    fn send(&self, request: &OutgoingRequest) -> Result<IncomingResponse, TransportError>;
}

/// Tells the time.
pub trait Clock {
    /// Now, in UTC.
    fn now(&self) -> OffsetDateTime;
    /// Waits.
    fn sleep(&self, duration: Duration);
}

/// Everything together.
pub trait Host: StepHost + Transport + Clock {}

impl<T: StepHost + Transport + Clock> Host for T {}

/// Runs something with the host that this adapter has.
#[cfg(target_family = "wasm")]
pub(crate) fn with<T>(use_it: impl FnOnce(&dyn Host) -> T) -> T {
    use_it(&component::Component)
}

/// Runs something with the host that the test installed.
///
/// # Panics
/// If there is none: outside of a component nothing but [`testing::run`](crate::testing::run) has one.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn with<T>(use_it: impl FnOnce(&dyn Host) -> T) -> T {
    let host = crate::testing::installed();
    use_it(host.as_ref())
}

/// Now, in UTC.
#[must_use]
pub fn now() -> OffsetDateTime {
    with(|host| host.now())
}

/// Waits. The host's deadline goes on.
pub fn sleep(duration: Duration) {
    with(|host| host.sleep(duration));
}

/// Tells the host that an object on the platform belongs to the buy. Steps do it by themselves with
/// [`Step::remember`](crate::step::Step::remember).
pub fn remember(kind: crate::types::RemoteKind, key: &str, id: &str) {
    let object = RemoteObject { kind, key: key.to_owned(), id: id.to_owned() };
    with(|host| host.remember(&object));
}

/// Tells the host that an object is gone.
pub fn forget(object: &RemoteObject) {
    with(|host| host.forget(object));
}
