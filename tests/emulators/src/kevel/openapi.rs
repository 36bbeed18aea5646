//! Requests, checked by Kevel's own OpenAPI document before anything else looks at them.
//!
//! `kevel/openapi.json` says what the document says about the fields of each request, and is made
//! from it by `kevel/extract.py`. The types of `objects.json` are stricter in places and hold for
//! all requests that write an object; this is what the document says of one request. Unknown fields
//! are ignored, as the document doesn't forbid them.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::{
    refusal::Refusal,
    schema::{self, Table, body_object},
};

static FACTS: LazyLock<Map<String, Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../kevel/openapi.json")).unwrap_or_default());

/// The requests of the document, each with the fields that lead to the object that it describes.
static REQUESTS: LazyLock<Vec<Request>> = LazyLock::new(|| {
    let labels = FACTS.values().filter_map(Value::as_object).flatten();
    let mut all: Vec<_> = labels.filter_map(|(label, fields)| Request::of(label, fields.as_array()?)).collect();
    // The whole body before what is in it.
    all.sort_by_key(|request| request.within.len());
    all
});

#[derive(Debug)]
struct Request {
    verb: &'static str,
    path: Vec<&'static str>,
    within: Vec<&'static str>,
    table: Table,
}

impl Request {
    /// `label` is a verb, a path, and the fields that lead to the object.
    fn of(label: &'static str, fields: &'static [Value]) -> Option<Self> {
        let mut words = label.split(' ');
        let (verb, path) = (words.next()?, words.next()?);
        let table = Table::new(Box::leak(Box::new(of_request(fields))));
        Some(Self { verb, path: path.split('/').collect(), within: words.collect(), table })
    }

    fn is(&self, verb: &str, path: &[&str]) -> bool {
        let fits = |(one, other): (&&str, &&str)| one.starts_with('{') || one == other;
        self.verb == verb && self.path.len() == path.len() && self.path.iter().zip(path).all(fits)
    }
}

/// Returns the JSON Schema of a request. Formats of numbers become limits. A time has the form that
/// the emulator reads: Kevel's own examples leave the offset away, which the document's `date-time`
/// doesn't allow.
fn of_request(fields: &[Value]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in fields {
        let Some(name) = field["name"].as_str() else { continue };
        if field["readOnly"] == true {
            properties.insert(name.to_owned(), json!({ "readOnly": true }));
            continue;
        }
        if field["required"] == true {
            required.push(name);
        }
        let nullable = field["nullable"] == true;
        let mut schema = Map::new();
        for fact in ["minimum", "maximum", "minLength", "maxLength"] {
            if let Some(value) = field.get(fact) {
                schema.insert(fact.to_owned(), value.clone());
            }
        }
        if field["format"] == "int32" {
            schema.entry("minimum").or_insert(i32::MIN.into());
            schema.entry("maximum").or_insert(i32::MAX.into());
        }
        if field["format"] == "date-time" || field["format"] == "date" {
            schema.insert("format".to_owned(), "moment".into());
        }
        if let Some(kind) = field["type"].as_str() {
            schema.insert("type".to_owned(), if nullable { json!([kind, "null"]) } else { kind.into() });
        }
        if let Some(kind) = field["items"].as_str() {
            schema.insert("items".to_owned(), json!({ "type": kind }));
        }
        if let Some(names) = field.get("requires") {
            schema.insert("required".to_owned(), names.clone());
        }
        if let Some(values) = field["enum"].as_array() {
            let null = nullable.then_some(Value::Null);
            schema.insert("enum".to_owned(), values.iter().cloned().chain(null).collect());
        }
        properties.insert(name.to_owned(), Value::Object(schema));
    }
    json!({ "type": "object", "required": required, "properties": properties })
}

/// Checks the body of a call by what the document says of this request. A request of which the
/// document says nothing is not checked.
///
/// # Errors
/// [`Refusal::Invalid`] with everything that is wrong with the first wrong object.
pub(super) fn check(verb: &str, path: &str, body: &[u8]) -> Result<(), Refusal> {
    let path: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let mut requests = REQUESTS.iter().filter(|request| request.is(verb, &path)).peekable();
    if requests.peek().is_none() {
        return Ok(());
    }
    let body = Value::Object(body_object(body)?);
    for request in requests {
        for (place, object) in inside(&body, &request.within) {
            schema::read(&request.table, object).map_err(|refusal| match place.as_str() {
                "" => refusal,
                place => Refusal::Invalid(format!("{place}: {refusal}")),
            })?;
        }
    }
    Ok(())
}

/// Returns the objects that some fields lead to, with where they are. What isn't an object is
/// refused where it stands.
fn inside<'b>(body: &'b Value, within: &[&str]) -> Vec<(String, &'b Map<String, Value>)> {
    let mut found = vec![(String::new(), body)];
    for name in within {
        let mut inner = Vec::new();
        for (place, value) in found {
            let place = if place.is_empty() { (*name).to_owned() } else { format!("{place}: {name}") };
            match &value[*name] {
                Value::Array(items) => {
                    inner.extend(items.iter().enumerate().map(|(at, item)| (format!("{place}[{at}]"), item)));
                }
                one => inner.push((place, one)),
            }
        }
        found = inner;
    }
    found.into_iter().filter_map(|(place, value)| Some((place, value.as_object()?))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// The facts that `objects.json` and the document have in common. The largest number is no
    /// difference: the document's `int32` is the same.
    const FACTS_OF_BOTH: [&str; 5] = ["minimum", "maximum", "minLength", "maxLength", "default"];

    fn nullable(schema: &Value) -> bool {
        ["type", "enum"].iter().any(|keyword| {
            schema[*keyword].as_array().is_some_and(|all| all.iter().any(|one| one.is_null() || one == "null"))
        })
    }

    /// What `objects.json` says of a field, and the document doesn't say of it in this request.
    fn differences(ours: &Value, required: bool, theirs: &Value) -> Vec<String> {
        if theirs["readOnly"] == true || ours["readOnly"] == true {
            let same = theirs["readOnly"] == ours["readOnly"];
            return if same { Vec::new() } else { vec!["readOnly".to_owned()] };
        }
        let mut found = Vec::new();
        let mut note = |fact: &str, differs: bool| {
            if differs {
                found.push(fact.to_owned());
            }
        };
        let kinds: Vec<&str> = match &ours["type"] {
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect(),
            kind => kind.as_str().into_iter().collect(),
        };
        // Values say their type.
        note("type", !kinds.is_empty() && theirs["type"].as_str().is_some_and(|kind| !kinds.contains(&kind)));
        note("nullable", theirs["type"].is_string() && nullable(ours) != (theirs["nullable"] == true));
        note("required", required != (theirs["required"] == true));
        let values =
            |schema: &Value| schema["enum"].as_array().map(|all| all.iter().filter_map(Value::as_i64).collect());
        let (one, other): (Option<Vec<i64>>, Option<Vec<i64>>) = (values(ours), values(theirs));
        note("enum", one != other);
        for fact in FACTS_OF_BOTH {
            let int32 = fact == "maximum" && ours[fact] == i32::MAX;
            note(fact, !int32 && ours[fact] != theirs[fact]);
        }
        let moment = ["date-time", "date"].iter().any(|format| theirs["format"] == *format);
        note("format", (ours["format"] == "moment") != moment || (!moment && ours["format"].is_string()));
        note("pattern", ours["pattern"].is_string());
        found
    }

    /// Every field and fact in which `objects.json` differs from the document in some request.
    fn all_differences() -> BTreeSet<String> {
        let objects: Value = serde_json::from_str(include_str!("objects.json")).unwrap();
        let mut found = BTreeSet::new();
        for (kind, requests) in FACTS.iter() {
            let ours = objects[kind]["properties"].as_object().unwrap();
            let required =
                |name: &str| objects[kind]["required"].as_array().is_some_and(|all| all.contains(&name.into()));
            let mut known = BTreeSet::new();
            for theirs in requests.as_object().unwrap().values().flat_map(|fields| fields.as_array().unwrap()) {
                let named = theirs["name"].as_str().unwrap();
                let field = ours.iter().find(|(name, field)| *name == named || field["x-also"] == named);
                match field {
                    None => drop(found.insert(format!("{kind}.{named} missing"))),
                    Some((name, field)) => {
                        known.insert(name);
                        let differs = differences(field, required(name), theirs);
                        found.extend(differs.into_iter().map(|fact| format!("{kind}.{name} {fact}")));
                    }
                }
            }
            let more = ours.keys().filter(|name| !known.contains(name));
            found.extend(more.map(|name| format!("{kind}.{name} added")));
        }
        found
    }

    #[test]
    fn every_difference_from_the_document_has_a_reason() {
        let reasons: BTreeMap<String, Vec<String>> =
            serde_json::from_str(include_str!("../../kevel/differences.json")).unwrap();
        let listed: BTreeSet<&str> = reasons.values().flatten().map(String::as_str).collect();
        let found = all_differences();
        // A field with `*` has a rule of its own, whatever its facts.
        let whole = |difference: &str| format!("{} *", difference.split(' ').next().unwrap());
        let unexplained: Vec<&String> = found
            .iter()
            .filter(|one| !listed.contains(one.as_str()) && !listed.contains(whole(one).as_str()))
            .collect();
        let stale: Vec<&&str> = listed
            .iter()
            .filter(|one| !found.contains(**one) && !found.iter().any(|other| whole(other) == ***one))
            .collect();
        assert!(
            unexplained.is_empty() && stale.is_empty(),
            "without a reason: {unexplained:#?}\nno longer: {stale:#?}"
        );
    }

    #[test]
    fn requests_are_read_from_the_document() {
        assert_eq!(REQUESTS.len(), FACTS.values().map(|requests| requests.as_object().unwrap().len()).sum::<usize>());
        let wrong = |verb: &str, path: &str, body: Value| {
            check(verb, path, body.to_string().as_bytes()).err().map(|refusal| refusal.to_string())
        };
        let said = wrong("PUT", "/v1/flight/1/creative/2", json!({})).unwrap();
        for name in ["Id", "CampaignId", "FlightId", "Creative", "IsActive", "IsDeleted"] {
            assert!(said.contains(&format!("{name} is required")), "{said}");
        }
        let nested = json!({ "AdvertiserId": 1, "Name": "x", "Flights": [{}, { "Ads": [{ "Creative": {} }] }] });
        let said = wrong("POST", "/v2/campaign", nested).unwrap();
        assert!(said.starts_with("Flights[0]: ") && said.contains("StartDateISO is required"), "{said}");
        assert_eq!(wrong("POST", "/v1/nothing", json!({})), None);
    }
}
