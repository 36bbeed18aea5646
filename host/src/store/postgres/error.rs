//! Maps the errors of PostgreSQL and sqlx to the store's.

use sqlx::error::DatabaseError;

use crate::store::StoreError;

/// Maps an error of sqlx to the store's.
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

/// Maps an error by its SQLSTATE (<https://www.postgresql.org/docs/15/errcodes-appendix.html>),
/// whose first two characters are its class.
fn from_code(code: &str, message: &str) -> StoreError {
    match (code, code.get(..2).unwrap_or_default()) {
        ("53100", _) => StoreError::Full,
        // A standby: the primary is elsewhere, or this one is not promoted yet. A retry may reach
        // the right one.
        ("25006" | "25P03" | "55P03", _) => StoreError::Unavailable(message.to_owned()),
        // An internal error of the server: on a full disk a new session can't write its cache
        // files. Corrupted files have codes of their own.
        ("XX000", _) => StoreError::Unavailable(message.to_owned()),
        // Connection, resources, operator intervention, system errors, and conflicts whose retries
        // failed. Also a missing database or a rejected login.
        (_, "08" | "28" | "3D" | "40" | "53" | "57" | "58") => StoreError::Unavailable(message.to_owned()),
        // A constraint that no function expects, or a statement that does not match the tables. A
        // retry would not help.
        _ => StoreError::Corrupt(message.to_owned()),
    }
}

/// Returns whether the transaction lost against another one and must be retried. That is a
/// deadlock, a serialization failure, two workers that claimed operations of one buy at the same
/// moment, or an event addressed to an endpoint that was just removed. The last two are caught by
/// constraints of the tables only.
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

/// Returns whether the connection is lost, as opposed to the request being wrong.
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

/// Returns whether a statement prepared on the connection has a different result type by now,
/// because the tables were changed.
pub(super) fn is_outdated(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.code().as_deref() == Some("0A000"))
}

/// Returns whether waiting for a lock timed out.
pub(super) fn is_locked(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.code().as_deref() == Some("55P03"))
}

/// Returns whether no server was able to serve: none answered, or it is starting or stopping.
pub(super) fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => error.code().unwrap_or_default().starts_with("57"),
        _ => true,
    }
}

/// Returns the error for a store that was closed.
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
