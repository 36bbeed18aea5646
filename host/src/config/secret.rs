//! The sources of secrets.
//!
//! | written | is |
//! |---|---|
//! | `{ env = "ACME_KEY" }` | the environment variable of that name |
//! | `{ file = "acme.key" }` | the content of a file, without trailing line breaks |
//! | `{ value = "…" }` | the secret itself; everybody who can read the file can read it, so `check` warns |
//!
//! A plain string is refused, so that nobody writes a secret into the file by accident.

use super::{section::Section, values};
use crate::adapters::Secret;

/// A secret, and where it was found.
pub(super) struct FoundSecret {
    pub(super) secret: Secret,
    /// Whether the secret is in the configuration file itself.
    pub(super) plain: bool,
    /// The byte offset of its value.
    pub(super) at: usize,
}

/// Reads the secret under `key` and records any mistake.
pub(super) fn read(section: &Section<'_>, key: &'static str) -> Option<FoundSecret> {
    let at = section.place_of(key);
    section.get(key).filter(|node| !node.is_table()).inspect(|node| {
        section.wrong(
            node.at,
            format!(
                "`{key}` must say where the secret is: {{ env = \"NAME\" }}, {{ file = \"path\" }} or {{ value = \"…\" }}"
            ),
        );
    });
    section.table_if_table(key, |inner| {
        let env = inner.optional("env", |node| inner.reader().environment(values::text(node)?));
        let file = inner.optional("file", |node| inner.reader().secret_file(values::text(node)?));
        let value = inner.optional("value", values::text);
        match inner.present(&["env", "file", "value"]).as_slice() {
            [_only] => {}
            [] => inner.wrong(at, format!("`{key}` needs one of `env`, `file` and `value`")),
            _ => inner.wrong(at, format!("`{key}` takes only one of `env`, `file` and `value`")),
        }
        let plain = value.is_some();
        let text = env.or(file).or(value.map(str::to_owned))?;
        Some(FoundSecret { secret: Secret::new(text), plain, at })
    })
}

/// Reads a secret that the host sends, and warns if it is in the file itself.
pub(super) fn required(section: &Section<'_>, key: &'static str) -> Option<FoundSecret> {
    if section.get(key).is_none() {
        section.missing(key, "{ env = \"NAME\" }");
        return None;
    }
    let found = read(section, key)?;
    if found.plain {
        section.warn(
            found.at,
            format!("`{key}` stands here in plain text; prefer {{ env = \"NAME\" }} or {{ file = \"path\" }}"),
        );
    }
    Some(found)
}
