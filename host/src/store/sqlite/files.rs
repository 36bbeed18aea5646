//! Files that only their owner may read, and names that outlive a loss of power.

use std::{
    ffi::OsString,
    fs::File,
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// Its owner reads and writes it, and nobody else does: it holds who buys what at which price, and
/// webhooks' secrets. SQLite gives the files beside a database the same.
const PRIVATE: u32 = 0o600;

/// What SQLite keeps beside a database that was not closed, and replays over whatever is there when
/// it is opened.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Opens a file to write; if there is none, makes one that is private.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).write(true).mode(PRIVATE).open(path)
}

/// Makes a private file that is not there yet.
pub(super) fn new_private(path: &Path) -> io::Result<File> {
    File::options().create_new(true).write(true).mode(PRIVATE).open(path)
}

/// `<path><suffix>`.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Removes what SQLite keeps beside a database.
pub(super) fn remove_companions(path: &Path) -> io::Result<()> {
    COMPANIONS.iter().try_for_each(|suffix| match std::fs::remove_file(beside(path, suffix)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    })
}

/// What SQLite keeps beside a database, if it has anything in it.
pub(super) fn companion_in_use(path: &Path) -> Option<PathBuf> {
    let logs = ["-wal", "-journal"].map(|suffix| beside(path, suffix));
    logs.into_iter().find(|log| std::fs::metadata(log).is_ok_and(|log| log.len() > 0))
}

/// Has the names in a file's folder be on the disk.
pub(super) fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// A new file under a name of its own, in the folder of the one that it is to become. Dropped
/// before that, it goes.
#[derive(Debug)]
pub(super) struct Fresh(PathBuf);

impl Fresh {
    /// An empty one.
    pub(super) fn beside(path: &Path) -> io::Result<Self> {
        let fresh = Self(beside(path, &format!(".{}.new", uuid::Uuid::now_v7().simple())));
        new_private(&fresh.0)?;
        Ok(fresh)
    }

    /// Its name until then.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Brings it to the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }

    /// Takes the place of `path`, for good.
    pub(super) fn become_file(self, path: &Path) -> io::Result<()> {
        self.sync()?;
        std::fs::rename(&self.0, path)?;
        sync_folder_of(path)
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        // It has become what it was to be, or is of no use to anybody.
        let _ = std::fs::remove_file(&self.0);
        let _ = remove_companions(&self.0);
    }
}
