//! The database.

use std::path::PathBuf;

use super::{reader::Read, secret, section::Section, values};
use crate::adapters::Secret;

/// The maximum number of connections from one host to PostgreSQL. Several such hosts stay below the
/// 100 connections that a server accepts by default.
const DEFAULT_CONNECTIONS: u32 = 16;

/// `[store]`: the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// `url`: the location. Default `sqlite://flightdeck.db`.
    pub url: StoreUrl,
    /// `connections`: the maximum number of connections to PostgreSQL. One more listens for hints.
    /// Default 16.
    pub connections: u32,
}

/// The kind and location of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreUrl {
    /// `url = "sqlite://flightdeck.db"`: a file, relative to `dir` of `[data]`.
    /// `sqlite:///var/lib/x.db` is absolute.
    Sqlite(PathBuf),
    /// `url = { env = "DATABASE_URL" }`, whose value is `postgres://user:password@host/database`.
    Postgres(Secret),
}

impl StoreSettings {
    /// Reads the section. The path of a file is not resolved yet.
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
        // The message does not repeat the value: it may be the password.
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

/// The location of a database without its credentials.
pub(super) fn shown(url: &Secret) -> String {
    let Ok(url) = url::Url::parse(url.expose()) else { return "postgres://".to_owned() };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("postgres://{}{port}{}", url.host_str().unwrap_or(""), url.path())
}
