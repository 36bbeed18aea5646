//! Rules that make requests fail, or act late.
//!
//! There are three families: a request that failed *before* acting may be sent again; one that
//! failed *after* acting must be looked up first; and one that acts *later* is not found by any
//! lookup made before then. An adapter can't tell them apart from outside. These rules let a test
//! arrange each of them.
//!
//! A request that acts later does so whether or not its client is still connected: a real ad server
//! also processes what it has read. `stall` acts when its time is over; `hold` acts when the test
//! calls `POST /__control/held/release` (see [`held`](super::held)), so that no test has to wait
//! for a fixed time. With `"hang_up": true`, the connection is closed immediately, as by a proxy
//! that gives up; otherwise the client decides how long it waits.
//!
//! ```json
//! {"writes": true, "times": 0, "action": {"stall": {"ms": 95000}}}
//! {"method": "POST", "path": "/v1/flight", "action": {"hold": {"hang_up": true}}}
//! {"method": "PATCH", "path": "/v1/*", "action": {"refuse": {"status": 400, "reason": "CONCURRENT_MODIFICATION"}}}
//! {"method": "PUT", "path": "/v1/flight/*", "after": 1, "times": 3, "action": "drop_after_acting"}
//! {"path": "/v1/creative", "action": {"fail": {"status": 302, "headers": {"location": "https://login.example/"},
//!  "body": "<html><body><h1>Moved</h1></body></html>"}}}
//! ```

use std::{collections::BTreeMap, sync::Mutex};

use axum::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lock;

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Answer with an error instead of acting.
    Fail {
        /// The HTTP status.
        status: u16,
        /// The JSON body; a string is sent as plain text, or as HTML if it begins with a tag.
        #[serde(default)]
        body: Option<Value>,
        /// More headers, such as `Retry-After`.
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// Answer with a refusal in the platform's own form instead of acting. Its reason may
    /// contradict its status.
    Refuse {
        /// The HTTP status.
        status: u16,
        /// The reason, as the platform writes it. For a platform without reasons, its message.
        reason: String,
        /// More headers, such as `Retry-After`.
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// Act, then answer with an error anyway.
    FailAfterActing {
        /// The HTTP status.
        status: u16,
        /// The JSON body; a string is sent as plain text, or as HTML if it begins with a tag.
        #[serde(default)]
        body: Option<Value>,
        /// More headers.
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// Wait before acting.
    Stall {
        /// How long, in milliseconds of real time.
        ms: u64,
        /// What happens then.
        #[serde(default)]
        then: Then,
        /// Whether the connection is closed immediately, without a byte of a response.
        #[serde(default)]
        hang_up: bool,
    },
    /// Wait before acting until the test releases the held requests.
    Hold {
        /// Whether the connection is closed immediately, without a byte of a response.
        #[serde(default)]
        hang_up: bool,
    },
    /// Act, then wait before answering.
    StallAfterActing {
        /// How long, in milliseconds of real time.
        ms: u64,
    },
    /// Close the connection without acting and without a byte of a response.
    DropBeforeActing,
    /// Act, then close the connection without a byte of a response.
    DropAfterActing,
}

/// What happens after a stall.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// Act and respond, even if the client has disconnected.
    #[default]
    Act,
    /// Close the connection without acting.
    Drop,
}

impl Action {
    /// Waits for this many milliseconds of real time, then acts.
    #[must_use]
    pub const fn stall(ms: u64) -> Self {
        Self::Stall { ms, then: Then::Act, hang_up: false }
    }

    /// Whether the client's connection is closed before anything is done.
    pub(crate) const fn hangs_up(&self) -> bool {
        matches!(self, Self::Stall { hang_up: true, .. } | Self::Hold { hang_up: true })
    }

    /// Returns the name used in the log.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Fail { .. } => "fail",
            Self::Refuse { .. } => "refuse",
            Self::FailAfterActing { .. } => "fail_after_acting",
            Self::Stall { .. } => "stall",
            Self::Hold { .. } => "hold",
            Self::StallAfterActing { .. } => "stall_after_acting",
            Self::DropBeforeActing => "drop_before_acting",
            Self::DropAfterActing => "drop_after_acting",
        }
    }
}

/// A rule: which requests, how many, and what happens to them.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Only this method; any if omitted.
    #[serde(default)]
    pub method: Option<String>,
    /// Only these paths: a prefix, or a pattern for the whole path if it contains `*` (which stands
    /// for anything, including slashes). Any path if omitted. The query is ignored.
    #[serde(default)]
    pub path: Option<String>,
    /// Only requests that change something, whatever their method: a search by POST does not, a
    /// deletion by GET does. All requests if omitted.
    #[serde(default)]
    pub writes: bool,
    /// Let this many matching requests through first.
    #[serde(default)]
    pub after: u64,
    /// Then act on this many; 1 by default, 0 for all that follow.
    #[serde(default = "once")]
    pub times: u64,
    /// What happens to them.
    pub action: Action,
}

const fn once() -> u64 {
    1
}

impl Rule {
    /// Returns a rule for the first request with this method and path.
    #[must_use]
    pub fn new(method: &str, path: &str, action: Action) -> Self {
        Self { method: Some(method.to_owned()), path: Some(path.to_owned()), writes: false, after: 0, times: 1, action }
    }

    /// Returns a rule for every write from now on.
    #[must_use]
    pub const fn every_write(action: Action) -> Self {
        Self { method: None, path: None, writes: true, after: 0, times: 0, action }
    }

    fn matches(&self, method: &Method, path: &str, writes: bool) -> bool {
        (writes || !self.writes)
            && self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method.as_str()))
            && self.path.as_deref().is_none_or(|pattern| {
                if pattern.contains('*') { glob(pattern, path) } else { path.starts_with(pattern) }
            })
    }
}

/// A rule with its counters: an entry of `GET /__control/faults`.
#[derive(Debug, Clone, Serialize)]
pub struct RuleState {
    /// The id, counted from 1 in the order in which rules were added.
    pub id: u64,
    /// The rule as it was given.
    #[serde(flatten)]
    pub rule: Rule,
    /// The number of requests that matched.
    pub matched: u64,
    /// The number of requests that it acted on.
    pub fired: u64,
}

/// The rules of one emulator. The first rule that is due applies.
#[derive(Debug, Default)]
pub struct Faults(Mutex<(u64, Vec<RuleState>)>);

impl Faults {
    /// Adds a rule and returns its id.
    pub fn add(&self, rule: Rule) -> u64 {
        let mut held = lock(&self.0);
        held.0 += 1;
        let id = held.0;
        held.1.push(RuleState { id, rule, matched: 0, fired: 0 });
        id
    }

    /// Returns all rules in the order in which they were added, including exhausted ones.
    #[must_use]
    pub fn list(&self) -> Vec<RuleState> {
        lock(&self.0).1.clone()
    }

    /// Removes all rules.
    pub fn clear(&self) {
        lock(&self.0).1.clear();
    }

    /// Returns what to do to this request, and counts it against the rules.
    pub(crate) fn take(&self, method: &Method, path: &str, writes: bool) -> Option<Action> {
        let mut held = lock(&self.0);
        for state in &mut held.1 {
            if (state.rule.times != 0 && state.fired >= state.rule.times) || !state.rule.matches(method, path, writes) {
                continue;
            }
            state.matched += 1;
            if state.matched > state.rule.after {
                state.fired += 1;
                return Some(state.rule.action.clone());
            }
        }
        None
    }
}

/// Whether a text matches a pattern in which `*` stands for any characters.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|head| text.strip_prefix(head)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((tail, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_and_the_rest_must_fit() {
        assert!(glob("/v1/flight/*/creative", "/v1/flight/12/creative"));
        assert!(!glob("/v1/flight/*/creative", "/v1/flight/12/creatives"));
        assert!(glob("*", "/anything"));
        assert!(glob("/v1/*/x/*", "/v1/a/x/"));
        assert!(!glob("/v1/*", "/v2/a"));
    }

    #[test]
    fn a_rule_skips_acts_and_is_used_up() {
        let faults = Faults::default();
        let mut rule = Rule::new("POST", "/v1/flight", Action::DropBeforeActing);
        rule.after = 1;
        rule.times = 2;
        faults.add(rule);
        let hits: Vec<bool> = (0..4).map(|_| faults.take(&Method::POST, "/v1/flight", true).is_some()).collect();
        assert_eq!(hits, [false, true, true, false]);
        assert!(faults.take(&Method::GET, "/v1/flight", false).is_none());
    }

    #[test]
    fn a_rule_for_writes_is_never_used_up_and_lets_reads_pass() {
        let faults = Faults::default();
        faults.add(Rule::every_write(Action::stall(1)));
        let take = |method: &Method, writes| faults.take(method, "/v1/campaign/search", writes).is_some();
        assert_eq!([take(&Method::POST, true), take(&Method::PUT, true), take(&Method::GET, true)], [true; 3]);
        assert!(!take(&Method::POST, false));
    }
}
