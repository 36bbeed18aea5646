//! Events of media buys: the outbox of the webhooks.

use crate::{
    domain::{
        event::{Event, PayloadFormat},
        id::MediaBuyId,
    },
    store::{
        Store, StoreError,
        sql::{
            MOST_PER_PAGE, ROWS,
            rows::to_doc,
            script::{Script, Statement, Want},
        },
        webhooks::deliveries,
    },
};

impl Store {
    /// Reads at most `limit` events of a buy, oldest first.
    pub async fn events(&self, buy: &MediaBuyId, limit: u32) -> Result<Vec<Event>, StoreError> {
        let asked = Statement::new("SELECT doc FROM events WHERE buy = ? ORDER BY seq LIMIT ?")
            .with(buy.as_str())
            .with(limit.min(MOST_PER_PAGE));
        self.read(asked).await?.iter().map(|row| row.doc("an event", "doc")).collect()
    }

    /// Reads at most `limit` events before number `before`, newest first, each with its number.
    pub async fn recent_events(&self, before: Option<i64>, limit: u32) -> Result<Vec<(i64, Event)>, StoreError> {
        let asked = Statement::new("SELECT seq, doc FROM events WHERE seq < ? ORDER BY seq DESC LIMIT ?")
            .with(before.unwrap_or(i64::MAX))
            .with(limit.min(MOST_PER_PAGE));
        let rows = self.read(asked).await?;
        rows.iter().map(|row| Ok((row.int("seq")?, row.doc("an event", "doc")?))).collect()
    }

    /// Returns the number of the latest event; 0 if there is none.
    pub async fn latest_event(&self) -> Result<i64, StoreError> {
        let asked = Statement::new("SELECT CAST(coalesce(max(seq), 0) AS BIGINT) AS latest FROM events");
        self.read(asked).await?.first().map_or(Ok(0), |row| row.int("latest"))
    }
}

/// An event and the payload of its webhook deliveries.
pub(super) type Formatted = (Event, String);

/// Formats the payload of each event.
pub(super) fn formatted<'a>(events: impl IntoIterator<Item = &'a Event>, format: PayloadFormat) -> Vec<Formatted> {
    events.into_iter().map(|event| (event.clone(), format(event))).collect()
}

/// Returns the payload to use when no protocol is served: the event as it is stored.
pub(super) fn unformatted(event: &Event) -> String {
    serde_json::to_string(event).unwrap_or_default()
}

/// Writes events and enqueues their deliveries to the subscribed endpoints.
pub(super) fn append_events(script: &mut Script, events: &[Formatted]) -> Result<(), StoreError> {
    add_events(script, events)?;
    for (event, _) in events {
        deliveries::enqueue(script, event);
    }
    Ok(())
}

/// Writes events without enqueueing deliveries.
pub(super) fn add_events(script: &mut Script, events: &[Formatted]) -> Result<(), StoreError> {
    for events in events.chunks(ROWS) {
        let mut insert = Statement::new("INSERT INTO events (id, buy, doc, kind, principal, at, body) VALUES ");
        for (index, (event, payload)) in events.iter().enumerate() {
            insert
                .push(if index == 0 { "(?, ?, ?, ?, ?, ?, ?)" } else { ", (?, ?, ?, ?, ?, ?, ?)" })
                .bind(event.id.as_str())
                .bind(event.buy.as_str())
                .bind(to_doc(event)?)
                .bind(event.kind.as_str())
                .bind(event.principal.as_str())
                .bind(event.at.as_micros())
                .bind(payload.as_str());
        }
        insert.push(" ON CONFLICT DO NOTHING");
        script.add(insert, Want::Changes(events.len(), StoreError::Stale("the event")));
    }
    Ok(())
}
