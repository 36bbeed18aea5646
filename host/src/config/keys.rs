//! The keys of what lies in the database.

use super::{reader::Kind, secret, section::Section, values};
use crate::adapters::Secret;

/// Nobody guesses 32 random characters; `openssl rand -base64 32` makes 44.
pub const SHORTEST_KEY: usize = 32;

/// `[[keys]]`: a key with which the audit log is signed and secrets of webhooks are encrypted. The first one makes, all of them read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySetting {
    /// `id`: for people; stands beside whatever was made with the key.
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

/// Refuses a database that several hosts may share if they share no key.
pub(super) fn refuse_none(root: &Section<'_>) {
    root.wrong(
        root.place_of("store"),
        "[store] is PostgreSQL, which hosts may share, and there is no key with which they all sign its audit log and encrypt its secrets; add a \
         section [[keys]] with id = \"2026-11\" and secret = { env = \"FLIGHTDECK_KEY\" } (`openssl rand -base64 32` makes one), and keep that \
         key elsewhere, too",
    );
}
