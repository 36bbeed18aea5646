//! Replays events to an endpoint.
//!
//! A replay may send thousands of deliveries, and may search everything that ever happened. So it
//! reads outside of the writes, a page at a time along an index, and writes a few deliveries at a
//! time, so that other writes get their turn in between. An interrupted replay has sent again
//! whatever it had written; repeating it sends some of that twice.

use crate::{
    domain::{
        audit::AuditEntry,
        event::EventKind,
        id::{EventId, PrincipalId, WebhookId},
        time::Timestamp,
        webhook::Endpoint,
    },
    store::{
        Store, StoreError, audit,
        sql::{
            Dialect, Transaction,
            script::{Script, Statement, Want},
            work,
        },
    },
};

/// The events to replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replay {
    /// One event, whatever the state of its delivery.
    One(EventId),
    /// All dead letters.
    DeadLetters,
    /// Everything since this moment that the endpoint subscribes to, whether it was sent or not.
    /// Test events of other endpoints are excluded.
    Since(Timestamp),
}

/// The result of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replayed {
    /// The number of events that are sent again.
    pub count: u64,
    /// Whether there may be more, which another call would send.
    pub more: bool,
    /// For [`Replay::Since`], the moment from which the next call continues. Some of the last
    /// events may be sent twice.
    pub next_since: Option<Timestamp>,
}

/// The number of deliveries that one write sends again. Other writes wait for it, some
/// milliseconds.
const WRITTEN_AT_A_TIME: u32 = 250;

/// The number of events read by one query.
const PAGE: u32 = 2_000;

/// The number of events that one replay examines, of which the endpoint may want few. The result
/// says if any are left, and another call continues from there.
const MOST_LOOKED_AT: usize = 100_000;

/// Resets a delivery. A claimed one loses its claim and is sent once more. Deliveries written by a
/// host of an older version lack their event's number.
const ANEW: &str = "status = 'pending', attempts = 0, leased = 0, fence = webhook_deliveries.fence + 1, error = NULL,
    event_seq = (SELECT events.seq FROM events WHERE events.id = webhook_deliveries.event)";

/// The part of a replay that one write sends again.
#[derive(Debug, Clone)]
struct Batch {
    webhook: WebhookId,
    what: Which,
    now: Timestamp,
    /// The audit line, appended if the write sends anything.
    line: Option<AuditEntry>,
}

#[derive(Debug, Clone)]
enum Which {
    One(EventId),
    /// This number of dead letters, the oldest first.
    DeadLetters(u32),
    /// The events with these numbers.
    Events(Vec<i64>),
}

impl Store {
    /// Sends at most `limit` deliveries again from now on, oldest first, and appends `line` to the
    /// audit log.
    ///
    /// Deliveries are written a few at a time, so that other writes wait only briefly. An
    /// interrupted replay has sent some of them again. One call searches a limited part of a long
    /// past and returns where to continue.
    pub async fn replay(
        &self,
        webhook: &WebhookId,
        what: Replay,
        now: Timestamp,
        limit: u32,
        line: AuditEntry,
    ) -> Result<Replayed, StoreError> {
        let mut writing = Writing { store: self, webhook, now, line: Some(line), count: 0 };
        match what {
            Replay::One(event) => {
                writing.write(Which::One(event)).await?;
                Ok(Replayed { count: writing.count, more: false, next_since: None })
            }
            Replay::DeadLetters => {
                while writing.count < u64::from(limit) {
                    let left = u32::try_from(u64::from(limit) - writing.count).unwrap_or(u32::MAX);
                    let some = left.min(WRITTEN_AT_A_TIME);
                    if writing.write(Which::DeadLetters(some)).await? < u64::from(some) {
                        return Ok(Replayed { count: writing.count, more: false, next_since: None });
                    }
                }
                let more = self.has_dead(webhook).await?;
                Ok(Replayed { count: writing.count, more, next_since: None })
            }
            Replay::Since(since) => writing.since(since, limit).await,
        }
    }
    async fn has_dead(&self, webhook: &WebhookId) -> Result<bool, StoreError> {
        let asked =
            Statement::new("SELECT 1 AS found FROM webhook_deliveries WHERE webhook = ? AND status = 'dead' LIMIT 1")
                .with(webhook.as_str());
        Ok(!self.read(asked).await?.is_empty())
    }
    /// Reads the next events that an endpoint's owner may receive, in the order in which they
    /// happened.
    async fn page(&self, endpoint: &Endpoint, after: (Timestamp, i64)) -> Result<Vec<Found>, StoreError> {
        let mut asked = Statement::new(
            "SELECT page.seq, page.at, page.kind, CAST(CASE WHEN page.kind <> 'webhook.test' OR EXISTS (
                 SELECT 1 FROM webhook_deliveries AS tested WHERE tested.webhook = ? AND tested.event = page.id)
                 THEN 1 ELSE 0 END AS BIGINT) AS mine
             FROM (SELECT events.seq, events.at, events.kind, events.id FROM events WHERE ",
        )
        .with(endpoint.id.as_str());
        if let Some(owner) = &endpoint.owner {
            asked.push("events.principal = ? AND ").bind(PrincipalId::as_str(owner));
        }
        asked
            .push("(events.at, events.seq) > (?, ?) ORDER BY events.at, events.seq LIMIT ?) AS page ORDER BY page.at, page.seq")
            .bind(after.0.as_micros())
            .bind(after.1)
            .bind(PAGE);
        let found = self.read(asked).await?;
        found
            .iter()
            .map(|row| {
                let kind = EventKind::parse(&row.text("kind")?);
                // A test event is only for the endpoint that was tested.
                let wanted = row.int("mine")? == 1 && kind.is_some_and(|kind| endpoint.events.contains(&kind));
                Ok(Found { at: row.moment("at")?, seq: row.int("seq")?, wanted })
            })
            .collect()
    }
}

/// An event that was examined.
struct Found {
    at: Timestamp,
    seq: i64,
    wanted: bool,
}

/// A replay in progress.
struct Writing<'w> {
    store: &'w Store,
    webhook: &'w WebhookId,
    now: Timestamp,
    /// The audit line, until the first write that sends anything takes it.
    line: Option<AuditEntry>,
    count: u64,
}

impl Writing<'_> {
    async fn write(&mut self, what: Which) -> Result<u64, StoreError> {
        let batch = Batch { webhook: self.webhook.clone(), what, now: self.now, line: self.line.clone() };
        let count = self.store.write(batch, work!(send_batch)).await?;
        self.count += count;
        if count > 0 {
            self.line = None;
        }
        Ok(count)
    }
    async fn write_all(&mut self, events: &mut Vec<i64>) -> Result<(), StoreError> {
        if !events.is_empty() {
            self.write(Which::Events(std::mem::take(events))).await?;
        }
        Ok(())
    }
    /// Searches what happened since a moment, until the end, the limit, or [`MOST_LOOKED_AT`].
    async fn since(&mut self, since: Timestamp, limit: u32) -> Result<Replayed, StoreError> {
        let Some(endpoint) = self.store.webhook(self.webhook).await? else {
            return Ok(Replayed { count: 0, more: false, next_since: None });
        };
        let endpoint = endpoint.value;
        let (mut after, mut looked_at, mut chosen) = ((since, i64::MIN), 0, 0);
        let mut events = Vec::with_capacity(WRITTEN_AT_A_TIME as usize);
        loop {
            let page = self.store.page(&endpoint, after).await?;
            let whole = page.len() < PAGE as usize;
            for found in page {
                looked_at += 1;
                // The event before this one was the last of this call.
                if looked_at > MOST_LOOKED_AT || (found.wanted && chosen == limit) {
                    self.write_all(&mut events).await?;
                    return Ok(Replayed { count: self.count, more: true, next_since: Some(found.at) });
                }
                after = (found.at, found.seq);
                if found.wanted {
                    chosen += 1;
                    events.push(found.seq);
                    if events.len() >= WRITTEN_AT_A_TIME as usize {
                        self.write_all(&mut events).await?;
                    }
                }
            }
            if whole {
                self.write_all(&mut events).await?;
                return Ok(Replayed { count: self.count, more: false, next_since: None });
            }
        }
    }
}

async fn send_batch(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    Batch { webhook, what, now, line }: &Batch,
) -> Result<u64, StoreError> {
    let mut again = Statement::default();
    match what {
        Which::One(event) => {
            again
                .push("UPDATE webhook_deliveries SET ")
                .push(ANEW)
                .push(", since = ?, due_at = ? WHERE webhook = ? AND event = ?")
                .bind(now.as_micros())
                .bind(now.as_micros())
                .bind(webhook.as_str())
                .bind(event.as_str());
        }
        Which::DeadLetters(count) => {
            again
                .push(
                    "WITH picked AS MATERIALIZED (
                         SELECT seq FROM webhook_deliveries
                         WHERE webhook = ? AND status = 'dead' ORDER BY event_seq LIMIT ?)
                     UPDATE webhook_deliveries SET ",
                )
                .push(ANEW)
                .push(", since = ?, due_at = ? WHERE seq IN (SELECT seq FROM picked)")
                .bind(webhook.as_str())
                .bind(*count)
                .bind(now.as_micros())
                .bind(now.as_micros());
        }
        Which::Events(numbers) => {
            again
                .push(
                    "INSERT INTO webhook_deliveries (webhook, event, event_seq, buy, status, since, due_at)
                     SELECT webhooks.id, events.id, events.seq, events.buy, 'pending', ",
                )
                // In a SELECT, PostgreSQL takes a parameter without a type for text.
                .push(
                    "CAST(? AS BIGINT), CAST(? AS BIGINT) FROM webhooks, events WHERE webhooks.id = ? AND enabled = 1",
                )
                .bind(now.as_micros())
                .bind(now.as_micros())
                .bind(webhook.as_str());
            for (index, number) in numbers.iter().enumerate() {
                again.push(if index == 0 { " AND events.seq IN (?" } else { ", ?" }).bind(*number);
            }
            again
                .push(") ON CONFLICT (webhook, event) DO UPDATE SET since = excluded.since, due_at = excluded.due_at, ")
                .push(ANEW);
        }
    }
    again.push(" RETURNING 1 AS replayed");
    let mut script = Script::default();
    script.add(again, Want::Keep);
    let count = transaction.run(script).await?.len() as u64;
    if let Some(line) = line.as_ref().filter(|_| count > 0) {
        audit::append(transaction, dialect, std::slice::from_ref(line)).await?;
    }
    Ok(count)
}
