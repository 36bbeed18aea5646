//! Limits on what one call may use, and names for exceeding them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Limits on one call of an adapter. Every field can be set for a platform in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of all linear memories together. A compiled guest needs 2 MiB, a Python one 40 MiB;
    /// 128 MiB leaves room for a report of several megabytes. At most [`Limits::MAX_MEMORY`].
    pub memory_bytes: usize,
    /// Elements of all tables together. A Python guest has 12,000 functions in its table.
    pub table_elements: usize,
    /// CPU time, in milliseconds. A call costs microseconds, a Python one milliseconds; 2 s is
    /// enough to parse a very large report.
    pub cpu_ms: u64,
    /// Time from the call's beginning to its end, in milliseconds, including waits for the ad
    /// server. Reports from real ad servers take up to a minute. The caller's deadline shortens it.
    /// Running out of it is a fault only if the guest spent the time by itself.
    pub wall_ms: u64,
    /// Bytes that one call from guest to host, or the guest's answer, may carry. A status answer
    /// for 1,000 buys of 20 packages is 3 MiB.
    pub result_bytes: usize,
    /// Maximum open streams, requests, responses and other handles. One request needs about eight.
    pub handles: usize,
    /// Maximum requests sent. A buy of 100 packages with a creative each takes about 300.
    pub requests: u32,
    /// Bytes of one request body. Creatives are URLs, not files; 8 MiB is for those that have to be
    /// uploaded.
    pub request_bytes: usize,
    /// Bytes of all request bodies together.
    pub requests_bytes: usize,
    /// Bytes of one response body. A report of 100,000 rows is 10 MiB.
    pub response_bytes: usize,
    /// Bytes of all response bodies together.
    pub responses_bytes: usize,
    /// How long to wait for a response to begin, in milliseconds. The guest's own
    /// `first-byte-timeout` can shorten it.
    pub first_byte_ms: u64,
    /// Bytes of printed output. Excess output is cut off with a warning, which fails nothing.
    pub log_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 128 * MIB,
            table_elements: 100_000,
            cpu_ms: 2_000,
            wall_ms: 120_000,
            result_bytes: 32 * MIB,
            handles: 1_000,
            requests: 1_000,
            request_bytes: 8 * MIB,
            requests_bytes: 64 * MIB,
            response_bytes: 16 * MIB,
            responses_bytes: 128 * MIB,
            first_byte_ms: 60_000,
            log_bytes: 64 * KIB,
        }
    }
}

impl Limits {
    /// The maximum for `memory_bytes`: the size of a slot in the pool.
    pub const MAX_MEMORY: usize = 1024 * MIB;

    /// Returns the CPU time limit.
    pub fn cpu(&self) -> Duration {
        Duration::from_millis(self.cpu_ms)
    }

    /// Returns the limit on the time from beginning to end.
    pub fn wall(&self) -> Duration {
        Duration::from_millis(self.wall_ms)
    }

    /// Returns how long a response may take to begin.
    pub fn first_byte(&self) -> Duration {
        Duration::from_millis(self.first_byte_ms)
    }

    /// Returns how long the answer to a request that writes is waited for, which is also how much
    /// time the call must have left when such a request leaves: an answer that nobody waits for
    /// leaves its step in doubt. It is as long as any response may take to begin, but at most half
    /// of the call, or no write could be sent.
    pub fn write_window(&self, call: Duration) -> Duration {
        self.first_byte().min(call / 2)
    }
}

/// A limit that a call hit. It travels as an error up the guest's stack, which ends the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LimitHit {
    #[error("used more than {0} bytes of memory; raise `limits.memory` if it needs more")]
    Memory(usize),
    #[error("used more than {0} table elements; raise `limits.table_elements` if it needs more")]
    Table(usize),
    #[error("computed for longer than {0} ms; raise `limits.cpu_time` if it needs more")]
    Cpu(u64),
    #[error("took longer than {0} ms, most of them by itself; raise `limits.wall_time` if it needs more")]
    Time(u64),
    #[error("sent more than {0} requests; raise `limits.requests` if it needs more")]
    Requests(u32),
    #[error("sent request bodies of more than {0} bytes; raise `limits.request_size` or `limits.requests_size`")]
    RequestSize(usize),
    #[error("met response bodies of more than {0} bytes; raise `limits.response_size` or `limits.responses_size`")]
    ResponseSize(usize),
    #[error("passed more than {0} bytes to the host at once; raise `limits.result_size` if it needs more")]
    Result(usize),
    #[error("held more than {0} streams and requests open at once; raise `limits.handles` if it needs more")]
    Handles(usize),
}

/// The code of [`LimitHit::Time`].
const TIME_LIMIT: &str = "time_limit";

/// The code of [`LimitHit::Requests`].
const REQUEST_LIMIT: &str = "request_count_limit";

/// The limits that a call of a healthy adapter may hit because there is much to do. Another call
/// continues where this one stopped.
pub(crate) const ENDS_A_PART: [&str; 2] = [TIME_LIMIT, REQUEST_LIMIT];

impl LimitHit {
    /// Returns the failure code.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Memory(_) => "memory_limit",
            Self::Table(_) | Self::Handles(_) => "table_limit",
            Self::Cpu(_) => "cpu_limit",
            Self::Time(_) => TIME_LIMIT,
            Self::Requests(_) => REQUEST_LIMIT,
            Self::RequestSize(_) => "request_size_limit",
            Self::ResponseSize(_) => "response_size_limit",
            Self::Result(_) => "result_limit",
        }
    }
}
