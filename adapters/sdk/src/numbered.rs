//! Platforms whose objects have whole numbers for ids, and whose lists come in numbered pages with their number.

use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    failure::Fallible,
    http::{Request, Response},
    page,
    types::{Context, Failure, FailureKind},
};

/// What the platform and its credentials are called, for people.
#[derive(Debug, Clone, Copy)]
pub struct Called {
    /// The platform: `Kevel`.
    pub platform: &'static str,
    /// Who the host is there: `this API key`.
    pub account: &'static str,
}

impl Called {
    /// The buyer's advertiser.
    ///
    /// # Errors
    /// `invalid` when the principal's advertiser id is no number.
    pub fn advertiser(&self, ctx: &Context) -> Fallible<i64> {
        ctx.advertiser_id.parse().map_err(|_| {
            let message = format!(
                "The advertiser id {:?} is no {} advertiser: they are whole numbers. Correct the principal's mapping.",
                ctx.advertiser_id, self.platform
            );
            Failure::invalid("invalid_advertiser", message)
        })
    }

    /// An id of the platform as the number that its bodies want.
    ///
    /// # Errors
    /// `invalid` when it is none: it was not this adapter that remembered it.
    pub fn number(&self, id: &str) -> Fallible<i64> {
        id.parse().map_err(|_| {
            Failure::invalid("invalid_remote_id", format!("{id:?} is no id of an object on {}.", self.platform))
        })
    }

    /// Makes a failure readable with what the platform said in its own code and words.
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

/// Makes a refusal of what its code or words say: one that passes, of too many requests or of the platform's own trouble.
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

/// Goes through a list, so many items to a page. The function makes the request, which is given its page.
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
