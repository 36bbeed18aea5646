//! Test samples: a buy, its packages and its creatives.

use flightdeck_adapter::{prelude::*, testing::samples};

pub(crate) use samples::{creative, hours, rule};

/// Returns a context as the host makes it.
pub(crate) fn context() -> Context {
    Context { platform: "kevel".to_owned(), endpoint: "http://kevel.test".to_owned(), ..samples::context() }
}

/// Settings of a product, with a template that the emulated network has.
const SETTINGS: &str = r#"{"priority_id": 3002, "video_template": {"id": 5002, "takes": "file", "fields":
    {"media_url": "ctMediaFile", "media_type": "ctMediaType", "duration": "ctDuration"}}}"#;

/// Returns a package for December 2026, at a CPM of 12.50.
pub(crate) fn package(id: &str) -> PackageOrder {
    PackageOrder {
        formats: vec![CreativeFormat::Image, CreativeFormat::Video, CreativeFormat::Custom],
        product_settings: SETTINGS.to_owned(),
        ..samples::package(id)
    }
}

/// Returns a buy with these packages.
pub(crate) fn buy(packages: Vec<PackageOrder>) -> MediaBuy {
    MediaBuy { media_buy_id: "kevel_12345".to_owned(), ..samples::buy(packages) }
}
