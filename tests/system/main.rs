//! Tests of the whole system: the real binary, the real component in its sandbox, a real SQLite file, and the emulated ad
//! server over real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod across_platforms;
mod approving;
mod at_rest;
mod bulkheads;
mod callers;
mod command_line;
mod counting;
mod crash;
mod cut_off;
mod every_platform;
mod faces;
mod fleet;
mod frozen;
mod full_disk;
mod half_open;
mod host;
mod hostile_adapters;
mod house;
mod isolation;
mod lifecycle;
mod logins;
mod mcp;
mod missing;
mod native_code;
mod openapi;
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
mod slow_servers;
mod soak;
mod unfinished;
mod unsure;
mod update_failures;
mod waiting;
mod watching;
mod webhooks;
