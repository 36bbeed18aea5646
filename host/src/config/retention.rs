//! How long ended operations, closed tasks and events are kept.

use std::time::Duration;

use super::{section::Section, values};
use crate::domain::{task::CLOSED_LISTED_FOR, webhook::DELIVERIES_KEPT_FOR};

const DAY: u64 = 24 * 3_600;

/// People ask about the last quarter. To keep events longer, subscribe to webhooks; the audit log
/// keeps all decisions.
const DEFAULT_EVENTS: Duration = Duration::from_secs(90 * DAY);

/// More than a year, so that this year's changes can be compared with last year's.
const DEFAULT_OPERATIONS: Duration = Duration::from_secs(400 * DAY);

/// As long as the operations that the tasks are about.
const DEFAULT_TASKS: Duration = DEFAULT_OPERATIONS;

/// Longer than an idempotency key, whose answer names the operation, is kept, and longer than any
/// lookup on an ad server for an ended operation.
const LEAST_OPERATIONS: Duration = Duration::from_secs(7 * DAY);

/// `[retention]`: how long ended operations, closed tasks and events are kept. Buys, the operations
/// that created them, and the audit log are never deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// `events`: how long an event is kept. At least as long as deliveries can be replayed. Default
    /// `90d`.
    pub events: Duration,
    /// `operations`: how long an operation and its steps are kept after its end. At least `7d`.
    /// Default `400d`.
    pub operations: Duration,
    /// `tasks`: how long a task and its history are kept after it was closed. At least as long as
    /// closed tasks are listed. Default `400d`.
    pub tasks: Duration,
}

impl Retention {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let at_least = |key, default, least: Duration, why: &str| {
            section.or(key, default, |node| match values::duration(node)? {
                shorter if shorter < least => Err(format!("must be at least {}: {why}", values::written(least))),
                time => Ok(time),
            })
        };
        Self {
            events: at_least("events", DEFAULT_EVENTS, DELIVERIES_KEPT_FOR, "until then webhooks may be replayed"),
            operations: at_least(
                "operations",
                DEFAULT_OPERATIONS,
                LEAST_OPERATIONS,
                "repeated requests are answered with them, and their steps may be looked up again",
            ),
            tasks: at_least("tasks", DEFAULT_TASKS, CLOSED_LISTED_FOR, "until then closed tasks are listed"),
        }
    }
}
