//! The keys under which the host keeps what lies in its database: the audit log is signed with them, secrets of webhooks are encrypted,
//! and what would let somebody guess a credential is hidden.
//!
//! A key is known by its name and by a fingerprint of its secret, `2026-11.3fa2c1d0`, which stands beside whatever was made with it. So it
//! can be rotated (the first key of a [`Keyring`] makes, all of them read), and a key that was put in place of another one under the same
//! name is told from a line that was forged.
//!
//! Each purpose has a key of its own, derived from the secret: what is made for one can't be used for another.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hmac,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};

/// What begins a text that was encrypted. No secret of a webhook begins so.
const SEALED: &str = "sealed:";

/// How many digits of a fingerprint are kept: enough to tell an operator's few keys apart, and too few to help anybody guess one.
const FINGERPRINT_DIGITS: usize = 8;

/// What a derived key is for.
#[derive(Debug, Clone, Copy)]
enum Purpose {
    Fingerprint,
    Audit,
    Webhooks,
    Limits,
}

impl Purpose {
    /// What is derived from. To change one makes all that was made with it unreadable.
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Fingerprint => b"flightdeck 1 fingerprint",
            Self::Audit => b"flightdeck 1 audit log",
            Self::Webhooks => b"flightdeck 1 secrets of webhooks",
            Self::Limits => b"flightdeck 1 keys of limits",
        }
    }
}

/// Why a secret can't be encrypted or read. It may be shown: no secret is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is no key at all.
    #[error("there is no key to encrypt with: {0}")]
    None(String),
    /// What it was encrypted with is not there.
    #[error(
        "it is encrypted with the key `{0}`, which this host has not: put that key back under [[keys]] of its configuration"
    )]
    Missing(String),
    /// It can't be read with the key that it names.
    #[error("it was changed in the database, or is that of something else")]
    Broken,
}

/// One key.
#[derive(Clone)]
pub struct Key {
    name: String,
    audit: hmac::Key,
    limits: hmac::Key,
    webhooks: [u8; 32],
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[key {}]", self.name)
    }
}

impl Key {
    /// The key of a secret that nobody can guess, by the name that people gave it.
    #[must_use]
    pub fn new(id: &str, secret: &[u8]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derived = |purpose: Purpose| {
            // One block of HKDF's second step; the first one is for secrets that are not uniform, as HMAC takes them anyway.
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
        }
    }

    /// What stands beside whatever is made with it: its id and its fingerprint.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id that people gave it.
    #[must_use]
    pub fn id(&self) -> &str {
        self.name.rsplit_once('.').map_or(&self.name, |(id, _)| id)
    }

    /// Signs a line of the audit log: 64 hexadecimal digits.
    #[must_use]
    pub(super) fn sign(&self, line: &str) -> String {
        hex::encode(hmac::sign(&self.audit, line.as_bytes()))
    }

    fn cipher(&self) -> Result<RandomizedNonceKey, KeyError> {
        RandomizedNonceKey::new(&AES_256_GCM, &self.webhooks).map_err(|_| KeyError::Broken)
    }
}

/// Keys: the first one makes, all of them read.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    keys: Vec<Key>,
    /// What to do about it if there is none.
    advice: String,
}

impl Keyring {
    /// These keys. Of two by the same name the first one counts.
    #[must_use]
    pub fn new(keys: Vec<Key>) -> Self {
        Self { keys, advice: "add one under [[keys]] of the configuration".to_owned() }
    }

    /// Says what to do, for when there is no key.
    #[must_use]
    pub fn advising(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }

    /// A key that only this process has: nobody can read or verify with it afterwards. For tests, and for what is thrown away.
    #[must_use]
    pub fn of_this_process() -> Self {
        static SECRET: std::sync::LazyLock<[u8; 32]> = std::sync::LazyLock::new(rand::random);
        Self::new(vec![Key::new("this-process", &*SECRET)])
    }

    /// The key that makes.
    ///
    /// # Errors
    /// There is none, and what to do.
    pub fn current(&self) -> Result<&Key, KeyError> {
        self.keys.first().ok_or_else(|| KeyError::None(self.advice.clone()))
    }

    /// The key of this name, fingerprint included.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// Whether there is a key of the same id, and another secret.
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

    /// Encrypts a secret of `owner`, which it can't be read without: the text that is stored, with the key's name in it.
    ///
    /// # Errors
    /// There is no key.
    pub fn seal(&self, secret: &str, owner: &str) -> Result<String, KeyError> {
        let key = self.current()?;
        let mut bytes = secret.as_bytes().to_vec();
        let nonce =
            key.cipher()?.seal_in_place_append_tag(bound_to(owner), &mut bytes).map_err(|_| KeyError::Broken)?;
        let mut stored = nonce.as_ref().to_vec();
        stored.append(&mut bytes);
        Ok(format!("{SEALED}{}:{}", key.name, BASE64_STANDARD.encode(stored)))
    }

    /// Reads a secret of `owner` that [`Keyring::seal`] encrypted. One from before there were keys is as it is.
    ///
    /// # Errors
    /// Its key is not there, or it is another owner's, or somebody changed it.
    pub fn open(&self, stored: &str, owner: &str) -> Result<String, KeyError> {
        let Some(sealed) = stored.strip_prefix(SEALED) else { return Ok(stored.to_owned()) };
        let (name, text) = sealed.rsplit_once(':').ok_or(KeyError::Broken)?;
        let key = self.named(name).ok_or_else(|| KeyError::Missing(name.to_owned()))?;
        let mut bytes = BASE64_STANDARD.decode(text).map_err(|_| KeyError::Broken)?;
        if bytes.len() < NONCE_LEN {
            return Err(KeyError::Broken);
        }
        let mut secret = bytes.split_off(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(&bytes).map_err(|_| KeyError::Broken)?;
        let secret = key.cipher()?.open_in_place(nonce, bound_to(owner), &mut secret).map_err(|_| KeyError::Broken)?;
        String::from_utf8(secret.to_vec()).map_err(|_| KeyError::Broken)
    }

    /// Whether a stored secret is encrypted with the key that makes now.
    #[must_use]
    pub fn is_current(&self, stored: &str) -> bool {
        let key = stored.strip_prefix(SEALED).and_then(|sealed| sealed.rsplit_once(':')).map(|(name, _)| name);
        key.is_some() && key == self.keys.first().map(Key::name)
    }

    /// What something is known by to other hosts, so that nobody who reads it can guess what it is: 64 hexadecimal digits.
    ///
    /// # Errors
    /// There is no key.
    pub fn hide(&self, text: &str) -> Result<String, KeyError> {
        Ok(hex::encode(hmac::sign(&self.current()?.limits, text.as_bytes())))
    }
}

/// What a secret is bound to: moved to another row, it can't be read.
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
        // Another secret under the same id is another key.
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
            // The last digit of base64 may carry bits that mean nothing.
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
        assert_eq!((key.id(), key.name().len()), ("one", "one.".len() + FINGERPRINT_DIGITS));
        assert!(!format!("{one:?}").contains("secret"));
    }
}
