//! Version 1 of the protocol: the names and shapes of its requests and answers, and their
//! translation to and from the application core.
//!
//! Another protocol is a folder beside this one; `app` and `domain` know nothing of either.
//! docs/decisions/0011-a-protocol-is-a-folder.md lists what it would translate.
//!
//! - [`tools`]: the table of tools. Each tool has a file of its name, with its request, its answer
//!   and the call between them.
//! - [`targeting`], [`price`], [`decimal`]: parts of requests and answers that several tools share.
//! - [`fields`]: the names of fields, and JSON pointers to them.
//! - [`change`], [`operation`], [`plan`], [`release`], [`task`], [`webhook`]: parts of answers that
//!   several tools share.
//! - [`problem`]: errors. [`events`]: payloads of webhooks. `schemas`: schemas of domain values.

pub mod change;
pub mod decimal;
pub mod events;
pub mod explain;
pub mod fields;
pub mod operation;
pub mod plan;
pub mod price;
pub mod problem;
pub mod release;
mod schemas;
pub mod targeting;
pub mod task;
pub mod tools;
pub mod webhook;
