//! Values of the contract as JSON, with the names of the WIT files.
//!
//! | WIT | JSON |
//! |---|---|
//! | record | object |
//! | list, tuple | array |
//! | option | the value, or `null` |
//! | enum, variant case without a value | `"name"` |
//! | variant case with a value | `{"name": value}` |
//! | result | `{"ok": value}` or `{"err": value}` |
//!
//! The generated types have the names of Rust in their JSON. A component's own types say which is
//! which.

use serde_json::{Map, Value};
use wasmtime::{
    Engine,
    component::{
        Component,
        types::{ComponentFunc, ComponentItem, Type},
    },
};

use super::{ArgumentError, Function};
use crate::adapters::compatibility;

/// The type of a function.
pub(super) struct Types(Option<ComponentFunc>);

/// The direction of a translation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    Wit,
    Rust,
}

impl Types {
    /// Returns the type of an exported function.
    pub(super) fn of(component: &Component, engine: &Engine, function: Function) -> Self {
        let component = component.component_type();
        let interface =
            component.exports(engine).find(|(name, _)| compatibility::is_interface(name, function.interface()));
        let found = interface.and_then(|(_, interface)| match interface.ty {
            ComponentItem::ComponentInstance(instance) => match instance.get_export(engine, function.as_str())?.ty {
                ComponentItem::ComponentFunc(function) => Some(function),
                _ => None,
            },
            _ => None,
        });
        Self(found)
    }

    fn parameters(&self) -> Vec<(String, Type)> {
        let parameters = self.0.iter().flat_map(ComponentFunc::params);
        parameters.map(|(name, ty)| (name.to_owned(), ty)).collect()
    }

    /// Translates arguments for people.
    pub(super) fn parameters_to_wit(&self, mut arguments: Map<String, Value>) -> Map<String, Value> {
        let given = self.parameters().into_iter().filter_map(|(name, ty)| {
            let value = arguments.remove(&name)?;
            Some((name, lenient(value, &ty)))
        });
        given.collect()
    }

    /// Translates arguments for a call. `context` stands for `ctx`, except for the fields that are
    /// given.
    pub(super) fn parameters_from_wit(
        &self,
        arguments: &Value,
        context: Value,
    ) -> Result<Map<String, Value>, ArgumentError> {
        let empty = Map::new();
        let given = match arguments {
            Value::Object(given) => given,
            Value::Null => &empty,
            _ => return Err(wrong("the input", "must be an object with the function's parameters".to_owned())),
        };
        let parameters = self.parameters();
        let names: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
        if let Some(unknown) = given.keys().find(|name| !names.contains(&name.as_str())) {
            return Err(wrong(unknown, format!("is no parameter; there are: {}", names.join(", "))));
        }
        let mut translated = Map::new();
        for (name, ty) in &parameters {
            let value = match (given.get(name), name.as_str()) {
                (given, "ctx") => {
                    let mut whole = lenient(context.clone(), ty);
                    let replaced = given.and_then(Value::as_object).into_iter().flatten();
                    if let Some(fields) = whole.as_object_mut() {
                        fields.extend(replaced.map(|(name, value)| (name.clone(), value.clone())));
                    }
                    whole
                }
                (Some(value), _) => value.clone(),
                (None, _) => return Err(wrong(name, "is missing".to_owned())),
            };
            translated.insert(name.clone(), translate(value, ty, To::Rust, name)?);
        }
        Ok(translated)
    }

    /// Translates an answer for people.
    pub(super) fn result_to_wit(&self, answer: Value) -> Value {
        match self.0.as_ref().and_then(|function| function.results().next()) {
            Some(ty) => lenient(answer, &ty),
            None => answer,
        }
    }
}

/// Translates what the host itself has serialized, which fits its type.
fn lenient(value: Value, ty: &Type) -> Value {
    translate(value.clone(), ty, To::Wit, "").unwrap_or(value)
}

fn wrong(at: &str, message: String) -> ArgumentError {
    ArgumentError::Wrong { at: at.to_owned(), message }
}

fn translate(value: Value, ty: &Type, to: To, at: &str) -> Result<Value, ArgumentError> {
    Ok(match ty {
        Type::Record(record) => {
            let fields: Vec<(String, Type)> = record.fields().map(|field| (field.name.to_owned(), field.ty)).collect();
            record_of(value, &fields, to, at)?
        }
        Type::List(list) => elements(value, at)?
            .into_iter()
            .enumerate()
            .map(|(index, value)| translate(value, &list.ty(), to, &format!("{at}[{index}]")))
            .collect::<Result<_, _>>()?,
        Type::Tuple(tuple) => {
            let (values, types) = (elements(value, at)?, tuple.types());
            if values.len() != types.len() {
                return Err(wrong(at, format!("must have {} elements", types.len())));
            }
            values.into_iter().zip(types).map(|(value, ty)| translate(value, &ty, to, at)).collect::<Result<_, _>>()?
        }
        Type::Option(option) => match value {
            Value::Null => Value::Null,
            value => translate(value, &option.ty(), to, at)?,
        },
        Type::Enum(names) => {
            let cases: Vec<(String, Option<Type>)> = names.names().map(|name| (name.to_owned(), None)).collect();
            case_of(value, &cases, to, at)?
        }
        Type::Variant(variant) => {
            let cases: Vec<(String, Option<Type>)> =
                variant.cases().map(|case| (case.name.to_owned(), case.ty)).collect();
            case_of(value, &cases, to, at)?
        }
        Type::Result(result) => {
            let cases = [("ok".to_owned(), result.ok()), ("err".to_owned(), result.err())];
            case_of(value, &cases, to, at)?
        }
        _ => scalar(value, ty, at)?,
    })
}

fn scalar(value: Value, ty: &Type, at: &str) -> Result<Value, ArgumentError> {
    let (fits, asked) = match ty {
        Type::Bool => (value.is_boolean(), "true or false"),
        Type::String | Type::Char => (value.is_string(), "a text"),
        Type::Float32 | Type::Float64 => (value.is_number(), "a number"),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => (value.is_u64(), "a whole number of at least 0"),
        _ => (value.is_i64(), "a whole number"),
    };
    if fits { Ok(value) } else { Err(wrong(at, format!("must be {asked}"))) }
}

fn elements(value: Value, at: &str) -> Result<Vec<Value>, ArgumentError> {
    match value {
        Value::Array(values) => Ok(values),
        _ => Err(wrong(at, "must be a list".to_owned())),
    }
}

fn record_of(value: Value, fields: &[(String, Type)], to: To, at: &str) -> Result<Value, ArgumentError> {
    let Value::Object(mut given) = value else { return Err(wrong(at, "must be an object".to_owned())) };
    let mut translated = Map::new();
    for (name, ty) in fields {
        let (from, into) = match to {
            To::Wit => (in_rust(name, false), name.clone()),
            To::Rust => (name.clone(), in_rust(name, false)),
        };
        let here = format!("{at}.{name}");
        let value = match (given.remove(&from), ty) {
            (Some(value), _) => translate(value, ty, to, &here)?,
            (None, Type::Option(_)) => Value::Null,
            (None, Type::List(_)) => Value::Array(Vec::new()),
            (None, _) => return Err(wrong(&here, "is missing".to_owned())),
        };
        translated.insert(into, value);
    }
    if let Some(unknown) = given.keys().next() {
        let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        return Err(wrong(&format!("{at}.{unknown}"), format!("is no field; there are: {}", names.join(", "))));
    }
    Ok(Value::Object(translated))
}

fn case_of(value: Value, cases: &[(String, Option<Type>)], to: To, at: &str) -> Result<Value, ArgumentError> {
    let (name, value) = match value {
        Value::String(name) => (name, None),
        Value::Object(one) if one.len() == 1 => match one.into_iter().next() {
            Some((name, value)) => (name, Some(value)),
            None => (String::new(), None),
        },
        _ => (String::new(), None),
    };
    let named = |case: &str| match to {
        To::Wit => in_rust(case, true) == name,
        To::Rust => case == name,
    };
    let Some((case, ty)) = cases.iter().find(|(case, _)| named(case)) else {
        let names: Vec<String> = cases
            .iter()
            .map(|(case, ty)| if ty.is_some() { format!("{{\"{case}\": …}}") } else { format!("\"{case}\"") })
            .collect();
        return Err(wrong(at, format!("must be one of {}", names.join(", "))));
    };
    let into = if to == To::Wit { case.clone() } else { in_rust(case, true) };
    Ok(match (ty, value) {
        (None, None | Some(Value::Null)) => Value::String(into),
        (Some(ty), Some(value)) => {
            let value = translate(value, ty, to, &format!("{at}.{case}"))?;
            Value::Object(Map::from_iter([(into, value)]))
        }
        (None, Some(_)) => return Err(wrong(at, format!("`{case}` has no value: write \"{case}\""))),
        (Some(_), None) => return Err(wrong(at, format!("`{case}` has a value: write {{\"{case}\": …}}"))),
    })
}

/// Returns a name of the WIT file as the generated types have it.
fn in_rust(name: &str, is_case: bool) -> String {
    if !is_case {
        return name.replace('-', "_");
    }
    let words = name.split('-').map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    });
    words.collect()
}
