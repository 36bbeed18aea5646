//! Client for Kevel's Management API: its lists, ids and errors.
//!
//! The host adds the key (`X-Adzerk-ApiKey`).

use flightdeck_adapter::{
    numbered::{self, Called},
    prelude::*,
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::inferred;

/// The page size of lists. The default is 500 (OpenAPI document, `pageSize`), but flights include
/// their ads, so a smaller page keeps the response well below the client's limit.
pub const PAGE_SIZE: u32 = 200;

/// The platform's display name.
pub const PLATFORM: &str = "Kevel";
const CALLED: Called = Called { platform: PLATFORM, account: "this API key" };

/// Opens the API of a context's network.
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

/// The response to every creation.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Made {
    /// The id of the new object.
    pub id: i64,
}

/// A named object, with the fields that a lookup needs.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Named {
    /// The id of the object.
    pub id: i64,
    /// The name. Creatives have a title instead.
    #[serde(alias = "Title")]
    pub name: Option<String>,
    is_active: Option<bool>,
    is_archived: Option<bool>,
    is_deleted: Option<bool>,
    created: Option<String>,
}

impl Named {
    /// Returns the object as the result of a lookup. It is active unless it says otherwise.
    #[must_use]
    pub fn seen(self) -> Seen<i64> {
        let off = self.is_active == Some(false) || self.is_archived == Some(true) || self.is_deleted == Some(true);
        Seen::new(self.id).active(!off).made_at(self.created.as_deref()).named(self.name.unwrap_or_default())
    }
}

/// Returns all objects of a list whose names carry a reference.
///
/// # Errors
/// When Kevel can't be reached.
pub fn carrying(list: impl Iterator<Item = Fallible<Named>>, reference: &str) -> Fallible<Vec<Seen<i64>>> {
    made::carrying(list.map(|named| named.map(Named::seen)), reference)
}

/// Iterates over a list. `request` builds the request, to which the page is added.
pub fn list<'a, T, F>(request: F) -> impl Iterator<Item = Fallible<T>> + use<'a, T, F>
where
    T: DeserializeOwned,
    F: Fn() -> Request<'a>,
{
    numbered::list(PAGE_SIZE, request)
}

/// Makes Kevel's message for a refusal readable. The documentation shows no error body. `{"Error":
/// …}` and `{"Message": …}` are recognised; anything else is passed on unchanged.
fn explain(response: &Response, failure: Failure) -> Failure {
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(alias = "Error", alias = "Message", alias = "error", alias = "message")]
        words: String,
    }
    let Ok(Refusal { words }) = response.json::<Refusal>() else { return failure };
    let failure = match inferred::passing(&words) {
        Some(requests) => numbered::passing(response, failure, requests),
        None => failure,
    };
    CALLED.explain(response, failure, "", &words)
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, rc::Rc};

    use flightdeck_adapter::testing::{FakeHost, answer, run};

    use super::*;
    use crate::samples;

    #[test]
    fn a_list_is_read_to_its_last_page() {
        let asked = Rc::new(Cell::new(0));
        let count = Rc::clone(&asked);
        let host = FakeHost::new(move |request| {
            count.set(count.get() + 1);
            let page = if request.url.contains("page=1&") { 1 } else { 2 };
            Ok(answer(200, &format!(r#"{{"page":{page},"totalPages":2,"items":[{{"Id":{page},"Name":"x"}}]}}"#)))
        });
        let ids = run(&host, || {
            let api = open(&samples::context());
            list::<Named, _>(|| api.get("/v1/campaign"))
                .map(|item| item.map(|item| item.id))
                .collect::<Fallible<Vec<_>>>()
        });
        assert_eq!(ids.unwrap().unwrap(), [1, 2]);
        assert_eq!(asked.get(), 2);
    }

    #[test]
    fn a_refusal_is_told_in_the_platforms_words() {
        for (status, body, kind, message) in [
            (400, r#"{"Error":"Price is wrong"}"#, FailureKind::Rejected, "Kevel refused: Price is wrong"),
            (401, r#"{"Message":"no"}"#, FailureKind::Permission, "Kevel does not let this API key do it: no"),
            (404, r#"{"Error":"gone"}"#, FailureKind::NotFound, "Kevel has no such thing: gone"),
            (503, r#"{"Error":"busy"}"#, FailureKind::Unavailable, "Kevel can't answer now: busy"),
        ] {
            let host = FakeHost::new(move |_| Ok(answer(status, body)));
            let failure = run(&host, || open(&samples::context()).get("/x").send()).unwrap().unwrap_err();
            assert_eq!((failure.kind, failure.message.as_str()), (kind, message));
        }
        let host = FakeHost::new(|_| Ok(answer(400, "<html>no</html>")));
        let failure = run(&host, || open(&samples::context()).get("/x").send()).unwrap().unwrap_err();
        assert_eq!(failure.words(), "no");
    }

    #[test]
    fn words_say_whether_a_refusal_passes_whatever_its_status() {
        use FailureKind::{NotFound, Permission, Rejected, Unavailable};
        for (status, words, kind, code) in [
            (400, "Rate limit exceeded for this network", Unavailable, "busy"),
            (403, "Too Many Requests", Unavailable, "busy"),
            (409, "Transaction was deadlocked", Unavailable, "platform_error"),
            (400, "The service is temporarily unavailable", Unavailable, "platform_error"),
            (429, "", Unavailable, "busy"),
            (500, "Object reference", Unavailable, "platform_error"),
            (503, "Geocoding service unavailable", Unavailable, "platform_error"),
            (400, "Rate must be positive", Rejected, "rejected"),
            (400, "Choose another name and try again", Rejected, "rejected"),
            (403, "Forbidden", Permission, "permission"),
            (404, "Flight 7 does not exist", NotFound, "not_found"),
        ] {
            let body = format!(r#"{{"Error":"{words}"}}"#);
            let host = FakeHost::new(move |_| {
                let mut answer = answer(status, &body);
                answer.headers.push(("retry-after".to_owned(), "7".to_owned()));
                Ok(answer)
            });
            let failure = run(&host, || open(&samples::context()).get("/x").send()).unwrap().unwrap_err();
            assert_eq!((&failure.kind, failure.code.as_str()), (&kind, code), "{status} {words}");
            assert_eq!(failure.retry_after_ms, (kind == Unavailable).then_some(7_000), "{status} {words}");
        }
    }

    #[test]
    fn ids_are_numbers() {
        let mut ctx = samples::context();
        assert_eq!(advertiser(&ctx).unwrap(), 1001);
        ctx.advertiser_id = "acme".to_owned();
        assert_eq!(advertiser(&ctx).unwrap_err().code, "invalid_advertiser");
        assert_eq!(number("x").unwrap_err().code, "invalid_remote_id");
    }
}
