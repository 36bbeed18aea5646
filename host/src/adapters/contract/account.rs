//! Accounts: what an adapter is given of products, and what it returns.

use flightdeck_bindings::optional::exports::flightdeck::ad_server::account as wit;

use super::{Bad, check};
use crate::domain::account::{Account, Finding, Severity, SoldProduct};

/// Findings in one answer: some for each of a few thousand products.
const FINDINGS: usize = 20_000;

/// The name of the extension of a product that says in which currency its price is.
const CURRENCY: &str = "currency";

/// Converts products.
pub(crate) fn products(products: &[SoldProduct]) -> Vec<wit::Product> {
    let product = |product: &SoldProduct| wit::Product {
        product_id: product.id.to_string(),
        settings: product.settings.to_string(),
        extensions: vec![(CURRENCY.to_owned(), product.currency.clone())],
    };
    products.iter().map(product).collect()
}

/// Reads an account.
pub(crate) fn account(report: wit::AccountReport) -> Result<Account, Bad> {
    let currency = report.currency.map(check::currency).transpose()?;
    let time_zone = report.time_zone.map(|zone| check::named("time zone", zone)).transpose()?;
    let findings = check::list("findings", report.findings, FINDINGS)?;
    Ok(Account {
        id: check::text("account id", report.account_id, check::SHORT)?,
        name: check::text("account name", report.name, check::SHORT)?,
        currency,
        time_zone,
        findings: findings.into_iter().map(finding).collect::<Result<_, _>>()?,
    })
}

fn finding(finding: wit::Finding) -> Result<Finding, Bad> {
    Ok(Finding {
        field: check::text("field", finding.field, check::SHORT)?,
        subject: check::named("subject", finding.subject)?,
        severity: match finding.severity {
            wit::Severity::Fine => Severity::Fine,
            // A word of a later contract: a person should look at it.
            wit::Severity::Warning | wit::Severity::Other(_) => Severity::Warning,
            wit::Severity::Bad => Severity::Bad,
        },
        message: check::text("message", finding.message, check::LONG)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(currency: &str) -> wit::AccountReport {
        let finding = wit::Finding {
            field: "/settings/network_code".to_owned(),
            subject: "network 1".to_owned(),
            severity: wit::Severity::Other("alarming".to_owned()),
            message: "is closed".to_owned(),
            extensions: Vec::new(),
        };
        wit::AccountReport {
            account_id: "1".to_owned(),
            name: String::new(),
            currency: Some(currency.to_owned()),
            time_zone: Some("Europe/Berlin".to_owned()),
            findings: vec![finding],
            extensions: Vec::new(),
        }
    }

    #[test]
    fn an_account_has_a_code_as_its_currency_and_findings_of_known_severity() {
        let read = account(report("EUR")).unwrap();
        assert_eq!((read.currency.as_deref(), read.findings[0].severity), (Some("EUR"), Severity::Warning));
        for wrong in ["eur", "EURO", "", "€"] {
            assert!(account(report(wrong)).unwrap_err().to_string().contains("as a currency"), "{wrong}");
        }
        let silent = wit::AccountReport { time_zone: Some(" ".to_owned()), ..report("EUR") };
        assert!(account(silent).unwrap_err().to_string().contains("empty time zone"));
    }
}
