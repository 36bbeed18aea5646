//! What an adapter returns, whatever it is, is taken within bounds or refused.
#![no_main]

use arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Too few bytes for a whole answer are no finding.
    let _ = flightdeck::adapters::fuzzing::answers(&mut Unstructured::new(bytes));
});
