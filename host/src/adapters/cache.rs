//! A cache of compiled native code, in the host's own directory. Nothing from it is trusted without
//! proof.
//!
//! Loading native code means running it, and a file with a flipped byte is accepted more often than
//! not. So each file begins with a keyed BLAKE3 hash over the code and everything it depends on,
//! which includes the component's own SHA-256. The random key is stored beside it, in a directory
//! that only this user may enter. A file that fails the check is compiled again; the cache may be
//! deleted at any time. BLAKE3 and not HMAC-SHA256, because a Python adapter has 60 MB of native
//! code, and hashing it was most of the time that it took to load.

use std::{
    fs::File,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use wasmtime::{Engine, component::Component};

use self::sealed::Sealed;
use super::compile::{CompileError, Compiler};

mod sealed;

/// Changed whenever the file format changes.
const FORM: &str = "flightdeck native code 2";

/// The version of the engine. It must match the one in `Cargo.toml`; the engine also checks its own
/// version.
const ENGINE: &str = "wasmtime 48";

const MAC_BYTES: usize = blake3::OUT_LEN;
const KEY_BYTES: usize = blake3::KEY_LEN;

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

    /// Whether there is native code of this component, proven or not.
    pub(crate) fn has(&self, digest: &str) -> bool {
        self.path(digest).exists()
    }

    /// Loads the native code that this host compiled from the component of this digest, if there is
    /// any. The component's own file is not needed for it.
    pub(crate) fn load(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let proven = match File::open(self.path(digest)).and_then(|file| self.proven(digest, file)) {
            Ok(proven) => proven,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(release = digest, %error, "the cached code of a release can't be read");
                return None;
            }
        };
        let component = proven.and_then(|code| deserialize(engine, code.as_code()));
        if component.is_none() {
            tracing::warn!(release = digest, "the cached code of a release is stale or altered; compiling it again");
        }
        component
    }

    /// Compiles the component at `source`, which has this digest, and keeps its native code.
    pub(crate) async fn compile(
        &self,
        engine: &Engine,
        compiler: &Compiler,
        digest: &str,
        source: &Path,
    ) -> Result<Component, CompileError> {
        let file = |path: &Path| {
            let path = path.to_owned();
            move |source| CompileError::File { path, source }
        };
        let fresh = self.directory.join(format!("{digest}.{}.new", uuid::Uuid::now_v7().simple()));
        let _cleanup = RemoveOnDrop(&fresh);
        compiler.compile(source, &fresh).await?;
        let code = std::fs::read(&fresh).map_err(file(&fresh))?;
        let component = deserialize(engine, Code::Bytes(&code))
            .ok_or_else(|| CompileError::Refused("the compiler's code does not fit this engine".to_owned()))?;
        if let Err(error) = self.keep(digest, &code) {
            tracing::warn!(release = digest, %error, "compiled code could not be kept; it will be compiled again");
        }
        Ok(component)
    }

    fn keep(&self, digest: &str, code: &[u8]) -> io::Result<()> {
        let mac = self.mac(digest).update(code).finalize();
        write_new(&self.path(digest), &[mac.as_bytes(), code])
    }

    /// Returns a sealed copy of the code in a file if its keyed hash proves that this host wrote it
    /// for this engine and this component.
    fn proven(&self, digest: &str, mut file: File) -> io::Result<Option<Sealed>> {
        let mut claimed = [0; MAC_BYTES];
        file.read_exact(&mut claimed)?;
        let mut mac = self.mac(digest);
        let code = Sealed::copy(file, |part| {
            mac.update(part);
        })?;
        // Two of these hashes are compared in constant time.
        Ok((mac.finalize() == blake3::Hash::from_bytes(claimed)).then_some(code))
    }

    /// Begins the hash of a component's native code, which follows.
    fn mac(&self, digest: &str) -> blake3::Hasher {
        let mut mac = blake3::Hasher::new_keyed(&self.key);
        // Neither part has an empty line, and the code comes last, so that no two inputs hash alike.
        mac.update(self.setting.as_bytes());
        mac.update(b"\n\n");
        mac.update(digest.as_bytes());
        mac.update(b"\n\n");
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

/// Returns the SHA-256 of a file in lower-case hexadecimal.
pub(super) fn sha256(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    sealed::parts(File::open(path)?, &mut io::sink(), |part| hash.update(part))?;
    Ok(hex::encode(hash.finalize()))
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

/// Native code to load.
enum Code<'a> {
    /// A copy in memory.
    Bytes(&'a [u8]),
    /// A file that nobody can write to any more, mapped without another copy.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux seals memory"))]
    File(PathBuf),
}

/// Loads native code that this process has just verified as its own, or has just had compiled.
#[expect(unsafe_code, reason = "loading compiled code is the one thing that the engine can't check")]
fn deserialize(engine: &Engine, code: Code<'_>) -> Option<Component> {
    // SAFETY: both functions map `code` as executable and trust what it says about itself, so
    // `code` must be exactly what this engine's `precompile_component` wrote, and stay so. There
    // are two callers. One passes a sealed copy whose hash, under a key that only this user can
    // read, was verified over these very bytes: nobody can write to it after the check, as to a
    // file on a disk. The other passes what a child process of this same program has just written
    // into a directory that only this user may enter (0700), read into memory. In both cases anyone
    // able to forge the bytes can already run code as this user. The engine also checks version,
    // target and settings, and returns an error if they differ.
    let loaded = unsafe {
        match code {
            Code::Bytes(bytes) => Component::deserialize(engine, bytes),
            Code::File(path) => Component::deserialize_file(engine, path),
        }
    };
    loaded
        .inspect_err(|error| tracing::warn!(error = format!("{error:#}"), "compiled code does not fit this engine"))
        .ok()
}
