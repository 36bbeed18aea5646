//! Tests of the whole system: the real binary, the real component in its sandbox, a real SQLite file, and the emulated ad
//! server over real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod across_platforms;
mod bulkheads;
mod command_line;
mod counting;
mod crash;
mod cut_off;
mod every_platform;
mod fleet;
mod full_disk;
mod host;
mod hostile_adapters;
mod house;
mod isolation;
mod lifecycle;
mod mcp;
mod native_code;
mod order;
mod platform_failures;
mod proxy;
mod receiver;
mod refusals;
mod replicas;
mod restoring;
mod reviewing;
mod servers;
mod several_hosts;
mod soak;
mod unsure;
mod update_failures;
mod waiting;
mod watching;
mod webhooks;
