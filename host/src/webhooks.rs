//! Webhooks: delivers events to the endpoints that subscribe to them, at least once, signed.
//!
//! - [`endpoints`]: what owners can do with endpoints: create, change, rotate, test, replay.
//! - [`dispatcher`]: claims due deliveries, attempts them, and retries them or gives them up as
//!   dead letters, until the host stops.
//! - [`delivery`]: one attempt: the request, its signatures, how the answer is interpreted.
//!
//! An event and its deliveries are written in the transaction of the change; whatever happens after
//! that, some replica finds them and sends them. [`crate::network::receivers`] decides where they
//! may be sent. The rules for retries, rotation and disabling are in [`crate::domain::webhook`].

pub mod delivery;
pub mod dispatcher;
pub mod endpoints;
