//! Problems of a request, field by field, with a suggested fix.

use serde::{Deserialize, Serialize};

use super::field::FieldPath;

/// One problem. Its JSON form is that of records; each protocol formats its own at the edge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The field that causes the problem.
    pub field: FieldPath,
    /// What is wrong, and what would be right.
    pub message: String,
    /// The invalid value, if a single value is the cause.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<String>,
    /// The values that are supported instead.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub supported: Vec<String>,
    /// What to do, if the message does not say it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub suggestion: Option<String>,
}

impl Problem {
    /// Creates a problem of one field.
    pub fn new(field: impl Into<FieldPath>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into(), value: None, supported: Vec::new(), suggestion: None }
    }

    /// Adds the invalid value.
    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// Adds a suggestion.
    #[must_use]
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// Adds the supported values.
    #[must_use]
    pub fn supported(mut self, supported: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.supported = supported.into_iter().map(Into::into).collect();
        self
    }
}

/// Summarises all problems of a request in one line, with the field names of records: the first
/// problem, and the number of others.
pub fn summary(problems: &[Problem]) -> String {
    summary_in(problems, FieldPath::word)
}

/// Like [`summary`], with the field names that `word` returns.
pub fn summary_in(problems: &[Problem], word: impl Fn(&FieldPath) -> String) -> String {
    let Some(first) = problems.first() else {
        return "the request can't be carried out".to_owned();
    };
    let more = match problems.len() {
        1 => String::new(),
        2 => " (and 1 more problem, see details)".to_owned(),
        count => format!(" (and {} more problems, see details)", count - 1),
    };
    let name = word(&first.field);
    let subject = first.value.as_deref().map_or_else(|| name.clone(), |value| format!("{name} {value:?}"));
    format!("{subject} {}{more}", first.message)
}
