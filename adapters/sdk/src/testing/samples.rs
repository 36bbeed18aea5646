//! Samples for tests: a context, a buy, its packages and its creatives. A test sets what is
//! specific to its platform: name, settings, advertiser.

use crate::types::{
    Context, Creative, CreativeFormat, Daypart, Dimension, MediaBuy, Operator, Pacing, PackageOrder, Price, PriceModel,
    Targeting, TargetingRule, Weekday,
};

/// Returns a context as the host makes it.
#[must_use]
pub fn context() -> Context {
    Context {
        operation_id: "op_1".to_owned(),
        platform: "acme".to_owned(),
        settings: "{}".to_owned(),
        endpoint: "http://acme.test".to_owned(),
        advertiser_id: "1001".to_owned(),
        remote: Vec::new(),
        deadline: "2026-11-01T00:02:00Z".to_owned(),
        extensions: Vec::new(),
    }
}

/// Returns a package for December 2026, at a CPM of 12.50.
#[must_use]
pub fn package(id: &str) -> PackageOrder {
    PackageOrder {
        package_id: id.to_owned(),
        name: format!("Package {id}"),
        active: true,
        budget: 12_500_000_000,
        impressions: 1_000_000,
        price: Price { model: PriceModel::Cpm, rate: 12_500_000 },
        pacing: Pacing::Even,
        daily_budget: None,
        daily_impressions: None,
        start: "2026-12-01T00:00:00Z".to_owned(),
        end: "2026-12-31T00:00:00Z".to_owned(),
        targeting: Targeting {
            rules: Vec::new(),
            dayparting: None,
            frequency_cap: None,
            custom: None,
            extensions: Vec::new(),
        },
        formats: Vec::new(),
        creative_ids: Vec::new(),
        product_settings: "{}".to_owned(),
        extensions: Vec::new(),
    }
}

/// Returns a buy with these packages.
#[must_use]
pub fn buy(packages: Vec<PackageOrder>) -> MediaBuy {
    MediaBuy {
        media_buy_id: "acme_12345".to_owned(),
        name: "Spring".to_owned(),
        po_number: Some("PO-2024-001".to_owned()),
        currency: "USD".to_owned(),
        active: true,
        total_budget: packages.iter().map(|package| package.budget).sum(),
        daily_budget: None,
        start: "2026-12-01T00:00:00Z".to_owned(),
        end: "2026-12-31T00:00:00Z".to_owned(),
        packages,
        extensions: Vec::new(),
    }
}

/// Returns a targeting rule.
#[must_use]
pub fn rule(dimension: Dimension, operator: Operator, values: &[&str]) -> TargetingRule {
    TargetingRule { dimension, operator, values: values.iter().map(|&value| value.to_owned()).collect() }
}

/// Returns hours on some days.
#[must_use]
pub fn hours(days: &[Weekday], start_hour: u8, end_hour: u8) -> Daypart {
    Daypart { days: days.to_vec(), start_hour, end_hour }
}

/// Returns an image creative of 300 by 250 pixels.
#[must_use]
pub fn creative(id: &str, packages: &[&str]) -> Creative {
    Creative {
        creative_id: id.to_owned(),
        name: format!("Creative {id}"),
        format: CreativeFormat::Image,
        media_url: Some("https://cdn.example.com/banner.jpg".to_owned()),
        click_url: Some("https://example.com/landing".to_owned()),
        duration_ms: None,
        width: Some(300),
        height: Some(250),
        template_id: None,
        template_values: None,
        package_ids: packages.iter().map(|&id| id.to_owned()).collect(),
        extensions: Vec::new(),
    }
}
