//! What a refusal of Ad Manager means: its reason says that, and its HTTP status only where the reason says nothing.
//!
//! Refusals come in Google's common form: `{"error": {code, message, status, details: [{reason}, {retryDelay}]}}`. The REST documents
//! list no reasons; those here are what the SOAP API calls them, with or without the type of error before (`QuotaError.EXCEEDED_QUOTA`),
//! and those of Google's other APIs for quotas.

use std::time::Duration;

use flightdeck_adapter::prelude::*;
use serde::Deserialize;

use crate::inferred;

/// What a reason means. Of several reasons of one refusal, the first here decides: what is wrong stays wrong, however soon the rest
/// passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Meaning {
    /// Nothing that is known here: the status says what it says.
    Unknown,
    /// The account may not.
    Permission,
    /// It is there already.
    Exists,
    /// There is no forecast yet for what was just booked. It may take an hour.
    NoForecast,
    /// Too many reports. Everything else goes on.
    ReportLimit,
    /// Too many requests in a short time.
    Quota,
    /// Ad Manager has a problem of its own.
    Server,
    /// Two writes met: neither is wrong, and this one did not happen.
    Concurrent,
}

/// Reasons by what they mean, without underscores: Google writes `RATE_LIMIT_EXCEEDED` and `rateLimitExceeded`.
const REASONS: [(Meaning, &[&str]); 7] = [
    (
        Meaning::Permission,
        &[
            "PERMISSIONDENIED",
            "ACCESSDENIED",
            "AUTHENTICATIONFAILED",
            "UNAUTHENTICATED",
            "NOTWHITELISTEDFORAPIACCESS",
            "NONETWORKSTOACCESS",
        ],
    ),
    (Meaning::Exists, &["NOTUNIQUE", "ALREADYEXISTS"]),
    (Meaning::NoForecast, &["NOFORECASTYET"]),
    (Meaning::ReportLimit, &["REPORTJOBLIMIT"]),
    (
        Meaning::Quota,
        &[
            "EXCEEDEDQUOTA",
            "QUOTAEXCEEDED",
            "RESOURCEEXHAUSTED",
            "RATELIMITEXCEEDED",
            "USERRATELIMITEXCEEDED",
            "DAILYLIMITEXCEEDED",
        ],
    ),
    (
        Meaning::Server,
        &[
            "SERVERERROR",
            "SERVERBUSY",
            "SERVERNOTAVAILABLE",
            "UNEXPECTEDINTERNALAPIERROR",
            "TRANSIENTERROR",
            "DOWNTIME",
            "BACKENDERROR",
            "INTERNAL",
            "UNAVAILABLE",
            "DEADLINEEXCEEDED",
        ],
    ),
    (Meaning::Concurrent, &["CONCURRENTMODIFICATION", "ABORTED"]),
];

fn meaning(reason: &str) -> Meaning {
    let name = reason.rsplit(['.', '/']).next().unwrap_or(reason);
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
    let known = REASONS.iter().find(|(_, names)| names.contains(&name.as_str()));
    known.map_or(Meaning::Unknown, |(meaning, _)| *meaning)
}

#[derive(Debug, Deserialize)]
struct Body {
    error: Refusal,
}

#[derive(Debug, Deserialize)]
struct Refusal {
    #[serde(default)]
    message: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    details: Vec<Detail>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    retry_delay: Option<String>,
}

impl Refusal {
    /// What it means, and the reason that says so. Without reasons the status of the common form is one.
    fn read(&self) -> (Meaning, &str) {
        let reasons = self.details.iter().map(|detail| detail.reason.as_str()).filter(|reason| !reason.is_empty());
        let read = reasons.map(|reason| (meaning(reason), reason)).min_by_key(|(meaning, _)| *meaning);
        match read {
            Some((Meaning::Unknown, reason)) => (meaning(&self.status), reason),
            Some(read) => read,
            None => (meaning(&self.status), &self.status),
        }
    }

    /// How long it asks to wait: seconds, as `3.5s`.
    fn delay(&self) -> Option<Duration> {
        let text = self.details.iter().find_map(|detail| detail.retry_delay.as_deref())?;
        Duration::try_from_secs_f64(text.strip_suffix('s')?.parse().ok()?).ok()
    }
}

/// Understands a refusal. One of another form is left as it is.
pub fn explain(response: &Response, failure: Failure) -> Failure {
    let Ok(Body { error }) = response.json::<Body>() else { return failure };
    let (meaning, reason) = error.read();
    let mut explained = failure.said(response.status(), reason, &error.message);
    let understood = match meaning {
        Meaning::Unknown => None,
        Meaning::Permission => Some((FailureKind::Permission, "permission")),
        Meaning::Exists => Some((FailureKind::Rejected, EXISTS)),
        Meaning::NoForecast => Some((FailureKind::Unavailable, "forecast_pending")),
        Meaning::ReportLimit => Some((FailureKind::Unavailable, "report_limit")),
        Meaning::Quota => Some((FailureKind::Unavailable, "busy")),
        Meaning::Server => Some((FailureKind::Unavailable, "platform_error")),
        Meaning::Concurrent => Some((FailureKind::Unavailable, "aborted")),
    };
    if let Some((kind, code)) = understood {
        (explained.kind, explained.code) = (kind, code.to_owned());
    }
    let begins = match (meaning, &explained.kind) {
        (Meaning::NoForecast, _) => "Ad Manager has no forecast yet for what was just booked",
        (Meaning::ReportLimit, _) => "Ad Manager makes no more reports now",
        (Meaning::Concurrent, _) => "Ad Manager was changing the same thing",
        (Meaning::Exists, _) => "Ad Manager has one like it already",
        (_, FailureKind::Permission) => "Ad Manager does not let the service account do it",
        (_, FailureKind::NotFound) => "Ad Manager has no such thing",
        (_, FailureKind::Unavailable) => "Ad Manager can't answer now",
        _ => "Ad Manager refused",
    };
    explained.message = format!("{begins}: {}", explained.words());
    explained.retry_after_ms = match explained.kind {
        FailureKind::Unavailable => wait(meaning, response, &error),
        _ => None,
    };
    explained
}

/// When to try again, in milliseconds: not before Ad Manager says, nor before it can have passed.
fn wait(meaning: Meaning, response: &Response, error: &Refusal) -> Option<u64> {
    let asked = response.asked_to_wait().max(error.delay());
    let asked = asked.map(|asked| u64::try_from(asked.as_millis()).unwrap_or(u64::MAX));
    match meaning {
        Meaning::NoForecast => asked.max(Some(inferred::ASK_FOR_FORECAST_MS)),
        Meaning::ReportLimit => asked.max(Some(inferred::REPORT_LIMIT_WAIT_MS)),
        Meaning::Quota => asked.or(Some(inferred::QUOTA_WAIT_MS)),
        _ if response.status() == 429 => asked.or(Some(inferred::QUOTA_WAIT_MS)),
        _ => asked,
    }
}

/// The code of a refusal to make what is there already.
const EXISTS: &str = "exists";

/// Whether Ad Manager refused to make something because it is there.
#[must_use]
pub fn exists(failure: &Failure) -> bool {
    let conflict = failure.platform.as_ref().is_some_and(|answer| answer.status == 409);
    failure.kind == FailureKind::Rejected && (failure.code == EXISTS || conflict)
}

/// What is left to say when Ad Manager has something that it does not show yet: it is looked for again.
#[must_use]
pub fn not_shown_yet(what: &str) -> Failure {
    Failure::unavailable("not_shown_yet", format!("Ad Manager has {what} already and does not show it yet."))
}

/// What was made; or, where Ad Manager refuses because it is there, the one that is found by its reference. If there is none, it is
/// something else that is not unique, and the refusal stands.
///
/// # Errors
/// The refusal, or that of the search.
pub fn made_or_found(made: Fallible<String>, find: impl FnOnce() -> Fallible<Vec<Seen<String>>>) -> Fallible<String> {
    match made {
        Err(failure) if exists(&failure) => {
            let found = made::in_order(find()?).into_iter().next();
            found.map(|seen| seen.id).ok_or(failure)
        }
        made => made,
    }
}

#[cfg(test)]
#[path = "refusal/tests.rs"]
mod tests;
