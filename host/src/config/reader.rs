//! Reads a TOML document into types and continues after each mistake, so that one run finds them
//! all.
//!
//! serde stops at the first mistake. This reader records the mistake, returns `None` and reads on.
//! `values` defines what values must be; the module of each section defines its keys. The parts:
//!
//! - [`Reader`]: the mistakes so far, and the names that were defined and referred to.
//! - [`Section`]: one table. It remembers the keys that were read from it and refuses all others as
//!   unknown.
//! - [`Node`]: one value and its position.

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
use crate::domain::person::Person;

/// The error says what the value must be, in words that follow its name:
/// `must be a duration, like "30s"`.
pub(super) type Read<T> = Result<T, String>;

/// The kind of thing that a name refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A rule of `[[approvals]]`.
    Approval,
    Group,
    Key,
    Platform,
    Principal,
    Product,
    Token,
    /// The digest of a token. Two tokens with the same secret could not be told apart.
    TokenSecret,
}

impl Kind {
    const fn noun(self) -> &'static str {
        match self {
            Self::Approval => "rule",
            Self::Group => "group",
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
    /// The people of the file's tokens.
    people: Vec<String>,
    /// Where people are named who may have a token.
    mentioned: Vec<(String, usize)>,
    /// Where a group or a person is named.
    either: Vec<(String, usize)>,
}

/// Collects mistakes, warnings and names while the document is read.
pub(super) struct Reader<'r> {
    lines: Lines<'r>,
    around: &'r Surroundings<'r>,
    /// The directory against which relative paths are resolved.
    folder: PathBuf,
    notes: RefCell<Notes>,
}

impl<'r> Reader<'r> {
    pub(super) fn new(lines: Lines<'r>, around: &'r Surroundings<'r>, folder: PathBuf) -> Self {
        Self { lines, around, folder, notes: RefCell::default() }
    }

    /// The position of an offset.
    pub(super) fn place(&self, at: usize) -> Place {
        self.lines.place(at)
    }

    /// Records a mistake at an offset.
    pub(super) fn wrong(&self, at: usize, message: impl Into<String>) {
        self.wrong_at(self.lines.place(at), message);
    }

    /// Records a mistake at a position.
    pub(super) fn wrong_at(&self, place: Place, message: impl Into<String>) {
        self.notes.borrow_mut().mistakes.push(Remark { place, message: message.into() });
    }

    /// Records a warning at an offset.
    pub(super) fn warn(&self, at: usize, message: impl Into<String>) {
        let place = self.lines.place(at);
        self.notes.borrow_mut().warnings.push(Remark { place, message: message.into() });
    }

    /// The top-level table of the document.
    pub(super) fn root(&'r self, table: &'r DeTable<'r>) -> Section<'r> {
        Section::new(self, Some(table), "the configuration".to_owned(), 0)
    }

    /// Records the definition of a name.
    pub(super) fn define(&self, kind: Kind, name: &str, at: usize) {
        self.notes.borrow_mut().defined.entry((kind, name.to_owned())).or_default().push(at);
    }

    /// Records a reference to a name, which may be defined further down.
    pub(super) fn refer(&self, kind: Kind, name: &str, at: usize) {
        self.notes.borrow_mut().referred.push((kind, name.to_owned(), at));
    }

    /// Records the person of a token.
    pub(super) fn person(&self, name: &str) {
        self.notes.borrow_mut().people.push(name.to_owned());
    }

    /// Records where a person is named who should have a token.
    pub(super) fn mention(&self, name: &str, at: usize) {
        self.notes.borrow_mut().mentioned.push((name.to_owned(), at));
    }

    /// Records where a group or a person is named.
    pub(super) fn mention_group_or_person(&self, name: &str, at: usize) {
        self.notes.borrow_mut().either.push((name.to_owned(), at));
    }

    /// The value of an environment variable that overrides the file. An empty variable counts as
    /// unset.
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

    /// The content of a file that holds a secret, without trailing line breaks.
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

    /// Resolves a path against the directory of the configuration file.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Whether a file exists at this path.
    pub(super) fn is_file(&self, path: &Path) -> bool {
        (self.around.is_file)(path)
    }

    /// Refuses names that are defined twice, and references to undefined names. Returns the
    /// mistakes and the warnings.
    pub(super) fn finish(self) -> (Vec<Remark>, Vec<Remark>) {
        let Notes { mut mistakes, mut warnings, defined, referred, people, mut mentioned, either } =
            self.notes.into_inner();
        let is_group = |name: &str| defined.contains_key(&(Kind::Group, name.to_owned()));
        mentioned.extend(either.into_iter().filter(|(name, _)| !is_group(name)));
        let groups = defined.keys().filter(|(kind, _)| *kind == Kind::Group).map(|(_, name)| name.clone());
        let known: Vec<String> = people.iter().map(|name| Person::new(&**name).key()).chain(groups).collect();
        for (name, at) in &mentioned {
            // Tokens that were made by `flightdeck token create` are in the database, so a person
            // without a token in the file is no mistake.
            let has_token = people.iter().any(|person| Person::new(&**person) == Person::new(&**name));
            if let Some(near) = nearest(name, known.iter().map(String::as_str)).filter(|_| !has_token) {
                let message = format!(
                    "no token in this file is used by `{name}`; did you mean `{near}`? It is right as it is if the \
                     token was made by `flightdeck token create`"
                );
                warnings.push(Remark { place: self.lines.place(*at), message });
            }
        }
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

/// `what`, followed by a suggestion of a known name.
pub(super) fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(name, known.clone()) {
        Some(near) => format!("{what}; did you mean `{near}`?"),
        None if known.clone().next().is_none() => format!("{what}; none is configured"),
        None => format!("{what}; known: {}", any_of(known)),
    }
}

/// A value and its position.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'r> {
    pub(super) value: &'r DeValue<'r>,
    /// The byte offset.
    pub(super) at: usize,
}

impl<'r> Node<'r> {
    pub(super) fn of(value: &'r Spanned<DeValue<'r>>) -> Self {
        Self { value: value.get_ref(), at: value.span().start }
    }

    pub(super) fn is_table(self) -> bool {
        self.value.is_table()
    }

    /// The elements of an array, or `None` if the value is not an array.
    pub(super) fn elements(self) -> Option<Vec<Self>> {
        self.value.as_array().map(|array| array.iter().map(Self::of).collect())
    }
}
