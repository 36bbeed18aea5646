//! The platform's own schema: what Google publishes about its messages, read from a data file, and
//! the two readers that go by it, one for bodies of requests and one for the emulator's answers.
//!
//! - `published`: the messages, fields, enums and methods. `gam/messages.json` is made from Google's
//!   package by `gam/extract.py`; `gam/reference.json` adds the methods that only Google's reference
//!   has.
//! - `body`: parses a body as Google's own parser does, and then checks what the message requires.
//! - `answer`: finds what an answer has that the schema doesn't, or lacks what the schema requires.
//! - `object`: reads fields of what was parsed.
//!
//! This is not a JSON Schema, unlike for Kevel's objects, because Google's bodies are protocol
//! buffers in JSON, and parsing changes them: a field has two names (`displayName`,
//! `display_name`), an enum value has a name and a number, and the result is compared with the
//! paths in a mask ([`mask`](super::mask)).

pub(super) mod answer;
pub(super) mod body;
mod object;
mod published;

pub(super) use object::{Object, camel, flag, inner, items, moment, number, snake, text, texts, write_millis};
use object::{read_time, span, whole};
use published::{Field, Scalar, method};
pub(super) use published::{Is, Kind, Shape, filterable, shape};
