//! Reads arguments into a typed request.
//!
//! Every request type refuses unknown fields, so a typing mistake is never silently ignored. All
//! missing, unknown or malformed fields are reported in one answer, each with a JSON pointer to it
//! and words that a buyer can act on.
//!
//! - [`node`]: how serde reads a request that has mistakes. [`wrong`]: the errors that serde
//!   reports.

use serde::de::DeserializeOwned;

use super::{document::Arguments, suggest::meant};
use crate::{
    app::error::{AppError, ErrorCode},
    domain::{
        field::{FieldPath, pointer_token},
        problem::Problem,
    },
};

mod node;
mod wrong;

use node::{Node, Readings};
use wrong::{What, Wrong};

/// Maximum mistakes reported at once: more than anybody corrects by hand.
const MOST_PROBLEMS: usize = 100;

/// Maximum values read to find all mistakes of one request. The first pass always runs to its end.
const MOST_EFFORT: usize = 200_000;

/// Builds a problem at a JSON pointer into a request.
pub fn mistake(pointer: impl Into<String>, message: impl Into<String>) -> Problem {
    Problem::new(FieldPath::text(pointer), message)
}

/// Builds an `INVALID_PARAMETER` error for the value at a JSON pointer into a request.
pub fn invalid(pointer: impl Into<String>, message: impl Into<String>) -> AppError {
    AppError::invalid(FieldPath::text(pointer), message)
}

/// Reads arguments as a request.
///
/// # Errors
/// `INVALID_PARAMETER` with a pointer to the first mistake, and all mistakes in `details.items`.
pub fn read<T: DeserializeOwned>(arguments: impl Into<Arguments>) -> Result<T, AppError> {
    read_and(arguments, |_| Vec::new())
}

/// Like [`read`]. If the arguments have mistakes, `more` finds those that are otherwise only
/// detected once a request is read; they are reported with the others.
///
/// # Errors
/// As for [`read`].
pub fn read_and<T: DeserializeOwned>(
    arguments: impl Into<Arguments>,
    more: impl FnOnce(&Arguments) -> Vec<Problem>,
) -> Result<T, AppError> {
    let arguments = arguments.into();
    let readings = Readings::of(&arguments);
    let first = T::deserialize(Node::root(&readings));
    let mut problems: Vec<Problem> =
        arguments.twice().map(|place| mistake(place, "is given twice: give it once")).collect();
    match first {
        Ok(request) if readings.unknown.borrow().is_empty() && problems.is_empty() => return Ok(request),
        _ => problems.extend(all_wrong::<T>(&readings).0),
    }
    for problem in more(&arguments) {
        // A value that contains a mistake can't be judged as a whole.
        let at = problem.field.to_string();
        let below = format!("{at}/");
        let told = |told: &Problem| told.field == problem.field || told.field.to_string().starts_with(&below);
        if !problems.iter().any(told) {
            problems.push(problem);
        }
    }
    problems.truncate(MOST_PROBLEMS);
    match refuse_read(problems) {
        Err(error) => Err(error),
        // A request that can't be read has at least one problem.
        Ok(()) => Err(invalid("", "the request can't be read")),
    }
}

/// Reads what can be read of arguments that have mistakes. A list that contains one is left out as
/// a whole, so that the items of other lists keep their positions.
pub(in crate::web) fn read_partly<T: DeserializeOwned>(arguments: &Arguments) -> Option<T> {
    let readings = Readings { leaves_lists_out: true, ..Readings::of(arguments) };
    all_wrong(&readings).1
}

/// Returns everything that prevents the arguments from being read, and the request read without it.
fn all_wrong<T: DeserializeOwned>(readings: &Readings<'_>) -> (Vec<Problem>, Option<T>) {
    let mut problems = Vec::new();
    readings.offers_absent.set(true);
    while problems.len() < MOST_PROBLEMS && readings.effort.get() < MOST_EFFORT {
        let read = T::deserialize(Node::root(readings));
        problems.extend(readings.unknown.take().into_iter().map(problem));
        let goes_on = match read {
            Ok(read) => return (problems, Some(read)),
            Err(wrong) => note(wrong, readings, &mut problems),
        };
        if !goes_on {
            break;
        }
    }
    (problems, None)
}

/// Records the mistake that stopped a pass, so that the next one gets further. Returns `false` if
/// no other pass can.
fn note(wrong: Wrong, readings: &Readings<'_>, problems: &mut Vec<Problem>) -> bool {
    let at = wrong.at.clone().unwrap_or_default();
    match wrong.what {
        What::MayBeAbsent { object, member } => return readings.optional.borrow_mut().insert((object, member)),
        // A member known to be wrong now counts as missing; its object needs no second report.
        What::Lacks(ref member) if readings.known.borrow().contains(&member_of(&at, member)) => {}
        _ => problems.push(problem(wrong)),
    }
    if let Some((list, _)) = at.rsplit_once('/').filter(|(_, item)| readings.leaves_lists_out && is_index(item)) {
        readings.known.borrow_mut().insert(list.to_owned());
    }
    !at.is_empty() && readings.known.borrow_mut().insert(at)
}

fn is_index(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit())
}

fn member_of(object: &str, member: &str) -> String {
    format!("{object}/{}", pointer_token(member))
}

/// Combines all mistakes of a request that could be read into one error.
///
/// # Errors
/// `INVALID_PARAMETER`, unless there are no problems.
pub fn refuse(problems: &[Problem]) -> Result<(), AppError> {
    let Some(first) = problems.first() else { return Ok(()) };
    let mut error = AppError::problems(ErrorCode::InvalidParameter, problems.to_vec());
    let more = match problems.len() {
        1 => String::new(),
        count => format!(" (and {} more, see details)", count - 1),
    };
    error.message = format!("{} {}{more}", in_words(&first.field.to_string()), first.message);
    Err(error)
}

/// Like [`refuse`], for a request that could not be read.
fn refuse_read(problems: Vec<Problem>) -> Result<(), AppError> {
    let Err(mut error) = refuse(&problems) else { return Ok(()) };
    if let Some(suggestion) = problems.first().and_then(|first| first.suggestion.clone()) {
        error.suggestion = Some(suggestion);
    }
    Err(error)
}

/// Formats `/packages/1/budget` as `packages[1].budget`.
fn in_words(pointer: &str) -> String {
    let mut words = String::new();
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        if is_index(&token) && !words.is_empty() {
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

/// Translates an error of serde into words for a buyer.
fn problem(wrong: Wrong) -> Problem {
    let at = wrong.at.unwrap_or_default();
    let missing = "is missing: it must be given";
    match wrong.what {
        // The message comes from a value type of this folder.
        What::Said(words) => mistake(at, words),
        What::Unknown { name, known } => suggest(mistake(at, "is not a known field"), &name, &known),
        What::NoneOf { found, known } => {
            let words = format!("must be one of {}, not {found}", known.join(", "));
            suggest(mistake(at, words), found.trim_matches('"'), &known)
        }
        What::Lacks(member) => mistake(member_of(&at, &member), missing),
        What::Absent | What::MayBeAbsent { .. } => mistake(at, missing),
        What::Kind { found, expected } => mistake(at, mismatch(&found, &expected)),
    }
}

fn mismatch(found: &str, expected: &str) -> String {
    let expected = match expected {
        expected if expected.starts_with("struct ") || expected == "a map" => "an object",
        "a sequence" => "a list",
        "a boolean" => "true or false",
        "unit" => "null",
        "variant identifier" => "a string",
        expected if expected.starts_with("enum ") => "a string",
        expected if is_integer_name(expected) => "an integer",
        // Where any value is accepted, only a number with more digits than a double holds is
        // refused.
        "any valid JSON value" => {
            return format!("can't be {found}, which has more digits than a double keeps: send its text, or fewer");
        }
        expected => expected,
    };
    match found {
        "null" => format!("must be {expected}, not null; leave it out where it is optional"),
        found => format!("must be {expected}, not {found}"),
    }
}

fn is_integer_name(name: &str) -> bool {
    let digits = name.strip_prefix(['i', 'u']).unwrap_or_default();
    matches!(digits, "8" | "16" | "32" | "64" | "size")
}

fn suggest(problem: Problem, name: &str, known: &[String]) -> Problem {
    match meant(name, known) {
        Some(meant) => problem.suggest(format!("did you mean {meant}?")),
        None if known.is_empty() => problem.suggest("nothing can be given here"),
        None => problem.suggest(format!("known are: {}", known.join(", "))).supported(known),
    }
}
