//! Whatever words a buyer targets, the expression that Kevel's adapter makes of them is one that Kevel can parse, and means one
//! comparison: no word ends its text early.
#![no_main]

use flightdeck_adapter_kevel::zerkel::{Expression, MAX_LENGTH, Text};
use flightdeck_emulators::kevel::zerkel;
use libfuzzer_sys::fuzz_target;

/// The adapter refuses an expression that is too long before it sends it.
fn check(expression: &str) {
    if expression.chars().count() <= MAX_LENGTH {
        zerkel::check(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
    }
}

fuzz_target!(|words: (Vec<String>, String)| {
    let (words, own) = words;
    let parts: Vec<Expression> = words.iter().filter_map(|word| Text::new(word)).map(|text| Expression::Is("$device.os", text)).collect();
    let expected = parts.len();
    if expected > 0 {
        check(&Expression::Not(Box::new(Expression::Any(parts))).to_string());
    }
    // A buyer's own expression is refused by the adapter or parsed by the ad server, alone and in parentheses.
    if let Ok(own) = Expression::own(&own) {
        check(&Expression::All(vec![own, Expression::Is("$device.os", Text::new("ios").expect("plain"))]).to_string());
    }
});
