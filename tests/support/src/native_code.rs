//! Native code that one test's host has compiled is lent to the hosts of others: to compile an adapter takes a second of
//! processor time, and there are hundreds of hosts.
//!
//! Only where a test begins with an empty folder; what hosts do with code that is stale, damaged or somebody else's is
//! tested where the cache is.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

/// Where it is kept between tests. Another version of the engine would refuse it.
fn shelf() -> PathBuf {
    let mut hasher = DefaultHasher::new();
    include_str!("../../../Cargo.lock").hash(&mut hasher);
    crate::target().join("tmp").join(format!("native-code-{:016x}", hasher.finish()))
}

/// Gives a new data folder the code that others have compiled.
pub fn borrow(data: &Path) {
    // Without it the host compiles for itself.
    let _ = copy(&shelf(), &data.join("code"));
}

/// Keeps what a host has compiled, if it began with what is kept here or nothing is kept yet.
pub fn lend(data: &Path) {
    let (shelf, code) = (shelf(), data.join("code"));
    if shelf.exists() {
        let same_key = std::fs::read(shelf.join("key")).ok() == std::fs::read(code.join("key")).ok();
        if same_key {
            let _ = add(&code, &shelf);
        }
        return;
    }
    // All of it appears at once, whoever else does the same.
    let beside = shelf.with_extension(std::process::id().to_string());
    if copy(&code, &beside).is_ok() {
        let _ = std::fs::rename(&beside, &shelf);
    }
    let _ = std::fs::remove_dir_all(&beside);
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(to)?;
    add(from, to)
}

/// Copies the files that are not there yet, each at once, with their permissions.
fn add(from: &Path, to: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let is_whole = entry.path().extension().is_none_or(|extension| extension == "code");
        if is_whole && !target.exists() {
            // Hosts replace these files and never write into them, so one file serves many folders. The key
            // is copied: a test may damage it.
            let is_code = entry.path().extension().is_some();
            if is_code && std::fs::hard_link(entry.path(), &target).is_ok() {
                continue;
            }
            let beside = target.with_extension(format!("{}.part", std::process::id()));
            std::fs::copy(entry.path(), &beside)?;
            std::fs::rename(&beside, &target)?;
        }
    }
    Ok(())
}
