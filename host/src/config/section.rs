//! One table of the document: its keys, its subsections, and its unknown keys.

use std::cell::{Cell, RefCell};

use toml::de::DeTable;

use super::{
    mistake::Place,
    reader::{Kind, Node, Read, Reader, unknown},
};

/// A table that is being read. A missing section reads as an empty one.
pub(super) struct Section<'r> {
    reader: &'r Reader<'r>,
    table: Option<&'r DeTable<'r>>,
    /// The name of the section in messages: `[server]`.
    title: String,
    /// The byte offset at which a missing key is reported.
    at: usize,
    asked: RefCell<Vec<&'static str>>,
    /// Whether unknown keys are accepted.
    any_key: Cell<bool>,
}

impl<'r> Section<'r> {
    pub(super) fn new(reader: &'r Reader<'r>, table: Option<&'r DeTable<'r>>, title: String, at: usize) -> Self {
        Self { reader, table, title, at, asked: RefCell::default(), any_key: Cell::default() }
    }

    /// The reader that all sections share.
    pub(super) const fn reader(&self) -> &'r Reader<'r> {
        self.reader
    }

    /// Records a mistake.
    pub(super) fn wrong(&self, at: usize, message: impl Into<String>) {
        self.reader.wrong(at, message);
    }

    /// Records a warning.
    pub(super) fn warn(&self, at: usize, message: impl Into<String>) {
        self.reader.warn(at, message);
    }

    /// The position of a key's value, for a check that happens later.
    pub(super) fn place(&self, key: &'static str) -> Place {
        self.reader.place(self.place_of(key))
    }

    /// The byte offset of the section.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// Records that a key is missing, with an example of its value.
    pub(super) fn missing(&self, key: &str, example: &str) {
        self.wrong(self.at, format!("{} needs `{key}`; add it, like {key} = {example}", self.title));
    }

    /// Returns the value of a key and marks the key as known.
    pub(super) fn get(&self, key: &'static str) -> Option<Node<'r>> {
        self.asked.borrow_mut().push(key);
        self.table?.get(key).map(Node::of)
    }

    /// Returns every key and value and marks all keys as known. For tables whose keys are names.
    pub(super) fn entries(&self) -> Vec<(&'r str, usize, Node<'r>)> {
        let entries = self.table.into_iter().flatten();
        entries.map(|(key, value)| (key.get_ref().as_ref(), key.span().start, Node::of(value))).collect()
    }

    /// The position of a key's value, or of the section if the key is missing.
    pub(super) fn place_of(&self, key: &'static str) -> usize {
        self.get(key).map_or(self.at, |node| node.at)
    }

    /// Returns those of the given keys that exist.
    pub(super) fn present(&self, keys: &[&'static str]) -> Vec<&'static str> {
        keys.iter().copied().filter(|key| self.get(key).is_some()).collect()
    }

    /// Reads an optional value.
    pub(super) fn optional<T>(&self, key: &'static str, read: impl FnOnce(Node<'r>) -> Read<T>) -> Option<T> {
        let node = self.get(key)?;
        read(node).map_err(|must| self.wrong(node.at, format!("`{key}` {must}"))).ok()
    }

    /// Reads a required value.
    pub(super) fn required<T>(
        &self,
        key: &'static str,
        example: &str,
        read: impl FnOnce(Node<'r>) -> Read<T>,
    ) -> Option<T> {
        if self.get(key).is_none() {
            self.missing(key, example);
        }
        self.optional(key, read)
    }

    /// Reads a value with a default. A wrong value is recorded and also replaced by the default, so
    /// that reading continues.
    pub(super) fn or<T>(&self, key: &'static str, default: T, read: impl FnOnce(Node<'r>) -> Read<T>) -> T {
        self.optional(key, read).unwrap_or(default)
    }

    /// Reads a required name that is defined here.
    pub(super) fn defined(
        &self,
        key: &'static str,
        kind: Kind,
        example: &str,
        read: impl FnOnce(Node<'r>) -> Read<String>,
    ) -> Option<String> {
        let name = self.required(key, example, read)?;
        self.reader.define(kind, &name, self.place_of(key));
        Some(name)
    }

    /// Reads a name that is defined elsewhere.
    pub(super) fn referred(
        &self,
        key: &'static str,
        kind: Kind,
        read: impl FnOnce(Node<'r>) -> Read<String>,
    ) -> Option<String> {
        let name = self.optional(key, read)?;
        self.reader.refer(kind, &name, self.place_of(key));
        Some(name)
    }

    /// Reads a list. Each wrong element is a mistake of its own. Returns `None` if the key is
    /// missing or its value is not a list.
    pub(super) fn list<T>(&self, key: &'static str, read: impl Fn(Node<'r>) -> Read<T>) -> Option<Vec<T>> {
        let elements =
            self.optional(key, |node| node.elements().ok_or_else(|| "must be a list, like [\"…\"]".to_owned()))?;
        let read_one = |node: Node<'r>| read(node).map_err(|must| self.wrong(node.at, format!("`{key}` {must}"))).ok();
        Some(elements.into_iter().filter_map(read_one).collect())
    }

    /// Reads an optional list that must not be empty.
    pub(super) fn some_of<T>(
        &self,
        key: &'static str,
        instead: &str,
        read: impl Fn(Node<'r>) -> Read<T>,
    ) -> Option<Vec<T>> {
        if self.get(key).and_then(Node::elements).is_some_and(|elements| elements.is_empty()) {
            self.wrong(self.place_of(key), format!("`{key}` is empty; {instead}"));
        }
        self.list(key, read)
    }

    /// Reads a top-level section, `[key]`. A missing section is read as empty, for its defaults.
    pub(super) fn section<T>(&self, key: &'static str, read: impl FnOnce(&Section<'r>) -> T) -> Option<T> {
        match self.get(key) {
            None => Some(self.within(None, format!("[{key}]"), self.at, read)),
            Some(node) => {
                let table = node.value.as_table();
                if table.is_none() {
                    self.wrong(node.at, format!("`{key}` must be a section: write [{key}] on a line of its own"));
                }
                table.map(|table| self.within(Some(table), format!("[{key}]"), node.at, read))
            }
        }
    }

    /// Reads a table inside a section. Any other value is a mistake.
    pub(super) fn table<T>(
        &self,
        key: &'static str,
        example: &str,
        read: impl FnOnce(&Section<'r>) -> Option<T>,
    ) -> Option<T> {
        let node = self.get(key)?;
        if !node.is_table() {
            self.wrong(node.at, format!("`{key}` must be a table, like {key} = {example}"));
        }
        self.table_if_table(key, read)
    }

    /// Reads a table inside a section, or returns a default if it is missing. Returns `None` if it
    /// has a mistake.
    pub(super) fn or_table<T>(
        &self,
        key: &'static str,
        default: T,
        example: &str,
        read: impl FnOnce(&Section<'r>) -> Option<T>,
    ) -> Option<T> {
        if self.get(key).is_none() { Some(default) } else { self.table(key, example, read) }
    }

    /// Reads a table inside a section. Any other value is ignored.
    pub(super) fn table_if_table<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&Section<'r>) -> Option<T>,
    ) -> Option<T> {
        let node = self.get(key)?;
        self.inside(node, format!("`{key}`"), read).flatten()
    }

    /// Reads the table that a node holds. Returns `None` if the node is not a table.
    pub(super) fn inside<T>(&self, node: Node<'r>, title: String, read: impl FnOnce(&Section<'r>) -> T) -> Option<T> {
        node.value.as_table().map(|table| self.within(Some(table), title, node.at, read))
    }

    /// Reads every table of an array of tables, `[[key]]`. Tables with mistakes are left out.
    pub(super) fn tables<T>(&self, key: &'static str, read: impl Fn(&Section<'r>) -> Option<T>) -> Vec<T> {
        let Some(node) = self.get(key) else { return Vec::new() };
        let not_a_list = || self.wrong(node.at, format!("`{key}` is a list of sections: write [[{key}]] above each"));
        let Some(elements) = node.elements() else {
            not_a_list();
            return Vec::new();
        };
        let mut found = Vec::new();
        for element in elements {
            match self.inside(element, format!("[[{key}]]"), &read) {
                None => self.wrong(element.at, format!("`{key}` is a list of sections: write [[{key}]] above each")),
                Some(one) => found.extend(one),
            }
        }
        found
    }

    fn within<T>(
        &self,
        table: Option<&'r DeTable<'r>>,
        title: String,
        at: usize,
        read: impl FnOnce(&Section<'r>) -> T,
    ) -> T {
        let section = Section::new(self.reader, table, title, at);
        let found = read(&section);
        section.refuse_unknown_keys();
        found
    }

    /// Refuses every key that was not read.
    pub(super) fn refuse_unknown_keys(&self) {
        if self.any_key.get() {
            return;
        }
        let mut known = self.asked.borrow().clone();
        known.sort_unstable();
        known.dedup();
        for (key, at, _) in self.entries() {
            if !known.contains(&key) {
                let what = format!("`{key}` is no key of {}", self.title);
                self.wrong(at, unknown(&what, key, known.iter().copied()));
            }
        }
    }

    /// Accepts every key, for sections whose keys can't be determined.
    pub(super) fn take_any_key(&self) {
        self.any_key.set(true);
    }
}
