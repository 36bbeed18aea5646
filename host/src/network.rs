//! Where this host's own requests may go, to ad servers and to webhooks.
//!
//! - [`base_url`], [`origins`]: the addresses of the configuration, parsed once. Their errors are the words of its mistakes.
//! - [`addresses`]: which IP addresses are on the internet. [`allow_list`]: the private ones that the configuration allows.
//! - [`resolver`]: resolves names, and refuses addresses that are neither.
//! - [`receivers`]: where webhooks may be sent.

pub mod addresses;
pub mod allow_list;
pub mod base_url;
pub mod origins;
pub mod receivers;
pub mod resolver;
