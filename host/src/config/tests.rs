//! Tests that parse whole documents, valid and invalid.

use std::path::Path;

use super::{Config, ConfigErrors, Surroundings};

mod addresses;
mod approvals;
mod documentation;
mod good;
mod oidc;
mod references;
mod refused;
mod refused_entries;
mod secrets;

/// The part that every configuration needs.
const PUBLISHER: &str = "[publisher]\nname = \"Acme News\"\ncurrency = \"USD\"\n";

/// One entry of each kind, for tests that refer to them.
const HOUSE: &str = r#"
[publisher]
name = "Acme News"
currency = "USD"

[[platforms]]
name = "acme"
adapter = "acme.wasm"
endpoint = "https://api.acme.example"

[[principals]]
id = "agency"
platform_mappings = { acme = { advertiser_id = 7 } }
"#;

fn environment(name: &str) -> Option<String> {
    let value = match name {
        "KEY" => "the-key-in-the-environment",
        "EMPTY" => " ",
        "BROKEN" => "two\nlines",
        "ENDPOINT" => "https://env.acme.example/v1/",
        "NO_URL" => "hunter2",
        _ => return None,
    };
    Some(value.to_owned())
}

fn read(text: &str) -> Result<Config, ConfigErrors> {
    let is_file = |path: &Path| !path.ends_with("missing.wasm");
    let around = Surroundings { environment: &environment, is_file: &is_file };
    Config::parse(Path::new("/etc/flightdeck/flightdeck.toml"), text, &around)
}

/// The values of a list as they are displayed.
fn shown<T: std::fmt::Display>(list: &[T]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

/// Parses a valid document.
#[track_caller]
fn fine(text: &str) -> Config {
    read(text).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

/// Removes the marks from a text. Returns the text, and the line and column of each mark.
fn unmarked(marked: &str) -> (String, Vec<String>) {
    let mut text = String::new();
    let mut places = Vec::new();
    let (mut line, mut column) = (1, 1);
    for character in marked.chars() {
        match character {
            '¦' => {
                places.push(format!("/etc/flightdeck/flightdeck.toml:{line}:{column}: "));
                continue;
            }
            '\n' => (line, column) = (line + 1, 1),
            _ => column += 1,
        }
        text.push(character);
    }
    (text, places)
}

#[track_caller]
fn compare(found: Vec<String>, places: &[String], messages: &[&str], text: &str) {
    assert_eq!(places.len(), messages.len(), "as many marks as messages");
    let wanted: Vec<String> = places.iter().zip(messages).map(|(place, message)| format!("{place}{message}")).collect();
    assert_eq!(found, wanted, "{text}");
}

/// Asserts that a document has exactly these mistakes, at the positions marked with `¦`.
#[track_caller]
fn refused(marked: &str, messages: &[&str]) {
    let (text, places) = unmarked(marked);
    let found = match read(&text) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.to_string().lines().map(str::to_owned).collect(),
    };
    compare(found, &places, messages, &text);
}

/// Asserts that a valid document has exactly these warnings.
#[track_caller]
fn warned(marked: &str, messages: &[&str]) {
    let (text, places) = unmarked(marked);
    let found = fine(&text).warnings().iter().map(ToString::to_string).collect();
    compare(found, &places, messages, &text);
}

/// [`refused`] for text that follows [`HOUSE`].
#[track_caller]
fn refused_in_house(marked: &str, messages: &[&str]) {
    refused(&format!("{HOUSE}\n{marked}"), messages);
}
