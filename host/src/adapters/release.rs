//! A release: a component identified by its SHA-256, which is checked, compiled, linked and asked
//! to describe itself.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;

use super::{
    cache::{self, Cache, Loaded},
    compatibility,
    compile::{CompileError, Compiler},
    description::{DescriptionError, Subject},
    egress::{PlatformEgress, Requests},
    engine::{EngineOptions, Runtime},
    inspect,
    limits::Limits,
    linked::Linked,
    settings::SettingsMistake,
    signature::{self, PublicKey, SignatureError},
};
use crate::domain::{capability::Capabilities, digest, id::PlatformName};

/// Maximum size of a component in bytes. A Python adapter has 18 MB.
pub const COMPONENT_BYTES: u64 = 128 * 1024 * 1024;

/// Why a component can't be used.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The platform is not configured.
    #[error("the platform {0} is not configured; add it to the configuration")]
    NoSuchPlatform(PlatformName),
    /// A release was named by something other than a SHA-256.
    #[error("`{0}` is no release: a release is named by the SHA-256 of its component, 64 hexadecimal digits")]
    NoDigest(String),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file's path.
        path: PathBuf,
        /// The I/O error.
        source: std::io::Error,
    },
    /// The component is too large.
    #[error("{path} has {size} bytes; an adapter has at most {COMPONENT_BYTES}")]
    TooLarge {
        /// The file's path.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
    },
    /// The content of a stored release does not match its digest.
    #[error("the kept release {digest} was altered; delete {path} and install the adapter again")]
    Altered {
        /// The release's digest.
        digest: String,
        /// Where it is stored.
        path: PathBuf,
    },
    /// No key that the platform trusts signed the component, or somebody altered it since.
    #[error("{path} {source}. The platform {platform} takes only what its `trusted_keys` signed")]
    NotTrusted {
        /// The file or release.
        path: PathBuf,
        /// The platform that it is for.
        platform: PlatformName,
        /// What is wrong with its signatures.
        source: SignatureError,
    },
    /// The component does not compile.
    #[error("{path} {source}")]
    Compile {
        /// The file's path.
        path: PathBuf,
        /// The compiler's error.
        source: CompileError,
    },
    /// The component does not fit the contract.
    #[error("{path} {reason}")]
    Contract {
        /// The file's path.
        path: PathBuf,
        /// The mismatch, in words.
        reason: String,
    },
    /// The component can't describe itself, or does so in a way that can't be used.
    #[error("{path} {source}")]
    Describe {
        /// The file's path.
        path: PathBuf,
        /// What is wrong.
        source: DescriptionError,
    },
    /// The component asks for more than the configuration grants.
    #[error(
        "{path} asks for requests to pass as reads that the configuration does not grant: {}. If none of them changes anything \
         on the ad server, add to the platform {platform}: {}",
        missing.join(", "), inspect::line("read_requests", missing)
    )]
    NotGranted {
        /// The file or release.
        path: PathBuf,
        /// The platform that it is for.
        platform: PlatformName,
        /// The patterns that are not covered.
        missing: Vec<String>,
    },
    /// The platform's settings don't match the adapter's schema.
    #[error("the settings don't fit the adapter: {}", in_one_line(.0))]
    Settings(Vec<SettingsMistake>),
}

fn in_one_line(mistakes: &[SettingsMistake]) -> String {
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// A component that is ready to be called.
pub(crate) struct Release {
    pub(crate) digest: String,
    pub(crate) linked: Linked,
    pub(crate) capabilities: Arc<Capabilities>,
    /// The requests it declares. Only those that the configuration grants as well count as reads.
    pub(crate) declared: Arc<Requests>,
    pub(crate) loaded: Loaded,
}

/// The platform that a release is for.
pub(crate) struct Destination<'a> {
    pub(crate) egress: &'a Arc<PlatformEgress>,
    pub(crate) name: &'a PlatformName,
    pub(crate) trusted_keys: &'a [PublicKey],
    pub(crate) limits: &'a Limits,
}

/// All releases that this host has seen, and the means to load them.
pub(crate) struct Library {
    pub(crate) runtime: Runtime,
    cache: Cache,
    compiler: Compiler,
    directory: PathBuf,
}

impl Library {
    pub(crate) fn open(data_dir: &Path, compiler: PathBuf, options: &EngineOptions) -> Result<Self, LibraryError> {
        let runtime = Runtime::start(options).map_err(|error| LibraryError::Engine(format!("{error:#}")))?;
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| LibraryError::File(path, source)
        };
        let directory = data_dir.join("releases");
        // Components to compile are read from this directory again, so nobody else may be able to
        // replace a file in it.
        cache::private_directory(&directory).map_err(at(&directory))?;
        let code = data_dir.join("code");
        let cache = Cache::open(&code, &runtime.engine).map_err(at(&code))?;
        Ok(Self { runtime, cache, compiler: Compiler::new(compiler), directory })
    }

    /// Stores a component's bytes under their digest, so that an operation that began on it can end
    /// on it even after a restart with another one.
    pub(crate) async fn keep(&self, component: &Path) -> Result<String, InstallError> {
        let file = |source| InstallError::File { path: component.to_owned(), source };
        let size = tokio::fs::metadata(component).await.map_err(file)?.len();
        if size > COMPONENT_BYTES {
            return Err(InstallError::TooLarge { path: component.to_owned(), size });
        }
        // Hashed in parts: a buffer for a whole Python adapter costs as much as its hash.
        let digest = {
            let component = component.to_owned();
            let hashed = tokio::task::spawn_blocking(move || cache::sha256(&component)).await;
            hashed.map_err(std::io::Error::other).flatten().map_err(file)?
        };
        if self.cache.has(&digest) && self.has(&digest).await {
            return Ok(digest);
        }
        // Read again, and named by what was read, should the file have changed in between.
        self.keep_checked(&tokio::fs::read(component).await.map_err(file)?).await
    }

    /// Stores a component's bytes under their digest, which it returns.
    pub(crate) async fn keep_checked(&self, bytes: &[u8]) -> Result<String, InstallError> {
        let digest = digest::sha256(bytes);
        let size = bytes.len() as u64;
        if size > COMPONENT_BYTES {
            return Err(InstallError::TooLarge { path: PathBuf::from(digest), size });
        }
        if tokio::fs::read(self.path(&digest)).await.is_ok_and(|kept| kept == bytes) {
            return Ok(digest);
        }
        self.keep_bytes(&digest, bytes)?;
        Ok(digest)
    }

    /// Stores a component's bytes under a digest. Whether they match is checked on loading.
    pub(crate) fn keep_bytes(&self, digest: &str, bytes: &[u8]) -> Result<(), InstallError> {
        let path = self.path(digest);
        cache::write_new(&path, &[bytes]).map_err(|source| InstallError::File { path, source })
    }

    /// Returns whether a component is stored.
    pub(crate) async fn has(&self, digest: &str) -> bool {
        tokio::fs::try_exists(self.path(digest)).await.unwrap_or(false)
    }

    /// Reads a stored component.
    ///
    /// # Errors
    /// When the file can't be read, or is not the component of this digest.
    pub(crate) async fn read(&self, digest: &str) -> Result<Vec<u8>, InstallError> {
        let path = self.path(digest);
        match tokio::fs::read(&path).await {
            Ok(bytes) if digest::sha256(&bytes) == digest => Ok(bytes),
            Ok(_) => Err(InstallError::Altered { digest: digest.to_owned(), path }),
            Err(source) => Err(InstallError::File { path, source }),
        }
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.directory.join(format!("{digest}.wasm"))
    }

    /// Loads a release for a platform: checks who signed it, compiles it or takes it from the
    /// cache, checks the contract, links it and asks for its description. `shown` is its name in
    /// messages.
    pub(crate) async fn load(
        &self,
        digest: &str,
        shown: &Path,
        destination: &Destination<'_>,
    ) -> Result<Release, InstallError> {
        // Every release passes here before it runs, whether it came from a file or from another
        // host, or was kept since an earlier start.
        if !destination.trusted_keys.is_empty() {
            let bytes = self.read(digest).await?;
            signature::verify(&bytes, destination.trusted_keys).map_err(|source| InstallError::NotTrusted {
                path: shown.to_owned(),
                platform: destination.name.clone(),
                source,
            })?;
        }
        let engine = &self.runtime.engine;
        let (component, loaded) = match self.cache.load(engine, digest) {
            Some(component) => (component, Loaded::FromCache),
            None => {
                drop(self.read(digest).await?);
                let compiled = self.cache.compile(engine, &self.compiler, digest, &self.path(digest)).await;
                let compiled = compiled.map_err(|source| InstallError::Compile { path: shown.to_owned(), source })?;
                (compiled, Loaded::Compiled)
            }
        };
        let contract = |reason| InstallError::Contract { path: shown.to_owned(), reason };
        compatibility::check(&component, engine).map_err(contract)?;
        let linked = self.runtime.link(&component).map_err(|error| contract(compatibility::words(&error)))?;
        let described = self.subject(&linked, destination).describe().await;
        let (capabilities, declared) =
            described.map_err(|source| InstallError::Describe { path: shown.to_owned(), source })?;
        let (capabilities, declared) = (Arc::new(capabilities), Arc::new(declared));
        Ok(Release { digest: digest.to_owned(), linked, capabilities, declared, loaded })
    }

    /// Checks that a release may serve a platform from now on.
    ///
    /// # Errors
    /// When its description or its plans can't be relied on.
    pub(crate) async fn examine(
        &self,
        release: &Release,
        settings: &Value,
        shown: &Path,
        destination: &Destination<'_>,
    ) -> Result<(), InstallError> {
        let subject = Subject { settings: Some(settings), ..self.subject(&release.linked, destination) };
        let examined = subject.examine(&release.capabilities).await;
        examined.map_err(|source| InstallError::Describe { path: shown.to_owned(), source })
    }

    fn subject<'a>(&'a self, linked: &'a Linked, destination: &Destination<'a>) -> Subject<'a> {
        let Destination { egress, limits, .. } = *destination;
        Subject { runtime: &self.runtime, linked, egress, limits, settings: None }
    }
}

/// Why the library can't be opened.
#[derive(Debug)]
pub(crate) enum LibraryError {
    Engine(String),
    File(PathBuf, std::io::Error),
}
