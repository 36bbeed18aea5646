//! The rule about the optional interface `account`.

use super::{
    bench::{Lane, shown},
    reading::UNKNOWN,
    report::Notebook,
    rules,
};
use crate::domain::{
    account::{Account, Severity, SoldProduct},
    failure::Failure,
};

/// Where an adapter says what it found about the advertiser.
const ADVERTISER: &str = "/advertiser_id";

/// Inspects the account twice, and once for an advertiser that does not exist.
pub(super) async fn check(lane: &Lane<'_>, notebook: &Notebook) {
    let rule = rules::READS_ACCOUNT;
    if !notebook.wants(rule.id) {
        return;
    }
    let fail = |what: String| notebook.fail(rule, what);
    let first = match inspect(lane, &lane.bench.config.advertiser_id).await {
        Ok(Some(account)) => account,
        Ok(None) => return notebook.seen(rule, "the component does not export `account`"),
        Err(failure) => return fail(format!("the call failed, {}", shown(&failure))),
    };
    for finding in first.findings.iter().filter(|finding| finding.severity == Severity::Bad) {
        let (subject, message, field) = (&finding.subject, &finding.message, &finding.field);
        fail(format!("{subject} {message} ({field}), and check.toml names what is on the ad server"));
    }
    match inspect(lane, &lane.bench.config.advertiser_id).await {
        Ok(second) if second.as_ref() == Some(&first) => {}
        Ok(_) => fail("a second inspection returned something else".to_owned()),
        Err(failure) => fail(format!("a second call failed, {}", shown(&failure))),
    }
    match inspect(lane, UNKNOWN).await {
        Err(failure) => fail(format!("for an advertiser that does not exist the call failed, {}", shown(&failure))),
        Ok(account) => {
            let findings = account.into_iter().flat_map(|account| account.findings);
            let mut of_it = findings.filter(|finding| finding.field == ADVERTISER);
            if !of_it.any(|finding| finding.severity == Severity::Bad) {
                fail(format!("an advertiser that does not exist is no finding `bad` at {ADVERTISER}"));
            }
        }
    }
    notebook.seen(rule, format!("{} findings, twice, and an unknown advertiser", first.findings.len()));
}

async fn inspect(lane: &Lane<'_>, advertiser_id: &str) -> Result<Option<Account>, Failure> {
    let sample = lane.bench.sample();
    let products: Vec<SoldProduct> =
        sample.buy.packages.iter().map(|package| SoldProduct::of(&sample.buy, package)).collect();
    let name = &lane.bench.name;
    Box::pin(lane.adapters().inspect_account(name, advertiser_id, &products, lane.deadline())).await
}
