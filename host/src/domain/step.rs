//! A step: one change on the ad server, and what is known of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    id::{OperationId, PlatformName},
    media_buy::MediaBuy,
    targeting::names,
    time::Timestamp,
};

names! {
    /// What is known of a step.
    StepState {
        /// It never happened: no request that could have made it was ever sent, or the ad server refused every one.
        Fresh = "fresh",
        /// It may have happened: it was begun, and nothing that came later says otherwise.
        Open = "open",
        /// It happened, and its outcome is recorded.
        Done = "done",
    }
}

/// A step as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Of which operation.
    pub operation: OperationId,
    /// On which platform.
    pub platform: PlatformName,
    /// Its name, unique within operation and platform.
    pub name: String,
    /// What is written on the remote object, minted once.
    pub reference: String,
    /// What is known.
    pub state: StepState,
    /// What the adapter wants back, once it is done.
    pub outcome: Option<Vec<u8>>,
    /// Since when it is in doubt, if it is: a lookup counts only after the platform's lag has passed since. When it was last begun, when
    /// the call ended that left it open, or when its operation was taken over from a worker that may have sent something until then.
    pub begun_at: Timestamp,
}

/// What the names of the steps begin with that cancel what other steps have made.
pub const UNDO: &str = "undo/";

/// The platforms on which something may exist of a buy: objects that are recorded, or steps that may have made some.
pub fn traces(buy: &MediaBuy, steps: &[Step]) -> BTreeSet<PlatformName> {
    let recorded = buy.remote.iter().filter(|(_, objects)| !objects.is_empty()).map(|(platform, _)| platform.clone());
    let begun = steps.iter().filter(|step| step.state != StepState::Fresh && !step.name.starts_with(UNDO));
    recorded.chain(begun.map(|step| step.platform.clone())).collect()
}

/// What became of one request that could have changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SentRequest {
    /// It never left: name, connect or TLS failed, or the host refused it.
    NeverSent,
    /// The ad server answered with this status.
    Answered(u16),
    /// It left, and no answer came.
    Lost,
}

impl SentRequest {
    /// Whether it is certain that it changed nothing. A 4xx says that the request was not carried out, but for 408
    /// (the server gave up waiting) and 409 (something is there already), which leave it open; so does every 5xx.
    pub const fn changed_nothing(self) -> bool {
        match self {
            Self::NeverSent => true,
            Self::Answered(status) => matches!(status, 400..=499) && status != 408 && status != 409,
            Self::Lost => false,
        }
    }
}

/// What is known of an open step when the call that ran it has failed.
///
/// A step that was in doubt before stays so, unless it is finished: requests of this run say nothing of the earlier one.
pub fn after_failure(was_in_doubt: bool, requests: &[SentRequest]) -> StepState {
    if !was_in_doubt && requests.iter().all(|request| request.changed_nothing()) {
        StepState::Fresh
    } else {
        StepState::Open
    }
}

/// The reference of a step: 24 characters, lower-case letters and digits. It is made of the operation, the platform and the step's
/// name, so that a step that is begun anew on a restored copy of the database is looked up by the reference that it had.
pub fn reference(operation: &OperationId, platform: &PlatformName, name: &str) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    // The parts are told apart by their lengths, whatever is in them.
    let (operation, platform) = (operation.as_str(), platform.as_str());
    let parts = format!("{}:{operation}{}:{platform}{}:{name}", operation.len(), platform.len(), name.len());
    let digest = Sha256::digest(parts.as_bytes());
    // 24 bytes, of each of them 5 bits: 120 bits, of which nobody finds two the same.
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
        // Parts that run into each other are still apart.
        references.extend([made("op", "_1north", "x"), made("op_1", "north", "x"), made("op_1n", "orth", "x")]);
        assert_eq!(references.len(), 10_003);
        for reference in references {
            assert_eq!(reference.len(), 24);
            assert!(reference.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
        }
        assert_eq!(made("op_1", "north", "order"), made("op_1", "north", "order"), "the same step, the same reference");
    }
}
