//! The keys that sign and encrypt data in the database.

use super::{reader::Kind, secret, section::Section, values};
use crate::adapters::Secret;

/// The minimum length of a secret. 32 random characters can't be guessed; `openssl rand -base64 32`
/// prints 44.
pub const SHORTEST_KEY: usize = 32;

/// `[[keys]]`: a key that signs the audit log and encrypts the secrets of webhooks. The first one
/// signs and encrypts; all of them verify and decrypt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySetting {
    /// `id`: the name of the key, for people. It is stored beside everything that was made with the
    /// key.
    pub id: String,
    /// `secret`: the key itself.
    pub secret: Secret,
}

impl KeySetting {
    pub(super) fn read(section: &Section<'_>) -> Option<Self> {
        let id = section.defined("id", Kind::Key, "\"2026-11\"", values::id);
        let found = secret::required(section, "secret")?;
        if found.secret.expose().trim().len() < SHORTEST_KEY {
            section.wrong(
                found.at,
                format!("`secret` must have {SHORTEST_KEY} characters at least, so that nobody guesses it (`openssl rand -base64 32` makes one)"),
            );
            return None;
        }
        Some(Self { id: id?, secret: found.secret })
    }
}

/// Refuses a configuration without keys if several hosts may share the database.
pub(super) fn refuse_none(root: &Section<'_>) {
    root.wrong(
        root.place_of("store"),
        "[store] is PostgreSQL, which hosts may share, and there is no key with which they all sign its audit log and encrypt its secrets; add a \
         section [[keys]] with id = \"2026-11\" and secret = { env = \"FLIGHTDECK_KEY\" } (`openssl rand -base64 32` makes one), and keep that \
         key elsewhere, too",
    );
}
