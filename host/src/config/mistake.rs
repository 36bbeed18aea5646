//! Mistakes: what is wrong, where, and what to do about it.

use std::{fmt, path::PathBuf};

/// The position of a setting.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// An environment variable that overrides the file.
    Environment(&'static str),
    /// The file as a whole, because it can't be read.
    File(PathBuf),
    /// A position in the file. Line and column count from 1. Columns count characters, as editors
    /// do.
    At {
        /// The path of the file, as it was given.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => f.write_str(name),
            Self::File(file) => write!(f, "{}", file.display()),
            Self::At { file, line, column } => write!(f, "{}:{line}:{column}", file.display()),
        }
    }
}

/// A mistake or a warning, and its position. It never contains a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remark {
    /// The position.
    pub place: Place,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Every mistake of a configuration, in the order of their positions. Never empty.
///
/// Displays one line for each: `flightdeck.toml:12:8: …`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors {
    mistakes: Vec<Remark>,
}

impl ConfigErrors {
    pub(super) fn new(mut mistakes: Vec<Remark>) -> Self {
        mistakes.sort();
        mistakes.dedup();
        Self { mistakes }
    }

    /// The mistakes, in the order of their positions.
    pub fn mistakes(&self) -> &[Remark] {
        &self.mistakes
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, mistake) in self.mistakes.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}

/// Converts byte offsets to positions.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    file: PathBuf,
    text: &'a str,
    /// The byte offset at which each line begins.
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(file: PathBuf, text: &'a str) -> Self {
        let after_breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { file, text, starts: std::iter::once(0).chain(after_breaks).collect() }
    }

    /// The position of an offset.
    pub(super) fn place(&self, offset: usize) -> Place {
        let line = self.line(offset);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or("");
        Place::At { file: self.file.clone(), line, column: before.chars().count() + 1 }
    }

    /// The line of an offset.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).max(1)
    }
}

/// The known name that is closest to `text`, if one is close enough.
pub(super) fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text = text.to_lowercase();
    // Allow one typo in a short word, two in a usual one, and more only in long ones. Suggestions
    // that are further away only confuse.
    let most = (text.chars().count() / 3).clamp(1, 3);
    let scored = known.into_iter().map(|name| (strsim::damerau_levenshtein(&text, name), name));
    scored.filter(|(distance, _)| *distance <= most).min().map(|(_, name)| name)
}

/// `a, b or c`, each in backquotes.
pub(super) fn any_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let lines = Lines::new(PathBuf::from("f.toml"), "a = 1\nñ = \"é\" # x\n\nlast");
        let shown = |offset: usize| lines.place(offset).to_string();
        assert_eq!(shown(0), "f.toml:1:1");
        assert_eq!(shown(5), "f.toml:1:6");
        assert_eq!(shown(6), "f.toml:2:1");
        assert_eq!(shown("a = 1\nñ = \"é\" ".len()), "f.toml:2:9");
        assert_eq!(shown("a = 1\nñ = \"é\" # x\n\nlast".len()), "f.toml:4:5");
    }

    #[test]
    fn only_what_is_near_is_suggested() {
        let known = ["listen", "public_url", "id"];
        assert_eq!(nearest("listn", known), Some("listen"));
        assert_eq!(nearest("Listen", known), Some("listen"));
        assert_eq!(nearest("publicurl", known), Some("public_url"));
        assert_eq!(nearest("workers", known), None);
        assert_eq!(nearest("x", known), None);
    }
}
