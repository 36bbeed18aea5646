//! Settings of a platform and of its products: JSON that the host has checked against the adapter's schemas.

use serde::de::DeserializeOwned;

use crate::{failure::Fallible, types::Failure};

/// Reads settings. Nothing at all is as good as `{}`.
///
/// # Errors
/// `invalid` with the code; the host has checked them against the schema, so this is a mistake of the schema. `what`
/// stands in the message: "the Acme product settings of news".
pub fn read<T: DeserializeOwned + Default>(json: &str, code: &str, what: &str) -> Fallible<T> {
    if json.trim().is_empty() {
        return Ok(T::default());
    }
    serde_json::from_str(json).map_err(|error| Failure::invalid(code, format!("Correct {what}: {error}.")))
}
