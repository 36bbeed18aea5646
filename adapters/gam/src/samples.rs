//! Test samples: a buy, its packages and its creatives. They refer to objects of the emulated
//! network.

use flightdeck_adapter::{prelude::*, testing::samples};

pub(crate) use samples::{creative, rule};

/// Returns a context as the host makes it.
pub(crate) fn context() -> Context {
    Context {
        platform: "gam".to_owned(),
        settings: r#"{"network_code": "21700001", "trafficker_id": "5001", "currency": "USD"}"#.to_owned(),
        endpoint: "http://gam.test".to_owned(),
        advertiser_id: "4001".to_owned(),
        ..samples::context()
    }
}

/// Returns a package for December 2026, at a CPM of 12.50.
pub(crate) fn package(id: &str) -> PackageOrder {
    PackageOrder {
        formats: vec![CreativeFormat::Image, CreativeFormat::Custom],
        product_settings: r#"{"ad_units": [{"id": "6004"}], "sizes": ["300x250", "728x90"]}"#.to_owned(),
        ..samples::package(id)
    }
}

/// Returns a buy with these packages.
pub(crate) fn buy(packages: Vec<PackageOrder>) -> MediaBuy {
    MediaBuy { media_buy_id: "gam_12345".to_owned(), ..samples::buy(packages) }
}
