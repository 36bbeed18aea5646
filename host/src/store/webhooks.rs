//! What the store knows of webhooks: endpoints, and the deliveries of events to them.

use std::time::Duration;

use async_trait::async_trait;

use super::{AuditEntry, StoreError, Stored};
use crate::domain::{
    event::Event,
    id::{EventId, PrincipalId, WebhookId},
    time::Timestamp,
    webhook::{Delivery, DeliveryStatus, Endpoint},
};

/// A delivery that a worker now holds, until its lease runs out.
#[derive(Debug, Clone)]
pub struct DueDelivery {
    /// To where.
    pub endpoint: Endpoint,
    /// Which event.
    pub event: EventId,
    /// What is sent, to the byte.
    pub body: String,
    /// How often it was tried, this time not counted.
    pub attempts: u32,
    /// When it was written or last replayed.
    pub since: Timestamp,
    /// The worker's right to record what came of it: nobody claimed it later.
    pub fence: i64,
}

/// What came of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// The endpoint took it.
    Delivered,
    /// It is tried again then.
    Again(Timestamp),
    /// It is not tried again.
    Dead,
}

/// A try of a delivery.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// To which endpoint.
    pub webhook: WebhookId,
    /// Which event.
    pub event: EventId,
    /// Where it was tried.
    pub url: String,
    /// The worker's right.
    pub fence: i64,
    /// When.
    pub at: Timestamp,
    /// What came of it.
    pub outcome: Tried,
    /// What the endpoint answered.
    pub answered: Option<u16>,
    /// Why it failed.
    pub error: Option<String>,
}

/// What to send again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replay {
    /// One event, whatever became of it.
    One(EventId),
    /// Everything that was given up.
    Dead,
    /// Everything that happened since then and that the endpoint wants to hear, whether it was sent or not. Tests of other endpoints
    /// are nobody's to hear.
    Since(Timestamp),
}

/// What a replay came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replayed {
    /// How many events are sent again.
    pub count: u64,
    /// Whether there may be more: another call goes on.
    pub more: bool,
    /// Of [`Replay::Since`]: since when the next call goes on; some of the last ones may be sent twice.
    pub next_since: Option<Timestamp>,
}

/// Which deliveries to list; newest first.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Only in this status.
    pub status: Option<DeliveryStatus>,
    /// Only those before this number.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

/// Endpoints and deliveries. The deliveries of an event are written with the event; see [`Recording::events`].
///
/// [`Recording::events`]: super::Recording::events
#[async_trait]
pub trait WebhookStore: Send + Sync {
    /// Writes a new endpoint, and tells of it in the audit log. `false`: its owner has `most` already, and nothing was written.
    async fn add_webhook(&self, endpoint: &Endpoint, most: u32, line: AuditEntry) -> Result<bool, StoreError>;

    /// Writes a changed endpoint, and tells of it in the audit log. Its `failing_since` is not taken from the endpoint: it begins anew
    /// where the url changes. What waits for one that is disabled is given up.
    async fn change_webhook(&self, stored: &Stored<Endpoint>, lines: Vec<AuditEntry>) -> Result<(), StoreError>;

    /// Removes an endpoint that is disabled, and before it what was sent to it, `limit` deliveries at a time; whether it is gone. The
    /// audit log is told when it is.
    async fn remove_webhook(&self, stored: &Stored<Endpoint>, limit: u32, line: AuditEntry)
    -> Result<bool, StoreError>;

    /// An endpoint.
    async fn webhook(&self, id: &WebhookId) -> Result<Option<Stored<Endpoint>>, StoreError>;

    /// Endpoints, oldest first: a principal's, or for `None` everybody's.
    async fn webhooks(&self, owner: Option<&PrincipalId>) -> Result<Vec<Endpoint>, StoreError>;

    /// Writes an event for one endpoint alone, to be delivered like any other.
    async fn add_test_event(&self, webhook: &WebhookId, event: &Event) -> Result<(), StoreError>;

    /// Claims the delivery that is due first, for `lease`. One waits for those of earlier events of its buy to the same endpoint until
    /// they have failed a few times. An endpoint is sent so many at a time, one where nothing succeeds a single one, and all endpoints of
    /// one owner so many together: the publisher's are one owner's.
    async fn claim_delivery(&self, now: Timestamp, lease: Duration) -> Result<Option<DueDelivery>, StoreError>;

    /// Records what came of a try. [`StoreError::Stale`] if somebody claimed the delivery since. The endpoint's
    /// `failing_since` as it is then; `None`, too, if the endpoint has another url by now: what failed at the old one is due at the new
    /// one.
    async fn record_attempt(&self, attempt: Attempt) -> Result<Option<Timestamp>, StoreError>;

    /// Has deliveries sent again from now on, `limit` at most, the oldest first; how many. Some are written at a time, so that nobody's
    /// write waits for all of them: what is cut off has sent some again. Of a long past, only so much is looked through by one call; what
    /// it came to says where to go on.
    async fn replay(
        &self,
        webhook: &WebhookId,
        what: Replay,
        now: Timestamp,
        limit: u32,
        line: AuditEntry,
    ) -> Result<Replayed, StoreError>;

    /// A delivery.
    async fn delivery(&self, webhook: &WebhookId, event: &EventId) -> Result<Option<Delivery>, StoreError>;

    /// A page of an endpoint's deliveries.
    async fn deliveries(&self, webhook: &WebhookId, filter: &DeliveryFilter) -> Result<Vec<Delivery>, StoreError>;

    /// Forgets deliveries that ended and are older than `before`, at most `limit`; how many.
    async fn forget_deliveries(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
