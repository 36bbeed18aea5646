//! Version 1 of the protocol: the names and shapes of its requests and answers, and their way to the
//! application core and back.
//!
//! Another protocol is a folder beside this one; `app` and `domain` know nothing of either.
//! docs/decisions/0011-a-protocol-is-a-folder.md lists what it would translate.
//!
//! - [`tools`]: the table of tools. Each tool has a file of its name: what it takes, what it answers,
//!   what it calls.
//! - [`targeting`], [`decimal`]: parts of requests and answers that several tools have.
//! - [`fields`]: the names of fields, and JSON pointers to them.
//! - [`change`], [`operation`], [`plan`], [`task`], [`webhook`]: what several answers say of the same
//!   thing.
//! - [`problem`]: errors. [`events`]: payloads of webhooks. `schemas`: schemas of the domain's values.

pub mod change;
pub mod decimal;
pub mod events;
pub mod fields;
pub mod operation;
pub mod plan;
pub mod problem;
mod schemas;
pub mod targeting;
pub mod task;
pub mod tools;
pub mod webhook;
