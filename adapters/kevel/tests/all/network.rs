//! An emulated network for one test, and the host that connects the adapter to it.

use flightdeck_adapter::prelude::*;
use flightdeck_adapter_kevel::Kevel;
use flightdeck_adapter_testing as testing;
use flightdeck_emulators::kevel::{Kevel as Emulator, Options};

pub(crate) use testing::field;

use crate::samples;

pub(crate) type Network = testing::Network<Kevel, Emulator>;

const KEY: &str = "demo-key";

pub(crate) fn start() -> Network {
    with_settings(&samples::context().settings)
}

pub(crate) fn with_settings(settings: &str) -> Network {
    let options = Options { api_key: KEY.to_owned(), ..Options::default() };
    let key = |_: &_| vec![("X-Adzerk-ApiKey".to_owned(), KEY.to_owned())];
    let context = Context { settings: settings.to_owned(), ..samples::context() };
    Network::start(Emulator::start(options), key, context)
}
