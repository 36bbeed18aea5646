//! Messages in two versions: one for buyers, and one for the publisher's staff.
//!
//! A failure of an ad server has two audiences. Operators and reviewers need everything, including
//! which address returned which response. Buyers need to know which platform failed, what it means
//! for their buy, and when it is retried. They must not see where the publisher's ad server is or
//! what else it returns. Every text with content from an adapter or an ad server is therefore a
//! [`Disclosure`] from where it enters the host to where it is shown, and the code that shows it must
//! choose the audience.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::json;

use super::{
    failure::{Failure, FailureDetails, FailureKind, PlatformAnswer},
    id::PlatformName,
    problem::Problem,
    redaction::{says_something, without_addresses},
    time::Timestamp,
};

/// A message in one version for buyers and one for the publisher's staff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    buyer: String,
    /// `None` if it is the same as the buyer's version.
    staff: Option<String>,
}

impl Disclosure {
    /// Creates a message from two versions.
    pub fn apart(buyer: impl Into<String>, staff: impl Into<String>) -> Self {
        let (buyer, staff) = (buyer.into(), staff.into());
        let staff = (staff != buyer).then_some(staff);
        Self { buyer, staff }
    }

    /// Creates the message for a failure on a platform.
    pub fn failure(platform: &PlatformName, failure: &Failure) -> Self {
        Self::apart(for_buyers(platform, failure), failure.to_string())
    }

    /// The version for buyers.
    pub fn buyer(&self) -> &str {
        &self.buyer
    }

    /// The version for the publisher's staff.
    pub fn staff(&self) -> &str {
        self.staff.as_deref().unwrap_or(&self.buyer)
    }

    /// The version for the given audience.
    pub fn to(&self, staff: bool) -> &str {
        if staff { self.staff() } else { self.buyer() }
    }

    /// Wraps both versions in the text that `around` returns.
    #[must_use]
    pub fn within(&self, around: impl Fn(&str) -> String) -> Self {
        Self { buyer: around(&self.buyer), staff: self.staff.as_deref().map(around) }
    }

    /// Adds the time of the next attempt.
    #[must_use]
    pub fn again_at(&self, at: Timestamp) -> Self {
        Self::apart(format!("{}; it is kept, and tried again at {}", self.buyer, at.floor_second()), self.staff())
    }
}

/// A message of the host itself, which is the same for everybody.
impl From<String> for Disclosure {
    fn from(words: String) -> Self {
        Self { buyer: words, staff: None }
    }
}

impl From<&str> for Disclosure {
    fn from(words: &str) -> Self {
        words.to_owned().into()
    }
}

impl Serialize for Disclosure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let same = self.staff.is_none() && without_addresses(&self.buyer) == self.buyer;
        if same {
            return self.buyer.serialize(serializer);
        }
        Stored::Apart { buyer: self.buyer.clone(), staff: self.staff.clone() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Disclosure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Stored::deserialize(deserializer)? {
            // This includes records from when there was only one version.
            Stored::Same(words) => Self::apart(without_addresses(&words), words),
            Stored::Apart { buyer, staff } => Self { buyer, staff },
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Stored {
    Same(String),
    Apart {
        buyer: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        staff: Option<String>,
    },
}

/// Describes to a buyer what a failure on a platform means.
fn for_buyers(platform: &PlatformName, failure: &Failure) -> String {
    match failure.kind {
        // Only messages of the host or the adapter itself. What an unavailable ad server returns
        // does not help a buyer.
        FailureKind::Unavailable if failure.platform.is_none() && is_plain(&failure.message) => {
            format!("{platform} can't be used now: {}", failure.message.trim_end_matches('.'))
        }
        FailureKind::Unavailable => format!("{platform} can't be used now"),
        FailureKind::Fault => format!("the adapter of {platform} does not work as it should; its operator is told why"),
        FailureKind::Permission => {
            format!(
                "the publisher's account on {platform} may not do this; somebody at the publisher is asked to change that"
            )
        }
        FailureKind::Unresolved => {
            format!("it is not certain what has been done on {platform}; somebody at the publisher finds out")
        }
        FailureKind::Invalid
        | FailureKind::Unsupported
        | FailureKind::ApprovalRequired
        | FailureKind::Rejected
        | FailureKind::NotFound => match reason(failure) {
            Some(words) => format!("{platform}: {words}"),
            None => format!("{platform} refused it and gave no reason that can be shown"),
        },
    }
}

/// The reason for a refusal: the adapter's message if it is suitable for buyers; otherwise the
/// redacted message of the ad server; if there is none, the redacted message of the adapter.
fn reason(failure: &Failure) -> Option<String> {
    if is_plain(&failure.message) {
        return Some(failure.message.clone());
    }
    let message = without_addresses(&failure.message);
    let said = failure.platform.as_ref().map(|answer| without_addresses(&answer.message));
    match said {
        Some(words) => Some(words).filter(|words| says_something(words)),
        None => Some(message).filter(|words| says_something(words)),
    }
}

/// Whether a text is suitable for buyers without redaction.
fn is_plain(text: &str) -> bool {
    says_something(text) && without_addresses(text) == text
}

/// Redacts the individual problems for a buyer. The buyer's own values stay as they were written.
pub fn items_for_buyers(items: &[Problem]) -> Vec<Problem> {
    let plain = |problem: &Problem| {
        let own = problem.value.as_deref().filter(|value| !value.is_empty());
        let message = match own {
            Some(own) => problem.message.split(own).map(without_addresses).collect::<Vec<_>>().join(own),
            None => without_addresses(&problem.message),
        };
        Problem { message, ..problem.clone() }
    };
    items.iter().map(plain).collect()
}

/// The details of a failure for a buyer, in addition to code and message: the individual problems;
/// otherwise the reason and the ad server's response.
pub fn details_for_buyers(failure: &Failure) -> FailureDetails {
    let refused = failure.platform.clone().filter(|_| failure.kind.is_refusal());
    let refused = refused.map(|answer| PlatformAnswer { message: without_addresses(&answer.message), ..answer });
    details(failure, &items_for_buyers(&failure.items), refused.as_ref())
}

/// Like [`details_for_buyers`], with the complete response of the ad server.
pub fn details_for_staff(failure: &Failure) -> FailureDetails {
    details(failure, &failure.items, failure.platform.as_ref())
}

fn details(failure: &Failure, items: &[Problem], said: Option<&PlatformAnswer>) -> FailureDetails {
    if !items.is_empty() {
        return FailureDetails::Items { items: items.to_vec() };
    }
    let mut details = json!({ "reason": failure.code });
    if let Some(said) = said {
        details["platform"] = json!(said);
    }
    FailureDetails::Other(details)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::field::{CreativeRef, Field, Subject};

    fn refused(message: &str, said: Option<&str>) -> Failure {
        let platform =
            said.map(|words| PlatformAnswer { status: 400, code: "E".to_owned(), message: words.to_owned() });
        Failure { platform, ..Failure::new(FailureKind::Rejected, "rejected", message) }
    }

    #[test]
    fn a_buyer_reads_why_it_was_refused_and_nothing_of_where() {
        let generic = "The platform answered 400 to POST http://ads.internal/v1/flight: it refused. It said: x";
        for (message, said, told) in [
            ("Acme refused: the end date is in the past", None, "north: Acme refused: the end date is in the past"),
            ("Acme refused: no. Do that.", Some("no"), "north: Acme refused: no. Do that."),
            (generic, Some("the end date is in the past"), "north: the end date is in the past"),
            (generic, Some("bad date, see https://x.example/y"), "north: bad date, see [withheld]"),
            (generic, Some(r#"{"a":1}"#), "north refused it and gave no reason that can be shown"),
            (generic, Some("<html>Found</html>"), "north refused it and gave no reason that can be shown"),
            (generic, Some(""), "north refused it and gave no reason that can be shown"),
            ("http://x is no address. Correct it.", None, "north: [withheld] is no address. Correct it."),
        ] {
            let told_ = Disclosure::failure(&"north".into(), &refused(message, said));
            assert_eq!(told_.buyer(), told);
            assert!(told_.staff().starts_with(message), "the publisher reads all of it");
        }
    }

    #[test]
    fn no_kind_of_failure_tells_a_buyer_of_addresses_paths_or_bodies() {
        for kind in FailureKind::ALL {
            let message = "answered 503 to GET http://127.0.0.1:9100/v1/campaigns: {\"Error\":\"secret\"}";
            let failure = Failure { kind: *kind, ..refused(message, Some("<b>secret</b> at api.acme.co/v1")) };
            let told = Disclosure::failure(&"north".into(), &failure).again_at(Timestamp::from_micros(0));
            for secret in ["http", "127.0.0.1", "9100", "/v1", "secret", "acme", "<b>", "503"] {
                assert!(!told.buyer().contains(secret), "{kind}: {}", told.buyer());
            }
            assert!(told.buyer().contains("north"), "{}", told.buyer());
            assert!(told.staff().contains("/v1/campaigns") && told.staff().contains("api.acme.co"));
        }
    }

    #[test]
    fn what_was_written_before_is_read_and_kept_from_buyers() {
        let told: Disclosure = serde_json::from_str(r#""lost GET http://x/y""#).unwrap();
        assert_eq!((told.buyer(), told.staff()), ("lost GET [withheld]", "lost GET http://x/y"));
        for told in [
            Disclosure::from("the same"),
            Disclosure::from("set /v1/x"),
            Disclosure::apart("for them", "for us at http://x"),
        ] {
            let text = serde_json::to_string(&told).unwrap();
            assert_eq!(serde_json::from_str::<Disclosure>(&text).unwrap(), told);
        }
        assert_eq!(serde_json::to_string(&Disclosure::from("x")).unwrap(), r#""x""#);
    }

    #[test]
    fn what_a_buyer_wrote_stays_in_what_is_said_of_it() {
        let own = Problem::new(
            Subject::Creative(CreativeRef::Listed(0)).field(Field::MediaUrl),
            "https://cdn.example/a.mp4 is no VAST, says http://ads.internal/x",
        )
        .value("https://cdn.example/a.mp4");
        let told = items_for_buyers(&[own]);
        assert_eq!(told[0].message, "https://cdn.example/a.mp4 is no VAST, says [withheld]");
    }
}
