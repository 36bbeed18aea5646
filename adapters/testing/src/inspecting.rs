//! Inspections of the account.

use flightdeck_adapter::{
    account::{AccountReport, Finding, Guest, Product, Severity},
    prelude::*,
};

use crate::Network;

impl<A: Adapter + Guest, E> Network<A, E> {
    /// Inspects the account with an advertiser, which may be empty, and products that are sold in USD: ids
    /// and settings.
    ///
    /// # Errors
    /// When the account can't be read.
    pub fn inspect(&self, advertiser: &str, products: &[(&str, &str)]) -> Fallible<AccountReport> {
        let product = |(id, settings): &(&str, &str)| Product {
            product_id: (*id).to_owned(),
            settings: (*settings).to_owned(),
            extensions: vec![("currency".to_owned(), "USD".to_owned())],
        };
        let products = products.iter().map(product).collect();
        self.run(|ctx| A::inspect_account(Context { advertiser_id: advertiser.to_owned(), ..ctx }, products))
    }
}

/// Returns the severity and the message of the only finding about a subject.
#[must_use]
pub fn told(report: &AccountReport, subject: &str) -> (Severity, String) {
    let finding = finding(report, subject);
    (finding.severity.clone(), finding.message.clone())
}

/// Returns the only finding about a subject.
#[must_use]
pub fn finding<'r>(report: &'r AccountReport, subject: &str) -> &'r Finding {
    let about: Vec<&Finding> = report.findings.iter().filter(|finding| finding.subject == subject).collect();
    assert_eq!(about.len(), 1, "findings about {subject} in {:#?}", report.findings);
    about[0]
}

/// Returns the settings and messages of everything that is not fine.
#[must_use]
pub fn amiss(report: &AccountReport) -> Vec<(&str, &str)> {
    let amiss = report.findings.iter().filter(|finding| finding.severity != Severity::Fine);
    amiss.map(|finding| (finding.field.as_str(), finding.message.as_str())).collect()
}

/// Checks that findings are bad, and say these words.
pub fn all_bad(report: &AccountReport, wanted: &[(&str, &str)]) {
    for (subject, words) in wanted {
        let (severity, message) = told(report, subject);
        assert_eq!(severity, Severity::Bad, "{subject}: {message}");
        assert!(message.contains(words), "{subject}: {message}");
    }
}
