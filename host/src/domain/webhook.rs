//! The rules for webhook endpoints and for the delivery of events, without network or clock.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    digest,
    event::EventKind,
    id::{EventId, MediaBuyId, PrincipalId, WebhookId},
    targeting::names,
    time::Timestamp,
};

/// How long the delivery of an event is retried before it becomes a dead letter.
pub const TRIED_FOR: Duration = Duration::from_secs(3 * 86_400);

/// How long an endpoint may fail without a single success before it is disabled.
pub const FAILS_FOR: Duration = Duration::from_secs(5 * 86_400);

/// How long a delivery that has ended can be viewed and replayed.
pub const DELIVERIES_KEPT_FOR: Duration = Duration::from_secs(30 * 86_400);

/// How long the previous secret still signs, so that the new one can be distributed to every
/// receiver.
pub const ROTATES_FOR: Duration = Duration::from_secs(86_400);

/// The maximum number of endpoints per owner. Each event is written once for each of them.
pub const MOST_ENDPOINTS: u32 = 20;

/// How often an event must fail before later events of its buy no longer wait for it.
pub const PATIENCE: u32 = 3;

/// The maximum number of concurrent deliveries to one endpoint. An endpoint without any success
/// gets only one at a time, because each delivery that hangs takes up a slot of a host until it
/// times out.
pub const AT_A_TIME: u32 = 4;

/// The maximum number of concurrent deliveries to all endpoints of one owner, by all hosts. It is a
/// quarter of the slots of one host, so that slow receivers of one owner do not delay everybody
/// else.
pub const OWNERS_AT_A_TIME: u32 = 8;

/// The backoff after the first failure.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// The longest backoff.
const LONGEST_PAUSE: Duration = Duration::from_secs(4 * 3_600);

/// A secret that signs deliveries.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningSecret {
    /// The secret as it is stored: encrypted and bound to its endpoint
    /// ([`Keyring::seal`](super::keys::Keyring::seal)). A secret from before there were keys is
    /// stored as receivers get it, `whsec_` and base64.
    pub text: String,
    /// The time until which it signs; `None` for the current secret.
    pub until: Option<Timestamp>,
}

impl std::fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[secret until {:?}]", self.until)
    }
}

/// Why an endpoint is disabled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// When it was disabled.
    pub at: Timestamp,
    /// Who disabled it: the name of a token, or the host itself.
    pub by: String,
    /// The reason.
    pub reason: String,
}

/// An endpoint to which events are delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The id, which begins with `wh`.
    pub id: WebhookId,
    /// The principal whose events are delivered; `None` for an endpoint of the publisher, which
    /// gets the events of every principal.
    pub owner: Option<PrincipalId>,
    /// The URL.
    pub url: String,
    /// The kinds of events that it subscribes to.
    pub events: Vec<EventKind>,
    /// The owner's description.
    pub description: Option<String>,
    /// The secrets that sign: one or two, the newest first.
    pub secrets: Vec<SigningSecret>,
    /// Set if the endpoint is disabled.
    pub disabled: Option<Disabled>,
    /// Since when no delivery succeeded; `None` if the last one succeeded, or if there was none.
    pub failing_since: Option<Timestamp>,
    /// The number of dead letters. It is counted on demand and never stored.
    #[serde(skip)]
    pub dead: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its owner last changed it.
    pub updated_at: Timestamp,
}

impl Endpoint {
    /// The secrets that sign at the given time, the newest first.
    pub fn signing(&self, at: Timestamp) -> impl Iterator<Item = &SigningSecret> {
        self.secrets.iter().filter(move |secret| secret.until.is_none_or(|until| at < until))
    }

    /// Sets a new secret, in its stored form. The oldest secret that still signs continues to sign
    /// beside it: the current one for [`ROTATES_FOR`], or one that an earlier rotation left, for
    /// the rest of its time. If the answer of that rotation was lost, the oldest secret is the one
    /// that receivers have. A secret in between stops signing.
    pub fn rotate(&mut self, text: String, at: Timestamp) {
        let oldest = self.signing(at).last().cloned();
        let until = Some(at.plus(ROTATES_FOR));
        self.secrets = vec![SigningSecret { text, until: None }];
        self.secrets.extend(oldest.map(|oldest| SigningSecret { until: oldest.until.or(until), ..oldest }));
        self.updated_at = at;
    }

    /// A digest for the audit log of the endpoint's URL, event kinds and description. It does not
    /// cover the secrets.
    pub fn digest(&self) -> String {
        digest::canonical(&serde_json::json!({
            "url": self.url, "events": self.events, "description": self.description,
        }))
    }
}

names! {
    /// The status of a delivery.
    DeliveryStatus {
        /// It will be sent, or is being sent.
        Pending = "pending",
        /// The endpoint accepted it.
        Delivered = "delivered",
        /// A dead letter: it was retried for three days, or the endpoint was disabled. It is sent
        /// again only if somebody replays it.
        Dead = "dead",
    }
}

/// The delivery of one event to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The endpoint.
    pub webhook: WebhookId,
    /// The event. Receivers get its id as `webhook-id`.
    pub event: EventId,
    /// The kind of event.
    pub kind: EventKind,
    /// The media buy; empty for a test.
    pub buy: MediaBuyId,
    /// The status.
    pub status: DeliveryStatus,
    /// The number of attempts since it was written or replayed.
    pub attempts: u32,
    /// When it was written or last replayed.
    pub since: Timestamp,
    /// The time of the next attempt, while it is pending.
    pub due_at: Timestamp,
    /// The time of the last attempt.
    pub tried_at: Option<Timestamp>,
    /// The HTTP status of the last attempt; `None` if there was no answer.
    pub answered: Option<u16>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// The position in the list of all deliveries.
    pub number: i64,
}

/// Returns the time of the next attempt. The backoff grows fourfold with each failure, from five
/// seconds to four hours. Half of it is random, and it is no shorter than the receiver asked for.
/// Returns `None` if the delivery was retried for long enough.
///
/// `chance` is a random number from 0 to 1.
pub fn try_again(
    since: Timestamp,
    now: Timestamp,
    attempts: u32,
    asked_for: Option<Duration>,
    chance: f64,
) -> Option<Timestamp> {
    if since.until(now) >= TRIED_FOR {
        return None;
    }
    let factor = 4u32.checked_pow(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
    let ceiling = FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE);
    let pause =
        ceiling.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0)).max(asked_for.unwrap_or_default().min(LONGEST_PAUSE));
    // The last attempt is at the end of the period, and not some hours before it.
    Some(now.plus(pause).min(since.plus(TRIED_FOR)))
}

/// Whether an endpoint that has been failing since then must be disabled.
pub fn failed_for_too_long(failing_since: Timestamp, now: Timestamp) -> bool {
    failing_since.until(now) >= FAILS_FOR
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(1_800_000_000_000_000).plus(Duration::from_secs(seconds))
    }

    proptest! {
        #[test]
        fn retries_end_after_three_days_and_never_come_early(
            chances in prop::collection::vec(0.0f64..=1.0, 100),
            asked in prop::collection::vec(prop::option::of(0u64..20_000), 100),
        ) {
            let (since, mut now) = (at(0), at(0));
            let mut attempts = 0;
            let mut ended = false;
            for (chance, asked) in chances.into_iter().zip(asked) {
                attempts += 1;
                let asked = asked.map(Duration::from_secs);
                let Some(next) = try_again(since, now, attempts, asked, chance) else {
                    ended = true;
                    break;
                };
                prop_assert!(next > now);
                prop_assert!(now.until(next) <= LONGEST_PAUSE);
                let last = next == since.plus(TRIED_FOR);
                prop_assert!(last || asked.is_none_or(|asked| now.until(next) >= asked.min(LONGEST_PAUSE)));
                now = next;
            }
            prop_assert!(ended, "after {attempts} attempts");
            prop_assert!(attempts >= 20, "often enough: {attempts}");
            prop_assert_eq!(now, since.plus(TRIED_FOR));
        }
    }

    #[test]
    fn a_rotation_has_two_secrets_sign_and_another_one_within_the_day_keeps_what_receivers_have() {
        let mut endpoint = Endpoint {
            id: WebhookId::from("wh_1"),
            owner: None,
            url: "https://example.com/".to_owned(),
            events: vec![EventKind::TaskCreated],
            description: None,
            secrets: vec![SigningSecret { text: "one".to_owned(), until: None }],
            disabled: None,
            failing_since: None,
            dead: 0,
            created_at: at(0),
            updated_at: at(0),
        };
        let texts = |endpoint: &Endpoint, now| endpoint.signing(now).map(|it| it.text.clone()).collect::<Vec<_>>();
        endpoint.rotate("two".to_owned(), at(10));
        assert_eq!(texts(&endpoint, at(10)), ["two", "one"]);
        assert_eq!(texts(&endpoint, at(10).plus(ROTATES_FOR)), ["two"]);
        // The answer of the second rotation was lost: nobody has that secret, and all receivers
        // still have the first one.
        endpoint.rotate("three".to_owned(), at(20));
        assert_eq!(texts(&endpoint, at(20)), ["three", "one"]);
        assert_eq!(texts(&endpoint, at(10).plus(ROTATES_FOR)), ["three"], "no longer than it would have anyway");
        endpoint.rotate("four".to_owned(), at(20).plus(ROTATES_FOR));
        assert_eq!(texts(&endpoint, at(20).plus(ROTATES_FOR)), ["four", "three"]);
        assert!(!format!("{endpoint:?}").contains("four"));
    }

    #[test]
    fn an_endpoint_may_fail_for_five_days() {
        assert!(!failed_for_too_long(at(0), at(5 * 86_400 - 1)));
        assert!(failed_for_too_long(at(0), at(5 * 86_400)));
    }
}
