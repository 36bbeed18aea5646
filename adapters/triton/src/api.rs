//! Client for Triton's Booking API: its lists, ids and errors.
//!
//! The host logs in and adds the token.

use flightdeck_adapter::{
    numbered::{self, Called},
    prelude::*,
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::inferred;

/// The platform's display name.
pub const PLATFORM: &str = "Triton";
const CALLED: Called = Called { platform: PLATFORM, account: "this user" };

/// Opens the API of a context.
#[must_use]
pub fn open(ctx: &Context) -> Api {
    Api::new(&ctx.endpoint).explain(explain)
}

/// Returns the id of the buyer's advertiser.
///
/// # Errors
/// `invalid` when the principal's advertiser id is not a number.
pub fn advertiser(ctx: &Context) -> Fallible<i64> {
    CALLED.advertiser(ctx)
}

/// Parses a platform id as the number that request bodies need.
///
/// # Errors
/// `invalid` when the id is not a number, which means that another adapter remembered it.
pub fn number(id: &str) -> Fallible<i64> {
    CALLED.number(id)
}

/// Returns the path of an object in a collection.
#[must_use]
pub fn one(collection: &str, id: &str) -> String {
    format!("{collection}/{}", flightdeck_adapter::http::url::segment(&id))
}

/// The response to every creation.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Made {
    /// The id of the new object.
    pub id: i64,
}

/// A named object, with the fields that a lookup needs.
#[derive(Debug, Clone, Deserialize)]
pub struct Named {
    /// The id of the object.
    pub id: i64,
    /// The display name.
    #[serde(default)]
    pub name: String,
    active: Option<bool>,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    status: String,
}

impl Named {
    /// Returns the object as the result of a lookup. It is active unless it says otherwise. Flights
    /// are archived with their campaign.
    #[must_use]
    pub fn seen(self) -> Seen<i64> {
        let off =
            self.active == Some(false) || self.archived || self.status.eq_ignore_ascii_case(inferred::state::ARCHIVED);
        Seen::new(self.id).named(self.name).active(!off)
    }
}

/// Returns all objects of a list whose names carry a reference.
///
/// # Errors
/// When Triton can't be reached.
pub fn carrying(list: impl Iterator<Item = Fallible<Named>>, reference: &str) -> Fallible<Vec<Seen<i64>>> {
    made::carrying(list.map(|named| named.map(Named::seen)), reference)
}

/// Iterates over a list. `request` builds the request, to which the page is added.
pub fn list<'a, T, F>(request: F) -> impl Iterator<Item = Fallible<T>> + use<'a, T, F>
where
    T: DeserializeOwned,
    F: Fn() -> Request<'a>,
{
    numbered::list(inferred::PAGE_SIZE, request)
}

/// Makes Triton's message for a refusal readable. Integrators must show these messages (help
/// pages).
fn explain(response: &Response, failure: Failure) -> Failure {
    #[derive(Deserialize)]
    struct Body {
        error: Refusal,
    }
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let Ok(Body { error }) = response.json::<Body>() else { return failure };
    let failure = match inferred::passing(&error.code) {
        Some(requests) => numbered::passing(response, failure, requests),
        None => failure,
    };
    let mut explained = CALLED.explain(response, failure, &error.code, &error.message);
    if error.code == inferred::RATE_LOCKED {
        explained.code = "rate_locked".to_owned();
        explained.message = format!(
            "{} Leave the price as it is, or pause this package and buy another at the new price.",
            explained.message
        );
    }
    explained
}

#[cfg(test)]
mod tests {
    use flightdeck_adapter::testing::{FakeHost, answer, run};

    use super::*;
    use crate::samples;

    #[test]
    fn a_list_is_read_to_its_last_page() {
        let host = FakeHost::new(|request| {
            let page = if request.url.contains("page=1&") { 1 } else { 2 };
            Ok(answer(200, &format!(r#"{{"page":{page},"totalPages":2,"items":[{{"id":{page},"name":"x"}}]}}"#)))
        });
        let ids = run(&host, || {
            let api = open(&samples::context());
            list::<Named, _>(|| api.get("/v1/campaigns"))
                .map(|item| item.map(|item| item.id))
                .collect::<Fallible<Vec<_>>>()
        });
        assert_eq!(ids.unwrap().unwrap(), [1, 2]);
    }

    #[test]
    fn a_refusal_is_told_in_the_platforms_words() {
        for (status, code, kind, message) in [
            (400, "INVALID_FIELD", FailureKind::Rejected, "Triton refused: no"),
            (401, "UNAUTHENTICATED", FailureKind::Permission, "Triton does not let this user do it: no"),
            (404, "NOT_FOUND", FailureKind::NotFound, "Triton has no such thing: no"),
            (503, "BUSY", FailureKind::Unavailable, "Triton can't answer now: no"),
        ] {
            let body = format!(r#"{{"error":{{"code":"{code}","message":"no"}}}}"#);
            let host = FakeHost::new(move |_| Ok(answer(status, &body)));
            let failure = run(&host, || open(&samples::context()).get("/x").send()).unwrap().unwrap_err();
            assert_eq!((failure.kind, failure.message.as_str()), (kind, message));
            assert_eq!(failure.platform.unwrap().code, code);
        }
        let host = FakeHost::new(|_| Ok(answer(409, r#"{"error":{"code":"RATE_LOCKED","message":"no"}}"#)));
        let failure = run(&host, || open(&samples::context()).get("/x").send()).unwrap().unwrap_err();
        assert_eq!(failure.code, "rate_locked");
        let host = FakeHost::new(|_| Ok(answer(400, "<html>no</html>")));
        let failure = run(&host, || open(&samples::context()).get("/x").send()).unwrap().unwrap_err();
        assert_eq!(failure.words(), "no");
    }

    #[test]
    fn a_code_says_whether_a_refusal_passes_whatever_its_status() {
        use FailureKind::{NotFound, Permission, Rejected, Unavailable};
        for (status, code, kind, becomes) in [
            (400, "TOO_MANY_REQUESTS", Unavailable, "busy"),
            (403, "QUOTA_EXCEEDED", Unavailable, "busy"),
            (400, "CONCURRENT_MODIFICATION", Unavailable, "platform_error"),
            (409, "CONFLICT", Unavailable, "platform_error"),
            (409, "NOT_READY", Unavailable, "platform_error"),
            (400, "SERVER_ERROR", Unavailable, "platform_error"),
            (429, "ANY", Unavailable, "busy"),
            (500, "ANY", Unavailable, "platform_error"),
            (503, "MAINTENANCE", Unavailable, "platform_error"),
            (409, "ARCHIVED", Rejected, "rejected"),
            (409, "RATE_LOCKED", Rejected, "rate_locked"),
            (400, "INVALID_FIELD", Rejected, "rejected"),
            (403, "FORBIDDEN", Permission, "permission"),
            (404, "NOT_FOUND", NotFound, "not_found"),
        ] {
            let body = format!(r#"{{"error":{{"code":"{code}","message":"no"}}}}"#);
            let host = FakeHost::new(move |_| {
                let mut answer = answer(status, &body);
                answer.headers.push(("retry-after".to_owned(), "7".to_owned()));
                Ok(answer)
            });
            let failure = run(&host, || open(&samples::context()).get("/x").send()).unwrap().unwrap_err();
            assert_eq!((&failure.kind, failure.code.as_str()), (&kind, becomes), "{status} {code}");
            assert_eq!(failure.retry_after_ms, (kind == Unavailable).then_some(7_000), "{status} {code}");
        }
    }

    #[test]
    fn ids_are_numbers() {
        let mut ctx = samples::context();
        assert_eq!(advertiser(&ctx).unwrap(), 501);
        ctx.advertiser_id = "acme".to_owned();
        assert_eq!(advertiser(&ctx).unwrap_err().code, "invalid_advertiser");
        assert_eq!(number("x").unwrap_err().code, "invalid_remote_id");
    }
}
