//! Files that only their owner may read, and names that survive a power loss.

use std::{
    ffi::OsString,
    fs::File,
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// Read and write for the owner only, because the database holds who buys what at which price, and
/// webhooks' secrets. SQLite gives its companion files the same mode.
const PRIVATE: u32 = 0o600;

/// The suffixes of the files that SQLite keeps next to a database that was not closed. When the
/// database is opened, SQLite replays them over whatever is there.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Opens a file for writing, creating a private one if it does not exist.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).write(true).mode(PRIVATE).open(path)
}

/// Creates a new private file. Fails if it exists.
pub(super) fn new_private(path: &Path) -> io::Result<File> {
    File::options().create_new(true).write(true).mode(PRIVATE).open(path)
}

/// Returns `<path><suffix>`.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Removes the companion files of a database.
pub(super) fn remove_companions(path: &Path) -> io::Result<()> {
    COMPANIONS.iter().try_for_each(|suffix| match std::fs::remove_file(beside(path, suffix)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    })
}

/// Returns a companion file of the database that is not empty, if any.
pub(super) fn companion_in_use(path: &Path) -> Option<PathBuf> {
    let logs = ["-wal", "-journal"].map(|suffix| beside(path, suffix));
    logs.into_iter().find(|log| std::fs::metadata(log).is_ok_and(|log| log.len() > 0))
}

/// Syncs the folder of a file, so that its names are on disk.
pub(super) fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// A new file under a temporary name, in the folder of the file that it will replace. Dropped
/// before that, it is removed.
#[derive(Debug)]
pub(super) struct Fresh(PathBuf);

impl Fresh {
    /// Creates an empty file.
    pub(super) fn beside(path: &Path) -> io::Result<Self> {
        let fresh = Self(beside(path, &format!(".{}.new", uuid::Uuid::now_v7().simple())));
        new_private(&fresh.0)?;
        Ok(fresh)
    }

    /// Returns the temporary name.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Syncs the contents to disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }

    /// Replaces `path` durably.
    pub(super) fn become_file(self, path: &Path) -> io::Result<()> {
        self.sync()?;
        std::fs::rename(&self.0, path)?;
        sync_folder_of(path)
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        // Either the file has been renamed, or nobody needs it.
        let _ = std::fs::remove_file(&self.0);
        let _ = remove_companions(&self.0);
    }
}
