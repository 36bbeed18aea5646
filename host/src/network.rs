//! The addresses that this host's own requests may reach, for ad servers and for webhooks.
//!
//! - [`base_url`], [`origins`]: the addresses of the configuration, parsed once. Their errors are
//!   the messages of its mistakes.
//! - [`addresses`]: which IP addresses are on the public internet. [`allow_list`]: the private ones
//!   that the configuration allows.
//! - [`resolver`]: resolves names, and refuses addresses that are neither public nor allowed.
//! - [`receivers`]: the addresses to which webhooks may be sent.

pub mod addresses;
pub mod allow_list;
pub mod base_url;
pub mod origins;
pub mod receivers;
pub mod resolver;
