//! Who asks a registry: credentials from the environment, or from the file that `docker login` and
//! `oras login` write.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use oci_client::secrets::RegistryAuth;
use serde::Deserialize;

/// Credentials for a registry, and where they come from. Its debug output does not show them.
pub struct Credentials {
    pub(super) auth: RegistryAuth,
    pub(super) from: Origin,
}

/// Where credentials come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// There are none.
    Nobody,
    /// There are none here, but a helper program has some that is not asked.
    Helper(PathBuf),
    /// Two variables of the environment.
    Environment(String, String),
    /// A file.
    File(PathBuf),
}

/// Why there are no credentials. No message shows a part of them.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// A variable is not set, or empty.
    #[error("the environment variable {0} is empty or not set; it is to hold the registry's {1}")]
    Variable(String, &'static str),
    /// The file can't be read.
    #[error("{0} can't be read: {1}")]
    File(PathBuf, std::io::Error),
    /// The file is not in the form that `docker login` writes.
    #[error(
        "{0} is not in the form that `docker login` writes; log in again, or use --username-env and --password-env"
    )]
    Form(PathBuf),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("from", &self.from).finish_non_exhaustive()
    }
}

/// The parts of the file that are read.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DockerConfig {
    auths: BTreeMap<String, Login>,
    creds_store: Option<String>,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Login {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

impl Credentials {
    /// No credentials: what anybody may do.
    pub fn anonymous() -> Self {
        Self { auth: RegistryAuth::Anonymous, from: Origin::Nobody }
    }

    /// Takes a name and a password from two variables of the environment.
    ///
    /// # Errors
    /// When one of them is not set or empty.
    pub fn from_environment(username: &str, password: &str) -> Result<Self, CredentialsError> {
        let read = |name: &str, what| {
            let value = std::env::var(name).ok().filter(|value| !value.is_empty());
            value.ok_or_else(|| CredentialsError::Variable(name.to_owned(), what))
        };
        let auth = RegistryAuth::Basic(read(username, "user name")?, read(password, "password or token")?);
        Ok(Self { auth, from: Origin::Environment(username.to_owned(), password.to_owned()) })
    }

    /// Takes the credentials of a registry from docker's file, if there is one and it has some.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn from_docker(registry: &str) -> Result<Self, CredentialsError> {
        let folder = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
        let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".docker"));
        let Some(file) = folder.or_else(home).map(|folder| folder.join("config.json")) else {
            return Ok(Self::anonymous());
        };
        match std::fs::read(&file) {
            Ok(text) => Self::from_file(&text, &file, registry),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::anonymous()),
            Err(error) => Err(CredentialsError::File(file, error)),
        }
    }

    /// Takes the credentials of a registry from the content of docker's file.
    pub(super) fn from_file(text: &[u8], file: &Path, registry: &str) -> Result<Self, CredentialsError> {
        // The parser's own message may show a part of what it read.
        let form = || CredentialsError::Form(file.to_owned());
        let config: DockerConfig = serde_json::from_slice(text).map_err(|_| form())?;
        let names = [registry.to_owned(), format!("https://{registry}"), format!("http://{registry}")];
        // The key under which Docker's own registry is kept.
        let hub = (registry == "docker.io").then(|| "https://index.docker.io/v1/".to_owned());
        let login = names.iter().chain(&hub).find_map(|name| config.auths.get(name));
        let pair = match login {
            Some(Login { auth: Some(auth), .. }) if !auth.is_empty() => {
                let decoded = BASE64_STANDARD.decode(auth.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                let decoded = decoded.ok_or_else(form)?;
                let (username, password) = decoded.split_once(':').ok_or_else(form)?;
                Some((username.to_owned(), password.trim_end_matches('\0').to_owned()))
            }
            Some(Login { username: Some(username), password: Some(password), .. }) => {
                Some((username.clone(), password.clone()))
            }
            _ => None,
        };
        Ok(match pair {
            Some((username, password)) => {
                Self { auth: RegistryAuth::Basic(username, password), from: Origin::File(file.to_owned()) }
            }
            None if config.creds_store.is_some() || config.cred_helpers.contains_key(registry) => {
                Self { from: Origin::Helper(file.to_owned()), ..Self::anonymous() }
            }
            None => Self::anonymous(),
        })
    }
}

impl fmt::Display for Origin {
    /// Completes "the registry does not let … do this".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HOW: &str = "--username-env and --password-env name the variables with a name and a password";
        match self {
            Self::Nobody => write!(f, "anybody without credentials do this: {HOW}, or log in with `docker login`"),
            Self::Helper(file) => write!(
                f,
                "anybody without credentials do this. Those that {} keeps in a helper program are not read: {HOW}",
                file.display()
            ),
            Self::Environment(username, password) => {
                write!(f, "the user of {username} and {password} do this: check both, and what that user may do")
            }
            Self::File(file) => {
                write!(f, "the user of {} do this: log in again, and check what that user may do", file.display())
            }
        }
    }
}
