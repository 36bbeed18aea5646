//! Where in the request an adapter's complaint belongs.
//!
//! An adapter sees packages by their ids and with the buy's targeting merged in; the caller wrote a list, and perhaps the
//! short forms `geography` and `device_types`. A pointer must lead to what the caller wrote.

use serde_json::Value;

use crate::domain::{failure::Failure, problem::Problem};

/// The failure with pointers into `request`.
pub fn relocate(mut failure: Failure, request: &Value) -> Failure {
    for item in &mut failure.items {
        relocate_one(item, request);
    }
    let mut seen: Vec<Problem> = Vec::new();
    // What the buy's overlay asks of three packages is one mistake of the caller's, not three.
    failure.items.retain(|item| {
        let new = !seen.contains(item);
        seen.push(item.clone());
        new
    });
    failure
}

/// Problems of targeting under the names that the request used: a short form, where it stands in place of the full one.
pub fn as_written(mut problems: Vec<Problem>, request: &Value) -> Vec<Problem> {
    for problem in problems.iter_mut().filter(|problem| problem.field.contains("/targeting_overlay/")) {
        let tokens: Vec<String> = problem.field.split('/').skip(1).map(str::to_owned).collect();
        if let Some(found) = point(&tokens, request) {
            problem.field = found;
        }
    }
    problems
}

fn relocate_one(item: &mut Problem, request: &Value) {
    let mut tokens: Vec<String> = item.field.split('/').skip(1).map(str::to_owned).collect();
    let list = match tokens.first().map(String::as_str) {
        Some("packages") => ("packages", "package_id"),
        Some("assets") => ("assets", "creative_id"),
        _ => ("", ""),
    };
    if let (Some(id), Some(entries)) = (tokens.get(1).cloned(), request.get(list.0).and_then(Value::as_array)) {
        let is_it =
            |entry: &Value| entry.as_str() == Some(&id) || entry.get(list.1).and_then(Value::as_str) == Some(&id);
        if let Some(index) = entries.iter().position(is_it) {
            tokens[1] = index.to_string();
        }
    }
    let own = point(&tokens, request);
    if let Some(found) = own {
        item.field = found;
        return;
    }
    // Not in the package's own part: it comes from the whole buy's, if that has it.
    if tokens.first().is_some_and(|first| first == "packages") && tokens.len() > 2 {
        let of_buy = &tokens[2..];
        if let Some(found) = point(of_buy, request) {
            item.field = found;
            return;
        }
    }
    item.field = format!("/{}", tokens.join("/"));
}

/// The pointer, if the request has something there: under the full name or under a short form.
fn point(tokens: &[String], request: &Value) -> Option<String> {
    let mut at = request;
    let mut pointer = String::new();
    for token in tokens {
        let short = match token.as_str() {
            "geo_country_any_of" | "geo_region_any_of" => Some("geography"),
            "device_type_any_of" => Some("device_types"),
            _ => None,
        };
        let names = [Some(token.as_str()), short];
        let (name, next) = names.into_iter().flatten().find_map(|name| step(at, name).map(|next| (name, next)))?;
        pointer.push('/');
        pointer.push_str(name);
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::failure::FailureKind;

    fn relocated(fields: &[&str], request: &Value) -> Vec<String> {
        let mut failure = Failure::new(FailureKind::Unsupported, "x", "x");
        failure.items = fields.iter().map(|field| Problem::new(*field, "no").value("v")).collect();
        relocate(failure, request).items.into_iter().map(|item| item.field).collect()
    }

    #[test]
    fn a_package_is_pointed_at_by_its_place_in_the_list() {
        let request = json!({"packages": ["a", {"package_id": "b", "targeting_overlay": {"os_any_of": ["x"]}, "pacing": "asap"}]});
        assert_eq!(relocated(&["/packages/b/pacing"], &request), ["/packages/1/pacing"]);
        assert_eq!(
            relocated(&["/packages/b/targeting_overlay/os_any_of"], &request),
            ["/packages/1/targeting_overlay/os_any_of"]
        );
    }

    #[test]
    fn what_the_buys_overlay_asks_is_pointed_at_once_and_under_the_name_that_was_used() {
        let request =
            json!({"packages": ["a", "b"], "targeting_overlay": {"device_types": ["ctv"], "geography": ["US-CA"]}});
        let fields =
            ["/packages/a/targeting_overlay/device_type_any_of", "/packages/b/targeting_overlay/device_type_any_of"];
        assert_eq!(relocated(&fields, &request), ["/targeting_overlay/device_types"]);
        assert_eq!(
            relocated(&["/packages/a/targeting_overlay/geo_region_any_of"], &request),
            ["/targeting_overlay/geography"]
        );
    }

    #[test]
    fn a_contradiction_is_told_in_the_words_of_the_request() {
        let request =
            json!({"packages": ["a"], "targeting_overlay": {"geography": ["US-CA"], "geo_country_none_of": ["US"]}});
        let fields = [
            "/targeting_overlay/geo_region_any_of",
            "/targeting_overlay/geo_country_none_of",
            "/packages/b/targeting_overlay/os_any_of",
        ];
        let problems = fields.iter().map(|field| Problem::new(*field, "no")).collect();
        let written: Vec<String> = as_written(problems, &request).into_iter().map(|problem| problem.field).collect();
        assert_eq!(
            written,
            [
                "/targeting_overlay/geography",
                "/targeting_overlay/geo_country_none_of",
                "/packages/b/targeting_overlay/os_any_of"
            ]
        );
    }

    #[test]
    fn a_pointer_that_leads_nowhere_is_kept() {
        assert_eq!(relocated(&["/elsewhere/x"], &json!({})), ["/elsewhere/x"]);
        assert_eq!(relocated(&["/packages/z/budget"], &json!({"packages": ["z"]})), ["/packages/0/budget"]);
    }
}
