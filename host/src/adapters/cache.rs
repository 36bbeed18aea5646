//! A cache of compiled native code, in the host's own directory. Nothing from it is trusted without
//! proof.
//!
//! Loading native code means running it, and a file with a flipped byte is accepted more often than
//! not. So each file begins with an HMAC-SHA256 over the code and everything it depends on. The
//! random key is stored beside it, in a directory that only this user may enter. A file that fails
//! the check is compiled again; the cache may be deleted at any time.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use wasmtime::{Engine, component::Component};

use super::compile::{CompileError, Compiler};

/// Changed whenever the file format changes.
const FORM: &str = "flightdeck native code 1";

/// The version of the engine. It must match the one in `Cargo.toml`; the engine also checks its own
/// version.
const ENGINE: &str = "wasmtime 48";

const MAC_BYTES: usize = 32;
/// One SHA-256 block: the longest key that HMAC uses as it is.
const KEY_BYTES: usize = 64;

/// How a component's native code was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loaded {
    /// The code was in the cache.
    FromCache,
    /// The component was compiled.
    Compiled,
}

/// Creates a directory that only this user may enter.
pub(crate) fn private_directory(directory: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    // It may predate this rule, or somebody may have changed its permissions.
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700))
}

/// The directory of native code.
pub(crate) struct Cache {
    directory: PathBuf,
    key: [u8; KEY_BYTES],
    /// What compiled code depends on besides the component.
    setting: String,
}

impl Cache {
    /// Opens the cache, creating its directory if necessary.
    pub(crate) fn open(directory: &Path, engine: &Engine) -> io::Result<Self> {
        private_directory(directory)?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let (arch, os) = (std::env::consts::ARCH, std::env::consts::OS);
        let setting = format!("{FORM}\n{ENGINE}\n{arch}-{os}\n{:016x}", hasher.finish());
        Ok(Self { directory: directory.to_owned(), key: key(&directory.join("key"))?, setting })
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.directory.join(format!("{digest}.code"))
    }

    /// Loads the native code of the component at `source`, from the cache or by compiling it.
    pub(crate) async fn load(
        &self,
        engine: &Engine,
        compiler: &Compiler,
        digest: &str,
        source: &Path,
    ) -> Result<(Component, Loaded), CompileError> {
        let path = self.path(digest);
        match std::fs::read(&path) {
            Ok(file) => match self.proven(digest, &file).and_then(|code| deserialize(engine, code)) {
                Some(component) => return Ok((component, Loaded::FromCache)),
                None => tracing::warn!(
                    release = digest,
                    "the cached code of a release is stale or altered; compiling it again"
                ),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(release = digest, %error, "the cached code of a release can't be read"),
        }
        let file = |path: &Path| {
            let path = path.to_owned();
            move |source| CompileError::File { path, source }
        };
        let fresh = self.directory.join(format!("{digest}.{}.new", uuid::Uuid::now_v7().simple()));
        let _cleanup = RemoveOnDrop(&fresh);
        compiler.compile(source, &fresh).await?;
        let code = std::fs::read(&fresh).map_err(file(&fresh))?;
        let component = deserialize(engine, &code)
            .ok_or_else(|| CompileError::Refused("the compiler's code does not fit this engine".to_owned()))?;
        if let Err(error) = self.keep(&path, digest, &code) {
            tracing::warn!(release = digest, %error, "compiled code could not be kept; it will be compiled again");
        }
        Ok((component, Loaded::Compiled))
    }

    fn keep(&self, path: &Path, digest: &str, code: &[u8]) -> io::Result<()> {
        let mac = self.mac(digest, code).finalize().into_bytes();
        write_new(path, &[&mac, code])
    }

    /// Returns the code in a file if its HMAC proves that this host wrote it for this engine and
    /// this component.
    fn proven<'a>(&self, digest: &str, file: &'a [u8]) -> Option<&'a [u8]> {
        let (mac, code) = file.split_at_checked(MAC_BYTES)?;
        self.mac(digest, code).verify_slice(mac).ok()?;
        Some(code)
    }

    fn mac(&self, digest: &str, code: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new(&self.key.into());
        // Fixed lengths and one line per part, so that no two inputs hash alike.
        mac.update(self.setting.as_bytes());
        mac.update(b"\n");
        mac.update(digest.as_bytes());
        mac.update(b"\n");
        mac.update(&Sha256::digest(code));
        mac
    }
}

struct RemoveOnDrop<'a>(&'a Path);

impl Drop for RemoveOnDrop<'_> {
    fn drop(&mut self) {
        // The file may never have been written.
        let _ = std::fs::remove_file(self.0);
    }
}

/// Reads the key, or creates one. A key of the wrong length is replaced, and what it signed is
/// compiled again.
fn key(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    if let Ok(bytes) = std::fs::read(path)
        && let Ok(key) = <[u8; KEY_BYTES]>::try_from(bytes.as_slice())
    {
        return Ok(key);
    }
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
    write_new(path, &[&key])?;
    Ok(key)
}

/// Writes a file atomically, readable only by its owner.
pub(super) fn write_new(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let fresh = path.with_extension(format!("{}.new", uuid::Uuid::now_v7().simple()));
    let written = (|| {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        for part in parts {
            file.write_all(part)?;
        }
        file.sync_all()?;
        std::fs::rename(&fresh, path)
    })();
    if written.is_err() {
        let _ = std::fs::remove_file(&fresh);
    }
    written
}

/// Loads native code that this process has just verified as its own, or has just had compiled.
#[expect(unsafe_code, reason = "loading compiled code is the one thing that the engine can't check")]
fn deserialize(engine: &Engine, code: &[u8]) -> Option<Component> {
    // SAFETY: `deserialize` maps `code` as executable and trusts what it says about itself, so
    // `code` must be exactly what this engine's `precompile_component` wrote. There are two
    // callers. One passes bytes whose HMAC, under a key that only this user can read, was verified
    // over these very bytes in memory: they can't have been replaced between the check and the
    // load, as a file could have been. The other passes what a child process of this same program
    // has just written into a directory that only this user may enter (0700). In both cases anyone
    // able to forge the bytes can already run code as this user. The engine also checks version,
    // target and settings, and returns an error if they differ.
    let loaded = unsafe { Component::deserialize(engine, code) };
    loaded
        .inspect_err(|error| tracing::warn!(error = format!("{error:#}"), "compiled code does not fit this engine"))
        .ok()
}
