//! Steps: single changes on an ad server, and what is known about each.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    id::{OperationId, PlatformName},
    media_buy::MediaBuy,
    targeting::names,
    time::Timestamp,
};

mod open;

pub use open::{OpenStep, StepError, StepSequence, UnderWay};

names! {
    /// The state of a step.
    StepState {
        /// It never happened: no request that could have made it was ever sent, or the ad server
        /// refused every one.
        Fresh = "fresh",
        /// It may have happened: it was begun, and nothing since then rules it out.
        Open = "open",
        /// It happened, and its outcome is recorded.
        Done = "done",
    }
}

/// A step as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The operation.
    pub operation: OperationId,
    /// The platform.
    pub platform: PlatformName,
    /// The name, unique within operation and platform.
    pub name: String,
    /// The text that is written on the remote object. It never changes.
    pub reference: String,
    /// The state.
    pub state: StepState,
    /// The outcome that the adapter gets back when it runs again, once the step is done.
    pub outcome: Option<Vec<u8>>,
    /// Since when the step is in doubt, if it is. A lookup counts only after the platform's lookup
    /// lag has passed since then. The time is that when the step was last begun, when the call that
    /// left it open ended, or when its operation was taken over from a worker that may have sent a
    /// request until then.
    pub begun_at: Timestamp,
    /// The last time at which a request without an answer may have been sent; `None` if every
    /// request was answered. The ad server may still be carrying the request out long after that.
    pub sent_at: Option<Timestamp>,
    /// How many of its runs ended with a request that got no answer. The count stays when the step
    /// is done, because a lost request may still arrive.
    pub lost: u32,
}

/// How long a lookup that finds nothing is not trusted after a request got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How long a lookup may miss what the ad server has done, in milliseconds.
    pub lag_ms: u32,
    /// How long the ad server may continue with a request after its caller has hung up, in
    /// milliseconds.
    pub processing_ms: u32,
}

/// The processing bound is doubled at most this many times.
const MOST_DOUBLINGS: u32 = 6;

impl Step {
    /// The time until which a lookup that finds nothing proves nothing, so that the change must not
    /// be made again. `None` if such a lookup is trusted at once.
    ///
    /// The processing bound is a guess about another system. A server that exceeded it once gets
    /// twice the time after the next loss, and so on. A server that holds requests for an hour
    /// therefore gets only a few of them, instead of one every few minutes.
    pub fn believed_from(&self, patience: Patience) -> Option<Timestamp> {
        let sent_at = self.sent_at.filter(|_| self.state == StepState::Open)?;
        let doublings = self.lost.saturating_sub(1).min(MOST_DOUBLINGS);
        let processing = i64::from(patience.processing_ms) << doublings;
        Some(sent_at.plus_millis(i64::from(patience.lag_ms) + processing))
    }
}

/// The prefix of the names of steps that undo what other steps have made.
pub const UNDO: &str = "undo/";

/// The platforms on which parts of a buy may exist: those with recorded objects, or with steps that
/// may have made some.
pub fn traces(buy: &MediaBuy, steps: &[Step]) -> BTreeSet<PlatformName> {
    let recorded = buy.remote.iter().filter(|(_, objects)| !objects.is_empty()).map(|(platform, _)| platform.clone());
    let begun = steps.iter().filter(|step| step.state != StepState::Fresh && !step.name.starts_with(UNDO));
    recorded.chain(begun.map(|step| step.platform.clone())).collect()
}

/// The result of one request that could have changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SentRequest {
    /// The request was never sent: the name, connection or TLS failed, or the host refused it.
    NeverSent,
    /// The ad server answered with this status.
    Answered(u16),
    /// The request was sent, and no answer came.
    Lost,
}

impl SentRequest {
    /// Whether it is certain that the request changed nothing. What a status says is decided in one
    /// place for the host and for the test host of adapters.
    pub const fn changed_nothing(self) -> bool {
        match self {
            Self::NeverSent => true,
            Self::Answered(status) => flightdeck_write_status::changed_nothing(status),
            Self::Lost => false,
        }
    }

    /// Whether the ad server may still be carrying out the request: no answer came, or one from a
    /// gateway that did not wait for the server's.
    pub const fn may_be_under_way(self) -> bool {
        match self {
            Self::NeverSent => false,
            Self::Answered(status) => flightdeck_write_status::may_be_under_way(status),
            Self::Lost => true,
        }
    }
}

/// Returns the state of an open step after the call that ran it has failed.
///
/// A step that was in doubt before stays in doubt unless it is finished, because the requests of
/// this run prove nothing about the earlier one.
pub fn after_failure(was_in_doubt: bool, requests: &[SentRequest]) -> StepState {
    if !was_in_doubt && requests.iter().all(|request| request.changed_nothing()) {
        StepState::Fresh
    } else {
        StepState::Open
    }
}

/// The reference of a step: 24 lower-case letters and digits. It is derived from the operation, the
/// platform and the step's name, so that a step that is begun again on a restored copy of the
/// database is looked up by the same reference.
pub fn reference(operation: &OperationId, platform: &PlatformName, name: &str) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    // Prefixing each part with its length keeps the parts distinct, whatever they contain.
    let (operation, platform) = (operation.as_str(), platform.as_str());
    let parts = format!("{}:{operation}{}:{platform}{}:{name}", operation.len(), platform.len(), name.len());
    let digest = Sha256::digest(parts.as_bytes());
    // 24 bytes with 5 bits of each: 120 bits, so that no two references collide.
    digest.iter().take(24).map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn only_a_refusal_or_a_request_that_never_left_changed_nothing() {
        assert!(SentRequest::NeverSent.changed_nothing());
        assert!(!SentRequest::Lost.changed_nothing());
        for status in 100..600 {
            let refused = (400..500).contains(&status) && status != 408 && status != 409;
            assert_eq!(SentRequest::Answered(status).changed_nothing(), refused, "{status}");
        }
    }

    #[test]
    fn what_no_server_has_answered_may_be_under_way() {
        assert!(SentRequest::Lost.may_be_under_way());
        assert!(!SentRequest::NeverSent.may_be_under_way());
        for status in 100..600 {
            let request = SentRequest::Answered(status);
            let gateway = [408, 502, 504].contains(&status) || (520..=527).contains(&status);
            assert_eq!(request.may_be_under_way(), gateway, "{status}");
            assert!(!(request.may_be_under_way() && request.changed_nothing()), "{status}");
        }
    }

    #[test]
    fn each_loss_doubles_the_time_for_which_a_lookup_that_finds_nothing_is_not_believed() {
        let patience = Patience { lag_ms: 3_000, processing_ms: 100_000 };
        let sent_at = Timestamp::from_micros(1_000_000);
        let step = |state, sent_at, lost| Step {
            operation: OperationId::from("op_1"),
            platform: PlatformName::from("north"),
            name: "order".to_owned(),
            reference: "ref".to_owned(),
            state,
            outcome: None,
            begun_at: Timestamp::from_micros(2_000_000),
            sent_at,
            lost,
        };
        let waits = |lost: u32| {
            let from = step(StepState::Open, Some(sent_at), lost).believed_from(patience).unwrap();
            (from.as_micros() - sent_at.as_micros()) / 1_000
        };
        assert_eq!([waits(0), waits(1), waits(2), waits(3)], [103_000, 103_000, 203_000, 403_000]);
        assert_eq!(waits(u32::MAX), 3_000 + 100_000 * 64);
        assert_eq!(step(StepState::Open, None, 1).believed_from(patience), None, "all were answered");
        for state in [StepState::Fresh, StepState::Done] {
            assert_eq!(step(state, Some(sent_at), 1).believed_from(patience), None);
        }
    }

    #[test]
    fn a_failed_step_is_fresh_only_if_every_request_of_every_run_changed_nothing() {
        use SentRequest::{Answered, Lost, NeverSent};
        assert_eq!(after_failure(false, &[]), StepState::Fresh);
        assert_eq!(after_failure(false, &[NeverSent, Answered(429)]), StepState::Fresh);
        assert_eq!(after_failure(false, &[Answered(429), Answered(200)]), StepState::Open);
        assert_eq!(after_failure(false, &[Lost]), StepState::Open);
        assert_eq!(after_failure(true, &[]), StepState::Open);
        assert_eq!(after_failure(true, &[NeverSent]), StepState::Open);
    }

    #[test]
    fn references_are_short_plain_and_each_steps_own() {
        let made = |operation: &str, platform: &str, name: &str| {
            reference(&OperationId::from(operation), &PlatformName::from(platform), name)
        };
        let names: Vec<String> = (0..10_000).map(|index| format!("flight/{index}")).collect();
        let mut references: HashSet<String> = names.iter().map(|name| made("op_1", "north", name)).collect();
        // Parts that could run into each other still give different references.
        references.extend([made("op", "_1north", "x"), made("op_1", "north", "x"), made("op_1n", "orth", "x")]);
        assert_eq!(references.len(), 10_003);
        for reference in references {
            assert_eq!(reference.len(), 24);
            assert!(reference.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
        }
        assert_eq!(made("op_1", "north", "order"), made("op_1", "north", "order"), "the same step, the same reference");
    }
}
