//! Notices when a source file of an adapter is saved.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    time::Duration,
};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_millis(300);

/// Folders in which tools write.
const OUTPUT: [&str; 5] = ["target", "node_modules", "build", "venv", "__pycache__"];

/// How many folders deep sources are looked for.
const DEPTH: usize = 12;

/// The source files of an adapter.
#[derive(Debug)]
pub(super) struct Sources {
    dir: PathBuf,
    known: u64,
}

impl Sources {
    pub(super) fn of(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), known: state(dir) }
    }

    /// Waits until a file has changed and all of them stay as they are for a moment: an editor may
    /// write several, one after the other.
    pub(super) async fn changed(&mut self) {
        let mut before = self.known;
        loop {
            tokio::time::sleep(LOOK).await;
            let now = state(&self.dir);
            if now != self.known && now == before {
                self.known = now;
                return;
            }
            before = now;
        }
    }
}

/// Returns a number that changes with the names, times and sizes of the source files.
fn state(dir: &Path) -> u64 {
    let mut files = Vec::new();
    collect(dir, DEPTH, &mut files);
    files.sort();
    let mut hasher = DefaultHasher::new();
    files.hash(&mut hasher);
    hasher.finish()
}

type File = (PathBuf, Option<std::time::SystemTime>, u64);

fn collect(dir: &Path, depth: usize, files: &mut Vec<File>) {
    // What can't be read is no source.
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let Ok(metadata) = entry.metadata() else { continue };
        if name.starts_with('.') || OUTPUT.contains(&name.as_ref()) {
            continue;
        }
        if metadata.is_dir() {
            if depth > 0 {
                collect(&entry.path(), depth - 1, files);
            }
        } else if !name.ends_with(".wasm") && !name.ends_with(".lock") {
            files.push((entry.path(), metadata.modified().ok(), metadata.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_saved_source_is_noticed_and_output_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("src/lib.rs", "one");
        let mut sources = Sources::of(dir.path());
        for output in ["target/debug/x", "node_modules/a.js", "acme.wasm", ".git/index", "Cargo.lock"] {
            write(output, "new");
        }
        assert_eq!(state(dir.path()), sources.known);
        write("src/lib.rs", "two, longer");
        sources.changed().await;
        std::fs::remove_file(dir.path().join("src/lib.rs")).unwrap();
        sources.changed().await;
        assert_eq!(state(dir.path()), sources.known);
    }
}
