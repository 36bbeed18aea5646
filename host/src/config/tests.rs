//! Whole documents, read and refused.

use std::path::Path;

use super::{Config, ConfigErrors, Surroundings};

mod addresses;
mod approvals;
mod documentation;
mod good;
mod references;
mod refused;
mod refused_entries;
mod secrets;

/// What every configuration has.
const PUBLISHER: &str = "[publisher]\nname = \"Acme News\"\ncurrency = \"USD\"\n";

/// One of each, to refer to.
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

/// Values of a list as they are written.
fn shown<T: std::fmt::Display>(list: &[T]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

/// Reads what is fine.
#[track_caller]
fn fine(text: &str) -> Config {
    read(text).unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

/// Takes the marks out of a text: answers it, and line and column of each mark.
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

/// Checks that a document has these mistakes, each where a `¦` stands.
#[track_caller]
fn refused(marked: &str, messages: &[&str]) {
    let (text, places) = unmarked(marked);
    let found = match read(&text) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.to_string().lines().map(str::to_owned).collect(),
    };
    compare(found, &places, messages, &text);
}

/// The same for warnings of a document that is otherwise fine.
#[track_caller]
fn warned(marked: &str, messages: &[&str]) {
    let (text, places) = unmarked(marked);
    let found = fine(&text).warnings().iter().map(ToString::to_string).collect();
    compare(found, &places, messages, &text);
}

/// [`refused`] behind [`HOUSE`].
#[track_caller]
fn refused_in_house(marked: &str, messages: &[&str]) {
    refused(&format!("{HOUSE}\n{marked}"), messages);
}
