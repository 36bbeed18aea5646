//! The protocol's names and shapes: what a request must look like, and what an answer looks like.
//!
//! A newer generation of the protocol would be another folder beside this one; `app` and `domain` know nothing of either.
//!
//! - [`json`]: JSON as it was sent: what is given twice, and numbers by their text.
//! - [`read`]: JSON arguments to a typed request, or one error with a pointer to each thing that is wrong and words for what is right.
//! - [`suggest`]: the name that was meant by one that nobody knows.
//! - [`values`], [`text`]: amounts, counts, dates, names, URLs: each reads itself and knows its limits. `told`: what stands in their place.
//! - [`schema`]: the JSON Schemas of the domain's own values.
//! - [`targeting`], [`create`], [`creatives`], [`update`], [`performance`], [`queries`], [`task_requests`]: requests, and what
//!   they become in `app`.
//! - [`plan`], [`written`], [`standing`], [`delivered`], [`listed`], [`operation`], [`task`]: answers, and what they are made of.

pub mod audited;
pub mod create;
pub mod creatives;
pub mod delivered;
pub mod json;
pub mod listed;
pub mod operation;
pub mod performance;
pub mod plan;
pub mod queries;
pub mod read;
pub mod schema;
pub mod standing;
pub mod suggest;
pub mod targeting;
pub mod task;
pub mod task_requests;
pub mod text;
mod told;
pub mod update;
pub mod values;
pub mod webhook;
pub mod written;

pub use json::Arguments;
pub use read::{read, read_and, refuse};
