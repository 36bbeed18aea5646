//! Values that outlive a call: a report that took minutes and serves many buys, or the network's time
//! zone.
//!
//! The host may drop a value at any time, so a value is always kept together with the code that makes
//! it. The values are shared by all buyers of the platform: the key must tell apart what must not be
//! mixed.

use serde::{Serialize, de::DeserializeOwned};

use crate::{failure::Fallible, host};

/// The most bytes of a value. A larger one is not kept.
pub const VALUE_BYTES: usize = 4 * 1024 * 1024;

/// Returns the value under `key`, or makes it and keeps it for at most so many seconds. A key has 1 to
/// 200 bytes. Don't use it in translations: `plan` has no cache.
///
/// # Errors
/// When the value has to be made and can't be.
pub fn kept<T: Serialize + DeserializeOwned>(
    key: &str,
    seconds: u32,
    make: impl FnOnce() -> Fallible<T>,
) -> Fallible<T> {
    if let Some(known) = get(key) {
        return Ok(known);
    }
    let made = make()?;
    keep(key, seconds, &made);
    Ok(made)
}

/// Returns the value under `key`, if there is one.
#[must_use]
pub fn get<T: DeserializeOwned>(key: &str) -> Option<T> {
    let known = host::with(|host| host.cached(key))?;
    serde_json::from_slice(&known).ok()
}

/// Keeps a value for at most so many seconds, unless it is too large.
pub fn keep<T: Serialize>(key: &str, seconds: u32, value: &T) {
    if let Ok(bytes) = serde_json::to_vec(value)
        && bytes.len() <= VALUE_BYTES
    {
        host::with(|host| host.cache(key, &bytes, seconds));
    }
}
