//! The operator's account on an ad server, and what was found about the configuration there.
//!
//! - [`Account`], [`Finding`]: what an adapter tells of one inspection.
//! - [`Reading`]: what is known of a platform, from one inspection of the account and one of each
//!   buyer's advertiser.
//! - `currencies`: what is sold and bought in which currency.

mod currencies;

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    failure::{Failure, FailureKind},
    field::Field,
    id::{PackageId, PlatformName, PrincipalId},
    media_buy::{MediaBuy, Package},
    problem::Problem,
    targeting::names,
    time::Timestamp,
};

/// A product that is sold on a platform, as far as its adapter has to know it.
#[derive(Debug, Clone, PartialEq)]
pub struct SoldProduct {
    /// The id that buyers name as a package.
    pub id: PackageId,
    /// The currency of its price, ISO 4217.
    pub currency: String,
    /// The publisher's settings for the adapter, a JSON object.
    pub settings: serde_json::Value,
}

impl SoldProduct {
    /// Returns the product of a package of a buy.
    pub fn of(buy: &MediaBuy, package: &Package) -> Self {
        Self { id: package.id.clone(), currency: buy.currency.clone(), settings: package.settings.clone() }
    }
}

names! {
    /// How much a finding matters.
    Severity {
        /// It is as it should be.
        Fine = "fine",
        /// Somebody should look at it; buys can be made meanwhile.
        Warning = "warning",
        /// Buys that use it will fail, or will not deliver.
        Bad = "bad",
    }
}

/// Something that the configuration names, or that buys depend on, and its state on the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A JSON pointer into the configuration: `/settings/network_code`,
    /// `/products/<product id>/ad_unit_ids/0` or `/advertiser_id`. Empty if it is about no one setting.
    pub field: String,
    /// What was looked at, in the platform's words.
    pub subject: String,
    /// How much it matters.
    pub severity: Severity,
    /// What was found, and how to mend it.
    pub message: String,
}

/// An account on an ad server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Its id on the platform.
    pub id: String,
    /// Its name on the platform; may be empty.
    pub name: String,
    /// The currency of its prices and spend, ISO 4217, if the platform says.
    pub currency: Option<String>,
    /// The IANA time zone whose days its reports count, if the platform says.
    pub time_zone: Option<String>,
    /// Everything that was looked at.
    pub findings: Vec<Finding>,
}

/// What the inspection of one advertiser has returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdvertiserRead {
    /// Its id on the platform.
    pub id: String,
    /// The buyers that have it.
    pub principals: Vec<PrincipalId>,
    /// The account as this advertiser sees it, or why it could not be read.
    pub read: Result<Account, Failure>,
}

/// What is known of an account on a platform, and of each buyer's advertiser there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The account. Its findings are moved to those of the reading.
    pub account: Account,
    /// Everything that was looked at: the settings, the products and their currencies, and a row for
    /// each buyer.
    pub findings: Vec<Finding>,
    /// The currencies of advertisers that have one of their own, by their ids.
    currencies: BTreeMap<String, String>,
    /// When the reading began.
    pub read_at: Timestamp,
}

impl Reading {
    /// Puts together what the inspections have returned.
    pub fn new(
        platform: &PlatformName,
        mut account: Account,
        products: &[SoldProduct],
        advertisers: &[AdvertiserRead],
        read_at: Timestamp,
    ) -> Self {
        let mut findings = std::mem::take(&mut account.findings);
        findings.extend(currencies::of_products(&account, products, advertisers));
        findings.extend(advertisers.iter().flat_map(|one| one.rows(platform, &account, products)));
        let own = |one: &AdvertiserRead| Some((one.id.clone(), one.read.as_ref().ok()?.currency.clone()?));
        let currencies = advertisers.iter().filter_map(own).collect();
        Self { account, findings, currencies, read_at }
    }

    /// Returns the currency in which the account of an advertiser counts, if the platform has told it.
    pub fn currency_of(&self, advertiser_id: &str) -> Option<&str> {
        self.currencies.get(advertiser_id).or(self.account.currency.as_ref()).map(String::as_str)
    }

    /// Counts the findings of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

impl AdvertiserRead {
    /// Returns a row for each buyer that has the advertiser.
    fn rows(&self, platform: &PlatformName, account: &Account, products: &[SoldProduct]) -> Vec<Finding> {
        let (severity, message) = self.verdict(account, products);
        let row = |principal: &PrincipalId| Finding {
            field: format!("/principals/{principal}/platform_mappings/{platform}/advertiser_id"),
            subject: format!("advertiser {} of {principal}", self.id),
            severity,
            message: message.clone(),
        };
        self.principals.iter().map(row).collect()
    }

    /// Returns the worst that was found, in the words of everything that is as bad.
    fn verdict(&self, account: &Account, products: &[SoldProduct]) -> (Severity, String) {
        let read = match &self.read {
            Ok(read) => read,
            Err(failure) => {
                let severity = if failure.kind == FailureKind::Unavailable { Severity::Warning } else { Severity::Bad };
                return (severity, format!("could not be looked at: {}", failure.message));
            }
        };
        let worst = read.findings.iter().map(|finding| finding.severity).max_by_key(|severity| severity.weight());
        let worst = worst.unwrap_or(Severity::Fine);
        if worst == Severity::Fine
            && let Some(unsellable) = currencies::buys_nothing(account, read, products)
        {
            return (Severity::Bad, unsellable);
        }
        let words = read.findings.iter().filter(|finding| finding.severity == worst);
        let words: Vec<&str> = words.map(|finding| finding.message.as_str()).collect();
        (worst, words.join("; "))
    }
}

impl Severity {
    const fn weight(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Warning => 1,
            Self::Bad => 2,
        }
    }
}

/// Refuses a new media buy in another currency than that of the account on which it would be booked:
/// its amounts would be taken for amounts in the account's.
///
/// # Errors
/// `unsupported`, with both currencies.
pub fn check_currency(platform: &PlatformName, wanted: &str, account: &str) -> Result<(), Failure> {
    if wanted == account {
        return Ok(());
    }
    let message = format!("the media buy is in {wanted}, and the account on {platform} counts in {account}");
    let problem = Problem::new(Field::Currency, format!("is not that of the account on {platform}, {account}"))
        .value(wanted)
        .supported([account])
        .suggest(format!("buy in {account}, or buy packages of another platform"));
    let failure = Failure::new(FailureKind::Unsupported, "unsupported_currency", message);
    Err(Failure { items: vec![problem], ..failure })
}

#[cfg(test)]
mod tests;
