//! Client for Ad Manager's REST API: resource names, and lists with their filters.
//!
//! The host obtains the access token and adds it.

use flightdeck_adapter::{page::pages, prelude::*};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{refusal::explain, settings::Platform};

/// The page size of lists. 1,000 is the maximum (reference, `pageSize`).
pub const PAGE_SIZE: u32 = 1000;
/// The most names in one batch action (reference, batch methods).
const BATCH: usize = 100;
/// The number of items named in one filter, so that the URL stays short.
pub const AT_ONCE: usize = 40;

/// An Ad Manager network.
#[derive(Debug, Clone)]
pub struct Network {
    api: Api,
    /// The settings of the network.
    pub platform: Platform,
}

/// Opens the network of a context.
#[must_use]
pub fn open(ctx: &Context, platform: Platform) -> Network {
    Network { api: Api::new(&ctx.endpoint).explain(explain), platform }
}

impl Network {
    /// Returns the resource name of an object: `networks/123/orders/7`.
    #[must_use]
    pub fn name(&self, collection: &str, id: &str) -> String {
        self.platform.name_of(collection, id)
    }

    /// Returns the resource name of the network: `networks/123`.
    #[must_use]
    pub fn parent(&self) -> String {
        format!("networks/{}", self.platform.network_code)
    }

    /// Starts a `GET` request below the network: `orders/7`.
    pub fn get(&self, path: &str) -> Request<'_> {
        self.api.get(format!("/v1/networks/{}/{path}", self.platform.network_code))
    }

    /// Starts a `GET` request for a resource name from a response.
    pub fn get_named(&self, name: &str) -> Request<'_> {
        self.api.get(format!("/v1/{name}"))
    }

    /// Starts a `POST` request below the network: `lineItems`, `orders:batchPause`.
    pub fn post(&self, path: &str) -> Request<'_> {
        self.api.post(format!("/v1/networks/{}/{path}", self.platform.network_code))
    }

    /// Starts a `PATCH` request below the network.
    pub fn patch(&self, path: &str) -> Request<'_> {
        self.api.patch(format!("/v1/networks/{}/{path}", self.platform.network_code))
    }

    /// Runs a batch action on objects, such as `orders:batchPause`, in as many requests as their
    /// number needs.
    ///
    /// # Errors
    /// When Ad Manager refuses.
    pub fn act(&self, collection: &str, action: &str, names: Vec<String>) -> Fallible<()> {
        for some in names.chunks(BATCH) {
            self.post(&format!("{collection}:{action}")).json(&object! { "names": some.to_vec() }).send()?;
        }
        Ok(())
    }

    /// Iterates over a list. `items` is the field of the list in the response.
    pub fn list<'a, T: DeserializeOwned>(
        &'a self,
        path: &'a str,
        items: &'a str,
        filter: &'a str,
    ) -> impl Iterator<Item = Fallible<T>> + use<'a, T> {
        pages(move |token: Option<String>| {
            let mut request = self.get(path).query("pageSize", PAGE_SIZE);
            if !filter.is_empty() {
                request = request.query("filter", filter);
            }
            if let Some(token) = token {
                request = request.query("pageToken", token);
            }
            let mut page: Object = request.fetch()?;
            let read = |item: &Json| {
                serde_json::from_str(&item.to_string()).map_err(|error| {
                    let message = format!("A list of {path} can't be understood: {error}.");
                    Failure::unavailable("unreadable_answer", message)
                })
            };
            // The response omits an empty list.
            let listed = page.remove(items).unwrap_or_default();
            let listed = listed.items().iter().map(read).collect::<Fallible<Vec<T>>>()?;
            let next = match page.get("nextPageToken") {
                None | Some(Json::Null) => None,
                Some(token) => Some(token.as_text().ok_or_else(|| {
                    let message = format!("The page after this one of {path} is named by no text.");
                    Failure::unavailable("unreadable_answer", message)
                })?),
            };
            Ok((listed, next.filter(|token| !token.is_empty()).map(str::to_owned)))
        })
    }
}

/// Returns the id at the end of a resource name.
///
/// # Errors
/// `unavailable` when the text is not a resource name.
pub fn id_of(name: &str) -> Fallible<String> {
    match name.rsplit('/').next().filter(|id| is_id(id)) {
        Some(id) => Ok(id.to_owned()),
        None => Err(Failure::unavailable(
            "unreadable_answer",
            format!("Ad Manager answered {name:?}, which names nothing."),
        )),
    }
}

/// Whether a text is an object id.
#[must_use]
pub fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 19 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the id of the buyer's advertiser.
///
/// # Errors
/// `invalid` when the principal's advertiser id is not a number.
pub fn advertiser(ctx: &Context) -> Fallible<&str> {
    if is_id(&ctx.advertiser_id) {
        return Ok(&ctx.advertiser_id);
    }
    let message = format!(
        "The advertiser id {:?} is no company on Ad Manager: their ids are numbers. Correct the principal's mapping.",
        ctx.advertiser_id
    );
    Err(Failure::invalid("invalid_advertiser", message))
}

/// Quotes a text for a filter, in double quotes (reference, filters).
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Joins clauses into a filter that matches any of them. Filters have no `IN`.
pub fn any(clauses: impl IntoIterator<Item = String>) -> String {
    clauses.into_iter().collect::<Vec<_>>().join(" OR ")
}

/// The response to every creation.
#[derive(Debug, Clone, Deserialize)]
pub struct Made {
    /// The resource name of the new object.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, rc::Rc};

    use flightdeck_adapter::testing::{FakeHost, answer, run};

    use super::*;
    use crate::samples;

    fn platform() -> Platform {
        Platform::read(&samples::context()).unwrap()
    }

    fn with<T>(use_it: impl FnOnce(&Network) -> T) -> T {
        use_it(&open(&samples::context(), platform()))
    }

    #[test]
    fn a_list_is_read_to_its_last_page() {
        let asked = Rc::new(Cell::new(0));
        let count = Rc::clone(&asked);
        let host = FakeHost::new(move |request| {
            count.set(count.get() + 1);
            assert!(request.url.contains("filter=a%20%3D%20%22b%22"), "{}", request.url);
            Ok(answer(
                200,
                match request.url.contains("pageToken=p2") {
                    false => r#"{"orders":[{"name":"networks/1/orders/1"}],"nextPageToken":"p2"}"#,
                    true => r#"{"orders":[{"name":"networks/1/orders/2"}]}"#,
                },
            ))
        });
        let names = run(&host, || {
            with(|network| {
                let list = network.list::<Made>("orders", "orders", "a = \"b\"");
                list.map(|item| item.and_then(|item| id_of(&item.name))).collect::<Fallible<Vec<_>>>()
            })
        });
        assert_eq!(names.unwrap().unwrap(), ["1", "2"]);
        assert_eq!(asked.get(), 2);
        let host = FakeHost::new(|_| Ok(answer(200, "{}")));
        assert_eq!(run(&host, || with(|network| network.list::<Made>("orders", "orders", "").count())), Some(0));
    }

    #[test]
    fn texts_in_filters_are_quoted() {
        assert_eq!(quoted(r#"a"b\c"#), r#""a\"b\\c""#);
    }
}
