//! JSON for any protocol, whatever it calls its fields: how a request is read, and how its mistakes
//! are reported.
//!
//! - [`document`]: JSON as it was sent, including duplicate members and the exact text of numbers.
//! - [`read`]: reads JSON arguments into a typed request, or returns one error with a pointer to
//!   each mistake and words for what is right.
//! - [`suggest`]: suggests the known name that was meant by an unknown one.
//! - [`values`], [`text`]: amounts, counts, dates, names, URLs: each parses itself and knows its
//!   limits. `found`: describes what was sent instead.
//! - [`schema`]: builds the schema of a whole request or answer.

pub mod document;
mod found;
pub mod read;
pub mod schema;
pub mod suggest;
pub mod text;
pub mod values;

pub use document::Arguments;
pub use read::{invalid, mistake, read, read_and, refuse};
