//! A buy, its packages and its creatives, for tests. What they refer to is what the emulated network has.

use flightdeck_adapter::{prelude::*, testing::samples};

pub(crate) use samples::{creative, rule};

/// A context as the host makes it.
pub(crate) fn context() -> Context {
    Context {
        platform: "gam".to_owned(),
        settings: r#"{"network_code": "21700001", "trafficker_id": "5001", "currency": "USD"}"#.to_owned(),
        endpoint: "http://gam.test".to_owned(),
        advertiser_id: "4001".to_owned(),
        ..samples::context()
    }
}

/// A package of December 2026, at 12.50 CPM.
pub(crate) fn package(id: &str) -> PackageOrder {
    PackageOrder {
        formats: vec![CreativeFormat::Image, CreativeFormat::Custom],
        product_settings: r#"{"ad_units": [{"id": "6004"}], "sizes": ["300x250", "728x90"]}"#.to_owned(),
        ..samples::package(id)
    }
}

/// A buy of some packages.
pub(crate) fn buy(packages: Vec<PackageOrder>) -> MediaBuy {
    MediaBuy { media_buy_id: "gam_12345".to_owned(), ..samples::buy(packages) }
}
