//! The names of artifacts: `oci://REGISTRY/REPOSITORY`, then a tag, a digest, or both.

use std::{fmt, str::FromStr};

/// What a reference begins with.
const SCHEME: &str = "oci://";

/// The longest name of a repository, as in the distribution specification with a registry's name.
const NAME_BYTES: usize = 255;

/// The longest tag.
const TAG_BYTES: usize = 128;

/// The name of an artifact in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

/// Why a text is no reference. The messages don't repeat the text, which may contain a password by
/// mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// It does not begin with `oci://`.
    #[error("must begin with {SCHEME}, as in oci://registry.example/adapters/acme:1.4")]
    Scheme,
    /// There is a user in it.
    #[error("has a user before the registry; give credentials with --username-env and --password-env instead")]
    User,
    /// The registry has no valid name.
    #[error("must name a registry and a repository, as in oci://registry.example:5000/adapters/acme")]
    Registry,
    /// The repository has no valid name.
    #[error(
        "has a repository that no registry takes: its parts are lower-case letters, digits, and . _ - between them"
    )]
    Repository,
    /// The tag is not valid.
    #[error("has a tag that no registry takes: at most {TAG_BYTES} letters, digits, and . _ - after the first")]
    Tag,
    /// The digest is not valid.
    #[error("has a digest that is not sha256: and 64 hexadecimal digits in lower case")]
    Digest,
}

impl Reference {
    /// The registry's host, and its port if there is one.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository in the registry.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The last part of the repository's name. It is a plain file name: it begins with a letter or
    /// a digit and has no slash.
    pub fn short_name(&self) -> &str {
        self.repository.rsplit('/').next().unwrap_or(&self.repository)
    }

    /// The tag, which may come to name something else at any time.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest of the manifest, which names the same bytes for ever.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// The same repository with this digest alone.
    #[must_use]
    pub fn pinned(&self, digest: String) -> Self {
        Self { tag: None, digest: Some(digest), ..self.clone() }
    }

    /// The name that the client library uses. A digest decides; without either, the tag is `latest`.
    pub(super) fn for_client(&self) -> oci_client::Reference {
        let (registry, repository) = (self.registry.clone(), self.repository.clone());
        match (&self.digest, &self.tag) {
            (Some(digest), _) => oci_client::Reference::with_digest(registry, repository, digest.clone()),
            (None, Some(tag)) => oci_client::Reference::with_tag(registry, repository, tag.clone()),
            (None, None) => oci_client::Reference::with_tag(registry, repository, "latest".to_owned()),
        }
    }

    /// The name under which the client library pushes a manifest, which is a tag or a digest. It is
    /// given as a tag in either case: the library cuts the tag off the address if a registry does
    /// not answer with one, and panics if there is none.
    pub(super) fn for_push(&self, name: &str) -> oci_client::Reference {
        oci_client::Reference::with_tag(self.registry.clone(), self.repository.clone(), name.to_owned())
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let rest = text.strip_prefix(SCHEME).ok_or(ReferenceError::Scheme)?;
        let (registry, name) = rest.split_once('/').ok_or(ReferenceError::Registry)?;
        if registry.contains('@') {
            return Err(ReferenceError::User);
        }
        if !is_registry(registry) {
            return Err(ReferenceError::Registry);
        }
        let (name, digest) = name.split_once('@').map_or((name, None), |(name, digest)| (name, Some(digest)));
        let (repository, tag) = name.split_once(':').map_or((name, None), |(name, tag)| (name, Some(tag)));
        if repository.len() > NAME_BYTES || !repository.split('/').all(is_part) {
            return Err(ReferenceError::Repository);
        }
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(ReferenceError::Tag);
        }
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return Err(ReferenceError::Digest);
        }
        Ok(Self {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// Whether a text is a host, perhaps with a port.
fn is_registry(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        // An address of IPv6.
        Some((host, port)) => {
            if host.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            ("localhost", port.strip_prefix(':').or(port.is_empty().then_some("0")))
        }
        None => text.split_once(':').map_or((text, Some("0")), |(host, port)| (host, Some(port))),
    };
    let of_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    host.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
        && host.bytes().all(of_host)
        && port.is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok())
}

/// Whether a text is a part of a repository's name.
fn is_part(text: &str) -> bool {
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let (first, last) = (text.as_bytes().first(), text.as_bytes().last());
    first.is_some_and(plain)
        && last.is_some_and(plain)
        && !text.contains("..")
        && text.bytes().all(|byte| plain(&byte) || b"._-".contains(&byte))
}

fn is_tag(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= TAG_BYTES
        && text.bytes().next().is_some_and(plain)
        && text.bytes().all(|byte| plain(byte) || b".-".contains(&byte))
}

/// Whether a text is a digest in the only form that is written here.
pub(super) fn is_digest(text: &str) -> bool {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(is_hex))
}
