//! Arguments to a typed request.
//!
//! Every type of a request refuses what it does not know, so a typing mistake is never silently ignored. What serde says
//! about a mistake is put into words that a buyer can act on, with a JSON pointer to the place.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use serde_path_to_error::Segment;

use super::suggest::meant;
use crate::{
    app::error::{AppError, ErrorCode},
    domain::problem::{Problem, pointer_token},
};

/// Reads arguments as a request.
///
/// # Errors
/// `INVALID_PARAMETER` with a pointer to the first thing that is wrong.
pub fn read<T: DeserializeOwned>(arguments: Value) -> Result<T, AppError> {
    serde_path_to_error::deserialize(arguments).map_err(|error| {
        let tokens: Vec<String> = error.path().iter().filter_map(token).collect();
        explain(tokens, &error.into_inner().to_string())
    })
}

/// One error for all that is wrong with a request that could be read.
///
/// # Errors
/// `INVALID_PARAMETER`, unless there are no problems.
pub fn refuse(problems: &[Problem]) -> Result<(), AppError> {
    let Some(first) = problems.first() else { return Ok(()) };
    let mut error = AppError::problems(ErrorCode::InvalidParameter, problems);
    let more = match problems.len() {
        1 => String::new(),
        count => format!(" (and {} more, see details)", count - 1),
    };
    error.message = format!("{} {}{more}", in_words(&first.field), first.message);
    Err(error)
}

fn token(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

fn pointer(tokens: &[String]) -> String {
    tokens.iter().map(|token| format!("/{}", pointer_token(token))).collect()
}

/// `/packages/1/budget` as `packages[1].budget`.
fn in_words(pointer: &str) -> String {
    let mut words = String::new();
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        if token.bytes().all(|byte| byte.is_ascii_digit()) && !words.is_empty() {
            words.push_str(&format!("[{token}]"));
        } else {
            if !words.is_empty() {
                words.push('.');
            }
            words.push_str(&token);
        }
    }
    if words.is_empty() { "the request".to_owned() } else { words }
}

fn invalid(tokens: &[String], message: &str) -> AppError {
    let field = pointer(tokens);
    let message = format!("{} {message}", in_words(&field));
    AppError::invalid(field, message)
}

/// Puts serde's words into a buyer's.
fn explain(mut tokens: Vec<String>, said: &str) -> AppError {
    if let Some(rest) = said.strip_prefix("unknown field `") {
        let (name, known) = quoted_and_known(rest);
        if tokens.last() != Some(&name) {
            tokens.push(name.clone());
        }
        return suggest(invalid(&tokens, "is not a known field"), &name, &known);
    }
    if let Some(rest) = said.strip_prefix("missing field `") {
        let (name, _) = quoted_and_known(rest);
        tokens.push(name);
        return invalid(&tokens, "is missing: it must be given");
    }
    if let Some(rest) = said.strip_prefix("duplicate field `") {
        let (name, _) = quoted_and_known(rest);
        tokens.push(name);
        return invalid(&tokens, "is given twice");
    }
    if let Some(rest) = said.strip_prefix("unknown variant `") {
        let (name, known) = quoted_and_known(rest);
        let message = format!("must be one of {}, not \"{name}\"", known.join(", "));
        return suggest(invalid(&tokens, &message), &name, &known);
    }
    for prefix in ["invalid type: ", "invalid value: ", "invalid length "] {
        if let Some((found, expected)) = said.strip_prefix(prefix).and_then(|rest| rest.rsplit_once(", expected ")) {
            return invalid(&tokens, &mismatch(found, expected));
        }
    }
    // What the values of this folder say of themselves.
    invalid(&tokens, said)
}

fn mismatch(found: &str, expected: &str) -> String {
    let expected = match expected {
        expected if expected.starts_with("struct ") || expected == "a map" => "an object",
        "a sequence" => "a list",
        "a boolean" => "true or false",
        "unit" => "null",
        "string or map" | "variant identifier" => "a string",
        expected if is_integer_name(expected) => "an integer",
        expected => expected,
    };
    if found == "null" {
        return format!("must be {expected}, not null; leave it out where it is optional");
    }
    let found = match found {
        "map" => "an object".to_owned(),
        "sequence" => "a list".to_owned(),
        found => match found.split_once(" `") {
            Some((kind, value)) => {
                format!("the {} {}", kind.replace("floating point", "number"), value.trim_end_matches('`'))
            }
            None => format!("the {found}"),
        },
    };
    format!("must be {expected}, not {found}")
}

fn is_integer_name(name: &str) -> bool {
    let digits = name.strip_prefix(['i', 'u']).unwrap_or_default();
    matches!(digits, "8" | "16" | "32" | "64" | "size")
}

/// ``x`, expected one of `a`, `b``: the first name, and the others.
fn quoted_and_known(rest: &str) -> (String, Vec<String>) {
    let (name, rest) = rest.split_once('`').unwrap_or((rest, ""));
    let known = rest.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    (name.to_owned(), known)
}

fn suggest(error: AppError, name: &str, known: &[String]) -> AppError {
    let listed = json!({ "known": known });
    let error = match meant(name, known) {
        Some(meant) => error.suggest(format!("did you mean {meant}?")),
        None if known.is_empty() => error.suggest("nothing can be given here"),
        None => error.suggest(format!("known are: {}", known.join(", "))),
    };
    error.details(listed)
}
