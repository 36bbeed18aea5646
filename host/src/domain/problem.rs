//! What is wrong with a request: field by field, with the cure.

use serde::{Deserialize, Serialize};

use super::field::FieldPath;

/// One thing that is wrong. Its JSON form is that of records; what a protocol shows is made at the edge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The field that is to blame.
    pub field: FieldPath,
    /// What is wrong, and what would be right.
    pub message: String,
    /// The value that can't be, where one value is to blame.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<String>,
    /// What could stand there instead.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub supported: Vec<String>,
    /// What to do, where the message does not say it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub suggestion: Option<String>,
}

impl Problem {
    /// A problem of one field.
    pub fn new(field: impl Into<FieldPath>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into(), value: None, supported: Vec::new(), suggestion: None }
    }

    /// With the value that is to blame.
    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// With what to do.
    #[must_use]
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// With what could stand there instead.
    #[must_use]
    pub fn supported(mut self, supported: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.supported = supported.into_iter().map(Into::into).collect();
        self
    }
}

/// All problems of a request in one line, in the words of records: the first one, and how many more there are.
pub fn summary(problems: &[Problem]) -> String {
    summary_in(problems, FieldPath::word)
}

/// As [`summary`], in the words for fields of who shows it.
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
