//! Webhooks: tells others what happened, at least once, signed.
//!
//! - [`policy`]: where webhooks may be sent.
//! - [`desk`]: what owners of endpoints do with them: make, change, rotate, test, replay.
//! - [`sending`]: one try: the request, its signatures, what the answer means.
//! - [`serve`]: claims what is due and tries it, until the host stops.
//!
//! An event and its deliveries are written with the change that they tell of; whatever happens after that, some host finds them
//! and sends them. The rules of retries, rotation and disabling are in [`crate::domain::webhook`].

pub mod desk;
pub mod policy;
pub mod sending;
pub mod serve;
