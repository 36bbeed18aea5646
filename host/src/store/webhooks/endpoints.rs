//! Endpoints of webhooks.

use crate::{
    domain::{
        audit::AuditEntry,
        id::{PrincipalId, WebhookId},
        webhook::Endpoint,
    },
    store::{
        Store, StoreError, Stored, audit,
        sql::{
            Dialect, MOST_ROWS, Transaction,
            rows::{Row, to_doc},
            script::{Script, Statement, Want},
            work,
        },
    },
};

impl Store {
    /// Stores a new endpoint and appends `line` to the audit log. If its owner already has `most`
    /// endpoints, writes nothing and returns `false`.
    pub async fn add_webhook(&self, endpoint: &Endpoint, most: u32, line: AuditEntry) -> Result<bool, StoreError> {
        self.write((endpoint.clone(), most, line), work!(add)).await
    }

    /// Writes a changed endpoint and appends `lines` to the audit log. If the endpoint is disabled,
    /// its pending deliveries are given up. `failing_since` is not taken from the endpoint; it is
    /// cleared if the url changes.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if somebody else has changed the endpoint meanwhile.
    pub async fn change_webhook(&self, stored: &Stored<Endpoint>, lines: Vec<AuditEntry>) -> Result<(), StoreError> {
        let id = stored.value.id.clone();
        // Before it is enabled again and after it is disabled, because nothing is sent to it in
        // between.
        if stored.value.disabled.is_none() {
            while self.write(id.clone(), work!(give_up)).await? {}
        }
        self.write((stored.clone(), lines), work!(change)).await?;
        if stored.value.disabled.is_some() {
            while self.write(id.clone(), work!(give_up)).await? {}
        }
        Ok(())
    }

    /// Removes a disabled endpoint after its deliveries, which are deleted `limit` at a time.
    /// Returns whether the endpoint is gone; only then is `line` appended to the audit log.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if somebody else has changed the endpoint meanwhile.
    pub async fn remove_webhook(
        &self,
        stored: &Stored<Endpoint>,
        limit: u32,
        line: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.write((stored.clone(), limit, line), work!(remove)).await
    }

    /// Reads an endpoint.
    pub async fn webhook(&self, id: &WebhookId) -> Result<Option<Stored<Endpoint>>, StoreError> {
        let mut asked = Statement::new(LISTED);
        asked.push(" WHERE id = ?").bind(id.as_str());
        let found = self.read(asked).await?;
        let Some(row) = found.first() else { return Ok(None) };
        Ok(Some(Stored { value: listed(row)?, version: row.int("version")? }))
    }

    /// Reads endpoints, oldest first: those of a principal, or all of them if `owner` is `None`.
    pub async fn webhooks(&self, owner: Option<&PrincipalId>) -> Result<Vec<Endpoint>, StoreError> {
        let mut asked = Statement::new(LISTED);
        if let Some(owner) = owner {
            asked.push(" WHERE owner = ?").bind(owner.as_str());
        }
        asked.push(" ORDER BY seq LIMIT ?").bind(MOST_ROWS);
        self.read(asked).await?.iter().map(listed).collect()
    }
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

/// Serializes an endpoint without the fields that have a column of their own.
fn doc(endpoint: &Endpoint) -> Result<String, StoreError> {
    to_doc(&Endpoint { failing_since: None, ..endpoint.clone() })
}

async fn add(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (endpoint, most, line): &(Endpoint, u32, AuditEntry),
) -> Result<bool, StoreError> {
    // Serializes the creation of endpoints per owner, so that none is missed in the count. Nothing
    // is locked before this.
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

async fn change(
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
    // Locks the deliveries before their endpoint, in the same order as the recording of an attempt.
    // [`give_up`] handles the remaining deliveries.
    give_up_some(&mut script, &changed.id, changed.disabled.is_some());
    let sql = if changed.disabled.is_none() && changed.url == before.url {
        "UPDATE webhooks SET version = version + 1, enabled = ?, doc = ? WHERE id = ? AND version = ?"
    } else {
        // `failing_since` starts over when the endpoint is enabled again or moved to another url.
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

/// The number of deliveries that one write gives up. A receiver that was away for days may have
/// left any number of them.
const GIVEN_UP: u32 = 1_000;

/// Gives up deliveries that wait for an endpoint that is disabled or about to be. An event that was
/// being written while the endpoint was being disabled is given up when the endpoint is enabled
/// again.
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

/// Gives up a batch of the deliveries to a disabled endpoint, and returns whether there may be
/// more.
async fn give_up(
    transaction: &mut (dyn Transaction + '_),
    _: &Dialect,
    webhook: &WebhookId,
) -> Result<bool, StoreError> {
    let mut script = Script::default();
    give_up_some(&mut script, webhook, false);
    Ok(transaction.run(script).await?.len() >= GIVEN_UP as usize)
}

async fn remove(
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

/// Selects an endpoint as [`endpoint`] expects it, with the number of its dead letters, counted
/// only as far as it matters.
const LISTED: &str = "SELECT doc, version, failing_since,
    (SELECT count(*) FROM (SELECT 1 AS one FROM webhook_deliveries AS given_up
     WHERE given_up.webhook = webhooks.id AND given_up.status = 'dead' LIMIT 10000) AS counted) AS dead
    FROM webhooks";

fn listed(row: &Row) -> Result<Endpoint, StoreError> {
    let dead = u64::try_from(row.int("dead")?).unwrap_or_default();
    Ok(Endpoint { dead, ..endpoint(row)? })
}

/// Reads the endpoint of a row with `doc` and `failing_since`.
pub(super) fn endpoint(row: &Row) -> Result<Endpoint, StoreError> {
    let endpoint: Endpoint = row.doc("an endpoint of webhooks", "doc")?;
    Ok(Endpoint { failing_since: row.maybe_moment("failing_since")?, ..endpoint })
}
