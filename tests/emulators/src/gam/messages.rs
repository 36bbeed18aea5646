//! The shapes of requests and responses: one table for each message of the API.
//!
//! The facts come from the types in Google's own client (`google-ads-admanager`): names, types, and
//! which fields are required, output-only or immutable.

pub(super) mod association;
pub(super) mod common;
pub(super) mod creative;
mod enums;
pub(super) mod line_item;
pub(super) mod order;
pub(super) mod report;
pub(super) mod targeting;
