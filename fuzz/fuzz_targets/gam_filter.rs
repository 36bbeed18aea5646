//! Whatever text Ad Manager's adapter looks for, the filter that it makes is one comparison; and the emulated Ad Manager reads or
//! refuses any filter.
#![no_main]

use flightdeck_adapter_gam::api::quoted;
use flightdeck_emulators::gam::filter_problem;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = filter_problem(text);
    let filter = format!("displayName = {}", quoted(text));
    if let Some(problem) = filter_problem(&filter) {
        panic!("{filter}: {problem}");
    }
});
