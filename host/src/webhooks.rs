//! Webhooks: signed deliveries of events, at least once, to the endpoints that subscribe to them.
//!
//! - [`endpoints`]: what owners do with their endpoints: create, change, rotate, test, replay.
//! - [`dispatcher`]: claims due deliveries, attempts them, and retries them or gives them up as
//!   dead letters, until the host stops.
//! - [`delivery`]: a single attempt: the request, its signatures, and what the answer means.
//!
//! An event and its deliveries are written in the transaction of the change; whatever happens after
//! that, some replica finds and sends them. [`crate::network::receivers`] decides where they may be
//! sent. The rules of retries, rotation and disabling are in [`crate::domain::webhook`].

pub mod delivery;
pub mod dispatcher;
pub mod endpoints;
