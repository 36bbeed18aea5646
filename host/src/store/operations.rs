//! Operations: their rows, and reading them by id or by buy.

use crate::{
    domain::{
        id::{MediaBuyId, OperationId},
        lane::Lane,
        operation::{Operation, OperationKind, OperationState},
        time::Timestamp,
    },
    store::{
        Store, StoreError, Stored,
        sql::{
            MOST_ROWS,
            rows::{self, to_doc},
            script::{Script, Statement, Want},
        },
    },
};

impl Store {
    /// Reads an operation.
    pub async fn operation(&self, id: &OperationId) -> Result<Option<Stored<Operation>>, StoreError> {
        let asked = Statement::new("SELECT doc, version FROM operations WHERE id = ?").with(id.as_str());
        self.read(asked).await?.first().map(rows::stored_operation).transpose()
    }

    /// Reads the unfinished operations of a buy, oldest first.
    pub async fn open_operations(&self, buy: &MediaBuyId) -> Result<Vec<Stored<Operation>>, StoreError> {
        let asked = Statement::new(
            "SELECT doc, version FROM operations WHERE buy = ? AND state NOT IN ('succeeded', 'failed')
             ORDER BY seq LIMIT ?",
        )
        .with(buy.as_str())
        .with(MOST_ROWS);
        self.read(asked).await?.iter().map(rows::stored_operation).collect()
    }

    /// Reads all operations of a buy, oldest first.
    pub async fn operations_of(&self, buy: &MediaBuyId) -> Result<Vec<Operation>, StoreError> {
        let asked = Statement::new("SELECT doc, version FROM operations WHERE buy = ? ORDER BY seq LIMIT ?")
            .with(buy.as_str())
            .with(MOST_ROWS);
        self.read(asked).await?.iter().map(|row| Ok(rows::stored_operation(row)?.value)).collect()
    }

    /// Reads the operation that creates a buy.
    pub async fn creation(&self, buy: &MediaBuyId) -> Result<Option<Stored<Operation>>, StoreError> {
        let asked =
            Statement::new("SELECT doc, version FROM operations WHERE buy = ? AND kind = ? ORDER BY seq LIMIT 1")
                .with(buy.as_str())
                .with(OperationKind::Create.as_str());
        self.read(asked).await?.first().map(rows::stored_operation).transpose()
    }
}

pub(super) fn insert_operation(script: &mut Script, operation: &Operation) -> Result<(), StoreError> {
    script
        .statement(
            "INSERT INTO operations (id, buy, kind, state, switches, lane, begun, run_at, ended_at, doc)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            Want::Changes(1, StoreError::Stale("the operation")),
        )
        .bind(operation.id.as_str())
        .bind(operation.buy.as_str())
        .bind(operation.kind.as_str())
        .bind(operation.state.as_str())
        .bind(operation.change.only_switches())
        .bind(Lane::of(operation).key())
        .bind(operation.frozen.is_some())
        .bind(operation.run_at.as_micros())
        .bind(operation.ended_at.map(Timestamp::as_micros))
        .bind(to_doc(operation)?);
    Ok(())
}

pub(super) fn update_operation(script: &mut Script, stored: &Stored<Operation>) -> Result<(), StoreError> {
    let operation = &stored.value;
    // A write that ends a run always ends its lease, no matter who writes it.
    let sql = if operation.state == OperationState::Running {
        "UPDATE operations SET version = version + 1, state = ?, lane = ?, begun = ?, run_at = ?, ended_at = ?, doc = ?
         WHERE id = ? AND version = ?"
    } else {
        "UPDATE operations SET version = version + 1, state = ?, lane = ?, begun = ?, run_at = ?, ended_at = ?, doc = ?,
                               worker = NULL, lease_until = NULL
         WHERE id = ? AND version = ?"
    };
    script
        .statement(sql, Want::Changes(1, StoreError::Stale("the operation")))
        .bind(operation.state.as_str())
        .bind(Lane::of(operation).key())
        .bind(operation.frozen.is_some() && !operation.state.is_final())
        .bind(operation.run_at.as_micros())
        .bind(operation.ended_at.map(Timestamp::as_micros))
        .bind(to_doc(operation)?)
        .bind(operation.id.as_str())
        .bind(stored.version);
    Ok(())
}
