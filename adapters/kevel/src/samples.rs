//! A buy, its packages and its creatives, for tests.

use flightdeck_adapter::{prelude::*, testing::samples};

pub(crate) use samples::{creative, hours, rule};

/// A context as the host makes it.
pub(crate) fn context() -> Context {
    Context { platform: "kevel".to_owned(), endpoint: "http://kevel.test".to_owned(), ..samples::context() }
}

/// A package of December 2026, at 12.50 CPM.
pub(crate) fn package(id: &str) -> PackageOrder {
    PackageOrder {
        formats: vec![CreativeFormat::Image, CreativeFormat::Video, CreativeFormat::Custom],
        product_settings: r#"{"priority_id": 3002}"#.to_owned(),
        ..samples::package(id)
    }
}

/// A buy of some packages.
pub(crate) fn buy(packages: Vec<PackageOrder>) -> MediaBuy {
    MediaBuy { media_buy_id: "kevel_12345".to_owned(), ..samples::buy(packages) }
}
