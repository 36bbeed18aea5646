//! The field names of version 1, and the translation of a path in the domain into a JSON pointer
//! into a request.
//!
//! The application core and adapters refer to packages by their ids, with the buy's targeting
//! merged in. The caller sent a list, and perhaps the short forms `geography` and `device_types`. A
//! pointer must lead to what the caller wrote, so [`in_request`] finds where that is.

use serde::Serialize;
use serde_json::Value;

use super::targeting::rule_name;
use crate::{
    app::error::AppError,
    domain::{
        field::{CreativeRef, Field, FieldPath, PackageRef, Part, Subject, TargetingPart, last_name, pointer_token},
        problem::{self, Problem},
        targeting::{Dimension, Operator},
    },
};

const PACKAGES: &str = "packages";
const ASSETS: &str = "assets";
const TARGETING: &str = "targeting_overlay";

/// Returns the name of a field.
pub(super) const fn name(field: Field) -> &'static str {
    match field {
        Field::Active => "active",
        Field::TotalBudget => "total_budget",
        Field::DailyBudget => "daily_budget",
        Field::FlightStart => "flight_start_date",
        Field::FlightEnd => "flight_end_date",
        Field::Currency => "currency",
        Field::PoNumber => "po_number",
        Field::Pacing => "pacing",
        Field::Packages => PACKAGES,
        Field::PackageId => "package_id",
        Field::Price => "cpm",
        Field::Cpc => "cpc",
        Field::Cpcv => "cpcv",
        Field::FlatPrice => "flat_price",
        Field::Budget => "budget",
        Field::Impressions => "impressions",
        Field::Clicks => "clicks",
        Field::VideoCompletions => "video_completions",
        Field::DailyImpressions => "daily_impressions",
        Field::DailyClicks => "daily_clicks",
        Field::DailyVideoCompletions => "daily_video_completions",
        Field::Creatives => "creative_ids",
        Field::NewCreatives => ASSETS,
        Field::CreativeId => "creative_id",
        Field::Format => "format",
        Field::MediaUrl => "media_url",
        Field::ClickUrl => "click_url",
        Field::Duration => "duration",
        Field::Width => "width",
        Field::Height => "height",
        Field::TemplateId => "template_id",
        Field::TemplateValues => "template_values",
        Field::Name => "name",
        Field::Assignments => "package_assignments",
        Field::Platform => "platform",
        Field::ReportEnd => "end_date",
        Field::Limit => "limit",
        Field::Cursor => "cursor",
        Field::Resolution => "resolution",
        Field::ReasonCode => "reason_code",
        Field::ResolutionDetail => "resolution_detail",
        Field::Url => "url",
        Field::Events => "events",
        Field::EventId => "event_id",
    }
}

/// Returns the short form that may replace a rule.
const fn short_form(dimension: Dimension, operator: Operator) -> Option<&'static str> {
    match (dimension, operator) {
        (Dimension::GeoCountry | Dimension::GeoRegion, Operator::AnyOf) => Some("geography"),
        (Dimension::DeviceType, Operator::AnyOf) => Some("device_types"),
        _ => None,
    }
}

/// One token of a pointer, and the short form that may replace it.
struct Token {
    name: String,
    short: Option<&'static str>,
}

impl Token {
    fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), short: None }
    }
}

fn subject_tokens(subject: &Subject) -> Vec<Token> {
    let (list, entry) = match subject {
        Subject::Buy => return Vec::new(),
        Subject::Package(PackageRef::Listed(index)) => (PACKAGES, index.to_string()),
        Subject::Package(PackageRef::Named(id) | PackageRef::Merged(id)) => (PACKAGES, id.to_string()),
        Subject::Creative(CreativeRef::Listed(index)) => (ASSETS, index.to_string()),
        Subject::Creative(CreativeRef::Named(id)) => (ASSETS, id.to_string()),
        Subject::Performance(index) => ("performance_data", index.to_string()),
    };
    vec![Token::new(list), Token::new(entry)]
}

fn part_tokens(part: &Part) -> Vec<Token> {
    match part {
        Part::Whole => Vec::new(),
        Part::Field(field) => vec![Token::new(name(*field))],
        Part::Entry(field, index) => vec![Token::new(name(*field)), Token::new(index.to_string())],
        Part::Targeting(part) => std::iter::once(Token::new(TARGETING)).chain(targeting_tokens(part)).collect(),
        Part::Text(text) => text_tokens(text),
    }
}

fn targeting_tokens(part: &TargetingPart) -> Vec<Token> {
    let named = |names: &[&str]| names.iter().copied().map(Token::new).collect();
    match part {
        TargetingPart::Whole => Vec::new(),
        TargetingPart::Rule(dimension, operator) => {
            let name = rule_name(*dimension, *operator).to_owned();
            vec![Token { name, short: short_form(*dimension, *operator) }]
        }
        TargetingPart::Hours => named(&["dayparting"]),
        TargetingPart::Presets => named(&["dayparting", "presets"]),
        TargetingPart::Schedule(index) => named(&["dayparting", "schedules", &index.to_string()]),
        TargetingPart::Cap => named(&["frequency_cap"]),
        TargetingPart::CapScope => named(&["frequency_cap", "scope"]),
        TargetingPart::CapMinutes => named(&["frequency_cap", "suppress_minutes"]),
        TargetingPart::Custom(platform) => named(&["custom", platform]),
        TargetingPart::Text(text) => text_tokens(text),
    }
}

fn text_tokens(text: &str) -> Vec<Token> {
    text.split('/').skip(1).map(|token| Token::new(token.replace("~1", "/").replace("~0", "~"))).collect()
}

fn tokens(path: &FieldPath) -> Vec<Token> {
    let mut tokens = subject_tokens(&path.subject);
    tokens.extend(part_tokens(&path.part));
    tokens
}

fn joined(tokens: &[Token]) -> String {
    tokens.iter().map(|token| format!("/{}", pointer_token(&token.name))).collect()
}

/// Returns the pointer of a path, without looking at the request.
pub fn pointer(path: &FieldPath) -> String {
    match path {
        FieldPath { subject: Subject::Buy, part: Part::Text(text) } => text.clone(),
        path => joined(&tokens(path)),
    }
}

/// Returns the pointer to where the caller wrote the value of a path in the request.
fn pointer_into(path: &FieldPath, request: &Value) -> String {
    let (list, key, id) = match &path.subject {
        Subject::Package(PackageRef::Merged(id)) => (PACKAGES, "package_id", id.as_str()),
        Subject::Creative(CreativeRef::Named(id)) => (ASSETS, "creative_id", id.as_str()),
        _ if path.is_within_targeting() => return point(&tokens(path), request).unwrap_or_else(|| pointer(path)),
        _ => return pointer(path),
    };
    let mut tokens = tokens(path);
    if let Some(index) = request.get(list).and_then(Value::as_array).and_then(|entries| {
        entries.iter().position(|entry| entry.as_str().or_else(|| entry.get(key)?.as_str()) == Some(id))
    }) {
        tokens[1] = Token::new(index.to_string());
    }
    let own = point(&tokens, request);
    // If the package's own part lacks it, it comes from the whole buy's, if that has it.
    let of_buy = || (list == PACKAGES && tokens.len() > 2).then(|| point(&tokens[2..], request)).flatten();
    own.or_else(of_buy).unwrap_or_else(|| joined(&tokens))
}

/// Returns the pointer if the request has a value there, under the full name or a short form.
fn point(tokens: &[Token], request: &Value) -> Option<String> {
    let mut at = request;
    let mut pointer = String::new();
    for token in tokens {
        let names = [Some(token.name.as_str()), token.short];
        let (name, next) = names.into_iter().flatten().find_map(|name| step(at, name).map(|next| (name, next)))?;
        pointer.push('/');
        pointer.push_str(&pointer_token(name));
        at = next;
    }
    Some(pointer)
}

fn step<'a>(at: &'a Value, name: &str) -> Option<&'a Value> {
    match at {
        Value::Object(members) => members.get(name),
        Value::Array(entries) => name.parse::<usize>().ok().and_then(|index| entries.get(index)),
        _ => None,
    }
}

/// Replaces the path of a problem with its pointer.
pub fn pointed(problem: Problem) -> Problem {
    Problem { field: FieldPath::text(pointer(&problem.field)), ..problem }
}

/// Gives an error pointers into the request that was refused, and rewrites its message to match.
pub fn in_request(mut error: AppError, request: &Value) -> AppError {
    let is_summary = !error.problems.is_empty() && error.message == problem::summary(&error.problems);
    let mut problems: Vec<Problem> = Vec::with_capacity(error.problems.len());
    for problem in error.problems {
        let is_merged = matches!(problem.field.subject, Subject::Package(PackageRef::Merged(_)));
        let problem = Problem { field: FieldPath::text(pointer_into(&problem.field, request)), ..problem };
        // An overlay of the whole buy that fails for three packages is one mistake of the caller's,
        // not three.
        if !(is_merged && problems.contains(&problem)) {
            problems.push(problem);
        }
    }
    error.problems = problems;
    error.field = error.field.map(|field| FieldPath::text(pointer_into(&field, request)));
    if is_summary {
        error.message = problem::summary_in(&error.problems, word);
    }
    error
}

/// Returns the name that begins a sentence about a field.
fn word(path: &FieldPath) -> String {
    last_name(&pointer(path))
}

/// One mistake, as shown in answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item<'a> {
    field: String,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    supported: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<&'a str>,
}

/// The `details` of an error about several mistakes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Items<'a> {
    items: Vec<Item<'a>>,
}

impl<'a> Items<'a> {
    /// Lists each problem with its pointer.
    pub fn of(problems: &'a [Problem]) -> Self {
        let item = |problem: &'a Problem| Item {
            field: pointer(&problem.field),
            message: &problem.message,
            value: problem.value.as_deref(),
            supported: &problem.supported,
            suggestion: problem.suggestion.as_deref(),
        };
        Self { items: problems.iter().map(item).collect() }
    }
}

#[cfg(test)]
mod tests;
