use super::*;

fn account(currency: Option<&str>, findings: Vec<Finding>) -> Account {
    let currency = currency.map(str::to_owned);
    Account { id: "1".to_owned(), name: "Acme".to_owned(), currency, time_zone: None, findings }
}

fn finding(severity: Severity, message: &str) -> Finding {
    let (field, subject) = ("/advertiser_id".to_owned(), "advertiser 7".to_owned());
    Finding { field, subject, severity, message: message.to_owned() }
}

fn sold(id: &str, currency: &str) -> SoldProduct {
    SoldProduct { id: id.into(), currency: currency.to_owned(), settings: serde_json::json!({}) }
}

fn advertiser(id: &str, principals: &[&str], read: Result<Account, Failure>) -> AdvertiserRead {
    let principals = principals.iter().map(|name| PrincipalId::from(*name)).collect();
    AdvertiserRead { id: id.to_owned(), principals, read }
}

fn reading(account: Account, products: &[SoldProduct], advertisers: &[AdvertiserRead]) -> Reading {
    Reading::new(&"acme".into(), account, products, advertisers, Timestamp::from_micros(0))
}

fn told<'r>(reading: &'r Reading, field: &str) -> (Severity, &'r str) {
    let found = reading.findings.iter().find(|finding| finding.field == field);
    found.map(|finding| (finding.severity, finding.message.as_str())).unwrap()
}

#[test]
fn each_buyer_is_a_row_with_the_worst_of_its_advertiser() {
    let worse = vec![finding(Severity::Fine, "Acme"), finding(Severity::Bad, "is off"), finding(Severity::Bad, "owes")];
    let away = Failure::new(FailureKind::Unavailable, "no_answer", "no answer");
    let refused = Failure::new(FailureKind::Permission, "forbidden", "no right");
    let advertisers = [
        advertiser("7", &["a", "b"], Ok(account(None, worse))),
        advertiser("8", &["c"], Ok(account(None, vec![finding(Severity::Fine, "Globex")]))),
        advertiser("9", &["d"], Err(away)),
        advertiser("10", &["e"], Err(refused)),
    ];
    let reading = reading(account(None, Vec::new()), &[], &advertisers);
    assert_eq!(reading.findings.len(), 5);
    let row =
        |principal: &str| told(&reading, &format!("/principals/{principal}/platform_mappings/acme/advertiser_id"));
    assert_eq!(row("a"), (Severity::Bad, "is off; owes"));
    assert_eq!(row("b"), row("a"));
    assert_eq!(row("c"), (Severity::Fine, "Globex"));
    assert_eq!(row("d"), (Severity::Warning, "could not be looked at: no answer"));
    assert_eq!(row("e"), (Severity::Bad, "could not be looked at: no right"));
    assert_eq!((reading.count(Severity::Bad), reading.count(Severity::Warning)), (3, 1));
}

#[test]
fn a_product_in_another_currency_than_the_account_is_bad() {
    let products = [sold("news", "USD"), sold("euro", "EUR")];
    let reading = reading(account(Some("USD"), vec![finding(Severity::Fine, "x")]), &products, &[]);
    assert_eq!(reading.findings.len(), 3, "the account's own findings come first");
    assert_eq!(told(&reading, "/products/news/currency").0, Severity::Fine);
    let (severity, message) = told(&reading, "/products/euro/currency");
    assert_eq!(severity, Severity::Bad);
    assert!(message.contains("EUR") && message.contains("USD"), "{message}");
}

#[test]
fn currencies_of_advertisers_count_where_the_account_has_none() {
    let products = [sold("news", "USD"), sold("pounds", "GBP")];
    let of = |id: &str, currency: &str| {
        let findings = vec![finding(Severity::Fine, "fine")];
        advertiser(id, &[id], Ok(account(Some(currency), findings)))
    };
    let reading = reading(account(None, Vec::new()), &products, &[of("1", "USD"), of("2", "EUR")]);
    assert_eq!(told(&reading, "/products/news/currency").0, Severity::Fine);
    assert!(told(&reading, "/products/pounds/currency").1.contains("EUR or USD"));
    let (severity, message) = told(&reading, "/principals/2/platform_mappings/acme/advertiser_id");
    assert_eq!(severity, Severity::Bad);
    assert!(message.contains("counts in EUR") && message.contains("GBP and USD"), "{message}");
    assert_eq!(
        (reading.currency_of("1"), reading.currency_of("2"), reading.currency_of("3")),
        (Some("USD"), Some("EUR"), None)
    );
}

#[test]
fn nothing_is_said_of_currencies_that_nobody_tells() {
    let reading = reading(account(None, Vec::new()), &[sold("news", "USD")], &[]);
    assert_eq!((reading.findings.len(), reading.currency_of("1")), (0, None));
}

#[test]
fn a_buy_in_another_currency_is_refused_with_both_named() {
    assert!(check_currency(&"acme".into(), "USD", "USD").is_ok());
    let failure = check_currency(&"acme".into(), "EUR", "USD").unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Unsupported, "unsupported_currency"));
    let [problem] = failure.items.as_slice() else { panic!("{failure:?}") };
    assert_eq!(problem.field, Field::Currency.into());
    assert_eq!((problem.value.as_deref(), problem.supported.as_slice()), (Some("EUR"), ["USD".to_owned()].as_slice()));
    assert!(failure.message.contains("EUR") && failure.message.contains("USD"));
}
