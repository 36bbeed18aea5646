//! A configuration file, whatever is in it, is read or refused with the line of every mistake.
#![no_main]

use std::path::Path;

use flightdeck::config::{Config, Surroundings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    // Variables that take the place of a setting are refused by their own name.
    let environment = |name: &str| (!name.starts_with("FLIGHTDECK_")).then(|| format!("{name}-0123456789abcdef"));
    let around = Surroundings { environment: &environment, is_file: &|_| true };
    if let Err(mistakes) = Config::parse(Path::new("flightdeck.toml"), text, &around) {
        assert!(mistakes.to_string().contains("flightdeck.toml"), "a mistake without a place: {mistakes}");
    }
});
