//! Where the host keeps what must not be lost.

use std::path::PathBuf;

use super::{reader::Read, secret, section::Section, values};
use crate::adapters::Secret;

/// How many connections a host opens to PostgreSQL at most. Some hosts of this many stay below the 100 that a server takes by
/// default.
const DEFAULT_CONNECTIONS: u32 = 16;

/// `[store]`: the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// `url`: where it is. Default `sqlite://flightdeck.db`.
    pub url: StoreUrl,
    /// `connections`: to PostgreSQL, at most; one more listens for hints. Default 16.
    pub connections: u32,
}

/// Which database it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreUrl {
    /// `url = "sqlite://flightdeck.db"`: a file, relative to `dir` of `[data]`; `sqlite:///var/lib/x.db` is absolute.
    Sqlite(PathBuf),
    /// `url = { env = "DATABASE_URL" }`, which says `postgres://user:password@host/database`.
    Postgres(Secret),
}

impl StoreSettings {
    /// Reads the section. A file's path is not resolved yet.
    pub(super) fn read(section: &Section<'_>) -> Self {
        let url = match section.get("url") {
            Some(node) if node.is_table() => secret::read(section, "url").and_then(|found| {
                if found.plain {
                    warn(section, found.at);
                }
                let url = parse(found.secret.expose());
                url.map_err(|must| section.wrong(found.at, format!("`url` {must}"))).ok()
            }),
            Some(node) => section.optional("url", |node| parse(values::text(node)?)).inspect(|url| {
                if matches!(url, StoreUrl::Postgres(url) if has_password(url.expose())) {
                    warn(section, node.at);
                }
            }),
            None => None,
        };
        Self {
            url: url.unwrap_or_else(|| StoreUrl::Sqlite(PathBuf::from("flightdeck.db"))),
            connections: section.or("connections", DEFAULT_CONNECTIONS, |node| values::whole(node, 2, 1_000)),
        }
    }
}

fn parse(text: &str) -> Read<StoreUrl> {
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        // What is wrong is not repeated: it may be the password.
        let url = url::Url::parse(text).ok().filter(url::Url::has_host);
        return match url {
            Some(_) => Ok(StoreUrl::Postgres(Secret::new(text))),
            None => Err("must be like postgres://user:password@host:5432/database".to_owned()),
        };
    }
    let path = text.strip_prefix("sqlite://").filter(|path| !path.is_empty() && !path.contains(['?', '#']));
    path.map(|path| StoreUrl::Sqlite(PathBuf::from(path))).ok_or_else(|| {
        "must be sqlite:// and a path, like \"sqlite://flightdeck.db\" or \"sqlite:///var/lib/flightdeck.db\", or a \
         postgres:// address"
            .to_owned()
    })
}

fn warn(section: &Section<'_>, at: usize) {
    section.warn(at, "`url` stands here in plain text; prefer { env = \"NAME\" } or { file = \"path\" }");
}

fn has_password(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| url.password().is_some())
}

/// Where a database is, without what only the host should know.
pub(super) fn shown(url: &Secret) -> String {
    let Ok(url) = url::Url::parse(url.expose()) else { return "postgres://".to_owned() };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("postgres://{}{port}{}", url.host_str().unwrap_or(""), url.path())
}
