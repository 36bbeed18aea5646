//! Where this host's own requests may go, to ad servers and to webhooks: which addresses may be dialled, and what an origin is.

pub mod addresses;
pub mod origins;
pub mod receivers;
