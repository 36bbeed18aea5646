//! Reads a TOML document into types and goes on after each mistake, so that one run finds them all.
//!
//! serde stops at the first mistake; this reader records it, answers `None` and reads on. What a value must be stands in
//! `values`; what a section holds stands with the section. The pieces:
//!
//! - [`Reader`]: the mistakes so far, and the names that were defined and referred to.
//! - [`Section`]: one table. It remembers which keys it was asked for: whatever else stands in it is unknown and refused.
//! - [`Node`]: one value and its place.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Surroundings,
    mistake::{Lines, Place, Remark, any_of, nearest},
    section::Section,
};

/// What a value must be, in words that follow its name: `must be a duration, like "30s"`.
pub(super) type Read<T> = Result<T, String>;

/// What a name names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Key,
    Platform,
    Principal,
    Product,
    Token,
    /// The digest of a token: two tokens with one secret could not be told apart.
    TokenSecret,
}

impl Kind {
    const fn noun(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Platform => "platform",
            Self::Principal => "principal",
            Self::Product => "product",
            Self::Token => "token",
            Self::TokenSecret => "secret",
        }
    }
}

#[derive(Debug, Default)]
struct Notes {
    mistakes: Vec<Remark>,
    warnings: Vec<Remark>,
    defined: BTreeMap<(Kind, String), Vec<usize>>,
    referred: Vec<(Kind, String, usize)>,
}

/// What is collected while the document is read.
pub(super) struct Reader<'r> {
    lines: Lines<'r>,
    around: &'r Surroundings<'r>,
    /// The folder against which relative paths are resolved.
    folder: PathBuf,
    notes: RefCell<Notes>,
}

impl<'r> Reader<'r> {
    pub(super) fn new(lines: Lines<'r>, around: &'r Surroundings<'r>, folder: PathBuf) -> Self {
        Self { lines, around, folder, notes: RefCell::default() }
    }

    /// The place of an offset.
    pub(super) fn place(&self, at: usize) -> Place {
        self.lines.place(at)
    }

    /// Records a mistake at an offset.
    pub(super) fn wrong(&self, at: usize, message: impl Into<String>) {
        self.wrong_at(self.lines.place(at), message);
    }

    /// Records a mistake at a place.
    pub(super) fn wrong_at(&self, place: Place, message: impl Into<String>) {
        self.notes.borrow_mut().mistakes.push(Remark { place, message: message.into() });
    }

    /// Records a warning at an offset.
    pub(super) fn warn(&self, at: usize, message: impl Into<String>) {
        let place = self.lines.place(at);
        self.notes.borrow_mut().warnings.push(Remark { place, message: message.into() });
    }

    /// The document's outermost table.
    pub(super) fn root(&'r self, table: &'r DeTable<'r>) -> Section<'r> {
        Section::new(self, Some(table), "the configuration".to_owned(), 0)
    }

    /// Notes that a name is given here.
    pub(super) fn define(&self, kind: Kind, name: &str, at: usize) {
        self.notes.borrow_mut().defined.entry((kind, name.to_owned())).or_default().push(at);
    }

    /// Notes that a name is used here; it may be given further down.
    pub(super) fn refer(&self, kind: Kind, name: &str, at: usize) {
        self.notes.borrow_mut().referred.push((kind, name.to_owned(), at));
    }

    /// The value of an environment variable that overrides the file; an empty one does not.
    pub(super) fn overriding(&self, name: &str) -> Option<String> {
        (self.around.environment)(name).filter(|value| !value.trim().is_empty())
    }

    /// The value of an environment variable that the file names.
    pub(super) fn environment(&self, name: &str) -> Read<String> {
        match (self.around.environment)(name) {
            None => Err(format!("names the environment variable {name}, which is not set; set it and start again")),
            Some(value) if value.trim().is_empty() => {
                Err(format!("names the environment variable {name}, which is empty; set it and start again"))
            }
            Some(value) => Ok(value),
        }
    }

    /// The content of a file that holds a secret, without line breaks at its end.
    pub(super) fn secret_file(&self, path: &str) -> Read<String> {
        let path = self.path(path);
        let content = std::fs::read_to_string(&path)
            .map_err(|error| format!("names the file {}, which can't be read: {error}", path.display()))?;
        let secret = content.trim_end_matches(['\r', '\n']);
        if secret.trim().is_empty() {
            return Err(format!("names the file {}, which is empty", path.display()));
        }
        Ok(secret.to_owned())
    }

    /// A path, relative to the configuration's folder.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Whether there is a file.
    pub(super) fn is_file(&self, path: &Path) -> bool {
        (self.around.is_file)(path)
    }

    /// Refuses what is defined twice and what is referred to and not defined. Answers mistakes and warnings.
    pub(super) fn finish(self) -> (Vec<Remark>, Vec<Remark>) {
        let Notes { mut mistakes, mut warnings, defined, referred } = self.notes.into_inner();
        for ((kind, name), places) in &defined {
            let Some((first, others)) = places.split_first() else { continue };
            let line = self.lines.line(*first);
            for again in others {
                let message = match kind {
                    Kind::TokenSecret => format!("the token of line {line} has the same secret; give each its own"),
                    kind => format!("there is a {} `{name}` on line {line} already; choose another name", kind.noun()),
                };
                mistakes.push(Remark { place: self.lines.place(*again), message });
            }
        }
        for (kind, name, at) in referred {
            if !defined.contains_key(&(kind, name.clone())) {
                let known = defined.keys().filter(|(of, _)| *of == kind).map(|(_, name)| name.as_str());
                let message = unknown(&format!("there is no {} `{name}`", kind.noun()), &name, known);
                mistakes.push(Remark { place: self.lines.place(at), message });
            }
        }
        warnings.sort();
        (mistakes, warnings)
    }
}

/// `what`, followed by what may have been meant.
pub(super) fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(name, known.clone()) {
        Some(near) => format!("{what}; did you mean `{near}`?"),
        None if known.clone().next().is_none() => format!("{what}; none is configured"),
        None => format!("{what}; known: {}", any_of(known)),
    }
}

/// A value and its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'r> {
    pub(super) value: &'r DeValue<'r>,
    /// Its offset.
    pub(super) at: usize,
}

impl<'r> Node<'r> {
    pub(super) fn of(value: &'r Spanned<DeValue<'r>>) -> Self {
        Self { value: value.get_ref(), at: value.span().start }
    }

    pub(super) fn is_table(self) -> bool {
        self.value.is_table()
    }

    /// The elements of an array; `None` if it is none.
    pub(super) fn elements(self) -> Option<Vec<Self>> {
        self.value.as_array().map(|array| array.iter().map(Self::of).collect())
    }
}
