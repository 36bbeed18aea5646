//! Takes releases from a folder: a file `<platform>.wasm` that appears or changes there is installed
//! and activated for its platform, with every check of a release that a person installs.
//!
//! Whether a file acts depends on its bytes, and what is remembered of them is in the database, so it
//! is the same for every host on the folder, and after every restart:
//!
//! | the release in the file | what happens |
//! |---|---|
//! | never served the platform, was not refused | it is installed and activated |
//! | has served it, or is on trial | nothing: the fleet has it, or has left it, and only a person goes back |
//! | was refused, and the file is as it was then | nothing |
//! | was refused, and the file was written or touched since | it is tried again |
//!
//! Several hosts may take the same file at once. An activation follows the one that it was decided on,
//! so one of them is recorded, and the others then see that the release serves.

use std::{
    collections::BTreeMap,
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use tokio_util::sync::CancellationToken;

use super::{Decision, ReleaseError, Releases, recording::line};
use crate::{
    adapters::{COMPONENT_BYTES, InstallError},
    domain::{digest, id::PlatformName, release::History, time::Timestamp},
    metrics::FOLDER_RELEASES,
    operations::{
        now,
        setup::{LiveSetup, Setup},
    },
    store::{Store, StoreError},
};

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How long a file that could not be taken for a reason that passes (the database, the disk) is left
/// alone, because each try may cost a compilation.
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// The entries of the folder that are looked at. It holds one file for each platform.
const ENTRIES: usize = 1_000;

/// How often a decision is tried again that somebody else's came before.
const TRIES: u32 = 5;

/// What tells that a file has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    modified: SystemTime,
    size: u64,
}

impl State {
    fn of(path: &Path) -> io::Result<Option<Self>> {
        let metadata = std::fs::metadata(path)?;
        let state = || Ok(Self { modified: metadata.modified()?, size: metadata.len() });
        metadata.is_file().then(state).transpose()
    }

    /// Whether nobody has written to the file for as long as it is between two looks.
    fn is_at_rest(self) -> bool {
        self.modified.elapsed().is_ok_and(|age| age >= LOOK)
    }
}

/// What is known of a file.
#[derive(Debug)]
struct Known {
    /// As the last look found it.
    seen: State,
    /// As it was when it was dealt with.
    done: Option<State>,
    /// When it may be tried again.
    not_before: Option<Instant>,
}

/// The files of a folder, by path.
type Files = BTreeMap<PathBuf, Known>;

/// Takes what appears in the folder that the configuration names, until `stop`.
pub async fn serve(store: Store, live: LiveSetup, stop: CancellationToken) {
    let (mut watched, mut problem) = (None, None);
    let mut files = Files::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let setup = live.current();
        if watched != setup.config.releases.watch {
            watched.clone_from(&setup.config.releases.watch);
            files.clear();
            problem = None;
        }
        let Some(folder) = watched.clone() else { continue };
        // A release may have to be compiled, which is pointless once the host stops.
        let looked = stop.run_until_cancelled(look(&store, &setup, &folder, &mut files));
        let Some(looked) = looked.await else { return };
        // A folder that can't be read is told once, not each second.
        let words = looked.err().map(|error| error.to_string());
        if let Some(words) = words.as_ref().filter(|words| problem.as_ref() != Some(*words)) {
            tracing::error!(folder = %folder.display(), "the folder of releases can't be read: {words}");
        }
        problem = words;
    }
}

/// Looks at the folder once, and deals with every file that is new and at rest.
async fn look(store: &Store, setup: &Setup, folder: &Path, files: &mut Files) -> io::Result<()> {
    let listed = {
        let folder = folder.to_owned();
        tokio::task::spawn_blocking(move || list(&folder)).await.map_err(io::Error::other)??
    };
    files.retain(|path, _| listed.iter().any(|(listed, _)| listed == path));
    for (path, state) in listed {
        let before = files.get(&path).map(|known| (known.seen, known.done, known.not_before));
        let (seen, done, not_before) = before.map_or((None, None, None), |(seen, done, at)| (Some(seen), done, at));
        let is_at_rest = seen == Some(state) || state.is_at_rest();
        let waits = not_before.is_some_and(|at| at > Instant::now());
        let mut known = Known { seen: state, done, not_before };
        if done != Some(state) && is_at_rest && !waits {
            let taken = Taking { store, setup, folder, path: &path, state }.take().await;
            (known.done, known.not_before) = match taken {
                Taken::Done => (Some(state), None),
                Taken::Later => (done, Some(Instant::now() + TRY_AGAIN)),
            };
        }
        files.insert(path, known);
    }
    Ok(())
}

/// Returns the components in a folder. Files of other names, and those whose name begins with a full
/// stop, are none: they are how tools write a file that they rename when it is complete.
fn list(folder: &Path) -> io::Result<Vec<(PathBuf, State)>> {
    let mut listed = Vec::new();
    for entry in std::fs::read_dir(folder)?.take(ENTRIES) {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.ends_with(".wasm") || name.starts_with('.') {
            continue;
        }
        // A file may be removed between these lines.
        if let Ok(Some(state)) = State::of(&path) {
            listed.push((path, state));
        }
    }
    listed.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(listed)
}

/// Whether a file was dealt with.
enum Taken {
    /// It is, until it changes.
    Done,
    /// It is not, for a reason that passes.
    Later,
}

/// Why a file was not taken.
#[derive(Debug, thiserror::Error)]
enum NotTaken {
    /// The release is refused.
    #[error(transparent)]
    Refused(#[from] ReleaseError),
    /// The file can't be read.
    #[error("{0}")]
    File(#[from] io::Error),
    /// The database can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl NotTaken {
    /// Whether the same file may be taken later without anybody changing it.
    fn passes(&self) -> bool {
        match self {
            Self::File(_) | Self::Store(_) => true,
            Self::Refused(error) => matches!(
                error,
                ReleaseError::Store(_) | ReleaseError::Stale(..) | ReleaseError::Install(InstallError::File { .. })
            ),
        }
    }
}

/// A file of the folder that is to be taken.
struct Taking<'a> {
    store: &'a Store,
    setup: &'a Setup,
    folder: &'a Path,
    path: &'a Path,
    state: State,
}

impl Taking<'_> {
    async fn take(&self) -> Taken {
        let (name, file) = (self.path.file_stem().unwrap_or_default().to_string_lossy(), self.path.display());
        let Some(platform) = self.setup.adapters.platforms().into_iter().find(|known| known.as_str() == name) else {
            tracing::warn!(%file, "no platform is called {name}: a file in the folder of releases is called <platform>.wasm");
            return Taken::Done;
        };
        let count = |outcome: &'static str| {
            let labels = [("platform", platform.to_string()), ("outcome", outcome.to_owned())];
            metrics::counter!(FOLDER_RELEASES, &labels).increment(1);
        };
        match self.take_for(&platform).await {
            Ok(Some(digest)) => {
                count("activated");
                tracing::info!(%platform, release = digest, %file, "a release from the folder serves");
                Taken::Done
            }
            Ok(None) => Taken::Done,
            Err(error) if error.passes() => {
                count("failed");
                tracing::warn!(%platform, %file, %error, "a file in the folder of releases is tried again soon");
                Taken::Later
            }
            Err(error) => {
                count("refused");
                tracing::error!(
                    %platform,
                    %file,
                    %error,
                    "a release from the folder is refused, and what serves goes on; it is tried again when the file changes"
                );
                Taken::Done
            }
        }
    }

    /// Installs and activates the release in the file, if it may act. Returns its digest if it did.
    async fn take_for(&self, platform: &PlatformName) -> Result<Option<String>, NotTaken> {
        let bytes = self.read().await?;
        let digest = digest::sha256(&bytes);
        let refused = mark(platform, &digest);
        let mut tries = 0;
        loop {
            let history = self.store.activations(platform).await?;
            if !History(&history).follows(&digest) {
                tracing::debug!(%platform, release = digest, "the release in the folder has served before");
                return Ok(None);
            }
            if self.store.marked(&refused).await?.is_some_and(|at| self.is_older_than(at)) {
                tracing::debug!(%platform, release = digest, "the release in the folder was refused before");
                return Ok(None);
            }
            match self.activate(platform, &bytes, History(&history).number()).await {
                // Another host has just decided, probably on the same file.
                Err(ReleaseError::Stale(..) | ReleaseError::Serves(..)) if tries < TRIES => tries += 1,
                Ok(()) => return Ok(Some(digest)),
                Err(error) => {
                    let error = NotTaken::from(error);
                    if !error.passes() {
                        self.remember_refusal(platform, &digest, &refused, &error).await?;
                    }
                    return Err(error);
                }
            }
        }
    }

    async fn activate(&self, platform: &PlatformName, bytes: &[u8], expected: i64) -> Result<(), ReleaseError> {
        let actor = self.actor();
        let Setup { config, adapters } = self.setup;
        let releases = Releases { store: self.store, adapters, config, actor: &actor };
        let installed = releases.install(platform, bytes, None).await?;
        let decision = Decision { reason: None, expected: Some(expected), accept_losses: false, trial: None };
        releases.activate(platform, &installed.release.digest, &decision).await.map(drop)
    }

    /// Remembers that a release was refused, for every host on the folder and after a restart. What is
    /// wrong with it may be something of the configuration, so a file that is touched is tried again.
    async fn remember_refusal(
        &self,
        platform: &PlatformName,
        digest: &str,
        refused: &str,
        error: &NotTaken,
    ) -> Result<(), StoreError> {
        let line = line(&self.actor(), "release.refused", platform, digest, Some(error.to_string()));
        self.store.mark(refused, now(), line).await
    }

    fn actor(&self) -> String {
        format!("folder {}", self.folder.display())
    }

    fn is_older_than(&self, at: Timestamp) -> bool {
        let modified = self.state.modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(0).plus(modified) <= at
    }

    /// Reads the file, if it is as it was seen.
    async fn read(&self) -> Result<Vec<u8>, NotTaken> {
        let (path, state) = (self.path.to_owned(), self.state);
        let read = move || {
            let mut bytes = Vec::new();
            // One byte more than a component may have, which installing it then refuses.
            std::fs::File::open(&path)?.take(COMPONENT_BYTES + 1).read_to_end(&mut bytes)?;
            let changed = || io::Error::other("the file was changed while it was read");
            if State::of(&path)? == Some(state) { Ok(bytes) } else { Err(changed()) }
        };
        let read: io::Result<Vec<u8>> = tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?;
        Ok(read?)
    }
}

/// The mark of a release that was refused.
fn mark(platform: &PlatformName, digest: &str) -> String {
    format!("folder_refused:{platform}:{digest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_listed_and_what_is_still_being_copied_is_not() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["kevel.wasm", ".kevel.wasm", ".kevel.wasm.Xy12", "kevel.wasm.part", "README", "acme.wasm"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        std::fs::create_dir(folder.path().join("gam.wasm")).unwrap();
        let names: Vec<PathBuf> = list(folder.path()).unwrap().into_iter().map(|(path, _)| path).collect();
        assert_eq!(names, ["acme.wasm", "kevel.wasm"].map(|name| folder.path().join(name)));
        assert!(list(&folder.path().join("nowhere")).is_err());
    }

    #[test]
    fn a_file_is_at_rest_when_nobody_has_written_to_it_for_a_look() {
        let at = |modified| State { modified, size: 1 };
        assert!(!at(SystemTime::now()).is_at_rest());
        assert!(at(SystemTime::now() - LOOK).is_at_rest());
        assert!(!at(SystemTime::now() + LOOK).is_at_rest(), "a clock that is ahead proves nothing");
    }
}
