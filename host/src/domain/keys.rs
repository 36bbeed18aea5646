//! The keys that protect data in the database. They sign the audit log, encrypt the secrets of
//! webhooks, and hide values from which a credential could be guessed. They also encrypt what a
//! browser keeps for any of the hosts while somebody signs in.
//!
//! The name of a key consists of its id and a fingerprint of its secret, `2026-11.3fa2c1d0`. The
//! name is stored beside everything that was made with the key. Keys can therefore be rotated: the
//! first key of a [`Keyring`] signs and encrypts, and all of them verify and decrypt. The
//! fingerprint distinguishes a key that was replaced under the same id from a forged line.
//!
//! Each purpose has its own key, derived from the secret. Data that was made for one purpose can't
//! be used for another.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hmac,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};

/// The prefix of an encrypted text. No secret of a webhook begins with it.
const SEALED: &str = "sealed:";

/// The length of a fingerprint in hexadecimal digits: enough to tell an operator's few keys apart,
/// and too short to help anybody guess one.
const FINGERPRINT_DIGITS: usize = 8;

/// The purpose of a derived key.
#[derive(Debug, Clone, Copy)]
enum Purpose {
    Fingerprint,
    Audit,
    Webhooks,
    Limits,
    SignIn,
}

impl Purpose {
    /// The label for key derivation. Changing a label makes everything that was made with it
    /// unreadable.
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Fingerprint => b"flightdeck 1 fingerprint",
            Self::Audit => b"flightdeck 1 audit log",
            Self::Webhooks => b"flightdeck 1 secrets of webhooks",
            Self::Limits => b"flightdeck 1 keys of limits",
            Self::SignIn => b"flightdeck 1 sign-in of a browser",
        }
    }
}

/// Why a secret can't be encrypted or decrypted. The message contains no secret and may be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is no key.
    #[error("there is no key to encrypt with: {0}")]
    None(String),
    /// The key that encrypted the secret is not available.
    #[error(
        "it is encrypted with the key `{0}`, which this host has not: put that key back under [[keys]] of its configuration"
    )]
    Missing(String),
    /// The secret can't be decrypted with the key that it names.
    #[error("it was changed in the database, or is that of something else")]
    Broken,
}

/// A key, with the keys that are derived from it.
#[derive(Clone)]
pub struct Key {
    name: String,
    audit: hmac::Key,
    limits: hmac::Key,
    webhooks: [u8; 32],
    sign_in: [u8; 32],
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[key {}]", self.name)
    }
}

impl Key {
    /// Creates a key from a secret that nobody can guess, and the id that the operator gave it.
    #[must_use]
    pub fn new(id: &str, secret: &[u8]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derived = |purpose: Purpose| {
            // One block of HKDF's expand step. The extract step is for secrets that are not
            // uniform, which HMAC accepts anyway.
            let mut bytes = [0u8; 32];
            bytes.copy_from_slice(hmac::sign(&root, purpose.label()).as_ref());
            bytes
        };
        let mut fingerprint = hex::encode(derived(Purpose::Fingerprint));
        fingerprint.truncate(FINGERPRINT_DIGITS);
        Self {
            name: format!("{id}.{fingerprint}"),
            audit: hmac::Key::new(hmac::HMAC_SHA256, &derived(Purpose::Audit)),
            limits: hmac::Key::new(hmac::HMAC_SHA256, &derived(Purpose::Limits)),
            webhooks: derived(Purpose::Webhooks),
            sign_in: derived(Purpose::SignIn),
        }
    }

    /// The name that is stored beside everything made with the key: its id and its fingerprint.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id that the operator gave it.
    #[must_use]
    pub fn id(&self) -> &str {
        self.name.rsplit_once('.').map_or(&self.name, |(id, _)| id)
    }

    /// Signs a line of the audit log. Returns 64 hexadecimal digits.
    #[must_use]
    pub(super) fn sign(&self, line: &str) -> String {
        hex::encode(hmac::sign(&self.audit, line.as_bytes()))
    }

    /// Encrypts a text with a key that is derived from this one. Returns the text to store, which
    /// contains the name of the key.
    fn seal(&self, derived: &[u8; 32], text: &str, owner: &str) -> Result<String, KeyError> {
        let mut bytes = text.as_bytes().to_vec();
        let nonce =
            cipher(derived)?.seal_in_place_append_tag(bound_to(owner), &mut bytes).map_err(|_| KeyError::Broken)?;
        let mut stored = nonce.as_ref().to_vec();
        stored.append(&mut bytes);
        Ok(format!("{SEALED}{}:{}", self.name, BASE64_STANDARD.encode(stored)))
    }
}

/// A list of keys. The first one signs and encrypts; all of them verify and decrypt.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    keys: Vec<Key>,
    /// The advice in the error if there is no key.
    advice: String,
}

impl Keyring {
    /// Creates a keyring. Of two keys with the same name, the first one counts.
    #[must_use]
    pub fn new(keys: Vec<Key>) -> Self {
        Self { keys, advice: "add one under [[keys]] of the configuration".to_owned() }
    }

    /// Sets the advice for the error if there is no key.
    #[must_use]
    pub fn advising(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }

    /// A keyring with a random key that only this process has. Nothing can be decrypted or verified
    /// with it afterwards. For tests, and for data that is discarded.
    #[must_use]
    pub fn of_this_process() -> Self {
        static SECRET: std::sync::LazyLock<[u8; 32]> = std::sync::LazyLock::new(rand::random);
        Self::new(vec![Key::new("this-process", &*SECRET)])
    }

    /// The key that signs and encrypts.
    ///
    /// # Errors
    /// When there is no key. The error says what to do.
    pub fn current(&self) -> Result<&Key, KeyError> {
        self.keys.first().ok_or_else(|| KeyError::None(self.advice.clone()))
    }

    /// Returns the key with this name, fingerprint included.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// Whether there is a key with the same id and a different secret.
    #[must_use]
    pub fn has_another(&self, name: &str) -> bool {
        let id = name.rsplit_once('.').map_or(name, |(id, _)| id);
        self.named(name).is_none() && self.keys.iter().any(|key| key.id() == id)
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Encrypts a secret and binds it to `owner`, which is needed to decrypt it. Returns the text
    /// to store, which contains the name of the key.
    ///
    /// # Errors
    /// When there is no key.
    pub fn seal(&self, secret: &str, owner: &str) -> Result<String, KeyError> {
        let key = self.current()?;
        key.seal(&key.webhooks, secret, owner)
    }

    /// Decrypts a secret of `owner` that [`Keyring::seal`] encrypted. A secret from before there
    /// were keys is returned unchanged.
    ///
    /// # Errors
    /// When its key is not available, when it belongs to another owner, or when it was changed.
    pub fn open(&self, stored: &str, owner: &str) -> Result<String, KeyError> {
        if !stored.starts_with(SEALED) {
            return Ok(stored.to_owned());
        }
        self.unsealed(stored, owner, |key| &key.webhooks)
    }

    /// Encrypts what a browser keeps while somebody signs in. Every host with the same key can read
    /// it, and nobody else.
    ///
    /// # Errors
    /// When there is no key.
    pub fn seal_sign_in(&self, text: &str) -> Result<String, KeyError> {
        let key = self.current()?;
        key.seal(&key.sign_in, text, SIGN_IN)
    }

    /// Decrypts what [`Keyring::seal_sign_in`] encrypted.
    ///
    /// # Errors
    /// When its key is not available, or when it was not encrypted here, or was changed.
    pub fn open_sign_in(&self, sealed: &str) -> Result<String, KeyError> {
        self.unsealed(sealed, SIGN_IN, |key| &key.sign_in)
    }

    fn unsealed(&self, stored: &str, owner: &str, derived: fn(&Key) -> &[u8; 32]) -> Result<String, KeyError> {
        let sealed = stored.strip_prefix(SEALED).ok_or(KeyError::Broken)?;
        let (name, text) = sealed.rsplit_once(':').ok_or(KeyError::Broken)?;
        let key = self.named(name).ok_or_else(|| KeyError::Missing(name.to_owned()))?;
        let mut bytes = BASE64_STANDARD.decode(text).map_err(|_| KeyError::Broken)?;
        if bytes.len() < NONCE_LEN {
            return Err(KeyError::Broken);
        }
        let mut text = bytes.split_off(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(&bytes).map_err(|_| KeyError::Broken)?;
        let text =
            cipher(derived(key))?.open_in_place(nonce, bound_to(owner), &mut text).map_err(|_| KeyError::Broken)?;
        String::from_utf8(text.to_vec()).map_err(|_| KeyError::Broken)
    }

    /// Whether a stored secret is encrypted with the current key.
    #[must_use]
    pub fn is_current(&self, stored: &str) -> bool {
        let key = stored.strip_prefix(SEALED).and_then(|sealed| sealed.rsplit_once(':')).map(|(name, _)| name);
        key.is_some() && key == self.keys.first().map(Key::name)
    }

    /// Returns a keyed hash of a text, in 64 hexadecimal digits. Hosts with the same key can
    /// compare it, but nobody can guess the text from it.
    ///
    /// # Errors
    /// When there is no key.
    pub fn hide(&self, text: &str) -> Result<String, KeyError> {
        Ok(hex::encode(hmac::sign(&self.current()?.limits, text.as_bytes())))
    }
}

/// The owner of what a browser keeps while somebody signs in.
const SIGN_IN: &str = "sign-in";

fn cipher(derived: &[u8; 32]) -> Result<RandomizedNonceKey, KeyError> {
    RandomizedNonceKey::new(&AES_256_GCM, derived).map_err(|_| KeyError::Broken)
}

/// The associated data of a secret. A secret that is moved to another row can't be decrypted.
fn bound_to(owner: &str) -> Aad<Vec<u8>> {
    Aad::from(format!("secret of {owner}").into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(keys: &[(&str, &str)]) -> Keyring {
        Keyring::new(keys.iter().map(|(id, secret)| Key::new(id, secret.as_bytes())).collect())
    }

    #[test]
    fn a_secret_is_read_by_its_owner_under_its_key_alone() {
        let one = ring(&[("one", "first secret")]);
        let stored = one.seal("whsec_c2VjcmV0", "wh_1").unwrap();
        assert!(stored.starts_with("sealed:one.") && !stored.contains("c2VjcmV0"), "{stored}");
        assert_eq!(one.open(&stored, "wh_1").as_deref(), Ok("whsec_c2VjcmV0"));
        assert_ne!(one.seal("whsec_c2VjcmV0", "wh_1").unwrap(), stored, "each time another nonce");
        assert_eq!(one.open(&stored, "wh_2"), Err(KeyError::Broken));
        let name = one.current().unwrap().name().to_owned();
        assert_eq!(ring(&[("two", "second secret")]).open(&stored, "wh_1"), Err(KeyError::Missing(name.clone())));
        // A different secret under the same id is a different key.
        let other = ring(&[("one", "second secret")]);
        assert_eq!(other.open(&stored, "wh_1"), Err(KeyError::Missing(name.clone())));
        assert!(other.has_another(&name) && !one.has_another(&name));
        assert!(matches!(Keyring::new(Vec::new()).seal("x", "wh_1"), Err(KeyError::None(_))));
    }

    #[test]
    fn whatever_is_changed_of_a_stored_secret_it_is_not_read_as_another() {
        let one = ring(&[("one", "first secret")]);
        let stored = one.seal("whsec_c2VjcmV0", "wh_1").unwrap();
        for at in SEALED.len()..stored.len() {
            let mut changed = stored.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            // The last base64 digit may have bits that don't count.
            let read = one.open(&changed, "wh_1");
            assert!(read.is_err() || read.as_deref() == Ok("whsec_c2VjcmV0"), "{changed}: {read:?}");
        }
        for broken in
            ["sealed:", "sealed:one", &stored[..stored.len() - 8], &format!("sealed:{}:AAAA", one.keys[0].name)]
        {
            assert!(one.open(broken, "wh_1").is_err(), "{broken}");
        }
    }

    #[test]
    fn after_a_rotation_the_new_key_makes_and_the_old_one_still_reads() {
        let old = ring(&[("one", "first secret")]);
        let rotated = ring(&[("two", "second secret"), ("one", "first secret")]);
        let stored = old.seal("whsec_c2VjcmV0", "wh_1").unwrap();
        assert_eq!(rotated.open(&stored, "wh_1").as_deref(), Ok("whsec_c2VjcmV0"));
        assert!(old.is_current(&stored) && !rotated.is_current(&stored));
        assert!(rotated.is_current(&rotated.seal("x", "wh_1").unwrap()));
        assert!(!rotated.is_current("whsec_c2VjcmV0"));
        assert_eq!(
            rotated.open("whsec_c2VjcmV0", "wh_1").as_deref(),
            Ok("whsec_c2VjcmV0"),
            "from before there were keys"
        );
    }

    #[test]
    fn what_is_made_for_one_purpose_is_not_what_is_made_for_another() {
        let one = ring(&[("one", "first secret")]);
        let key = one.current().unwrap();
        assert_ne!(key.sign("text"), one.hide("text").unwrap());
        assert_ne!(one.hide("text").unwrap(), ring(&[("one", "second secret")]).hide("text").unwrap());
        let (sign_in, secret) = (one.seal_sign_in("text").unwrap(), one.seal("text", SIGN_IN).unwrap());
        assert_eq!(one.open_sign_in(&sign_in).as_deref(), Ok("text"));
        for other in [&*secret, "text", ""] {
            assert_eq!(one.open_sign_in(other), Err(KeyError::Broken), "{other}");
        }
        assert_eq!(one.open(&sign_in, SIGN_IN), Err(KeyError::Broken));
        assert_eq!((key.id(), key.name().len()), ("one", "one.".len() + FINGERPRINT_DIGITS));
        assert!(!format!("{one:?}").contains("secret"));
    }
}
