use flightdeck_adapter::testing::{FakeHost, answer, run};

use super::*;
use crate::{api, samples, settings::Platform};

/// Returns the failure for a response.
fn understood(status: u16, header: Option<&str>, body: &str) -> Failure {
    let (header, body) = (header.map(str::to_owned), body.to_owned());
    let host = FakeHost::new(move |_| {
        let mut answer = answer(status, &body);
        answer.headers.extend(header.clone().map(|value| ("retry-after".to_owned(), value)));
        Ok(answer)
    });
    let platform = Platform::read(&samples::context()).unwrap();
    run(&host, || api::open(&samples::context(), platform.clone()).get("orders/1").send()).unwrap().unwrap_err()
}

fn body(status: &str, reasons: &[&str]) -> String {
    let details: Vec<String> =
        reasons.iter().map(|reason| format!(r#"{{"@type":"ErrorInfo","reason":"{reason}"}}"#)).collect();
    format!(r#"{{"error":{{"code":1,"message":"no","status":"{status}","details":[{}]}}}}"#, details.join(","))
}

#[test]
fn a_reason_says_what_a_refusal_means_whatever_its_http_status() {
    use FailureKind::{Permission, Rejected, Unavailable};
    let quota = (Unavailable, "busy", Some(5_000));
    let server = (Unavailable, "platform_error", None);
    let permission = (Permission, "permission", None);
    for (reason, meant) in [
        ("CONCURRENT_MODIFICATION", (Unavailable, "aborted", None)),
        ("ABORTED", (Unavailable, "aborted", None)),
        ("EXCEEDED_QUOTA", quota),
        ("QUOTA_EXCEEDED", quota),
        ("RESOURCE_EXHAUSTED", quota),
        ("RATE_LIMIT_EXCEEDED", quota),
        ("rateLimitExceeded", quota),
        ("userRateLimitExceeded", quota),
        ("dailyLimitExceeded", quota),
        ("REPORT_JOB_LIMIT", (Unavailable, "report_limit", Some(300_000))),
        ("NO_FORECAST_YET", (Unavailable, "forecast_pending", Some(300_000))),
        ("SERVER_ERROR", server),
        ("SERVER_BUSY", server),
        ("UNEXPECTED_INTERNAL_API_ERROR", server),
        ("TRANSIENT_ERROR", server),
        ("UNAVAILABLE", server),
        ("DEADLINE_EXCEEDED", server),
        ("NOT_UNIQUE", (Rejected, "exists", None)),
        ("ALREADY_EXISTS", (Rejected, "exists", None)),
        ("PERMISSION_DENIED", permission),
        ("AUTHENTICATION_FAILED", permission),
        ("NOT_WHITELISTED_FOR_API_ACCESS", permission),
    ] {
        for status in [400, 401, 403, 404, 409, 412, 422] {
            for spelled in [reason.to_owned(), format!("SomeError.{reason}")] {
                let failure = understood(status, None, &body("INVALID_ARGUMENT", &[&spelled]));
                assert_eq!((failure.kind, failure.code.as_str(), failure.retry_after_ms), meant, "{status} {spelled}");
                assert_eq!(exists(&failure), meant.1 == "exists", "{status} {spelled}");
                assert_eq!(failure.platform.unwrap().code, spelled);
            }
        }
    }
}

#[test]
fn a_reason_that_says_nothing_leaves_it_to_the_status() {
    use FailureKind::{NotFound, Permission, Rejected, Unavailable};
    for (http, status, reason, kind, code, wait) in [
        (400, "INVALID_ARGUMENT", "TOO_LONG", Rejected, "rejected", None),
        (400, "FAILED_PRECONDITION", "NOT_ENOUGH_INVENTORY", Rejected, "rejected", None),
        (400, "ABORTED", "", Unavailable, "aborted", None),
        (403, "PERMISSION_DENIED", "SERVICE_DISABLED", Permission, "permission", None),
        (403, "RESOURCE_EXHAUSTED", "", Unavailable, "busy", Some(5_000)),
        (404, "NOT_FOUND", "", NotFound, "not_found", None),
        (409, "ABORTED", "", Unavailable, "aborted", None),
        (409, "ALREADY_EXISTS", "CREATIVE_ALREADY_ASSOCIATED", Rejected, "exists", None),
        (409, "", "", Rejected, "rejected", None),
        (429, "RESOURCE_EXHAUSTED", "SOMETHING", Unavailable, "busy", Some(5_000)),
        (429, "", "", Unavailable, "busy", Some(5_000)),
        (500, "INTERNAL", "", Unavailable, "platform_error", None),
        (503, "UNAVAILABLE", "", Unavailable, "platform_error", None),
    ] {
        let failure = understood(http, None, &body(status, &[reason]));
        assert_eq!(
            (failure.kind, failure.code.as_str(), failure.retry_after_ms),
            (kind, code, wait),
            "{http} {status} {reason}"
        );
    }
    assert_eq!(understood(400, None, "<html>").code, "rejected");
}

#[test]
fn of_several_reasons_what_stays_wrong_decides() {
    let read = |reasons: &[&str]| understood(400, None, &body("INVALID_ARGUMENT", reasons));
    assert_eq!(read(&["CONCURRENT_MODIFICATION", "TOO_LONG"]).kind, FailureKind::Rejected);
    assert_eq!(read(&["TOO_LONG", "EXCEEDED_QUOTA"]).kind, FailureKind::Rejected);
    assert_eq!(read(&["", "EXCEEDED_QUOTA"]).code, "busy");
    assert_eq!(read(&["CONCURRENT_MODIFICATION", "NO_FORECAST_YET"]).code, "forecast_pending");
}

#[test]
fn what_ad_manager_asks_to_wait_is_heeded() {
    let quota = body("RESOURCE_EXHAUSTED", &["EXCEEDED_QUOTA"]);
    assert_eq!(understood(429, Some("30"), &quota).retry_after_ms, Some(30_000));
    assert_eq!(understood(403, Some("30"), &quota).retry_after_ms, Some(30_000));
    assert_eq!(understood(429, Some("soon"), &quota).retry_after_ms, Some(5_000));
    let told = r#"{"error":{"status":"UNAVAILABLE","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"3.5s"}]}}"#;
    assert_eq!(understood(503, None, told).retry_after_ms, Some(3_500));
    for nonsense in ["-3s", "3", "NaNs", "1e300s"] {
        assert_eq!(understood(503, None, &told.replace("3.5s", nonsense)).retry_after_ms, None, "{nonsense}");
    }
    // A header from a gateway must not shorten a long delay.
    let forecast = body("FAILED_PRECONDITION", &["NO_FORECAST_YET"]);
    assert_eq!(understood(400, Some("1"), &forecast).retry_after_ms, Some(300_000));
}

#[test]
fn people_are_told_what_it_is() {
    for (reason, begins) in [
        ("CONCURRENT_MODIFICATION", "Ad Manager was changing the same thing: no"),
        ("EXCEEDED_QUOTA", "Ad Manager can't answer now: no"),
        ("REPORT_JOB_LIMIT", "Ad Manager makes no more reports now: no"),
        ("NO_FORECAST_YET", "Ad Manager has no forecast yet for what was just booked: no"),
        ("NOT_UNIQUE", "Ad Manager has one like it already: no"),
        ("PERMISSION_DENIED", "Ad Manager does not let the service account do it: no"),
        ("TOO_LONG", "Ad Manager refused: no"),
    ] {
        assert_eq!(understood(400, None, &body("INVALID_ARGUMENT", &[reason])).message, begins);
    }
}

#[test]
fn what_is_there_is_found_and_what_is_not_stays_refused() {
    let refused = || Err(Failure::rejected(EXISTS, "no").said(400, "NOT_UNIQUE", "no"));
    assert_eq!(made_or_found(Ok("7".to_owned()), || unreachable!("nothing is looked for")).unwrap(), "7");
    assert_eq!(made_or_found(refused(), || Ok(vec![Seen::new("8".to_owned())])).unwrap(), "8");
    assert_eq!(made_or_found(refused(), || Ok(vec![])).unwrap_err().code, EXISTS);
    let other = Err(Failure::rejected("rejected", "no"));
    assert_eq!(made_or_found(other, || unreachable!("nothing is looked for")).unwrap_err().code, "rejected");
}
