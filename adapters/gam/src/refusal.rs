//! The meaning of Ad Manager's errors: the reason decides, and the HTTP status only if there is no
//! known reason.
//!
//! Errors have Google's common form: `{"error": {code, message, status, details: [{reason},
//! {retryDelay}]}}`. The REST documentation lists no reasons. The ones here are those of the SOAP
//! API, with or without the type of error in front (`QuotaError.EXCEEDED_QUOTA`), and the quota
//! reasons of Google's other APIs.

use std::time::Duration;

use flightdeck_adapter::prelude::*;
use serde::Deserialize;

use crate::inferred;

/// The meaning of a reason. If an error has several reasons, the first variant here decides: a
/// permanent error stays permanent, however soon the others pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Meaning {
    /// No known reason: the status decides.
    Unknown,
    /// The account lacks the permission.
    Permission,
    /// The object already exists.
    Exists,
    /// There is no forecast yet for the new booking. It may take an hour.
    NoForecast,
    /// Too many reports. Other requests are not affected.
    ReportLimit,
    /// Too many requests in a short time.
    Quota,
    /// Ad Manager has an internal problem.
    Server,
    /// Two writes conflicted: neither is wrong, and this one did not happen.
    Concurrent,
}

/// Reasons by meaning, without underscores: Google writes both `RATE_LIMIT_EXCEEDED` and
/// `rateLimitExceeded`.
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
    /// Returns the meaning, and the reason that decided it. Without reasons, the status of the
    /// common form counts as one.
    fn read(&self) -> (Meaning, &str) {
        let reasons = self.details.iter().map(|detail| detail.reason.as_str()).filter(|reason| !reason.is_empty());
        let read = reasons.map(|reason| (meaning(reason), reason)).min_by_key(|(meaning, _)| *meaning);
        match read {
            Some((Meaning::Unknown, reason)) => (meaning(&self.status), reason),
            Some(read) => read,
            None => (meaning(&self.status), &self.status),
        }
    }

    /// Returns the requested delay: seconds, such as `3.5s`.
    fn delay(&self) -> Option<Duration> {
        let text = self.details.iter().find_map(|detail| detail.retry_delay.as_deref())?;
        Duration::try_from_secs_f64(text.strip_suffix('s')?.parse().ok()?).ok()
    }
}

/// Interprets an error. An error of any other form is left as it is.
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

/// Returns when to retry, in milliseconds: neither before Ad Manager's delay, nor before the cause
/// can have passed.
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

/// The failure code for an object that already exists.
const EXISTS: &str = "exists";

/// Whether Ad Manager refused to make an object because it already exists.
#[must_use]
pub fn exists(failure: &Failure) -> bool {
    let conflict = failure.platform.as_ref().is_some_and(|answer| answer.status == 409);
    failure.kind == FailureKind::Rejected && (failure.code == EXISTS || conflict)
}

/// Whether Ad Manager refused for one of these reasons, with or without the type of error in front
/// (`OrderActionError.NOT_APPLICABLE`).
#[must_use]
pub fn has_reason(failure: &Failure, reasons: &[&str]) -> bool {
    let Some(answer) = &failure.platform else { return false };
    let reason = answer.code.rsplit('.').next().unwrap_or_default();
    reasons.contains(&reason)
}

/// Makes the failure for an object that Ad Manager has but doesn't list yet. It is looked up again
/// later.
#[must_use]
pub fn not_shown_yet(what: &str) -> Failure {
    Failure::unavailable("not_shown_yet", format!("Ad Manager has {what} already and does not show it yet."))
}

/// Returns the object made. If Ad Manager refused because it already exists, returns the one that
/// is found by its reference. If there is none, something else is not unique, and the refusal
/// stands.
///
/// # Errors
/// The refusal, or the lookup's failure.
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
