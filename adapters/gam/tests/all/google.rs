//! Google's own client as a witness of what the adapter puts on the wire.
//!
//! The adapter plays the life of a buy on an emulator; then Google's client, which we did not write,
//! plays the same life on another one (`tests/google/witness.py`). The two series of requests are
//! compared field by field there. Each difference is in the table of that file, with its reason: one
//! that isn't there fails the test, and so does an entry that no longer occurs.

use std::{ffi::OsString, path::Path, process::Command};

use flightdeck_adapter::prelude::*;

use crate::{
    lifecycle::{creatives, rich},
    network::{Network, start},
};

/// The buy: display that is guaranteed, so that it must be paused for a change, and video.
fn buy() -> MediaBuy {
    let mut buy = rich();
    for package in &mut buy.packages {
        let of = |creative: &&Creative| creative.package_ids.contains(&package.package_id);
        package.creative_ids = creatives().iter().filter(of).map(|creative| creative.creative_id.clone()).collect();
    }
    buy
}

/// Plays the life of the buy, and returns the requests of each part of it.
fn played(network: &Network) -> Vec<Object> {
    let mut heard = Vec::new();
    let mut hear = |part: &str| {
        for request in network.host.requests() {
            let at = request.url.splitn(4, '/').nth(3).unwrap_or_default();
            let headers = request.headers.iter().map(|(name, value)| vec![name.as_str(), value.as_str()]);
            let body = request.body.as_deref().map(String::from_utf8_lossy);
            heard.push(object! {
                "part": part,
                "method": request.method.as_str(),
                "path": format!("/{at}"),
                "headers": headers.collect::<Vec<_>>(),
                "body": body.as_deref(),
            });
        }
    };
    let booked = buy();
    network.create(&booked);
    hear("create");
    network.upload(&booked, &creatives());
    hear("upload");
    network.at("2026-12-04T00:00:00Z");
    network.status(&booked);
    hear("status");
    let mut changed = booked.clone();
    changed.packages[0].impressions = 2_000_000;
    changed.packages[0].end = "2027-01-10T00:00:00Z".to_owned();
    changed.packages[1].price.rate = 14_000_000;
    assert_eq!(network.update(&booked, &changed, &[]).failed, None);
    hear("change");
    let mut paused = changed.clone();
    paused.active = false;
    assert_eq!(network.update(&changed, &paused, &[]).failed, None);
    hear("pause");
    assert_eq!(network.update(&paused, &changed, &[]).failed, None);
    hear("resume");
    network.delivery(&changed, "2026-12-01", "2026-12-03");
    hear("report");
    network.run(|ctx| flightdeck_adapter_gam::Gam::cancel_media_buy(ctx, changed.clone())).unwrap();
    hear("cancel");
    heard
}

fn python() -> OsString {
    std::env::var_os("FLIGHTDECK_PYTHON").unwrap_or_else(|| {
        panic!("FLIGHTDECK_PYTHON is not set: run `make test`, which installs Google's client and sets it")
    })
}

#[test]
fn googles_own_client_puts_the_same_on_the_wire() {
    let folder = std::env::temp_dir().join(format!("flightdeck-witness-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (log, key) = (folder.join("adapter.json"), folder.join("key.json"));
    let heard = played(&start());
    std::fs::write(&log, Json::from(heard).to_string()).unwrap();
    let other = start();
    let emulator = other.emulator();
    std::fs::write(&key, emulator.platform().key_file().to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/google/witness.py");
    let mut compared = Command::new(python());
    compared.arg(script).args(["--url", &emulator.url]).arg("--key").arg(&key).arg("--adapter").arg(&log);
    let compared = compared.output().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let told = String::from_utf8_lossy(&compared.stdout);
    assert!(compared.status.success(), "{told}\n{}", String::from_utf8_lossy(&compared.stderr));
    assert!(told.contains("requests are the same"), "{told}");
}
