//! What `inspect-account` reports: each id that the configuration names, looked at once.
//!
//! ```ignore
//! let mut sites = Named::default();
//! sites.add(site.id, product_field(&product.product_id, "/sites/0/site_id"));
//! let found = api.sites_of(sites.ids())?;
//! sites.judge("site", &mut findings, |id| match found.get(id) {
//!     Some(site) if site.is_deleted => State::Bad("is deleted; name another one".to_owned()),
//!     Some(site) => State::Fine(site.title.clone()),
//!     None => State::Bad("does not exist; correct the id".to_owned()),
//! });
//! ```

use std::{collections::BTreeMap, fmt::Display};

use crate::{
    account::{Finding, Product, Severity},
    types::Context,
    words::{extension, pointer_segment},
};

/// The most ids of one kind that are looked at. The rest is one warning: a configuration with more
/// would take an inspection minutes at the pace of an ad server.
pub const MOST: usize = 500;

/// The places that a message names besides the finding's own.
const PLACES: usize = 3;

/// Where a configuration names the buyer's advertiser.
pub const ADVERTISER: &str = "/advertiser_id";

/// Whether only the account and the advertiser have to be looked at: the host inspects the settings
/// and the products once, and then each buyer's advertiser.
#[must_use]
pub fn is_about_advertiser(ctx: &Context, products: &[Product]) -> bool {
    products.is_empty() && !ctx.advertiser_id.is_empty()
}

/// Returns the JSON pointer of a platform setting. `rest` begins with a slash.
#[must_use]
pub fn platform_field(rest: impl Display) -> String {
    format!("/settings{rest}")
}

/// Returns the JSON pointer of a product's setting. `rest` begins with a slash, or is empty.
#[must_use]
pub fn product_field(product_id: &str, rest: impl Display) -> String {
    format!("/products/{}{rest}", pointer_segment(product_id))
}

/// Returns the currency of a product's price, which the host compares with the account's. An adapter
/// needs it only where the platform does not tell its own.
#[must_use]
pub fn currency_of(product: &Product) -> Option<&str> {
    extension(&product.extensions, "currency")
}

/// What something is like on the platform, and the message about it: what was found, and for anything
/// but `Fine` how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is as it should be.
    Fine(String),
    /// Somebody should look at it; buys can be made meanwhile.
    Warning(String),
    /// Buys that use it will fail, or will not deliver.
    Bad(String),
}

/// The findings of one inspection, in the order in which things were looked at.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds a finding about the setting at `field`, a JSON pointer.
    pub fn add(&mut self, field: impl Into<String>, subject: impl Into<String>, state: State) {
        let (severity, message) = match state {
            State::Fine(message) => (Severity::Fine, message),
            State::Warning(message) => (Severity::Warning, message),
            State::Bad(message) => (Severity::Bad, message),
        };
        let (field, subject) = (field.into(), subject.into());
        self.0.push(Finding { field, subject, severity, message, extensions: Vec::new() });
    }

    /// Returns the findings.
    #[must_use]
    pub fn into_list(self) -> Vec<Finding> {
        self.0
    }
}

/// The ids of one kind that a configuration names, each with the places that name it.
#[derive(Debug, Default)]
pub struct Named(BTreeMap<String, Vec<String>>);

impl Named {
    /// Notes an id, and the JSON pointer of the setting that names it.
    pub fn add(&mut self, id: impl Into<String>, field: impl Into<String>) {
        self.0.entry(id.into()).or_default().push(field.into());
    }

    /// Notes each of a list of ids, whose JSON pointer is `field`.
    pub fn add_all<T: Display>(&mut self, ids: impl IntoIterator<Item = T>, field: &str) {
        for (number, id) in ids.into_iter().enumerate() {
            self.add(id.to_string(), format!("{field}/{number}"));
        }
    }

    /// Whether no id is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the ids that are looked at: all of them, up to [`MOST`].
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().take(MOST).map(String::as_str)
    }

    /// Adds one finding for each id. `noun` is what the platform calls the objects.
    pub fn judge(&self, noun: &str, findings: &mut Findings, judge: impl Fn(&str) -> State) {
        for (id, places) in self.0.iter().take(MOST) {
            let field = places.first().cloned().unwrap_or_default();
            findings.add(field, format!("{noun} {id}"), and_elsewhere(judge(id), places));
        }
        if let Some((_, places)) = self.0.iter().nth(MOST) {
            let message = format!(
                "and {} more of its kind were not looked at: at most {MOST} are. Look at them on the platform.",
                self.0.len() - MOST - 1
            );
            let field = places.first().cloned().unwrap_or_default();
            findings.add(field, format!("the other {noun}s"), State::Warning(message));
        }
    }
}

/// Adds to what is to be mended where else the same id stands.
fn and_elsewhere(state: State, places: &[String]) -> State {
    let others = places.get(1..).unwrap_or_default();
    let told = |message: String| match others {
        [] => message,
        others if others.len() <= PLACES => format!("{message} (also at {})", others.join(", ")),
        others => format!("{message} (also at {} and {} more)", others[..PLACES].join(", "), others.len() - PLACES),
    };
    match state {
        State::Fine(message) => State::Fine(message),
        State::Warning(message) => State::Warning(told(message)),
        State::Bad(message) => State::Bad(told(message)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(named: &Named) -> Vec<Finding> {
        let mut findings = Findings::default();
        named.judge("site", &mut findings, |id| match id {
            "1" => State::Fine("News".to_owned()),
            _ => State::Bad("does not exist".to_owned()),
        });
        findings.into_list()
    }

    #[test]
    fn an_id_is_one_finding_wherever_it_is_named() {
        let mut named = Named::default();
        named.add_all([1, 2], &platform_field("/sites"));
        for product in ["a/b", "c", "d", "e", "f"] {
            named.add("2", product_field(product, "/sites/0"));
        }
        let found = judged(&named);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].field.as_str(), found[0].message.as_str()), ("/settings/sites/0", "News"));
        assert_eq!((found[1].subject.as_str(), found[1].field.as_str()), ("site 2", "/settings/sites/1"));
        assert_eq!(
            found[1].message,
            "does not exist (also at /products/a~1b/sites/0, /products/c/sites/0, /products/d/sites/0 and 2 more)"
        );
    }

    #[test]
    fn what_is_too_much_is_one_warning() {
        let mut named = Named::default();
        named.add_all(1..=MOST + 3, "/settings/sites");
        assert_eq!(named.ids().count(), MOST);
        let found = judged(&named);
        assert_eq!(found.len(), MOST + 1);
        let last = found.last().unwrap();
        assert_eq!((&last.severity, last.subject.as_str()), (&Severity::Warning, "the other sites"));
        assert!(last.message.starts_with("and 2 more"), "{}", last.message);
    }

    #[test]
    fn an_advertiser_alone_is_asked_about_without_products() {
        let about = |advertiser: &str, products: &[Product]| {
            let ctx = Context { advertiser_id: advertiser.to_owned(), ..crate::testing::samples::context() };
            is_about_advertiser(&ctx, products)
        };
        let product = Product { product_id: "a".to_owned(), settings: "{}".to_owned(), extensions: Vec::new() };
        assert!(about("7", &[]));
        assert!(!about("", &[]) && !about("7", &[product]));
    }
}
