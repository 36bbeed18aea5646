//! Version 1 of the protocol: the names and shapes of its requests and answers, and their way to the application core and back.
//!
//! A newer generation of the protocol would be another folder beside this one; `app` and `domain` know nothing of either.
//!
//! - [`tools`]: the one table of operations, from which routes, MCP tools and their documentation are made.
//! - [`targeting`], [`create`], [`creatives`], [`update`], [`performance`], [`queries`], [`task_requests`]: requests, and what
//!   they become in `app`.
//! - [`fields`]: the names of fields, and JSON pointers to them.
//! - [`plan`], [`written`], [`standing`], [`delivered`], [`listed`], [`operation`], [`task`]: answers, and what they are made of.

pub mod audited;
pub mod create;
pub mod creatives;
pub mod delivered;
pub mod fields;
pub mod listed;
pub mod operation;
pub mod performance;
pub mod plan;
pub mod queries;
pub mod standing;
pub mod targeting;
pub mod task;
pub mod task_requests;
pub mod tools;
pub mod update;
pub mod webhook;
pub mod written;
