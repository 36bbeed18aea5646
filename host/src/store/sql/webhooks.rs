//! Endpoints of webhooks.

use super::{
    Database, Dialect, Transaction, audit,
    read::MOST_ROWS,
    rows::{Row, to_doc},
    script::{Script, Statement, Want},
};
use crate::{
    domain::{
        id::{PrincipalId, WebhookId},
        webhook::Endpoint,
    },
    store::{AuditEntry, StoreError, Stored},
};

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
    (endpoint, most, line): &(Endpoint, u32, AuditEntry),
) -> Result<bool, StoreError> {
    // Whoever makes another endpoint of this owner waits here, so that none is counted too few. Nothing is locked before.
    let mut script = Script::default();
    if let Some(lock) = dialect.audit_lock {
        script.statement(lock, Want::Any);
    }
    script
        .statement("SELECT count(*) AS found FROM webhooks WHERE coalesce(owner, '') = ?", Want::Keep)
        .bind(endpoint.owner.as_ref().map_or("", PrincipalId::as_str));
    let found = transaction.run(script).await?;
    if found.first().map_or(Ok(0), |row| row.int("found"))? >= i64::from(*most) {
        return Ok(false);
    }
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
    audit::append(transaction, dialect, std::slice::from_ref(line)).await?;
    Ok(true)
}

pub(super) async fn change(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (stored, lines): &(Stored<Endpoint>, Vec<AuditEntry>),
) -> Result<(), StoreError> {
    let changed = &stored.value;
    let asked = Statement::new("SELECT doc, version, failing_since FROM webhooks WHERE id = ? AND version = ?");
    let asked = asked.with(changed.id.as_str()).with(stored.version);
    let found = transaction.run(Script::asking(asked)).await?;
    let before = endpoint(found.first().ok_or(StoreError::Stale("the endpoint"))?)?;
    let mut script = Script::default();
    // Deliveries before their endpoint, like whoever records one. The rest is given up by [`give_up`].
    give_up_some(&mut script, &changed.id, changed.disabled.is_some());
    let sql = if changed.disabled.is_none() && changed.url == before.url {
        "UPDATE webhooks SET version = version + 1, enabled = ?, doc = ? WHERE id = ? AND version = ?"
    } else {
        // Once it is enabled again, or somewhere else, its time begins anew.
        "UPDATE webhooks SET version = version + 1, enabled = ?, doc = ?, failing_since = NULL WHERE id = ? AND version = ?"
    };
    script
        .statement(sql, Want::Changes(1, StoreError::Stale("the endpoint")))
        .bind(changed.disabled.is_none())
        .bind(doc(changed)?)
        .bind(changed.id.as_str())
        .bind(stored.version);
    set_events(&mut script, changed);
    transaction.run(script).await?;
    audit::append(transaction, dialect, lines).await
}

/// How many deliveries one write gives up: a receiver that was away for days has left any number of them.
const GIVEN_UP: u32 = 1_000;

/// Gives up deliveries that wait for an endpoint that is disabled, or is to be. An event that was being written while the endpoint was
/// disabled is given up when it is enabled again.
fn give_up_some(script: &mut Script, webhook: &WebhookId, disables: bool) {
    script
        .statement(
            "UPDATE webhook_deliveries SET status = 'dead', leased = 0, fence = fence + 1,
                    error = coalesce(error, 'the endpoint was disabled')
             WHERE seq IN (SELECT seq FROM webhook_deliveries WHERE webhook = ? AND status = 'pending' LIMIT ?)
               AND (? = 1 OR EXISTS (SELECT 1 FROM webhooks WHERE id = ? AND enabled = 0))
             RETURNING 1 AS given_up",
            Want::Keep,
        )
        .bind(webhook.as_str())
        .bind(GIVEN_UP)
        .bind(disables)
        .bind(webhook.as_str());
}

/// Gives up a batch of what waits for an endpoint that is disabled; whether there may be more.
pub(super) async fn give_up(
    transaction: &mut (dyn Transaction + '_),
    _: &Dialect,
    webhook: &WebhookId,
) -> Result<bool, StoreError> {
    let mut script = Script::default();
    give_up_some(&mut script, webhook, false);
    Ok(transaction.run(script).await?.len() >= GIVEN_UP as usize)
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

/// An endpoint as [`endpoint`] wants it, and how much was given up of what was sent to it: counted no further than makes a difference.
const LISTED: &str = "SELECT doc, version, failing_since,
    (SELECT count(*) FROM (SELECT 1 AS one FROM webhook_deliveries AS given_up
     WHERE given_up.webhook = webhooks.id AND given_up.status = 'dead' LIMIT 10000) AS counted) AS dead
    FROM webhooks";

pub(super) async fn webhook(database: &impl Database, id: &WebhookId) -> Result<Option<Stored<Endpoint>>, StoreError> {
    let mut asked = Statement::new(LISTED);
    asked.push(" WHERE id = ?").bind(id.as_str());
    let found = database.read(asked).await?;
    let Some(row) = found.first() else { return Ok(None) };
    Ok(Some(Stored { value: listed(row)?, version: row.int("version")? }))
}

pub(super) async fn webhooks(
    database: &impl Database,
    owner: Option<&PrincipalId>,
) -> Result<Vec<Endpoint>, StoreError> {
    let mut asked = Statement::new(LISTED);
    if let Some(owner) = owner {
        asked.push(" WHERE owner = ?").bind(owner.as_str());
    }
    asked.push(" ORDER BY seq LIMIT ?").bind(MOST_ROWS);
    database.read(asked).await?.iter().map(listed).collect()
}

fn listed(row: &Row) -> Result<Endpoint, StoreError> {
    let dead = u64::try_from(row.int("dead")?).unwrap_or_default();
    Ok(Endpoint { dead, ..endpoint(row)? })
}

/// The endpoint of a row with `doc` and `failing_since`.
pub(super) fn endpoint(row: &Row) -> Result<Endpoint, StoreError> {
    let endpoint: Endpoint = row.doc("an endpoint of webhooks", "doc")?;
    Ok(Endpoint { failing_since: row.maybe_moment("failing_since")?, ..endpoint })
}
