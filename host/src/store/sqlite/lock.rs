//! One process per file: an operating system's lock on a file beside the database.
//!
//! SQLite itself would let several processes in. The writer of this store assumes that it is the
//! only one: a second host on the same file would take turns with it at the disk's speed and
//! outwait its time limits.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
};

use super::files::open_private;
use crate::store::StoreError;

/// The lock. It is released when this is dropped or the process ends, however it ends. The lock
/// file stays, because deleting it would let two processes lock two different files of the same
/// name.
#[derive(Debug)]
pub(in crate::store) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock for the database at `path`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if it is already locked. The message names the lock file and the
    /// remedy.
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let name = lock_path(path);
        let refused = |reason: String| StoreError::Unavailable(format!("{}: {reason}", name.display()));
        let file = open_private(&name).map_err(|error| {
            refused(format!("can't be opened: {error}; check that its folder exists and is writable"))
        })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(refused(
                "another flightdeck process uses this database; stop it, or configure another database file here"
                    .to_owned(),
            )),
            Err(TryLockError::Error(error)) => Err(refused(format!("can't be locked: {error}"))),
        }
    }
}

/// Returns `<path>.lock` with symbolic links resolved, so that two names of one file share a lock.
fn lock_path(path: &Path) -> PathBuf {
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = real.into_os_string();
    name.push(".lock");
    PathBuf::from(name)
}
