//! An emulated network for one test, and the host that connects the adapter to it.

use flightdeck_adapter::prelude::*;
use flightdeck_adapter_gam::Gam;
use flightdeck_adapter_testing as testing;
use flightdeck_emulators::gam::{Gam as Emulator, Options};

pub(crate) use testing::field;

use crate::samples;

pub(crate) type Network = testing::Network<Gam, Emulator>;

pub(crate) fn start() -> Network {
    with_settings(&samples::context().settings)
}

/// Starts a network whose account may not approve orders, and whose settings don't ask it to.
pub(crate) fn start_submitting() -> Network {
    with_settings(
        r#"{"network_code": "21700001", "trafficker_id": "5001", "approve_orders": false, "geo_targets": {"X": "2250"}}"#,
    )
}

pub(crate) fn with_settings(settings: &str) -> Network {
    let token = |emulator: &flightdeck_emulators::Running<Emulator>| {
        vec![("authorization".to_owned(), format!("Bearer {}", emulator.platform().give_token().unwrap()))]
    };
    let context = Context { settings: settings.to_owned(), ..samples::context() };
    Network::start(Emulator::start(Options::default()), token, context)
}

/// Changes a setting of the emulator.
pub(crate) fn turn(network: &Network, settings: &str) {
    network.control("PUT", "gam/settings", settings);
}

/// Makes a trafficker's decision about the order: `approve`, `disapprove`.
pub(crate) fn decide(network: &Network, decision: &str) {
    let name = field(&network.objects("orders")[0], "name");
    let id = name.trim_matches('"').rsplit('/').next().unwrap().to_owned();
    network.control("POST", &format!("gam/orders/{id}/{decision}"), "{}");
}
