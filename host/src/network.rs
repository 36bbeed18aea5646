//! Restricts the outgoing requests of the host, to ad servers and to webhook receivers: which
//! addresses it may connect to, and what an origin is.

pub mod addresses;
pub mod origins;
pub mod receivers;
