//! The keys for signatures and encryption in the database: the configured keys and, with SQLite,
//! the key file in the data directory.
//!
//! Replicas must share the same keys, so with PostgreSQL the keys must be configured. A single host
//! with SQLite needs no set-up: on its first start it creates a key in a separate file beside the
//! database. A copy of the database does not contain that file.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::make_folder;
use crate::{
    config::{Config, StoreUrl, keys::SHORTEST_KEY},
    domain::keys::{Key, Keyring},
};

/// The name of the key file, below `dir` of `[data]`.
const FILE: &str = "flightdeck.key";

/// The id of the key in the key file.
const ID: &str = "local";

/// 256 bits, the output size of SHA-256. A longer key makes an HMAC with SHA-256 no stronger.
const KEY_BYTES: usize = 32;

/// What to do if the key file does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoKeyFile {
    /// Create it if no key is configured. For a host that starts.
    Make,
    /// Do not create it. For commands.
    Leave,
}

/// Returns every key of this host: the configured keys in their order, then the key of the key
/// file.
///
/// # Errors
/// The key file can't be read or created, or contains no valid key.
pub(crate) fn keyring(config: &Config, no_file: NoKeyFile) -> anyhow::Result<Arc<Keyring>> {
    let mut keys: Vec<Key> =
        config.keys.iter().map(|key| Key::new(&key.id, key.secret.expose().trim().as_bytes())).collect();
    if let StoreUrl::Postgres(_) = config.store.url {
        return Ok(Arc::new(Keyring::new(keys)));
    }
    let path = config.data.dir.join(FILE);
    if keys.is_empty() && no_file == NoKeyFile::Make && !path.exists() {
        make_folder(&config.data.dir)?;
        make(&path).with_context(|| format!("the key of the database could not be made in {}", path.display()))?;
        tracing::warn!(
            file = %path.display(),
            "made the key that signs the audit log and encrypts secrets: keep a copy of this file elsewhere, and not with the copies of the \
             database. Without it nobody can verify what is written from now on, and endpoints of webhooks need new secrets"
        );
    }
    keys.extend(read(&path)?);
    let advice = format!(
        "{} is not there, and no key is configured; put the file back, or start the host, which makes another key (`flightdeck serve`)",
        path.display()
    );
    Ok(Arc::new(Keyring::new(keys).advising(advice)))
}

/// The path of the key file, if it exists.
pub(crate) fn key_file(config: &Config) -> Option<PathBuf> {
    Some(config.data.dir.join(FILE)).filter(|path| path.is_file())
}

/// Reads the key file, if it exists.
fn read(path: &Path) -> anyhow::Result<Option<Key>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("the key file {} can't be read", path.display())),
    };
    let secret = text.trim();
    anyhow::ensure!(
        secret.len() >= SHORTEST_KEY,
        "{} is no key file: a key has {SHORTEST_KEY} characters at least; put the right one back. Only if it is lost for good, remove this \
         one: the host makes another, can't verify what was signed with the lost one, and endpoints of webhooks need new secrets",
        path.display()
    );
    if std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0) {
        tracing::warn!(file = %path.display(), "others than its owner may use the key file: chmod 600 it");
    }
    Ok(Some(Key::new(ID, secret.as_bytes())))
}

/// Creates the key file atomically. If another process created it in the meantime, that file stays.
fn make(path: &Path) -> io::Result<()> {
    let mut secret = [0u8; KEY_BYTES];
    getrandom::fill(&mut secret).map_err(io::Error::other)?;
    let fresh: PathBuf = path.with_extension(format!("key.{}", std::process::id()));
    let written = write(&fresh, &format!("{}\n", BASE64_STANDARD.encode(secret)));
    let linked = written.and_then(|()| std::fs::hard_link(&fresh, path));
    let removed = std::fs::remove_file(&fresh);
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => removed?,
    }
    // Sync the directory: after a power failure, no signature may exist without its key.
    std::fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(dir: &Path, more: &str) -> Config {
        let text =
            format!("[publisher]\nname = \"A\"\ncurrency = \"USD\"\n[data]\ndir = \"{}\"\n{more}", dir.display());
        let file = dir.join("flightdeck.toml");
        std::fs::write(&file, text).unwrap();
        Config::load(&file).unwrap()
    }

    #[test]
    fn a_host_makes_its_key_once_and_a_command_makes_none() {
        let dir = tempfile::tempdir().unwrap();
        let config = configured(dir.path(), "");
        let none = keyring(&config, NoKeyFile::Leave).unwrap();
        assert!(none.is_empty() && !dir.path().join(FILE).exists());
        let said = none.current().unwrap_err().to_string();
        assert!(said.contains(FILE) && said.contains("flightdeck serve"), "{said}");
        let made = keyring(&config, NoKeyFile::Make).unwrap();
        let name = made.current().unwrap().name().to_owned();
        assert!(name.starts_with("local."), "{name}");
        let mode = std::fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        for again in [NoKeyFile::Make, NoKeyFile::Leave] {
            assert_eq!(keyring(&config, again).unwrap().current().unwrap().name(), name);
        }
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "the configuration and the key: {left:?}");
    }

    #[test]
    fn configured_keys_make_and_the_file_still_reads() {
        let dir = tempfile::tempdir().unwrap();
        let local = keyring(&configured(dir.path(), ""), NoKeyFile::Make).unwrap().current().unwrap().name().to_owned();
        let more = "[[keys]]\nid = \"2026-11\"\nsecret = { value = \"0123456789abcdef0123456789abcdef\" }\n";
        let both = keyring(&configured(dir.path(), more), NoKeyFile::Make).unwrap();
        assert_eq!(both.current().unwrap().id(), "2026-11");
        assert!(both.named(&local).is_some());
        std::fs::remove_file(dir.path().join(FILE)).unwrap();
        let one = keyring(&configured(dir.path(), more), NoKeyFile::Make).unwrap();
        assert!(one.named(&local).is_none() && !dir.path().join(FILE).exists(), "none is made beside configured ones");
    }

    #[test]
    fn what_is_no_key_is_refused_and_stays() {
        let dir = tempfile::tempdir().unwrap();
        let config = configured(dir.path(), "");
        for text in ["", "too short\n"] {
            std::fs::write(dir.path().join(FILE), text).unwrap();
            let said = keyring(&config, NoKeyFile::Make).unwrap_err().to_string();
            assert!(said.contains(FILE) && said.contains("put the right one back"), "{said}");
            assert_eq!(std::fs::read_to_string(dir.path().join(FILE)).unwrap(), text);
        }
    }
}
