//! Deliveries of events to endpoints: which one is attempted next, and the result of each attempt.

use std::time::Duration;

use crate::{
    domain::{
        event::{Event, EventKind},
        id::{EventId, MediaBuyId, WebhookId},
        time::Timestamp,
        webhook::{self, Delivery, DeliveryStatus, Endpoint},
    },
    store::{
        Store, StoreError,
        events::{Formatted, add_events, formatted},
        sql::{
            Dialect, MOST_PER_PAGE, Transaction,
            rows::Row,
            script::{Script, Statement, Want},
            work,
        },
        webhooks::endpoints::endpoint,
    },
};

/// A delivery that a worker holds until its lease expires.
#[derive(Debug, Clone)]
pub struct DueDelivery {
    /// The endpoint to deliver to.
    pub endpoint: Endpoint,
    /// The event that is delivered.
    pub event: EventId,
    /// The exact request body.
    pub body: String,
    /// The number of earlier attempts.
    pub attempts: u32,
    /// When the delivery was written or last replayed.
    pub since: Timestamp,
    /// The fencing token under which the worker may record the result, unless somebody has claimed
    /// the delivery since.
    pub fence: i64,
}

/// An attempt of a delivery.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The endpoint of the delivery.
    pub webhook: WebhookId,
    /// The event of the delivery.
    pub event: EventId,
    /// The url that was tried.
    pub url: String,
    /// The worker's fencing token.
    pub fence: i64,
    /// When the attempt was made.
    pub at: Timestamp,
    /// The result of the attempt.
    pub outcome: AttemptOutcome,
    /// The HTTP status of the answer, if there was one.
    pub answered: Option<u16>,
    /// Why the attempt failed.
    pub error: Option<String>,
}

/// The result of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The endpoint accepted the delivery.
    Delivered,
    /// The delivery is retried at this moment.
    Retry(Timestamp),
    /// The delivery is given up.
    DeadLetter,
}

/// A filter for listing deliveries, newest first.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Only deliveries in this status.
    pub status: Option<DeliveryStatus>,
    /// Only deliveries with a number below this one.
    pub before: Option<i64>,
    /// The maximum number of deliveries.
    pub limit: u32,
}

impl Store {
    /// Stores an event for a single endpoint, to be delivered like any other.
    pub async fn add_test_event(&self, webhook: &WebhookId, event: &Event) -> Result<(), StoreError> {
        let events = formatted([event], self.payload);
        self.write((webhook.clone(), events), work!(add_test_event)).await
    }

    /// Claims the delivery that is due first, for `lease`.
    ///
    /// A delivery waits for those of earlier events of its buy to the same endpoint until they have
    /// failed a few times. An endpoint gets a few deliveries at a time, or a single one while
    /// nothing succeeds there. All endpoints of one owner together get a fixed number; the
    /// publisher's endpoints count as one owner's.
    pub async fn claim_delivery(&self, now: Timestamp, lease: Duration) -> Result<Option<DueDelivery>, StoreError> {
        self.write((now, lease), work!(claim)).await
    }

    /// Records the result of an attempt and returns the endpoint's resulting `failing_since`.
    ///
    /// If the endpoint's url has changed meanwhile and the attempt at the old one failed, the
    /// delivery is due at once at the new url, the attempt counts for nothing else, and `None` is
    /// returned.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if another worker has claimed the delivery since.
    pub async fn record_attempt(&self, attempt: Attempt) -> Result<Option<Timestamp>, StoreError> {
        self.write(attempt, work!(record_attempt)).await
    }

    /// Reads a delivery.
    pub async fn delivery(&self, webhook: &WebhookId, event: &EventId) -> Result<Option<Delivery>, StoreError> {
        let mut asked = Statement::new(DELIVERY).with(webhook.as_str());
        asked.push(" AND event = ?").bind(event.as_str());
        self.read(asked).await?.first().map(read_delivery).transpose()
    }

    /// Reads a page of an endpoint's deliveries, newest first.
    pub async fn deliveries(&self, webhook: &WebhookId, filter: &DeliveryFilter) -> Result<Vec<Delivery>, StoreError> {
        let mut asked = Statement::new(DELIVERY).with(webhook.as_str());
        if let Some(status) = filter.status {
            asked.push(" AND status = ?").bind(status.as_str());
        }
        if let Some(before) = filter.before {
            asked.push(" AND webhook_deliveries.seq < ?").bind(before);
        }
        asked.push(" ORDER BY webhook_deliveries.seq DESC LIMIT ?").bind(filter.limit.min(MOST_PER_PAGE));
        self.read(asked).await?.iter().map(read_delivery).collect()
    }

    /// Deletes at most `limit` deliveries that have ended and are older than `before`, and returns
    /// how many.
    pub async fn forget_deliveries(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write((before, limit), work!(forget)).await
    }
}

/// Enqueues an event's deliveries to every subscribed endpoint.
pub(in crate::store) fn enqueue(script: &mut Script, event: &Event) {
    script
        .statement(
            "INSERT INTO webhook_deliveries (webhook, event, event_seq, buy, status, since, due_at)
             SELECT webhooks.id, events.id, events.seq, events.buy, 'pending', events.at, events.at
             FROM events JOIN webhook_events ON webhook_events.kind = events.kind
                         JOIN webhooks ON webhooks.id = webhook_events.webhook
             WHERE events.id = ? AND enabled = 1 AND (owner IS NULL OR owner = events.principal)",
            Want::Any,
        )
        .bind(event.id.as_str());
}

/// Pushes the condition that the delivery `mine` may be attempted now: it is due, and no earlier
/// delivery of its buy keeps it waiting.
fn may_be_tried(statement: &mut Statement, dialect: &Dialect, now: Timestamp) {
    statement
        .push(" AND mine.status = 'pending' AND mine.due_at <= ")
        .push(dialect.current)
        .bind(dialect.at(now))
        .push(" AND (mine.buy = '' OR NOT EXISTS (SELECT 1 FROM webhook_deliveries AS earlier")
        .push(dialect.earlier)
        .push(
            " WHERE earlier.webhook = mine.webhook AND earlier.buy = mine.buy AND earlier.status = 'pending'
                AND (earlier.event_seq, earlier.seq) < (mine.event_seq, mine.seq) AND earlier.attempts < ?))",
        )
        .bind(webhook::PATIENCE);
}

/// Pushes the common table expressions that choose the next endpoint to send to, as `chosen`.
/// Thousands of deliveries may be due to an endpoint that has no capacity left, and none of them is
/// read.
fn choose(statement: &mut Statement, dialect: &Dialect, now: Timestamp) {
    statement
        .push(
            "WITH RECURSIVE busy AS MATERIALIZED (
                 SELECT webhooks.id, webhooks.failing_since, coalesce(webhooks.owner, '') AS owner
                 FROM webhook_deliveries AS other JOIN webhooks ON webhooks.id = other.webhook
                 WHERE other.leased = 1 AND other.due_at > ",
        )
        .push(dialect.current)
        .bind(dialect.at(now))
        // Steps along an index from one endpoint with pending deliveries to the next.
        .push("), waiting (webhook) AS (SELECT min(one.webhook) FROM webhook_deliveries AS one")
        .push(dialect.due)
        .push(
            " WHERE one.status = 'pending'
              UNION ALL SELECT (SELECT min(later.webhook) FROM webhook_deliveries AS later",
        )
        .push(dialect.due)
        .push(
            " WHERE later.status = 'pending' AND later.webhook > waiting.webhook)
              FROM waiting WHERE waiting.webhook IS NOT NULL),
              free AS MATERIALIZED (SELECT webhooks.id, (SELECT mine.due_at FROM webhook_deliveries AS mine",
        )
        .push(dialect.due)
        .push(" WHERE mine.webhook = webhooks.id");
    may_be_tried(statement, dialect, now);
    statement
        .push(
            " ORDER BY mine.due_at, mine.event_seq LIMIT 1) AS due_at
              FROM waiting JOIN webhooks ON webhooks.id = waiting.webhook
              WHERE webhooks.enabled = 1
                AND webhooks.id NOT IN (SELECT id FROM busy GROUP BY id HAVING count(*)
                    >= CASE WHEN max(failing_since) IS NULL THEN CAST(? AS BIGINT) ELSE 1 END)
                AND coalesce(webhooks.owner, '') NOT IN (SELECT owner FROM busy GROUP BY owner HAVING count(*) >= ?)),
              chosen AS MATERIALIZED (
                  SELECT id FROM free WHERE due_at IS NOT NULL ORDER BY due_at, id LIMIT 1)",
        )
        .bind(webhook::AT_A_TIME)
        .bind(webhook::OWNERS_AT_A_TIME);
}

async fn add_test_event(
    transaction: &mut (dyn Transaction + '_),
    _: &Dialect,
    (webhook, events): &(WebhookId, Vec<Formatted>),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    add_events(&mut script, events)?;
    for (event, _) in events {
        script
            .statement(
                "INSERT INTO webhook_deliveries (webhook, event, event_seq, buy, status, since, due_at)
             SELECT webhooks.id, events.id, events.seq, events.buy, 'pending', events.at, events.at
             FROM events, webhooks WHERE events.id = ? AND webhooks.id = ?",
                Want::Any,
            )
            .bind(event.id.as_str())
            .bind(webhook.as_str());
    }
    transaction.run(script).await.map(drop)
}

async fn claim(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (now, lease): &(Timestamp, Duration),
) -> Result<Option<DueDelivery>, StoreError> {
    let mut claim = Statement::default();
    choose(&mut claim, dialect, *now);
    claim
        .push(", picked AS MATERIALIZED (SELECT mine.seq FROM webhook_deliveries AS mine")
        .push(dialect.due)
        .push(" WHERE mine.webhook = (SELECT id FROM chosen)");
    may_be_tried(&mut claim, dialect, *now);
    claim
        .push(" ORDER BY mine.due_at, mine.event_seq LIMIT 1")
        .push(dialect.unlocked_only)
        .push(") UPDATE webhook_deliveries SET fence = fence + 1, leased = 1, due_at = ")
        .push(dialect.moment)
        .bind(dialect.at(*now))
        .push(" + ? WHERE seq IN (SELECT seq FROM picked) RETURNING webhook, event, attempts, since, fence")
        .bind(i64::try_from(lease.as_micros()).unwrap_or(i64::MAX / 2));
    let claimed = transaction.run(Script::asking(claim)).await?;
    let Some(row) = claimed.first() else { return Ok(None) };
    let asked = Statement::new(
        "SELECT webhooks.doc, webhooks.failing_since, events.body FROM webhooks, events
         WHERE webhooks.id = ? AND events.id = ?",
    )
    .with(row.text("webhook")?)
    .with(row.text("event")?);
    let found = transaction.run(Script::asking(asked)).await?;
    let about =
        found.first().ok_or_else(|| StoreError::Corrupt("a delivery has no endpoint or no event".to_owned()))?;
    Ok(Some(DueDelivery {
        endpoint: endpoint(about)?,
        event: EventId::new(row.text("event")?),
        body: about.text("body")?,
        attempts: count(row, "attempts")?,
        since: row.moment("since")?,
        fence: row.int("fence")?,
    }))
}

fn count(row: &Row, name: &'static str) -> Result<u32, StoreError> {
    Ok(u32::try_from(row.int(name)?).unwrap_or(u32::MAX))
}

/// Records the result of an attempt. A failed attempt at a url that the endpoint no longer has
/// makes the delivery due at once at the new url, and counts for nothing else.
async fn record_attempt(
    transaction: &mut (dyn Transaction + '_),
    _: &Dialect,
    attempt: &Attempt,
) -> Result<Option<Timestamp>, StoreError> {
    let asked = Statement::new("SELECT doc, version, failing_since FROM webhooks WHERE id = ?");
    let found = transaction.run(Script::asking(asked.with(attempt.webhook.as_str()))).await?;
    let now_at = found.first().ok_or(StoreError::Stale("the endpoint"))?;
    let moved = endpoint(now_at)?.url != attempt.url;
    let (status, due_at) = match attempt.outcome {
        AttemptOutcome::Delivered => (DeliveryStatus::Delivered, attempt.at),
        AttemptOutcome::Retry(_) | AttemptOutcome::DeadLetter if moved => (DeliveryStatus::Pending, attempt.at),
        AttemptOutcome::Retry(at) => (DeliveryStatus::Pending, at),
        AttemptOutcome::DeadLetter => (DeliveryStatus::Dead, attempt.at),
    };
    let mut script = Script::default();
    script
        .statement(
            "UPDATE webhook_deliveries SET status = ?, attempts = attempts + ?, due_at = ?, leased = 0, tried_at = ?,
                    answered = ?, error = ?
             WHERE webhook = ? AND event = ? AND fence = ? AND leased = 1",
            Want::Changes(1, StoreError::Stale("the delivery")),
        )
        .bind(status.as_str())
        .bind(!moved || status == DeliveryStatus::Delivered)
        .bind(due_at.as_micros())
        .bind(attempt.at.as_micros())
        .bind(attempt.answered.map(i64::from))
        .bind(attempt.error.as_deref())
        .bind(attempt.webhook.as_str())
        .bind(attempt.event.as_str())
        .bind(attempt.fence);
    if moved {
        transaction.run(script).await?;
        return Ok(None);
    }
    // Written only if it changes, so that deliveries of one endpoint don't block each other.
    let failing = if status == DeliveryStatus::Delivered {
        script.statement(
            "UPDATE webhooks SET failing_since = NULL WHERE id = ? AND version = ? AND failing_since IS NOT NULL",
            Want::Any,
        )
    } else {
        script
            .statement(
                "UPDATE webhooks SET failing_since = ? WHERE id = ? AND version = ? AND failing_since IS NULL",
                Want::Any,
            )
            .bind(attempt.at.as_micros())
    };
    failing.bind(attempt.webhook.as_str()).bind(now_at.int("version")?);
    script.statement("SELECT failing_since FROM webhooks WHERE id = ?", Want::Keep).bind(attempt.webhook.as_str());
    let found = transaction.run(script).await?;
    found.first().map_or(Ok(None), |row| row.maybe_moment("failing_since"))
}

const DELIVERY: &str = "SELECT webhook_deliveries.seq, webhook, event, webhook_deliveries.buy, events.kind, status,
    attempts, since, due_at, tried_at, answered, error
    FROM webhook_deliveries JOIN events ON events.id = webhook_deliveries.event WHERE webhook = ?";

fn read_delivery(row: &Row) -> Result<Delivery, StoreError> {
    let unknown = |what: &str, text: &str| StoreError::Corrupt(format!("a delivery has the unknown {what} {text:?}"));
    let (kind, status) = (row.text("kind")?, row.text("status")?);
    Ok(Delivery {
        webhook: WebhookId::new(row.text("webhook")?),
        event: EventId::new(row.text("event")?),
        kind: EventKind::parse(&kind).ok_or_else(|| unknown("kind", &kind))?,
        buy: MediaBuyId::new(row.text("buy")?),
        status: DeliveryStatus::parse(&status).ok_or_else(|| unknown("status", &status))?,
        attempts: count(row, "attempts")?,
        since: row.moment("since")?,
        due_at: row.moment("due_at")?,
        tried_at: row.maybe_moment("tried_at")?,
        answered: row.maybe_int("answered")?.and_then(|status| u16::try_from(status).ok()),
        error: row.maybe_text("error")?,
        number: row.int("seq")?,
    })
}

async fn forget(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (before, limit): &(Timestamp, u32),
) -> Result<u64, StoreError> {
    let mut forget = Statement::new(
        "WITH picked AS MATERIALIZED (
             SELECT seq FROM webhook_deliveries WHERE status <> 'pending' AND since < ? ORDER BY since LIMIT ?",
    );
    forget
        .push(dialect.unlocked_only)
        .push(") DELETE FROM webhook_deliveries WHERE seq IN (SELECT seq FROM picked) RETURNING 1 AS forgotten")
        .bind(before.as_micros())
        .bind(*limit);
    Ok(transaction.run(Script::asking(forget)).await?.len() as u64)
}
