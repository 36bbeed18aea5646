//! Version 1 of the protocol: the names and shapes of its requests and answers, and their way to the application core and back.
//!
//! A newer generation of the protocol is another folder beside this one: docs/decisions/0011 lists what it translates. `app` and `domain`
//! know nothing of either.
//!
//! - [`tools`]: the table of tools. Each tool has a file of its name: what it takes, what it answers, what it calls.
//! - [`targeting`], [`decimal`]: parts of requests and answers that several tools have.
//! - [`fields`]: the names of fields, and JSON pointers to them.
//! - [`change`], [`operation`], [`plan`], [`task`], [`webhook`]: what several answers tell of the same thing.

pub mod change;
pub mod decimal;
pub mod fields;
pub mod operation;
pub mod plan;
pub mod targeting;
pub mod task;
pub mod tools;
pub mod webhook;
