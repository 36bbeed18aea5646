//! Platforms whose ids are whole numbers, and whose lists have numbered pages that state the total.

use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    failure::Fallible,
    http::{Request, Response},
    page,
    types::{Context, Failure, FailureKind},
};

/// The names of the platform and its credentials, for messages.
#[derive(Debug, Clone, Copy)]
pub struct Called {
    /// The platform's name: `Kevel`.
    pub platform: &'static str,
    /// The account that the host uses: `this API key`.
    pub account: &'static str,
}

impl Called {
    /// Returns the id of the buyer's advertiser.
    ///
    /// # Errors
    /// `invalid` when the principal's advertiser id is not a number.
    pub fn advertiser(&self, ctx: &Context) -> Fallible<i64> {
        ctx.advertiser_id.parse().map_err(|_| {
            let message = format!(
                "The advertiser id {:?} is no {} advertiser: they are whole numbers. Correct the principal's mapping.",
                ctx.advertiser_id, self.platform
            );
            Failure::invalid("invalid_advertiser", message)
        })
    }

    /// Parses a platform id as the number that request bodies need.
    ///
    /// # Errors
    /// `invalid` when the id is not a number, which means that another adapter remembered it.
    pub fn number(&self, id: &str) -> Fallible<i64> {
        id.parse().map_err(|_| {
            Failure::invalid("invalid_remote_id", format!("{id:?} is no id of an object on {}.", self.platform))
        })
    }

    /// Adds the platform's own code and words to a failure's message.
    #[must_use]
    pub fn explain(&self, response: &Response, failure: Failure, code: &str, words: &str) -> Failure {
        let Self { platform, account } = self;
        let begins = match failure.kind {
            FailureKind::Permission => format!("{platform} does not let {account} do it"),
            FailureKind::NotFound => format!("{platform} has no such thing"),
            FailureKind::Unavailable => format!("{platform} can't answer now"),
            _ => format!("{platform} refused"),
        };
        let mut explained = failure.said(response.status(), code, words);
        explained.message = format!("{begins}: {}", explained.words());
        explained
    }
}

/// Turns a refusal into a transient failure where its code or words say so: too many requests
/// (`too_many`), or a problem of the platform itself.
#[must_use]
pub fn passing(response: &Response, failure: Failure, too_many: bool) -> Failure {
    let code = if too_many { "busy" } else { "platform_error" };
    let asked = response.asked_to_wait().and_then(|wait| u64::try_from(wait.as_millis()).ok());
    Failure { kind: FailureKind::Unavailable, code: code.to_owned(), retry_after_ms: asked, ..failure }
}

/// A page of a list: `{page, pageSize, totalPages, totalItems, items}`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<T> {
    #[serde(default)]
    total_pages: Option<u32>,
    items: Vec<T>,
}

/// Iterates over a list. `request` builds the request, to which the page's number and size are
/// added.
pub fn list<'a, T, F>(page_size: u32, request: F) -> impl Iterator<Item = Fallible<T>> + use<'a, T, F>
where
    T: DeserializeOwned,
    F: Fn() -> Request<'a>,
{
    page::numbered(move |number| {
        let page: Page<T> = request().query("page", number).query("pageSize", page_size).fetch()?;
        Ok((page.items, page.total_pages))
    })
}
