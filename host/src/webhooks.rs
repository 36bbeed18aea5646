//! Webhooks: deliver events to the endpoints that subscribe to them, at least once, signed.
//!
//! - [`endpoints`]: what owners of endpoints do with them: create, change, rotate, test, replay.
//! - [`dispatcher`]: claims due deliveries, tries them, and retries or gives them up as dead
//!   letters, until the host stops.
//! - [`delivery`]: one try: the request, its signatures, what the answer means.
//!
//! An event and its deliveries are written in the transaction of the change; whatever happens after
//! that, some replica finds them and sends them. Where they may be sent:
//! [`crate::network::receivers`]. The rules of retries, rotation and disabling are in
//! [`crate::domain::webhook`].

pub mod delivery;
pub mod dispatcher;
pub mod endpoints;
