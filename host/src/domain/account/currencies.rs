//! The currencies of products, against those in which the account and its advertisers count.

use std::collections::BTreeSet;

use super::{Account, AdvertiserRead, Finding, Severity, SoldProduct};

/// Returns a finding for each product whose currency can be compared with one of the platform. Some
/// platforms have one currency for all, others one for each advertiser, and some tell none.
pub(super) fn of_products(account: &Account, products: &[SoldProduct], advertisers: &[AdvertiserRead]) -> Vec<Finding> {
    let of_advertisers: BTreeSet<&str> =
        advertisers.iter().filter_map(|one| one.read.as_ref().ok()?.currency.as_deref()).collect();
    let (known, whose): (BTreeSet<&str>, &str) = match account.currency.as_deref() {
        Some(currency) => (BTreeSet::from([currency]), "the account"),
        None => (of_advertisers, "every buyer's advertiser"),
    };
    if known.is_empty() {
        return Vec::new();
    }
    let listed = known.iter().copied().collect::<Vec<_>>().join(" or ");
    let finding = |product: &SoldProduct| {
        let sold_in = &product.currency;
        let fits = known.contains(sold_in.as_str());
        let message = if fits {
            format!("is sold in {sold_in}, as the platform counts")
        } else {
            format!(
                "is sold in {sold_in}, and {whose} counts in {listed}: set its `currency` to {listed}, with a price in it"
            )
        };
        Finding {
            field: format!("/products/{}/currency", product.id),
            subject: format!("currency of {}", product.id),
            severity: if fits { Severity::Fine } else { Severity::Bad },
            message,
        }
    };
    products.iter().map(finding).collect()
}

/// Says why a buyer can buy nothing on the platform, if its advertiser has a currency in which no
/// product is sold.
pub(super) fn buys_nothing(account: &Account, advertiser: &Account, products: &[SoldProduct]) -> Option<String> {
    let currency = advertiser.currency.as_deref().filter(|_| account.currency.is_none() && !products.is_empty())?;
    let sold: BTreeSet<&str> = products.iter().map(|product| product.currency.as_str()).collect();
    if sold.contains(currency) {
        return None;
    }
    let sold = sold.into_iter().collect::<Vec<_>>().join(" and ");
    Some(format!("counts in {currency}, and the products of the platform are sold in {sold}: it can buy none of them"))
}
