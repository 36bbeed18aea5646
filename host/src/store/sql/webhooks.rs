//! Endpoints of webhooks, and the deliveries of events to them.

use std::time::Duration;

use super::{
    Database, Dialect, Transaction, audit,
    read::{MOST_PER_PAGE, MOST_ROWS},
    record::add_events,
    rows::{Row, to_doc},
    script::{Script, Statement, Want},
};
use crate::{
    domain::{
        event::{Event, EventKind},
        id::{EventId, MediaBuyId, PrincipalId, WebhookId},
        time::Timestamp,
        webhook::{self, Delivery, DeliveryStatus, Endpoint},
    },
    store::{
        AuditEntry, StoreError, Stored,
        webhooks::{Attempt, DeliveryFilter, DueDelivery, Replay, Tried},
    },
};

/// Has an event delivered to every endpoint that wants to hear of it.
pub(super) fn address(script: &mut Script, event: &Event) {
    script
        .statement(
            "INSERT INTO webhook_deliveries (webhook, event, buy, status, since, due_at)
             SELECT webhooks.id, ?, ?, 'pending', ?, ? FROM webhook_events JOIN webhooks ON webhooks.id = webhook
             WHERE kind = ? AND enabled = 1 AND (owner IS NULL OR owner = ?)",
            Want::Any,
        )
        .bind(event.id.as_str())
        .bind(event.buy.as_str())
        .bind(event.at.as_micros())
        .bind(event.at.as_micros())
        .bind(event.kind.as_str())
        .bind(event.principal.as_str());
}

fn set_events(script: &mut Script, endpoint: &Endpoint) {
    script.statement("DELETE FROM webhook_events WHERE webhook = ?", Want::Any).bind(endpoint.id.as_str());
    for kind in &endpoint.events {
        script
            .statement("INSERT INTO webhook_events (webhook, kind) VALUES (?, ?) ON CONFLICT DO NOTHING", Want::Any)
            .bind(endpoint.id.as_str())
            .bind(kind.as_str());
    }
}

/// An endpoint without what has a column of its own.
fn doc(endpoint: &Endpoint) -> Result<String, StoreError> {
    to_doc(&Endpoint { failing_since: None, ..endpoint.clone() })
}

pub(super) async fn add(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (endpoint, line): &(Endpoint, AuditEntry),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    script
        .statement(
            "INSERT INTO webhooks (id, owner, enabled, doc) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            Want::Changes(1, StoreError::Stale("the endpoint")),
        )
        .bind(endpoint.id.as_str())
        .bind(endpoint.owner.as_ref().map(PrincipalId::as_str))
        .bind(endpoint.disabled.is_none())
        .bind(doc(endpoint)?);
    set_events(&mut script, endpoint);
    transaction.run(script).await?;
    audit::append(transaction, dialect, std::slice::from_ref(line)).await
}

pub(super) async fn change(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (stored, line): &(Stored<Endpoint>, AuditEntry),
) -> Result<(), StoreError> {
    let endpoint = &stored.value;
    let mut script = Script::default();
    // Deliveries before their endpoint, like whoever records one. An event that was being written while the endpoint was disabled
    // is given up when it is enabled again.
    script
        .statement(
            "UPDATE webhook_deliveries SET status = 'dead', leased = 0, fence = fence + 1,
                    error = coalesce(error, 'the endpoint was disabled')
             WHERE webhook = ? AND status = 'pending'
               AND (? = 1 OR EXISTS (SELECT 1 FROM webhooks WHERE id = ? AND enabled = 0))",
            Want::Any,
        )
        .bind(endpoint.id.as_str())
        .bind(endpoint.disabled.is_some())
        .bind(endpoint.id.as_str());
    let sql = if endpoint.disabled.is_none() {
        "UPDATE webhooks SET version = version + 1, enabled = ?, doc = ? WHERE id = ? AND version = ?"
    } else {
        // Once it is enabled again, its time begins anew.
        "UPDATE webhooks SET version = version + 1, enabled = ?, doc = ?, failing_since = NULL WHERE id = ? AND version = ?"
    };
    script
        .statement(sql, Want::Changes(1, StoreError::Stale("the endpoint")))
        .bind(endpoint.disabled.is_none())
        .bind(doc(endpoint)?)
        .bind(endpoint.id.as_str())
        .bind(stored.version);
    set_events(&mut script, endpoint);
    transaction.run(script).await?;
    audit::append(transaction, dialect, std::slice::from_ref(line)).await
}

pub(super) async fn remove(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (stored, limit, line): &(Stored<Endpoint>, u32, AuditEntry),
) -> Result<bool, StoreError> {
    let id = stored.value.id.as_str();
    let mut script = Script::default();
    script
        .statement(
            "SELECT 1 AS found FROM webhooks WHERE id = ? AND version = ? AND enabled = 0",
            Want::Row(StoreError::Stale("the endpoint")),
        )
        .bind(id)
        .bind(stored.version);
    script
        .statement(
            "DELETE FROM webhook_deliveries
             WHERE seq IN (SELECT seq FROM webhook_deliveries WHERE webhook = ? LIMIT ?) RETURNING 1 AS removed",
            Want::Keep,
        )
        .bind(id)
        .bind(*limit);
    if transaction.run(script).await?.len() >= *limit as usize {
        return Ok(false);
    }
    let mut script = Script::default();
    script.statement("DELETE FROM webhook_events WHERE webhook = ?", Want::Any).bind(id);
    script
        .statement(
            "DELETE FROM webhooks WHERE id = ? AND version = ?",
            Want::Changes(1, StoreError::Stale("the endpoint")),
        )
        .bind(id)
        .bind(stored.version);
    transaction.run(script).await?;
    audit::append(transaction, dialect, std::slice::from_ref(line)).await?;
    Ok(true)
}

pub(super) async fn webhook(database: &impl Database, id: &WebhookId) -> Result<Option<Stored<Endpoint>>, StoreError> {
    let asked = Statement::new("SELECT doc, version, failing_since FROM webhooks WHERE id = ?").with(id.as_str());
    let found = database.read(asked).await?;
    let Some(row) = found.first() else { return Ok(None) };
    Ok(Some(Stored { value: endpoint(row)?, version: row.int("version")? }))
}

pub(super) async fn webhooks(
    database: &impl Database,
    owner: Option<&PrincipalId>,
) -> Result<Vec<Endpoint>, StoreError> {
    let mut asked = Statement::new("SELECT doc, failing_since FROM webhooks");
    if let Some(owner) = owner {
        asked.push(" WHERE owner = ?").bind(owner.as_str());
    }
    asked.push(" ORDER BY seq LIMIT ?").bind(MOST_ROWS);
    database.read(asked).await?.iter().map(endpoint).collect()
}

fn endpoint(row: &Row) -> Result<Endpoint, StoreError> {
    let endpoint: Endpoint = row.doc("an endpoint of webhooks", "doc")?;
    Ok(Endpoint { failing_since: row.maybe_moment("failing_since")?, ..endpoint })
}

pub(super) async fn add_test_event(
    transaction: &mut (dyn Transaction + '_),
    _: &Dialect,
    (webhook, event): &(WebhookId, Event),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    add_events(&mut script, std::slice::from_ref(event))?;
    script
        .statement(
            "INSERT INTO webhook_deliveries (webhook, event, buy, status, since, due_at)
             VALUES (?, ?, ?, 'pending', ?, ?)",
            Want::Any,
        )
        .bind(webhook.as_str())
        .bind(event.id.as_str())
        .bind(event.buy.as_str())
        .bind(event.at.as_micros())
        .bind(event.at.as_micros());
    transaction.run(script).await.map(drop)
}

pub(super) async fn claim(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (now, lease): &(Timestamp, Duration),
) -> Result<Option<DueDelivery>, StoreError> {
    let mut claim = Statement::new("WITH picked AS MATERIALIZED (SELECT mine.seq FROM webhook_deliveries AS mine");
    claim
        .push(" WHERE mine.status = 'pending' AND mine.due_at <= ")
        .push(dialect.current)
        .bind(dialect.at(*now))
        // Which endpoints may be sent more is asked once and not for each delivery, and first: thousands may wait for a slow one.
        .push(
            " AND CASE WHEN mine.webhook IN (
                  SELECT id FROM webhooks WHERE enabled = 1 AND (
                      SELECT count(*) FROM webhook_deliveries AS other
                      WHERE other.webhook = webhooks.id AND other.leased = 1 AND other.due_at > ",
        )
        .push(dialect.current)
        .bind(dialect.at(*now))
        .push(
            ") < ?)
              THEN mine.buy = '' OR NOT EXISTS (
                  SELECT 1 FROM webhook_deliveries AS earlier",
        )
        .push(dialect.earlier)
        .push(
            " WHERE earlier.webhook = mine.webhook AND earlier.buy = mine.buy AND earlier.status = 'pending'
                    AND earlier.seq < mine.seq AND earlier.attempts < ?)
              ELSE 1 = 0 END
              ORDER BY mine.due_at, mine.seq LIMIT 1",
        )
        .bind(webhook::AT_A_TIME)
        .bind(webhook::PATIENCE)
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

pub(super) async fn record_attempt(
    transaction: &mut (dyn Transaction + '_),
    _: &Dialect,
    attempt: &Attempt,
) -> Result<Option<Timestamp>, StoreError> {
    let (status, due_at) = match attempt.outcome {
        Tried::Delivered => (DeliveryStatus::Delivered, attempt.at),
        Tried::Again(at) => (DeliveryStatus::Pending, at),
        Tried::Dead => (DeliveryStatus::Dead, attempt.at),
    };
    let mut script = Script::default();
    script
        .statement(
            "UPDATE webhook_deliveries SET status = ?, attempts = attempts + 1, due_at = ?, leased = 0, tried_at = ?,
                    answered = ?, error = ?
             WHERE webhook = ? AND event = ? AND fence = ? AND leased = 1",
            Want::Changes(1, StoreError::Stale("the delivery")),
        )
        .bind(status.as_str())
        .bind(due_at.as_micros())
        .bind(attempt.at.as_micros())
        .bind(attempt.answered.map(i64::from))
        .bind(attempt.error.as_deref())
        .bind(attempt.webhook.as_str())
        .bind(attempt.event.as_str())
        .bind(attempt.fence);
    // Written only where it changes: deliveries of one endpoint need not wait for each other.
    if status == DeliveryStatus::Delivered {
        script
            .statement("UPDATE webhooks SET failing_since = NULL WHERE id = ? AND failing_since IS NOT NULL", Want::Any)
            .bind(attempt.webhook.as_str());
    } else {
        script
            .statement("UPDATE webhooks SET failing_since = ? WHERE id = ? AND failing_since IS NULL", Want::Any)
            .bind(attempt.at.as_micros())
            .bind(attempt.webhook.as_str());
    }
    script.statement("SELECT failing_since FROM webhooks WHERE id = ?", Want::Keep).bind(attempt.webhook.as_str());
    let found = transaction.run(script).await?;
    found.first().map_or(Ok(None), |row| row.maybe_moment("failing_since"))
}

pub(super) async fn replay(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (webhook, what, now, limit, line): &(WebhookId, Replay, Timestamp, u32, AuditEntry),
) -> Result<u64, StoreError> {
    // What is claimed now loses its claim: it is sent once more.
    let anew = "status = 'pending', attempts = 0, leased = 0, fence = webhook_deliveries.fence + 1, error = NULL";
    let mut again = Statement::default();
    match what {
        Replay::One(event) => {
            again
                .push("UPDATE webhook_deliveries SET ")
                .push(anew)
                .push(", since = ?, due_at = ? WHERE webhook = ? AND event = ?")
                .bind(now.as_micros())
                .bind(now.as_micros())
                .bind(webhook.as_str())
                .bind(event.as_str());
        }
        Replay::Dead => {
            again
                .push(
                    "WITH picked AS MATERIALIZED (
                         SELECT seq FROM webhook_deliveries WHERE webhook = ? AND status = 'dead' ORDER BY seq LIMIT ?)
                     UPDATE webhook_deliveries SET ",
                )
                .push(anew)
                .push(", since = ?, due_at = ? WHERE seq IN (SELECT seq FROM picked)")
                .bind(webhook.as_str())
                .bind(*limit)
                .bind(now.as_micros())
                .bind(now.as_micros());
        }
        Replay::Since(since) => {
            again
                .push(
                    "INSERT INTO webhook_deliveries (webhook, event, buy, status, since, due_at)
                     SELECT webhooks.id, events.id, events.buy, 'pending', ",
                )
                // In a SELECT, PostgreSQL takes a parameter without a type for text.
                .push("CAST(? AS BIGINT), CAST(? AS BIGINT)")
                .push(
                    " FROM webhooks JOIN webhook_events ON webhook_events.webhook = webhooks.id
                      JOIN events ON events.kind = webhook_events.kind
                      WHERE webhooks.id = ? AND events.at >= ? AND (owner IS NULL OR owner = events.principal)
                      ORDER BY events.seq LIMIT ?
                      ON CONFLICT (webhook, event) DO UPDATE SET since = excluded.since, due_at = excluded.due_at, ",
                )
                .push(anew)
                .bind(now.as_micros())
                .bind(now.as_micros())
                .bind(webhook.as_str())
                .bind(since.as_micros())
                .bind(*limit);
        }
    }
    again.push(" RETURNING 1 AS replayed");
    let replayed = transaction.run(Script::asking(again)).await?.len() as u64;
    if replayed > 0 {
        audit::append(transaction, dialect, std::slice::from_ref(line)).await?;
    }
    Ok(replayed)
}

const DELIVERY: &str = "SELECT webhook_deliveries.seq, webhook, event, webhook_deliveries.buy, events.kind, status,
    attempts, since, due_at, tried_at, answered, error
    FROM webhook_deliveries JOIN events ON events.id = webhook_deliveries.event WHERE webhook = ?";

pub(super) async fn delivery(
    database: &impl Database,
    webhook: &WebhookId,
    event: &EventId,
) -> Result<Option<Delivery>, StoreError> {
    let mut asked = Statement::new(DELIVERY).with(webhook.as_str());
    asked.push(" AND event = ?").bind(event.as_str());
    database.read(asked).await?.first().map(read_delivery).transpose()
}

pub(super) async fn deliveries(
    database: &impl Database,
    webhook: &WebhookId,
    filter: &DeliveryFilter,
) -> Result<Vec<Delivery>, StoreError> {
    let mut asked = Statement::new(DELIVERY).with(webhook.as_str());
    if let Some(status) = filter.status {
        asked.push(" AND status = ?").bind(status.as_str());
    }
    if let Some(before) = filter.before {
        asked.push(" AND webhook_deliveries.seq < ?").bind(before);
    }
    asked.push(" ORDER BY webhook_deliveries.seq DESC LIMIT ?").bind(filter.limit.min(MOST_PER_PAGE));
    database.read(asked).await?.iter().map(read_delivery).collect()
}

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

pub(super) async fn forget(
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
