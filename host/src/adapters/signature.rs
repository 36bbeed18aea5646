//! Signatures of components: who vouches for a component, and that nobody altered it since.
//!
//! A signature is part of the component's file. It therefore survives copies, and reaches the other
//! replicas with the component's bytes. `section` describes the bytes.
//!
//! A signer signs the SHA-256 of the component without its signatures. Several signers can sign the
//! same component one after the other, each for itself. Each signature carries the whole public key
//! of its signer, so every signature can be checked, even one whose key nobody trusts here. One
//! signature that does not match is enough to refuse a component, because then somebody altered it.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use serde::Serialize;
use sha2::{Digest, Sha256};

mod keys;
mod section;
#[cfg(test)]
mod tests;

pub use keys::{PrivateKey, PrivateKeyError, PublicKey, PublicKeyError};
use section::{Entry, MOST_SIGNATURES, Parts};

/// What a signed message begins with, so that a signature over a component can't pass as a
/// signature over anything else that the same key may sign.
const PURPOSE: &[u8] = b"flightdeck 1 component\n";

/// Why a component's signatures are not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The file is no component, or its end is missing.
    #[error("is no WebAssembly component, or was cut off; build it again, or copy the whole file")]
    NoComponent,
    /// The component has no signature.
    #[error("is not signed; sign it with `flightdeck adapter sign FILE --key KEYFILE`")]
    Unsigned,
    /// A signature does not match the component.
    #[error("is not what {0} signed: it was altered since; take the signed file from its signer again")]
    Altered(PublicKey),
    /// Something follows the signatures.
    #[error(
        "has more after its signatures, so it was altered since; take the signed file from its signer again, or build it \
         again and sign it last"
    )]
    Appended,
    /// The signatures are not in the form that this version writes.
    #[error(
        "has signatures that can't be read; take the signed file from its signer again, or use the flightdeck that signed it"
    )]
    Malformed,
    /// All signatures match the component, but none is by a trusted key.
    #[error(
        "is signed, but not by a trusted key, only by {}; sign it with a trusted one, too: `flightdeck adapter sign FILE \
         --key KEYFILE`",
        shown(.0)
    )]
    Foreign(Vec<PublicKey>),
    /// The component has no room for another signature.
    #[error("has {MOST_SIGNATURES} signatures already, and can't have more; sign the component that was built instead")]
    Full,
    /// The cryptographic library can't sign.
    #[error("can't be signed on this machine")]
    NotSigned,
}

fn shown(keys: &[PublicKey]) -> String {
    keys.iter().map(PublicKey::to_string).collect::<Vec<_>>().join(", ")
}

/// A signature of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComponentSignature {
    /// The signer's public key.
    pub key: PublicKey,
    /// Whether the signature matches the component.
    pub valid: bool,
}

/// Returns all signatures of a component, valid or not. An unsigned component has none.
///
/// # Errors
/// When the bytes are no component, or have signatures that can't be read.
pub(super) fn signatures(component: &[u8]) -> Result<Vec<ComponentSignature>, SignatureError> {
    let Parts { unsigned, entries } = section::split(component)?;
    let message = message(unsigned);
    let checked = entries.into_iter().map(|entry| {
        let valid = UnparsedPublicKey::new(&ED25519, entry.key.bytes()).verify(&message, &entry.signature).is_ok();
        ComponentSignature { key: entry.key, valid }
    });
    Ok(checked.collect())
}

/// Returns the first trusted key that signed a component, if nobody altered it since.
///
/// # Errors
/// When the component is unsigned or altered, or no trusted key signed it.
pub fn verify(component: &[u8], trusted: &[PublicKey]) -> Result<PublicKey, SignatureError> {
    let found = signatures(component)?;
    if let Some(bad) = found.iter().find(|signature| !signature.valid) {
        return Err(SignatureError::Altered(bad.key));
    }
    if found.is_empty() {
        return Err(SignatureError::Unsigned);
    }
    let signers: Vec<PublicKey> = found.into_iter().map(|signature| signature.key).collect();
    let known = signers.iter().copied().find(|signer| trusted.contains(signer));
    known.ok_or(SignatureError::Foreign(signers))
}

/// Adds a signature to a component. Returns `None` if this key has already signed it.
///
/// # Errors
/// When the bytes are no component, when an existing signature does not match them, or when there
/// is no room for another.
pub fn sign(component: &[u8], key: &PrivateKey) -> Result<Option<Vec<u8>>, SignatureError> {
    let signer = key.public();
    // A signature that does not match would make every host refuse the result.
    if let Some(bad) = signatures(component)?.into_iter().find(|signature| !signature.valid) {
        return Err(SignatureError::Altered(bad.key));
    }
    let Parts { unsigned, mut entries } = section::split(component)?;
    if entries.iter().any(|entry| entry.key == signer) {
        return Ok(None);
    }
    if entries.len() >= MOST_SIGNATURES {
        return Err(SignatureError::Full);
    }
    let signature = key.sign(&message(unsigned)).ok_or(SignatureError::NotSigned)?;
    entries.push(Entry { key: signer, signature });
    Ok(Some(section::join(unsigned, &entries)))
}

/// Returns the bytes that a signer of a component signs.
fn message(unsigned: &[u8]) -> Vec<u8> {
    [PURPOSE, &Sha256::digest(unsigned)].concat()
}
