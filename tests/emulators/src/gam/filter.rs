//! The filter language of lists, as in Google's page on filters and in AIP-160.
//!
//! `field = "text"`, `!=`, `<`, `<=`, `>`, `>=`, `:` (has: part of a text, or one of a list), `*`
//! in texts for anything, `a.b` for fields of messages, `AND`, `OR`, `NOT`, `-` and parentheses.
//! `OR` binds tighter than `AND`. A field may be prefixed with the name of the collection
//! (`orders.displayName`). The language has no `IN`. Everything else is refused, including a bare
//! word: Google matches it against some fields, but the documentation doesn't say which.

use std::cmp::Ordering;

use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    refusal::Refusal,
    schema::{Object, camel},
};
use crate::control::faults::glob;

/// A parsed filter.
#[derive(Debug)]
pub(super) enum Filter {
    /// Matches everything.
    All,
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Compare(Vec<String>, Comparison, String),
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Has,
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Compare(Comparison),
    Open,
    Close,
    Minus,
}

fn wrong(why: impl std::fmt::Display) -> Refusal {
    Refusal::invalid("INVALID_FILTER", "filter", why)
}

impl Filter {
    /// Parses a filter of a collection (`orders`), which may use these paths.
    ///
    /// # Errors
    /// [`Refusal`] with what can't be parsed.
    pub(super) fn read(source: &str, collection: &str, fields: &[&str]) -> Result<Self, Refusal> {
        let tokens = tokens(source)?;
        if tokens.is_empty() {
            return Ok(Self::All);
        }
        let mut parser = Parser { tokens, at: 0, collection, fields };
        let filter = parser.all()?;
        if parser.at < parser.tokens.len() {
            return Err(wrong("a closing parenthesis has no opening one"));
        }
        Ok(filter)
    }

    /// Adds the fields that the filter looks at.
    pub(super) fn fields<'f>(&'f self, into: &mut Vec<&'f str>) {
        match self {
            Self::All => {}
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.fields(into)),
            Self::Not(part) => part.fields(into),
            Self::Compare(path, ..) => into.extend(path.first().map(String::as_str)),
        }
    }

    /// Whether an object matches.
    pub(super) fn fits(&self, object: &Object) -> bool {
        match self {
            Self::All => true,
            Self::And(parts) => parts.iter().all(|part| part.fits(object)),
            Self::Or(parts) => parts.iter().any(|part| part.fits(object)),
            Self::Not(part) => !part.fits(object),
            Self::Compare(path, how, wanted) => compare(object, path, *how, wanted),
        }
    }
}

struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    collection: &'a str,
    fields: &'a [&'a str],
}

impl Parser<'_> {
    fn word(&self, word: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Word(text)) if text == word)
    }

    fn all(&mut self) -> Result<Filter, Refusal> {
        let mut parts = vec![self.any()?];
        while self.at < self.tokens.len() && self.tokens[self.at] != Token::Close {
            // Adjacent restrictions are joined by AND, too.
            if self.word("AND") {
                self.at += 1;
            }
            parts.push(self.any()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::And(parts) })
    }

    fn any(&mut self) -> Result<Filter, Refusal> {
        let mut parts = vec![self.one()?];
        while self.word("OR") {
            self.at += 1;
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Or(parts) })
    }

    fn one(&mut self) -> Result<Filter, Refusal> {
        if self.word("NOT") || self.tokens.get(self.at) == Some(&Token::Minus) {
            self.at += 1;
            return Ok(Filter::Not(Box::new(self.one()?)));
        }
        if self.tokens.get(self.at) == Some(&Token::Open) {
            self.at += 1;
            let inner = self.all()?;
            if self.tokens.get(self.at) != Some(&Token::Close) {
                return Err(wrong("a parenthesis is not closed"));
            }
            self.at += 1;
            return Ok(inner);
        }
        let Some(Token::Word(name)) = self.tokens.get(self.at) else {
            return Err(wrong("a field name is missing"));
        };
        let name = name.clone();
        let Some(Token::Compare(how)) = self.tokens.get(self.at + 1) else {
            return Err(wrong(format!("after {name} one of = != < <= > >= : must follow")));
        };
        let how = *how;
        let (Some(Token::Text(wanted)) | Some(Token::Word(wanted))) = self.tokens.get(self.at + 2) else {
            return Err(wrong(format!("a value to compare {name} with is missing")));
        };
        let wanted = wanted.clone();
        self.at += 3;
        Ok(Filter::Compare(self.path(&name)?, how, wanted))
    }

    fn path(&self, name: &str) -> Result<Vec<String>, Refusal> {
        let mut path: Vec<String> = name.split('.').map(camel).collect();
        if path.len() > 1 && path[0] == self.collection {
            path.remove(0);
        }
        if !self.fields.contains(&path.join(".").as_str()) {
            return Err(wrong(format!(
                "{name} is no field of {}; fields: {}",
                self.collection,
                self.fields.join(", ")
            )));
        }
        Ok(path)
    }
}

fn tokens(source: &str) -> Result<Vec<Token>, Refusal> {
    let mut found = Vec::new();
    let mut letters = source.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            letter if letter.is_whitespace() => {}
            '(' => found.push(Token::Open),
            ')' => found.push(Token::Close),
            ':' => found.push(Token::Compare(Comparison::Has)),
            '=' => found.push(Token::Compare(Comparison::Equal)),
            '!' => match letters.next() {
                Some('=') => found.push(Token::Compare(Comparison::Unequal)),
                _ => return Err(wrong("! must be followed by =")),
            },
            '<' | '>' => {
                let or_equal = letters.next_if_eq(&'=').is_some();
                found.push(Token::Compare(match (letter, or_equal) {
                    ('<', false) => Comparison::Less,
                    ('<', true) => Comparison::LessOrEqual,
                    (_, false) => Comparison::Greater,
                    (_, true) => Comparison::GreaterOrEqual,
                }));
            }
            '"' => {
                let mut text = String::new();
                loop {
                    match letters.next() {
                        Some('"') => break,
                        Some('\\') => text.extend(letters.next()),
                        Some(letter) => text.push(letter),
                        None => return Err(wrong("a text in double quotes is not closed")),
                    }
                }
                found.push(Token::Text(text));
            }
            '-' if !letters.peek().is_some_and(char::is_ascii_digit) => found.push(Token::Minus),
            letter if letter.is_alphanumeric() || "_.*-".contains(letter) => {
                let mut word = String::from(letter);
                while let Some(next) = letters.next_if(|next| next.is_alphanumeric() || "_.*-/".contains(*next)) {
                    word.push(next);
                }
                found.push(Token::Word(word));
            }
            other => return Err(wrong(format!("{other} is not understood; texts stand in double quotes"))),
        }
    }
    Ok(found)
}

fn compare(object: &Object, path: &[String], how: Comparison, wanted: &str) -> bool {
    let Some((name, rest)) = path.split_first() else { return false };
    let value = object.get(name).unwrap_or(&Value::Null);
    if !rest.is_empty() {
        return match value {
            Value::Object(inner) => compare(inner, rest, how, wanted),
            Value::Array(items) => {
                items.iter().filter_map(Value::as_object).any(|inner| compare(inner, rest, how, wanted))
            }
            _ => how == Comparison::Unequal,
        };
    }
    match value {
        Value::Array(items) if how == Comparison::Unequal => !items.iter().any(|item| alike(item, wanted)),
        Value::Array(items) => items.iter().any(|item| judged(item, how, wanted)),
        value => judged(value, how, wanted),
    }
}

fn judged(value: &Value, how: Comparison, wanted: &str) -> bool {
    match how {
        Comparison::Equal => alike(value, wanted),
        Comparison::Unequal => !alike(value, wanted),
        Comparison::Has => match value {
            Value::Null => false,
            _ if wanted == "*" => true,
            // A filter may give a reference by its id alone.
            Value::String(text) => text.to_lowercase().contains(&wanted.trim_matches('*').to_lowercase()),
            value => alike(value, wanted),
        },
        Comparison::Less => order(value, wanted) == Some(Ordering::Less),
        Comparison::LessOrEqual => matches!(order(value, wanted), Some(Ordering::Less | Ordering::Equal)),
        Comparison::Greater => order(value, wanted) == Some(Ordering::Greater),
        Comparison::GreaterOrEqual => matches!(order(value, wanted), Some(Ordering::Greater | Ordering::Equal)),
    }
}

fn alike(value: &Value, wanted: &str) -> bool {
    match value {
        // A field that was never set equals its empty form, as in proto3.
        Value::Null => matches!(wanted, "" | "false" | "0"),
        Value::String(text) if wanted.contains('*') => glob(wanted, text),
        Value::String(text) => text == wanted || (time(text).is_some() && time(text) == time(wanted)),
        Value::Bool(set) => wanted == if *set { "true" } else { "false" },
        Value::Number(number) => number.to_string() == wanted,
        _ => false,
    }
}

/// Compares a value with the filter's operand: as numbers or as times.
fn order(value: &Value, wanted: &str) -> Option<Ordering> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    if let (Ok(one), Ok(other)) = (text.parse::<i64>(), wanted.parse::<i64>()) {
        return Some(one.cmp(&other));
    }
    Some(time(&text)?.cmp(&time(wanted)?))
}

fn time(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fits(filter: &str) -> bool {
        let object = json!({ "a": "one two", "b": 5, "c": ["x", "y"], "d": { "e": "007" }, "f": true });
        let Value::Object(object) = object else { return false };
        Filter::read(filter, "things", &["a", "b", "c", "d.e", "f", "unset"]).is_ok_and(|filter| filter.fits(&object))
    }

    #[test]
    fn values_are_compared_by_what_they_are() {
        for yes in ["a = \"one two\"", "b > 4", "b = 5", "c:\"x\"", "c = y", "d.e = \"007\"", "f = true", "a:*"] {
            assert!(fits(yes), "{yes}");
        }
        for no in ["a = one", "b > 5", "c = z", "c != x", "d.e = 7", "f = false", "d = x", "unset:*"] {
            assert!(!fits(no), "{no}");
        }
    }

    #[test]
    fn what_was_never_set_is_its_empty_form() {
        assert!(fits("unset = \"\"") && fits("unset = false") && fits("unset != \"x\""));
    }

    #[test]
    fn or_binds_tighter_than_and() {
        assert!(!fits("b = 6 AND b = 6 OR b = 5"));
        assert!(fits("(b = 6 AND b = 6) OR b = 5"));
    }
}
