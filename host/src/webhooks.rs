//! Webhooks: tells others what happened, at least once, signed.
//!
//! - [`desk`]: what owners of endpoints do with them: make, change, rotate, test, replay.
//! - [`sending`]: one try: the request, its signatures, what the answer means.
//! - [`serve`]: claims what is due and tries it, until the host stops.
//!
//! An event and its deliveries are written with the change that they tell of; whatever happens after that, some host finds them
//! and sends them. Where they may be sent: [`crate::network::receivers`]. The rules of retries, rotation and disabling are in [`crate::domain::webhook`].

pub mod desk;
pub mod sending;
pub mod serve;
