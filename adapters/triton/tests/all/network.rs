//! An emulated platform for one test, and the host that connects the adapter to it.

use flightdeck_adapter::prelude::*;
use flightdeck_adapter_testing as testing;
use flightdeck_adapter_triton::Triton;
use flightdeck_emulators::{
    Running,
    triton::{Options, Triton as Emulator},
};

pub(crate) use testing::field;

use crate::samples;

pub(crate) type Network = testing::Network<Triton, Emulator>;

pub(crate) fn start() -> Network {
    with_settings(&samples::context().settings)
}

pub(crate) fn with_settings(settings: &str) -> Network {
    let token = |emulator: &Running<Emulator>| {
        vec![("authorization".to_owned(), format!("Bearer {}", emulator.platform().give_token().unwrap()))]
    };
    let context = Context { settings: settings.to_owned(), ..samples::context() };
    Network::start(Emulator::start(Options::default()), token, context)
}
