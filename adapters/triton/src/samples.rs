//! Test samples: a buy, its packages and its creatives. They refer to objects of the emulated
//! platform.

use flightdeck_adapter::{prelude::*, testing::samples};

pub(crate) use samples::{hours, rule};

/// Returns a context as the host makes it.
pub(crate) fn context() -> Context {
    Context {
        platform: "triton".to_owned(),
        settings: r#"{"currency": "USD", "team_id": 31, "content_types": ["live", "podcast"], "positions": ["mid"]}"#
            .to_owned(),
        endpoint: "http://triton.test".to_owned(),
        advertiser_id: "501".to_owned(),
        ..samples::context()
    }
}

/// Returns a package for December 2026, at a CPM of 12.50.
pub(crate) fn package(id: &str) -> PackageOrder {
    PackageOrder {
        formats: vec![CreativeFormat::Audio],
        product_settings: r#"{"station_ids": [7001, 7003], "time_zone": "America/New_York"}"#.to_owned(),
        ..samples::package(id)
    }
}

/// Returns a buy with these packages.
pub(crate) fn buy(packages: Vec<PackageOrder>) -> MediaBuy {
    MediaBuy { media_buy_id: "triton_12345".to_owned(), ..samples::buy(packages) }
}

/// Returns a spot of thirty seconds.
pub(crate) fn spot(id: &str, packages: &[&str]) -> Creative {
    Creative {
        format: CreativeFormat::Audio,
        media_url: Some("https://cdn.example.com/spot.mp3".to_owned()),
        duration_ms: Some(30_000),
        width: None,
        height: None,
        ..samples::creative(id, packages)
    }
}
