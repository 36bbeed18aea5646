//! Failures: what went wrong, and therefore what the host does next.

use serde::{Deserialize, Serialize};

use crate::types::{Failure, FailureItem, FailureKind, PlatformAnswer};

pub use flightdeck_prose::{clean, prose};

/// The most bytes of a platform's own words that are passed on (see the contract's
/// `platform-answer.message`).
pub const WORDS_LIMIT: usize = 2048;

/// The failure code of a request that was redirected instead of answered.
pub const REDIRECTED: &str = "redirected";

/// The result type of most functions of an adapter.
pub type Fallible<T> = Result<T, Failure>;

impl Failure {
    /// Makes a failure of any kind. `code` is a stable lower-case word; `message` is a sentence
    /// that says what to do next.
    #[must_use]
    pub fn new(kind: FailureKind, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: code.into(),
            message: message.into(),
            items: Vec::new(),
            retry_after_ms: None,
            platform: None,
            extensions: Vec::new(),
        }
    }

    /// Makes a failure: the request makes no sense for this platform.
    #[must_use]
    pub fn invalid(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Invalid, code, message)
    }

    /// Makes a failure: the platform can't do what the request asks for.
    #[must_use]
    pub fn unsupported(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Unsupported, code, message)
    }

    /// Makes a failure: the platform refused for good.
    #[must_use]
    pub fn rejected(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Rejected, code, message)
    }

    /// Makes a failure: the request may succeed later.
    #[must_use]
    pub fn unavailable(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Unavailable, code, message)
    }

    /// Makes a failure: the object of the change is not on the platform.
    #[must_use]
    pub fn not_found(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(FailureKind::NotFound, code, message)
    }

    /// Adds one item that is wrong. The field is a JSON pointer, as in the contract's
    /// `failure-item`.
    #[must_use]
    pub fn item(
        mut self,
        field: impl Into<String>,
        value: impl Into<String>,
        message: impl Into<String>,
        supported: &[&str],
    ) -> Self {
        self.items.push(FailureItem {
            field: field.into(),
            value: value.into(),
            message: message.into(),
            supported: supported.iter().map(|&text| text.to_owned()).collect(),
            extensions: Vec::new(),
        });
        self
    }

    /// Adds the platform's own [words](prose), cut to [`WORDS_LIMIT`].
    #[must_use]
    pub fn said(mut self, status: u16, code: &str, words: &str) -> Self {
        self.platform = Some(PlatformAnswer { status, code: clean(code, 200), message: prose(words, WORDS_LIMIT) });
        self
    }

    /// Asks the host not to retry for this many milliseconds.
    #[must_use]
    pub fn retry_after_ms(mut self, delay: u64) -> Self {
        self.retry_after_ms = Some(delay);
        self
    }

    /// Whether the failure is final: neither a retry nor a person's decision changes it.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(
            self.kind,
            FailureKind::Invalid | FailureKind::Unsupported | FailureKind::Rejected | FailureKind::NotFound
        )
    }

    /// Returns the platform's own words if there are any, else the message.
    #[must_use]
    pub fn words(&self) -> &str {
        match &self.platform {
            Some(answer) if !answer.message.is_empty() => &answer.message,
            _ => &self.message,
        }
    }
}

/// Collects everything that is wrong with a request, so that a buyer sees all of it at once.
///
/// ```
/// use flightdeck_adapter::failure::Problems;
///
/// let mut problems = Problems::default();
/// problems.unsupported("unsupported_pacing", "/packages/news/pacing", "front_loaded", "Acme has none.", &["even"]);
/// assert_eq!(problems.check().unwrap_err().items.len(), 1);
/// ```
#[derive(Debug, Default)]
pub struct Problems {
    items: Vec<(FailureKind, &'static str, FailureItem)>,
}

impl Problems {
    /// Adds something that the platform can't do. The code names its category:
    /// `unsupported_targeting`.
    pub fn unsupported(
        &mut self,
        code: &'static str,
        field: impl Into<String>,
        value: impl Into<String>,
        message: impl Into<String>,
        supported: &[&str],
    ) {
        self.push(FailureKind::Unsupported, code, field.into(), value.into(), message.into(), supported);
    }

    /// Adds something that makes no sense.
    pub fn invalid(
        &mut self,
        code: &'static str,
        field: impl Into<String>,
        value: impl Into<String>,
        message: impl Into<String>,
    ) {
        self.push(FailureKind::Invalid, code, field.into(), value.into(), message.into(), &[]);
    }

    fn push(
        &mut self,
        kind: FailureKind,
        code: &'static str,
        field: String,
        value: String,
        message: String,
        supported: &[&str],
    ) {
        let supported = supported.iter().map(|&text| text.to_owned()).collect();
        self.items.push((kind, code, FailureItem { field, value, message, supported, extensions: Vec::new() }));
    }

    /// Whether no problem was added so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Drops the problems that `accepted` contains too, with the same code, field and value.
    /// `counts` decides by field which of them may be dropped.
    ///
    /// For updates: an adapter may have become stricter since it accepted a buy, and that buy must
    /// still be pausable.
    pub fn leave_out(&mut self, accepted: &Self, counts: impl Fn(&str) -> bool) {
        self.items.retain(|(_, code, item)| {
            let same = |(_, other, known): &(FailureKind, &str, FailureItem)| {
                other == code && known.field == item.field && known.value == item.value
            };
            !(counts(&item.field) && accepted.items.iter().any(same))
        });
    }

    /// Returns the number of problems so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.items.len()
    }

    /// Returns `Ok` if nothing is wrong.
    ///
    /// # Errors
    /// One failure with every item: `unsupported` if any item is, else `invalid`. It takes the
    /// items' code if they all have the same one.
    pub fn check(self) -> Fallible<()> {
        let Some((first_kind, first_code, first)) = self.items.first() else {
            return Ok(());
        };
        let unsupported = self.items.iter().any(|(kind, ..)| *kind == FailureKind::Unsupported);
        let kind = if unsupported { FailureKind::Unsupported } else { *first_kind };
        let agreed = self.items.iter().all(|(_, code, _)| code == first_code);
        let code = match (agreed, unsupported) {
            (true, _) => first_code,
            (false, true) => "unsupported",
            (false, false) => "invalid",
        };
        let message = match self.items.len() {
            1 => first.message.clone(),
            count => format!("{count} things can't be done as asked; the first: {}", first.message),
        };
        let mut failure = Failure::new(kind, code, message);
        failure.items = self.items.into_iter().map(|(.., item)| item).collect();
        Err(failure)
    }
}

/// A final failure, as recorded with a step.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Refusal {
    kind: Kind,
    code: String,
    message: String,
    items: Vec<(String, String, String, Vec<String>)>,
    platform: Option<(u16, String, String)>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Kind {
    Invalid,
    Unsupported,
    Rejected,
    NotFound,
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self {
            kind: match failure.kind {
                FailureKind::Invalid => Kind::Invalid,
                FailureKind::Unsupported => Kind::Unsupported,
                FailureKind::NotFound => Kind::NotFound,
                // Only final failures are recorded, and this is the only kind left.
                _ => Kind::Rejected,
            },
            code: failure.code,
            message: failure.message,
            items: failure.items.into_iter().map(|i| (i.field, i.value, i.message, i.supported)).collect(),
            platform: failure.platform.map(|answer| (answer.status, answer.code, answer.message)),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal.kind {
            Kind::Invalid => FailureKind::Invalid,
            Kind::Unsupported => FailureKind::Unsupported,
            Kind::NotFound => FailureKind::NotFound,
            Kind::Rejected => FailureKind::Rejected,
        };
        let items = refusal.items.into_iter().map(|(field, value, message, supported)| FailureItem {
            field,
            value,
            message,
            supported,
            extensions: Vec::new(),
        });
        Self {
            items: items.collect(),
            platform: refusal.platform.map(|(status, code, message)| PlatformAnswer { status, code, message }),
            ..Self::new(kind, refusal.code, refusal.message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_the_platform_said_its_words_are_kept() {
        let said = |body: &str| Failure::rejected("no", "No.").said(400, "", body).words().to_owned();
        assert_eq!(said("<html><body><h1>Not now</h1>"), "Not now");
        assert_eq!(said(r#"{"fault": {"faultstring": "too <b>low</b>"}}"#), "too low");
        assert!(said(&"x".repeat(5000)).len() <= WORDS_LIMIT);
        assert_eq!(said("<html></html>"), "No.", "a page that says nothing");
    }

    #[test]
    fn problems_become_one_failure_with_every_item() {
        assert!(Problems::default().check().is_ok());
        let mut problems = Problems::default();
        problems.invalid("invalid_price", "/packages/a/cpm", "0", "Too low.");
        problems.unsupported(
            "unsupported_targeting",
            "/packages/a/targeting_overlay/os_any_of",
            "beos",
            "No.",
            &["ios"],
        );
        let failure = problems.check().unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unsupported);
        assert_eq!(failure.code, "unsupported");
        assert_eq!(failure.items.len(), 2);
        assert_eq!(failure.items[1].supported, ["ios"]);
    }

    #[test]
    fn what_was_wrong_before_is_left_out_if_it_is_the_same() {
        let wrong = |values: &[(&str, &str)]| {
            let mut problems = Problems::default();
            for (field, value) in values {
                problems.invalid("bad", *field, *value, "Bad.");
            }
            problems
        };
        let mut now = wrong(&[("/a", "1"), ("/b", "2"), ("/c", "3"), ("/d", "4")]);
        now.leave_out(&wrong(&[("/a", "1"), ("/b", "1"), ("/c", "3")]), |field| field != "/c");
        let left: Vec<String> = now.check().unwrap_err().items.into_iter().map(|item| item.field).collect();
        assert_eq!(left, ["/b", "/c", "/d"]);
    }

    #[test]
    fn a_refusal_survives_being_recorded() {
        let failure =
            Failure::rejected("bad_url", "No.").item("/assets/a", "x", "y", &["z"]).said(400, "E1", "bad url");
        let text = serde_json::to_string(&Refusal::from(failure.clone())).unwrap();
        let back: Refusal = serde_json::from_str(&text).unwrap();
        assert_eq!(Failure::from(back), failure);
    }
}
