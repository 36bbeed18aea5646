//! The keys that sign components, and the texts in which people keep and exchange them.

use std::{fmt, str::FromStr};

use aws_lc_rs::signature::{ED25519_PUBLIC_KEY_LEN, Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Serialize, Serializer};

use super::section::SIGNATURE_BYTES;

/// The prefix of a public key.
const PUBLIC: &str = "flightdeck-ed25519:";

/// The prefix of a private key. It says what the text is to people, and to tools that search files
/// for secrets.
const PRIVATE: &str = "flightdeck-ed25519-private:";

/// The length of the seed that is an ed25519 private key.
const SEED_BYTES: usize = 32;

/// Decodes a text that consists of a prefix and so many bytes in base64.
fn decode<const N: usize>(prefix: &str, text: &str) -> Option<[u8; N]> {
    let bytes = BASE64_STANDARD.decode(text.trim().strip_prefix(prefix)?).ok()?;
    bytes.try_into().ok()
}

/// The public key of somebody who signs components: `flightdeck-ed25519:` and 32 bytes in base64.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; ED25519_PUBLIC_KEY_LEN]);

/// Why a text is no public key. The messages follow the name of a setting, and don't repeat the
/// text, which may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// The text is not in the form of a public key.
    #[error(
        "must be the public key of a signer, like \"{PUBLIC}…\": `flightdeck adapter keygen` prints it and writes it to a \
         file that ends in .pub"
    )]
    Form,
    /// The text is a private key.
    #[error(
        "must be a public key, and this is a private one; put the text of its .pub file here, and make a new key if others \
         could read this one"
    )]
    Private,
}

impl PublicKey {
    pub(super) const fn new(bytes: [u8; ED25519_PUBLIC_KEY_LEN]) -> Self {
        Self(bytes)
    }

    pub(super) const fn bytes(&self) -> &[u8; ED25519_PUBLIC_KEY_LEN] {
        &self.0
    }
}

impl FromStr for PublicKey {
    type Err = PublicKeyError;

    fn from_str(text: &str) -> Result<Self, PublicKeyError> {
        if text.trim().starts_with(PRIVATE) {
            return Err(PublicKeyError::Private);
        }
        decode(PUBLIC, text).map(Self).ok_or(PublicKeyError::Form)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC}{}", BASE64_STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A key that signs components.
pub struct PrivateKey {
    seed: [u8; SEED_BYTES],
    pair: Ed25519KeyPair,
    public: PublicKey,
}

/// Why there is no private key. The messages follow the name of a file, and repeat nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PrivateKeyError {
    /// The text is not in the form of a private key.
    #[error("is no private key; name the file that `flightdeck adapter keygen --out FILE` wrote")]
    Form,
    /// The text is a public key.
    #[error("is a public key; name the file without .pub, which has the private one")]
    Public,
    /// The system gave no random bytes.
    #[error("can't be made: the system gave no random bytes")]
    Random,
}

impl PrivateKey {
    /// Creates a random key.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate() -> Result<Self, PrivateKeyError> {
        let mut seed = [0; SEED_BYTES];
        getrandom::fill(&mut seed).map_err(|_| PrivateKeyError::Random)?;
        Self::of(seed).ok_or(PrivateKeyError::Random)
    }

    fn of(seed: [u8; SEED_BYTES]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).ok()?;
        let public = PublicKey(pair.public_key().as_ref().try_into().ok()?);
        Some(Self { seed, pair, public })
    }

    /// Returns the public key that verifies what this key signs.
    pub const fn public(&self) -> PublicKey {
        self.public
    }

    /// Returns the key as the text of its file. Whoever has it can sign. This is a method and not
    /// `Display`, so that no message shows the key by accident.
    pub fn text(&self) -> String {
        format!("{PRIVATE}{}", BASE64_STANDARD.encode(self.seed))
    }

    pub(super) fn sign(&self, message: &[u8]) -> Option<[u8; SIGNATURE_BYTES]> {
        self.pair.try_sign(message).ok()?.as_ref().try_into().ok()
    }
}

impl FromStr for PrivateKey {
    type Err = PrivateKeyError;

    fn from_str(text: &str) -> Result<Self, PrivateKeyError> {
        if text.trim().starts_with(PUBLIC) {
            return Err(PrivateKeyError::Public);
        }
        decode(PRIVATE, text).and_then(Self::of).ok_or(PrivateKeyError::Form)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[the private key of {}]", self.public)
    }
}
