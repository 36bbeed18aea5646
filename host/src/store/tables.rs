//! Checks whether a database's tables are those of this version, for callers that may not migrate
//! them.

use sqlx::migrate::Migrator;

use super::StoreError;

/// The version of an applied migration, and the digest of its text.
pub(super) type Applied = (i64, Vec<u8>);

/// Selects the applied migrations.
pub(super) const APPLIED: &str = "SELECT version, checksum FROM _sqlx_migrations ORDER BY version";

/// Fails unless this version can use the tables, possibly after migrating them.
///
/// # Errors
/// [`StoreError::Unavailable`] if there are no tables or they are newer. The message says what to
/// do.
pub(super) fn check_known(ours: &Migrator, applied: &[Applied]) -> Result<(), StoreError> {
    let known = |(version, checksum): &Applied| {
        ours.iter().any(|migration| migration.version == *version && *migration.checksum == **checksum)
    };
    if applied.is_empty() {
        return unfit("it holds no tables of flightdeck; a host makes them when it starts (`flightdeck serve`)");
    }
    if !applied.iter().all(known) {
        return unfit("its tables are not those of this version; use the flightdeck that wrote them, or a newer one");
    }
    Ok(())
}

/// Fails unless the tables are those of this version.
///
/// # Errors
/// As [`check_known`], and when the tables are older.
pub(super) fn check_current(ours: &Migrator, applied: &[Applied]) -> Result<(), StoreError> {
    check_known(ours, applied)?;
    if applied.len() < ours.iter().count() {
        return unfit(
            "its tables are older than this version, and only a host that starts brings them up to date \
             (`flightdeck serve`); do that, or use the flightdeck that wrote them",
        );
    }
    Ok(())
}

fn unfit(reason: &str) -> Result<(), StoreError> {
    Err(StoreError::Unavailable(reason.to_owned()))
}
