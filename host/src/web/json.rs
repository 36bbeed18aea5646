//! JSON in and out, whatever the protocol calls its fields: how a request is read, and what is said of
//! one that can't be read.
//!
//! - [`document`]: JSON as it was sent: what is given twice, and numbers by their text.
//! - [`read`]: JSON arguments to a typed request, or one error with a pointer to each mistake and words
//!   for what is right.
//! - [`suggest`]: the name that was meant by one that nobody knows.
//! - [`values`], [`text`]: amounts, counts, dates, names, URLs: each reads itself and knows its limits.
//!   `found`: what stands in their place.
//! - [`schema`]: how the schema of a whole request or answer is made.

pub mod document;
mod found;
pub mod read;
pub mod schema;
pub mod suggest;
pub mod text;
pub mod values;

pub use document::Arguments;
pub use read::{invalid, mistake, read, read_and, refuse};
