//! What an error of PostgreSQL or sqlx means to the store's callers.

use sqlx::error::DatabaseError;

use crate::store::StoreError;

/// The store's error for one of sqlx's.
pub(in crate::store) fn from_sqlx(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Database(error) => from_code(&error.code().unwrap_or_default(), error.message()),
        error @ (sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_)) => {
            StoreError::Corrupt(error.to_string())
        }
        sqlx::Error::PoolTimedOut => StoreError::Unavailable("no connection became free in time: try again".to_owned()),
        sqlx::Error::PoolClosed => closed(),
        error => StoreError::Unavailable(error.to_string()),
    }
}

/// By SQLSTATE (<https://www.postgresql.org/docs/15/errcodes-appendix.html>), whose first two
/// characters are its class.
fn from_code(code: &str, message: &str) -> StoreError {
    match (code, code.get(..2).unwrap_or_default()) {
        ("53100", _) => StoreError::Full,
        // A standby that was promoted elsewhere, or not yet here: another try may reach the right
        // one.
        ("25006" | "25P03" | "55P03", _) => StoreError::Unavailable(message.to_owned()),
        // Something that the server did not expect: on a full disk a new session can't write what
        // it keeps for the next one. What is broken in its files has codes of its own.
        ("XX000", _) => StoreError::Unavailable(message.to_owned()),
        // Connection, resources, an operator's intervention, the system; conflicts that were tried
        // again in vain. Also: no such database, or nobody who may use it.
        (_, "08" | "28" | "3D" | "40" | "53" | "57" | "58") => StoreError::Unavailable(message.to_owned()),
        // A constraint that no function expects, a statement that the tables don't fit: it won't
        // pass by itself.
        _ => StoreError::Corrupt(message.to_owned()),
    }
}

/// Whether the transaction lost against another one and is to be done again: a deadlock, a
/// serialization failure, two workers that claimed operations of one buy at the same moment, or an
/// event addressed to an endpoint that was just removed: the last two are seen by the tables alone.
pub(super) fn is_conflict(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    match error.code().as_deref() {
        Some("40001" | "40P01") => true,
        Some("23505") => constraint(error.as_ref()) == Some("operations_leased"),
        Some("23503") => constraint(error.as_ref()) == Some("webhook_deliveries_webhook_fkey"),
        _ => false,
    }
}

fn constraint(error: &dyn DatabaseError) -> Option<&str> {
    error.constraint()
}

/// Whether the connection is gone, as opposed to what was asked over it being wrong.
pub(super) fn lost_connection(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            // 57P01 to 57P05: the server ends this session.
            code.starts_with("08") || code.starts_with("57P")
        }
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}

/// Whether a statement that was prepared over the connection has another result by now: somebody
/// changed the tables.
pub(super) fn is_outdated(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.code().as_deref() == Some("0A000"))
}

/// Whether a lock was waited for in vain.
pub(super) fn is_locked(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.code().as_deref() == Some("55P03"))
}

/// Whether nobody answered who could serve: nobody at all, or a server that begins or ends.
pub(super) fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => error.code().unwrap_or_default().starts_with("57"),
        _ => true,
    }
}

/// The store was closed.
pub(super) fn closed() -> StoreError {
    StoreError::Unavailable("it is closed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_judged_by_their_class() {
        assert!(matches!(from_code("53100", ""), StoreError::Full));
        // Too many connections, administrator shutdown, deadlock, connection failure, read-only
        // transaction.
        for code in ["53300", "57P01", "40P01", "08006", "25006", "XX000"] {
            assert!(matches!(from_code(code, ""), StoreError::Unavailable(_)), "{code}");
        }
        // Foreign key, undefined table, corrupted index.
        for code in ["23503", "42P01", "XX002", ""] {
            assert!(matches!(from_code(code, ""), StoreError::Corrupt(_)), "{code}");
        }
    }
}
