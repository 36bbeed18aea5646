//! A request value as serde reads it. It knows its position, and values already known to be wrong
//! are skipped.
//!
//! Serde's derived readers stop at the first mistake. So a request with mistakes is read again and
//! again, each time without the positions known to be wrong, until nothing new is found. Missing
//! members are offered too, as an absence, so that every type can say whether they are required.

use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
};

use serde::{
    Deserializer,
    de::{
        DeserializeSeed, Error as _, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
        value::StrDeserializer,
    },
    forward_to_deserialize_any,
};
use serde_json::{Map, Value, map};

use super::{
    super::{document::Arguments, values::TextOf},
    wrong::{What, Wrong, owned},
};
use crate::domain::field::pointer_token;

/// State shared by all passes over one request.
#[derive(Debug)]
pub(super) struct Readings<'a> {
    pub(super) arguments: &'a Arguments,
    /// Positions to skip.
    pub(super) known: RefCell<HashSet<String>>,
    /// Members that are optional, by the name of their object.
    pub(super) optional: RefCell<HashSet<(&'static str, String)>>,
    /// Members that an object does not have. They don't stop a pass.
    pub(super) unknown: RefCell<Vec<Wrong>>,
    /// Whether missing members are offered as an absence.
    pub(super) offers_absent: Cell<bool>,
    /// Whether a list that contains a mistake is skipped as a whole.
    pub(super) leaves_lists_out: bool,
    /// Number of values read so far.
    pub(super) effort: Cell<usize>,
}

impl<'a> Readings<'a> {
    pub(super) fn of(arguments: &'a Arguments) -> Self {
        Self {
            arguments,
            known: RefCell::new(arguments.twice().map(str::to_owned).collect()),
            optional: RefCell::default(),
            unknown: RefCell::default(),
            offers_absent: Cell::new(false),
            leaves_lists_out: false,
            effort: Cell::new(0),
        }
    }

    fn passes_over(&self, place: &str) -> bool {
        self.known.borrow().contains(place)
    }
}

/// A value, or the absence of one.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    readings: &'a Readings<'a>,
    value: Option<&'a Value>,
    at: String,
}

impl<'a> Node<'a> {
    pub(super) fn root(readings: &'a Readings<'a>) -> Self {
        Self { readings, value: Some(&readings.arguments.value), at: String::new() }
    }

    /// Returns the text of a number that a double can't represent.
    fn number(&self) -> Option<&'a str> {
        self.readings.arguments.text_of_number(&self.at)
    }

    /// Refuses a string that contains the wanted kind of value as text.
    fn refuse_text_of(&self, wanted: TextOf) -> Result<(), Wrong> {
        let Some(Value::String(text)) = self.value else { return Ok(()) };
        TextOf::read(text).map_or(Ok(()), |found| wanted.instead_of(found)).map_err(|said| Wrong::new(What::Said(said)))
    }

    fn object<V: Visitor<'a>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.refuse_text_of(TextOf::Object)?;
        match self.value {
            Some(Value::Object(members)) => visitor.visit_map(Members::new(self, name, fields, members)),
            // Serde would take the items as the members, in the order of their declaration.
            Some(Value::Array(_)) => Err(Wrong::invalid_type(Unexpected::Seq, &"an object")),
            _ => self.deserialize_any(visitor),
        }
    }
}

impl<'a> Deserializer<'a> for Node<'a> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.readings.effort.set(self.readings.effort.get() + 1);
        if let Some(text) = self.number() {
            return visitor.visit_borrowed_bytes(text.as_bytes());
        }
        match self.value {
            None => Err(Wrong::new(What::Absent)),
            Some(Value::Null) => visitor.visit_unit(),
            Some(Value::Bool(value)) => visitor.visit_bool(*value),
            Some(Value::Number(number)) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), _, _) => visitor.visit_u64(number),
                (None, Some(number), _) => visitor.visit_i64(number),
                (None, None, number) => visitor.visit_f64(number.unwrap_or(f64::NAN)),
            },
            Some(Value::String(text)) => visitor.visit_borrowed_str(text),
            Some(Value::Array(items)) => visitor.visit_seq(Items { of: self, items, next: 0 }),
            Some(Value::Object(members)) => visitor.visit_map(Members::new(self, "", &[], members)),
        }
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.value {
            Some(Value::Null) if self.number().is_some() => visitor.visit_some(self),
            None | Some(Value::Null) => visitor.visit_none(),
            Some(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.object(name, fields, visitor)
    }

    fn deserialize_map<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.object("", &[], visitor)
    }

    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.refuse_text_of(TextOf::List)?;
        self.deserialize_any(visitor)
    }

    fn deserialize_bool<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.refuse_text_of(TextOf::Boolean)?;
        self.deserialize_any(visitor)
    }

    /// Reads an enum of names.
    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match self.value {
            Some(Value::String(text)) => {
                let name: StrDeserializer<'_, Wrong> = text.as_str().into_deserializer();
                visitor.visit_enum(name)
            }
            None => Err(Wrong::new(What::Absent)),
            Some(other) => {
                let found = self.number().map_or_else(|| super::super::values::found(other), str::to_owned);
                Err(Wrong::new(What::NoneOf { found, known: owned(names) }))
            }
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(self, _: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        <V: Visitor<'a>>
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple
        tuple_struct identifier
    }
}

/// The items of a list.
struct Items<'a> {
    of: Node<'a>,
    items: &'a [Value],
    next: usize,
}

impl<'a> SeqAccess<'a> for Items<'a> {
    type Error = Wrong;

    fn next_element_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        while let Some(item) = self.items.get(self.next) {
            let at = format!("{}/{}", self.of.at, self.next);
            self.next += 1;
            if self.of.readings.passes_over(&at) {
                continue;
            }
            let node = Node { readings: self.of.readings, value: Some(item), at: at.clone() };
            return seed.deserialize(node).map(Some).map_err(|wrong| wrong.at(&at));
        }
        Ok(None)
    }

    /// The size of the whole list, including skipped items.
    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// The members of an object, then those that are missing.
struct Members<'a> {
    of: Node<'a>,
    name: &'static str,
    /// The object's names, if they are known; no others are accepted then.
    fields: &'static [&'static str],
    members: &'a Map<String, Value>,
    given: map::Iter<'a>,
    lacking: std::slice::Iter<'static, &'static str>,
    next: Option<(Node<'a>, &'a str)>,
}

impl<'a> Members<'a> {
    fn new(of: Node<'a>, name: &'static str, fields: &'static [&'static str], members: &'a Map<String, Value>) -> Self {
        let offered = if of.readings.offers_absent.get() { fields } else { &[] };
        Self { of, name, fields, members, given: members.iter(), lacking: offered.iter(), next: None }
    }

    fn place(&self, name: &str) -> String {
        format!("{}/{}", self.of.at, pointer_token(name))
    }

    fn note_unknown(&self, name: &str, at: String) {
        let what = What::Unknown { name: name.to_owned(), known: owned(self.fields) };
        if self.of.readings.known.borrow_mut().insert(at.clone()) {
            self.of.readings.unknown.borrow_mut().push(Wrong::new(what).at(&at));
        }
    }

    fn find_next(&mut self) -> Option<(Node<'a>, &'a str)> {
        let readings = self.of.readings;
        while let Some((name, value)) = self.given.next() {
            let at = self.place(name);
            if readings.passes_over(&at) {
                continue;
            }
            if !self.fields.is_empty() && !self.fields.contains(&name.as_str()) {
                self.note_unknown(name, at);
                continue;
            }
            return Some((Node { readings, value: Some(value), at }, name));
        }
        while let Some(name) = self.lacking.next() {
            let at = self.place(name);
            let is_optional = readings.optional.borrow().contains(&(self.name, (*name).to_owned()));
            if !self.members.contains_key(*name) && !is_optional && !readings.passes_over(&at) {
                return Some((Node { readings, value: None, at }, name));
            }
        }
        None
    }
}

impl<'a> MapAccess<'a> for Members<'a> {
    type Error = Wrong;

    fn next_key_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        self.next = self.find_next();
        let Some((node, name)) = &self.next else { return Ok(None) };
        let name: StrDeserializer<'_, Wrong> = (*name).into_deserializer();
        seed.deserialize(name).map(Some).map_err(|wrong| wrong.at(&node.at))
    }

    fn next_value_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<S::Value, Wrong> {
        // Serde asks for exactly one value after each key.
        let Some((node, name)) = self.next.take() else { return Err(Wrong::new(What::Absent)) };
        let (at, is_absent) = (node.at.clone(), node.value.is_none());
        seed.deserialize(node)
            .map_err(|wrong| match wrong.what {
                // Any other error about an absent member concerns the `null` that the type reads it
                // as, so the member is optional.
                ref what if is_absent && *what != What::Absent => {
                    Wrong::new(What::MayBeAbsent { object: self.name, member: name.to_owned() })
                }
                _ => wrong,
            })
            .map_err(|wrong| wrong.at(&at))
    }
}
