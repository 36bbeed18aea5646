//! What Google publishes about its messages, from the data files.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use serde::Deserialize;
use serde_json::Value;

/// The files: what the package has, and what only the reference has.
const FILES: [&str; 2] = [include_str!("../../../gam/messages.json"), include_str!("../../../gam/reference.json")];

#[derive(Debug, Deserialize)]
struct File {
    methods: Vec<Method>,
    messages: BTreeMap<String, Vec<Field>>,
    enums: BTreeMap<String, BTreeMap<String, i64>>,
}

#[derive(Debug, Default)]
struct Published {
    methods: Vec<Method>,
    shapes: BTreeMap<String, Shape>,
    enums: BTreeMap<String, BTreeMap<String, i64>>,
}

#[expect(clippy::expect_used, reason = "the files are part of the program, and a test reads them")]
static PUBLISHED: LazyLock<Published> = LazyLock::new(|| {
    let mut all = Published::default();
    for file in FILES {
        let file: File = serde_json::from_str(file).expect("the data file has the form that extract.py writes");
        all.methods.extend(file.methods);
        all.shapes.extend(file.messages.into_iter().map(|(name, fields)| (name.clone(), Shape::new(name, fields))));
        all.enums.extend(file.enums);
    }
    all
});

/// A method of the API.
#[derive(Debug, Deserialize)]
pub(in crate::gam) struct Method {
    verb: String,
    /// The path with its variables: `/v1/{parent=networks/*}/orders`.
    path: String,
    /// The field of the request that the body is, or `*` for all that is not in the path.
    pub body: Option<String>,
    /// The message of the request, path and query included.
    pub request: String,
    /// The message of the response.
    pub response: String,
}

/// A message of the API.
#[derive(Debug)]
pub(in crate::gam) struct Shape {
    /// The name in Google's documentation.
    pub name: String,
    /// The fields of the message.
    pub fields: Vec<Field>,
    /// The places of the fields, by both of their names: every object that is shown is read field by field.
    places: HashMap<String, usize>,
}

/// A field of a message.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::gam) struct Field {
    /// The name in JSON.
    pub name: String,
    /// The type of the field, or of its items.
    #[serde(flatten)]
    pub kind: Kind,
    /// Whether the field is a list.
    #[serde(default)]
    pub list: bool,
    /// The type of the keys, if the field is a map.
    pub map: Option<Scalar>,
    /// The group of which only one field may be set.
    pub oneof: Option<String>,
    /// Whether the field is not in JSON when it has its type's empty value: nobody can say whether
    /// it was set to that.
    #[serde(default)]
    pub implicit: bool,
    #[serde(default)]
    is: Vec<Is>,
    /// The longest text, in characters.
    pub max_length: Option<usize>,
    /// The longest list.
    pub max_items: Option<usize>,
    /// The smallest number.
    pub minimum: Option<i64>,
    /// The largest number.
    pub maximum: Option<i64>,
    /// The paths that a filter may use, if the field is the filter of a list.
    #[serde(default)]
    filterable: Vec<String>,
}

/// The type of a field.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(in crate::gam) enum Kind {
    /// A value with a form of its own.
    #[serde(rename = "type")]
    Scalar(Scalar),
    /// An enum value, by name or number.
    #[serde(rename = "enum")]
    Enum(String),
    /// Another message.
    #[serde(rename = "message")]
    Message(String),
}

/// The types of values that are neither messages nor enums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::gam) enum Scalar {
    /// A text.
    String,
    /// A 64-bit integer: a string in responses.
    Int64,
    /// A 32-bit integer.
    Int32,
    /// A floating-point number.
    Double,
    /// True or false.
    Bool,
    /// Bytes in Base64.
    Bytes,
    /// An instant, in RFC 3339.
    Timestamp,
    /// A duration in seconds: `15s`.
    Duration,
    /// The names of fields, separated by commas.
    FieldMask,
    /// A message that says itself which it is.
    Any,
}

/// What Google's documentation says about who sets a field, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::gam) enum Is {
    /// It must be set.
    Required,
    /// Only Google writes it.
    Output,
    /// Only callers write it, and Google doesn't keep it.
    Input,
    /// It can't be changed once it is written.
    Immutable,
    /// It is the name of the object, which Google makes.
    Identifier,
}

impl Field {
    /// Whether Google's documentation says this about the field.
    pub(in crate::gam) fn is(&self, what: Is) -> bool {
        self.is.contains(&what)
    }

    /// Whether a value is one that isn't in JSON: an empty list, or the empty value of a field that
    /// is implicit.
    pub(in crate::gam) fn is_left_out(&self, value: &Value) -> bool {
        match (value, &self.kind) {
            (Value::Array(items), _) => items.is_empty(),
            (Value::Object(map), _) => self.map.is_some() && map.is_empty(),
            _ if !self.implicit => false,
            (Value::String(name), Kind::Enum(of)) => values(of).get(name) == Some(&0),
            (Value::String(text), Kind::Scalar(Scalar::Int64)) => text == "0",
            (Value::String(text), _) => text.is_empty(),
            (Value::Number(number), _) => number.as_f64() == Some(0.0),
            (value, _) => *value == Value::Bool(false),
        }
    }

    /// Whether only Google writes the field: its name is one of these, too.
    pub(in crate::gam) fn is_googles(&self) -> bool {
        self.is(Is::Output) || self.is(Is::Identifier)
    }
}

impl Shape {
    fn new(name: String, fields: Vec<Field>) -> Self {
        let names = fields.iter().enumerate();
        let places = names.flat_map(|(place, field)| [(super::snake(&field.name), place), (field.name.clone(), place)]);
        Self { name, places: places.collect(), fields }
    }

    /// Returns the field with this name, in JSON or in the message.
    pub(in crate::gam) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.get(*self.places.get(name)?)
    }
}

impl Method {
    fn is(&self, verb: &str, path: &str) -> bool {
        if self.verb != verb {
            return false;
        }
        let plain: String = self.path.split_inclusive('}').map(without_variable).collect();
        let (template, path): (Vec<_>, Vec<_>) = (plain.split('/').collect(), path.split('/').collect());
        template.len() == path.len()
            && template.iter().zip(path).all(|(one, other)| match one.strip_prefix('*') {
                Some(action) => other.strip_suffix(action).is_some_and(|id| !id.is_empty() && !id.contains(':')),
                None => *one == other,
            })
    }
}

/// `/v1/{parent=networks/*}` without the name of the variable: `/v1/networks/*`.
fn without_variable(part: &str) -> String {
    match part.strip_suffix('}').and_then(|part| part.split_once('{')) {
        Some((before, variable)) => {
            let pattern = variable.split_once('=').map_or("*", |(_, pattern)| pattern);
            format!("{before}{pattern}")
        }
        None => part.to_owned(),
    }
}

/// Returns the method that answers on this path.
pub(in crate::gam) fn method(verb: &str, path: &str) -> Option<&'static Method> {
    PUBLISHED.methods.iter().find(|method| method.is(verb, path))
}

/// Returns the paths that filters of a list may use; `None` if nothing is published about them.
pub(in crate::gam) fn filterable(path: &str) -> Option<&'static [String]> {
    let request = shape(&method("GET", path)?.request);
    request.field("filter").map(|field| field.filterable.as_slice()).filter(|paths| !paths.is_empty())
}

/// Returns a message, by its name without the package.
///
/// # Panics
/// If there is none: names come from the data files, which are complete, and from constants.
#[expect(clippy::panic, reason = "a test looks up every name in the data files and every constant")]
pub(in crate::gam) fn shape(name: &str) -> &'static Shape {
    PUBLISHED.shapes.get(name).unwrap_or_else(|| panic!("the data files have no message {name}"))
}

/// Returns the values of an enum, by name.
#[expect(clippy::panic, reason = "a test looks up every name in the data files")]
pub(super) fn values(name: &str) -> &'static BTreeMap<String, i64> {
    PUBLISHED.enums.get(name).unwrap_or_else(|| panic!("the data files have no enum {name}"))
}

/// Whether an enum value is the one that stands for no value, which Google's documentation calls unused.
pub(super) fn is_unspecified(name: &str, number: i64) -> bool {
    number == 0 && name.ends_with("UNSPECIFIED")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_in_the_data_files_is_there() {
        for method in &PUBLISHED.methods {
            shape(&method.request);
            shape(&method.response);
        }
        for shape_ in PUBLISHED.shapes.values() {
            for field in &shape_.fields {
                match &field.kind {
                    Kind::Scalar(_) => {}
                    Kind::Enum(name) => assert!(!values(name).is_empty()),
                    Kind::Message(name) => drop(shape(name)),
                }
                // The name in the message is made from the one in JSON.
                assert_eq!(super::super::camel(&super::super::snake(&field.name)), field.name);
            }
        }
    }

    #[test]
    fn a_path_finds_its_method() {
        let request = |verb, path| method(verb, path).map(|method| method.request.as_str());
        assert_eq!(request("GET", "/v1/networks/1/orders"), Some("ListOrdersRequest"));
        assert_eq!(request("GET", "/v1/networks/1/orders/2"), Some("GetOrderRequest"));
        assert_eq!(request("POST", "/v1/networks/1/reports/2:run"), Some("RunReportRequest"));
        assert_eq!(
            request("GET", "/v1/networks/1/reports/2/results/3:fetchRows"),
            Some("FetchReportResultRowsRequest")
        );
        assert_eq!(
            request("PATCH", "/v1/networks/1/lineItems/2/creatives/3"),
            Some("UpdateLineItemCreativeAssociationRequest")
        );
        assert_eq!(
            request("GET", "/v1/networks/1/operations/reports/runs/2"),
            Some("google.longrunning.GetOperationRequest")
        );
        assert_eq!(request("POST", "/v1/networks/1/orders"), None);
        assert_eq!(request("GET", "/v1/networks/1/orders/2:run"), None);
        assert_eq!(request("GET", "/v1/networks/1/reports/:run"), None);
    }
}
