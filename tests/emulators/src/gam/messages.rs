//! The shapes of what is sent and answered: one table for each message of the API.
//!
//! The facts are those of the types in Google's own client (`google-ads-admanager`): names, types,
//! what is required, what only Google writes, what can't change.

pub(super) mod association;
pub(super) mod common;
pub(super) mod creative;
mod enums;
pub(super) mod line_item;
pub(super) mod order;
pub(super) mod report;
pub(super) mod targeting;
