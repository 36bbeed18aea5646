//! Endpoints of webhooks, and when what happened is sent to them: the rules, without network or clock.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    digest,
    event::EventKind,
    id::{EventId, MediaBuyId, PrincipalId, WebhookId},
    targeting::names,
    time::Timestamp,
};

/// How long an event is tried before it is a dead letter.
pub const TRIED_FOR: Duration = Duration::from_secs(3 * 86_400);

/// How long an endpoint may fail without a single success before it is disabled.
pub const FAILS_FOR: Duration = Duration::from_secs(5 * 86_400);

/// How long a delivery that ended can be looked at and replayed.
pub const DELIVERIES_KEPT_FOR: Duration = Duration::from_secs(30 * 86_400);

/// How long the secret before the last one still signs: time to give the new one to every receiver.
pub const ROTATES_FOR: Duration = Duration::from_secs(86_400);

/// How many endpoints one owner may have: each event of theirs is written once for each of them.
pub const MOST_ENDPOINTS: u32 = 20;

/// How often an event must fail before later events of its buy no longer wait for it.
pub const PATIENCE: u32 = 3;

/// How many events one endpoint is sent at a time. One where nothing succeeds is sent a single one: what hangs costs a host a place for as
/// long as it may take to answer.
pub const AT_A_TIME: u32 = 4;

/// How many events all endpoints of one owner are sent at a time, by all hosts: a quarter of the places of one host, so that nobody's slow
/// receivers keep everybody else waiting.
pub const OWNERS_AT_A_TIME: u32 = 8;

/// After the first failure.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(4 * 3_600);

/// A key that signs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningSecret {
    /// As it is stored: encrypted and bound to its endpoint ([`Keyring::seal`](super::keys::Keyring::seal)). One from before there were keys
    /// is as receivers get it, `whsec_` and base64.
    pub text: String,
    /// Until when it signs; `None`: it is the one that stays.
    pub until: Option<Timestamp>,
}

impl std::fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[secret until {:?}]", self.until)
    }
}

/// Why an endpoint is sent nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// Since when.
    pub at: Timestamp,
    /// Who: the name of a token, or the host itself.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// Where events are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its id.
    pub id: WebhookId,
    /// Whose events it hears; `None`: it is the publisher's and hears everybody's.
    pub owner: Option<PrincipalId>,
    /// Where it is.
    pub url: String,
    /// What it wants to hear.
    pub events: Vec<EventKind>,
    /// What its owner calls it.
    pub description: Option<String>,
    /// What signs: the newest first, one or two.
    pub secrets: Vec<SigningSecret>,
    /// Whether and why it is sent nothing.
    pub disabled: Option<Disabled>,
    /// Since when nothing succeeded; `None`: the last delivery did, or there was none.
    pub failing_since: Option<Timestamp>,
    /// How many deliveries to it were given up: counted when it is looked at, and written nowhere.
    #[serde(skip)]
    pub dead: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its owner last changed it.
    pub updated_at: Timestamp,
}

impl Endpoint {
    /// The secrets that sign at a moment, the newest first.
    pub fn signing(&self, at: Timestamp) -> impl Iterator<Item = &SigningSecret> {
        self.secrets.iter().filter(move |secret| secret.until.is_none_or(|until| at < until))
    }

    /// Gives it another secret, as it is stored. Beside it signs the oldest one that still does: the last one for [`ROTATES_FOR`] from now on, or the one
    /// that an earlier rotation left, for what is left of its time. That one is what receivers have, if the answer of that rotation was
    /// lost; the one in between signs no more.
    pub fn rotate(&mut self, text: String, at: Timestamp) {
        let oldest = self.signing(at).last().cloned();
        let until = Some(at.plus(ROTATES_FOR));
        self.secrets = vec![SigningSecret { text, until: None }];
        self.secrets.extend(oldest.map(|oldest| SigningSecret { until: oldest.until.or(until), ..oldest }));
        self.updated_at = at;
    }

    /// What the audit log has of it: a digest of where it is, what it hears and what it is called, and never of what signs.
    pub fn digest(&self) -> String {
        digest::canonical(&serde_json::json!({
            "url": self.url, "events": self.events, "description": self.description,
        }))
    }
}

names! {
    /// How the delivery of an event to an endpoint stands.
    DeliveryStatus {
        /// It is sent, or will be.
        Pending = "pending",
        /// The endpoint took it.
        Delivered = "delivered",
        /// It was tried for three days, or the endpoint was disabled: it is sent again only if somebody asks for it.
        Dead = "dead",
    }
}

/// The delivery of an event to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// To which endpoint.
    pub webhook: WebhookId,
    /// Which event; receivers see it as `webhook-id`.
    pub event: EventId,
    /// What kind.
    pub kind: EventKind,
    /// About which buy; empty for a test.
    pub buy: MediaBuyId,
    /// How it stands.
    pub status: DeliveryStatus,
    /// How often it was tried since it was written or replayed.
    pub attempts: u32,
    /// When it was written or last replayed.
    pub since: Timestamp,
    /// When it is tried next, while it is pending.
    pub due_at: Timestamp,
    /// When it was last tried.
    pub tried_at: Option<Timestamp>,
    /// What the endpoint last answered; `None`: nothing.
    pub answered: Option<u16>,
    /// Why it last failed.
    pub error: Option<String>,
    /// Where it stands in the list of all deliveries.
    pub number: i64,
}

/// When to try again after so many failures: the pause grows fourfold from five seconds to four hours, half of it by chance, and
/// is no shorter than what the receiver asked for. `None`: it was tried for long enough.
///
/// `chance` is from 0 to 1.
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
    // The last try is at the end of the time, and not some hours before it.
    Some(now.plus(pause).min(since.plus(TRIED_FOR)))
}

/// Whether an endpoint that has been failing since then is disabled.
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
        // The answer with the second one was lost: nobody has it, and all receivers still have the first.
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
