//! Maps the errors of SQLite and sqlx to the store's.

use crate::store::StoreError;

/// The primary result codes of SQLite (<https://sqlite.org/rescode.html>) that are distinguished
/// here.
mod code {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const NOMEM: i32 = 7;
    pub(super) const READONLY: i32 = 8;
    pub(super) const INTERRUPT: i32 = 9;
    pub(super) const IOERR: i32 = 10;
    pub(super) const FULL: i32 = 13;
    pub(super) const CANTOPEN: i32 = 14;
    pub(super) const PROTOCOL: i32 = 15;
}

/// Maps an error of sqlx to the store's.
pub(in crate::store) fn from_sqlx(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Database(error) => {
            let extended = error.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or_default();
            from_code(extended, error.message())
        }
        error @ (sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_)) => {
            StoreError::Corrupt(error.to_string())
        }
        sqlx::Error::PoolTimedOut => StoreError::Unavailable("every reader is busy: try again".to_owned()),
        sqlx::Error::PoolClosed => closed(),
        error => StoreError::Unavailable(error.to_string()),
    }
}

fn from_code(extended: i32, message: &str) -> StoreError {
    // The lower byte is the primary code; the rest is more detail than needed.
    match extended & 0xff {
        code::FULL => StoreError::Full,
        code::BUSY
        | code::LOCKED
        | code::NOMEM
        | code::READONLY
        | code::INTERRUPT
        | code::IOERR
        | code::CANTOPEN
        | code::PROTOCOL => StoreError::Unavailable(message.to_owned()),
        // A constraint that no function expects, a value that is too large, or a damaged file. A
        // retry would not help.
        _ => StoreError::Corrupt(message.to_owned()),
    }
}

/// Returns the error for a store that was closed or whose writer has ended.
pub(super) fn closed() -> StoreError {
    StoreError::Unavailable("it is closed".to_owned())
}

/// Returns whether the error is about the connection or the disk rather than the data. SQLite may
/// then have rolled back the whole transaction by itself, and further statements on the connection
/// would be outside any transaction.
pub(super) fn breaks_transaction(error: &StoreError) -> bool {
    match error {
        StoreError::Full | StoreError::Unavailable(_) | StoreError::Unsure(_) => true,
        StoreError::Stale(_)
        | StoreError::Fenced(_)
        | StoreError::KeyTaken(_)
        | StoreError::NoKey(_)
        | StoreError::Expired(_)
        | StoreError::Corrupt(_) => false,
    }
}

/// Returns a copy of the error, for the next of several callers that share it.
pub(super) fn again(error: &StoreError) -> StoreError {
    match error {
        StoreError::Full => StoreError::Full,
        other => StoreError::Unavailable(match other {
            StoreError::Unavailable(reason) => reason.clone(),
            other => other.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extended_codes_are_judged_by_their_primary_code() {
        assert!(matches!(from_code(13, ""), StoreError::Full));
        // SQLITE_IOERR_FSYNC, SQLITE_BUSY_SNAPSHOT, SQLITE_CONSTRAINT_FOREIGNKEY, SQLITE_CORRUPT
        assert!(matches!(from_code(1034, ""), StoreError::Unavailable(_)));
        assert!(matches!(from_code(517, ""), StoreError::Unavailable(_)));
        assert!(matches!(from_code(787, ""), StoreError::Corrupt(_)));
        assert!(matches!(from_code(11, ""), StoreError::Corrupt(_)));
    }
}
