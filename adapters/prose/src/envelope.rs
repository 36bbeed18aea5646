//! JSON: the members of a response that contain text for people.

use serde_json::Value;

/// Names of members with text for people, in order of precedence, without case and separators.
const TELLING: [&str; 17] = [
    "message",
    "errormessage",
    "exceptionmessage",
    "error",
    "errordescription",
    "title",
    "faultstring",
    "description",
    "detail",
    "details",
    "reason",
    "text",
    "msg",
    "errors",
    "messages",
    "warnings",
    "fault",
];
/// The maximum depth of the search.
const DEPTH: usize = 8;
/// The maximum number of texts returned.
const MOST: usize = 20;

/// Returns the texts for people in a JSON text; `None` if it is not JSON, or has no such texts.
pub(crate) fn words(text: &str) -> Option<Vec<String>> {
    if !text.starts_with(['{', '[', '"']) {
        return None;
    }
    let value: Value = serde_json::from_str(text).ok()?;
    let mut found = Vec::new();
    // A bare text or list is the whole message.
    collect(&value, value.is_string() || value.is_array(), DEPTH, &mut found);
    (!found.is_empty()).then_some(found)
}

fn collect(value: &Value, telling: bool, depth: usize, found: &mut Vec<String>) {
    if depth == 0 || found.len() >= MOST {
        return;
    }
    match value {
        Value::String(text) if telling && !text.trim().is_empty() && !found.contains(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, telling, depth - 1, found)),
        Value::Object(members) => {
            for name in TELLING {
                for (_, member) in members.iter().filter(|(known, _)| is(known, name)) {
                    collect(member, true, depth - 1, found);
                }
            }
            for (_, member) in members.iter().filter(|(known, _)| !TELLING.iter().any(|name| is(known, name))) {
                if !member.is_string() {
                    // Forms report errors by field: `{"errors": {"name": ["is too long"]}}`.
                    collect(member, telling && member.is_array(), depth - 1, found);
                }
            }
        }
        _ => {}
    }
}

/// Whether a member has a name, in any spelling: `errorMessage`, `error_message`, `Error-Message`.
fn is(written: &str, name: &str) -> bool {
    let plain = written.chars().filter(char::is_ascii_alphanumeric).map(|char| char.to_ascii_lowercase());
    plain.eq(name.chars())
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn envelopes_of_many_kinds_are_opened() {
        for (text, said) in [
            (r#"{"Error": "Price is wrong"}"#, "Price is wrong"),
            (r#"{"error": {"code": 400, "status": "BAD", "message": "no"}}"#, "no"),
            (r#"{"error": "invalid_grant", "error_description": "The key is old"}"#, "invalid_grant|The key is old"),
            (r#"{"errors": [{"message": "a"}, {"message": "b"}, {"message": "a"}]}"#, "a|b"),
            (r#"{"errors": ["a", "b"]}"#, "a|b"),
            (r#"{"errors": {"Name": ["is too long"]}}"#, "is too long"),
            (r#"{"soap": {"Body": {"Fault": {"faultstring": "no"}}}}"#, "no"),
            (r#"{"type": "about:blank", "title": "Bad", "status": 400, "detail": "no"}"#, "Bad|no"),
            (r#"["a", "b"]"#, "a|b"),
            (r#""a""#, "a"),
        ] {
            assert_eq!(words(text).map(|words| words.join("|")).as_deref(), Some(said), "{text}");
        }
    }

    #[test]
    fn what_says_nothing_is_left_as_it_is() {
        for text in ["{}", "[]", "[1, 2]", r#"{"id": "7"}"#, r#"{"Error": ""}"#, "{", "[FIELD] is wrong", "plain", "7"]
        {
            assert_eq!(words(text), None, "{text}");
        }
        let deep = format!("{}{}", r#"{"a":"#.repeat(200), "}".repeat(200));
        assert_eq!(words(&deep), None);
    }
}
