//! Events of media buys, the outbox of webhooks.

use crate::{
    domain::{event::Event, id::MediaBuyId},
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
    /// Reads the events of a buy, oldest first, at most `limit`.
    pub async fn events(&self, buy: &MediaBuyId, limit: u32) -> Result<Vec<Event>, StoreError> {
        let asked = Statement::new("SELECT doc FROM events WHERE buy = ? ORDER BY seq LIMIT ?")
            .with(buy.as_str())
            .with(limit.min(MOST_PER_PAGE));
        self.read(asked).await?.iter().map(|row| row.doc("an event", "doc")).collect()
    }
}

/// Writes events, and has them delivered to whoever wants to hear of them.
pub(super) fn append_events(script: &mut Script, events: &[Event]) -> Result<(), StoreError> {
    add_events(script, events)?;
    for event in events {
        deliveries::address(script, event);
    }
    Ok(())
}

/// Writes events and nothing else.
pub(super) fn add_events(script: &mut Script, events: &[Event]) -> Result<(), StoreError> {
    for events in events.chunks(ROWS) {
        let mut insert = Statement::new("INSERT INTO events (id, buy, doc, kind, principal, at, body) VALUES ");
        for (index, event) in events.iter().enumerate() {
            insert
                .push(if index == 0 { "(?, ?, ?, ?, ?, ?, ?)" } else { ", (?, ?, ?, ?, ?, ?, ?)" })
                .bind(event.id.as_str())
                .bind(event.buy.as_str())
                .bind(to_doc(event)?)
                .bind(event.kind.as_str())
                .bind(event.principal.as_str())
                .bind(event.at.as_micros())
                .bind(event.body());
        }
        insert.push(" ON CONFLICT DO NOTHING");
        script.add(insert, Want::Changes(events.len(), StoreError::Stale("the event")));
    }
    Ok(())
}
