//! The failed calls that a host keeps, in files below its data directory, so that an operator can
//! hand one to the adapter's author. Only for platforms with `record_failures`: the files hold
//! buyers' data.
//!
//! They are not in the database, so that no backup and no other host has them, and this host's user
//! alone can read them. They are bounded in number, size and age.

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tokio_util::sync::CancellationToken;

use super::{Recording, RecordingError};
use crate::adapters::{by_hand::Function, cache};

/// The failed changes of one platform that are kept, the latest ones. An operation that is tried
/// again and fails again replaces its own.
const CHANGES: usize = 40;

/// The failed reads and plans of one platform that are kept. They come by the hundred while an ad
/// server is down, and one is like the other.
const READS: usize = 10;

/// The bytes that the kept calls of one platform may have.
const BYTES: u64 = 64 * 1024 * 1024;

/// How long a call is kept.
const KEPT_FOR: Duration = Duration::from_secs(7 * 86_400);

/// How often what is too old is removed.
const SWEEP: Duration = Duration::from_secs(3_600);

/// A failed call that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCall {
    /// The platform.
    pub platform: String,
    /// The operation, or the name of a read.
    pub operation: String,
    /// The function.
    pub function: Function,
    /// Its file.
    pub path: PathBuf,
}

/// The folder of failed calls.
#[derive(Debug, Clone)]
pub struct Kept {
    directory: PathBuf,
}

impl Kept {
    /// The folder below a data directory. It is made when there is something to keep.
    pub fn within(data_dir: &Path) -> Self {
        Self { directory: data_dir.join("recordings") }
    }

    /// Keeps a call, and removes what is too much.
    ///
    /// # Errors
    /// When the file can't be written.
    pub(crate) fn keep(&self, recording: &Recording) -> Result<(), RecordingError> {
        let folder = self.directory.join(&recording.platform.name);
        let file = |path: &Path| {
            let path = path.to_owned();
            move |source| RecordingError::File { path, source }
        };
        cache::private_directory(&self.directory).map_err(file(&self.directory))?;
        cache::private_directory(&folder).map_err(file(&folder))?;
        // The ids are the host's own; a name never leads out of the folder.
        let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' };
        let operation: String = recording.operation.chars().map(safe).collect();
        let path = folder.join(format!("{operation}.{}.json", recording.function.as_str()));
        cache::write_new(&path, &[recording.text().as_bytes()]).map_err(file(&path))?;
        sweep(&folder).map_err(file(&folder))
    }

    /// Returns the calls that are kept, the latest first.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn list(&self) -> Result<Vec<KeptCall>, RecordingError> {
        let file = |source| RecordingError::File { path: self.directory.clone(), source };
        let mut found = Vec::new();
        for folder in folders(&self.directory).map_err(file)? {
            found.extend(files(&folder).map_err(file)?);
        }
        found.sort_by_key(|file| std::cmp::Reverse(file.at));
        Ok(found.into_iter().map(|file| file.call).collect())
    }

    /// Removes what is too old, until `stop`.
    pub async fn serve(self, stop: CancellationToken) {
        loop {
            let kept = self.clone();
            let swept = tokio::task::spawn_blocking(move || {
                folders(&kept.directory)?.iter().try_for_each(|folder| sweep(folder))
            });
            if let Ok(Err(error)) = swept.await {
                tracing::warn!(%error, "recordings of failed calls that are too old can't be removed");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(SWEEP) => {}
            }
        }
    }
}

struct File {
    call: KeptCall,
    at: SystemTime,
    size: u64,
}

fn folders(directory: &Path) -> io::Result<Vec<PathBuf>> {
    match std::fs::read_dir(directory) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).filter(is_folder).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn is_folder(path: &io::Result<PathBuf>) -> bool {
    path.as_ref().map_or(true, |path| path.is_dir())
}

/// Returns the kept calls in a folder. Other files are left alone.
fn files(folder: &Path) -> io::Result<Vec<File>> {
    let platform = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let parts = name.strip_suffix(".json").and_then(|name| name.split_once('.'));
        let parts = parts.and_then(|(operation, function)| Some((operation.to_owned(), Function::parse(function)?)));
        // Somebody may have removed it meanwhile.
        let (Some((operation, function)), Ok(metadata)) = (parts, path.metadata()) else { continue };
        let call = KeptCall { platform: platform.clone(), operation, function, path };
        files.push(File { call, at: metadata.modified()?, size: metadata.len() });
    }
    Ok(files)
}

/// Removes what is too old or too much in a folder, the oldest first.
fn sweep(folder: &Path) -> io::Result<()> {
    remove_unfinished(folder)?;
    let mut files = files(folder)?;
    files.sort_by_key(|file| std::cmp::Reverse(file.at));
    let (mut changes, mut reads, mut bytes) = (0, 0, 0);
    for File { call, at, size } in files {
        let (count, most) = if call.function.writes() { (&mut changes, CHANGES) } else { (&mut reads, READS) };
        *count += 1;
        bytes += size;
        let is_old = at.elapsed().is_ok_and(|age| age > KEPT_FOR);
        if (*count > most || bytes > BYTES || is_old)
            && let Err(error) = std::fs::remove_file(&call.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
    }
    Ok(())
}

/// Removes files that a host was writing when it was killed.
fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let is_unfinished = entry.path().extension().is_some_and(|extension| extension == "new");
        let age = entry.metadata().and_then(|metadata| metadata.modified()).ok().and_then(|at| at.elapsed().ok());
        if is_unfinished && age.is_some_and(|age| age > SWEEP) {
            // Another host on the same folder may have removed it.
            let _ = std::fs::remove_file(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
