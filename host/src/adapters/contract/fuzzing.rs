//! Answers of adapters made of arbitrary bytes, for the fuzz target `answers`.

use arbitrary::{Arbitrary as _, Result, Unstructured};
use flightdeck_bindings::v1::flightdeck::ad_server::adapter_types as wit;

/// Reads an answer of each kind, made of `bytes`, as the host does. Panics where the host would.
///
/// # Errors
/// The bytes are too few for an answer.
pub fn answers(bytes: &mut Unstructured<'_>) -> Result<()> {
    match bytes.int_in_range(0..=4)? {
        0 => drop(super::capabilities(wit::Description::arbitrary(bytes)?)),
        1 => drop(super::failure(wit::Failure::arbitrary(bytes)?)),
        2 => drop(super::made(Vec::arbitrary(bytes)?)),
        3 => drop(super::outcome(wit::Outcome::arbitrary(bytes)?)),
        _ => {
            let outcome = wit::CreativeOutcome::arbitrary(bytes)?;
            let expected = outcome.assets.iter().map(|asset| asset.creative_id.clone()).collect();
            drop(super::creative_outcome(&expected, outcome));
        }
    }
    Ok(())
}
