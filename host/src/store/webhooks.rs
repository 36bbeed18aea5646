//! Endpoints of webhooks and the deliveries of events to them. The deliveries of an event are
//! written in the transaction of the event; see [`Recording`](super::Recording).

pub use self::{
    deliveries::{Attempt, AttemptOutcome, DeliveryFilter, DueDelivery},
    replays::{Replay, Replayed},
};

pub(super) mod deliveries;
mod endpoints;
mod replays;
