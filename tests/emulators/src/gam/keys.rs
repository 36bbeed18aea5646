//! The service account: an RSA key generated at the start, and the key file that Google provides
//! for it.

use std::sync::OnceLock;

use aws_lc_rs::{
    encoding::AsDer,
    error::Unspecified,
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// The account's email address, which assertions name as their issuer.
pub const CLIENT_EMAIL: &str = "flightdeck@emulated-project.iam.gserviceaccount.com";
/// The project of the account.
const PROJECT: &str = "emulated-project";
/// The id of its only key.
pub const KEY_ID: &str = "3f1c5a7be09d42c68b71";
/// The length of a line of PEM, in characters (RFC 7468).
const PEM_LINE: usize = 64;

/// A service account with its key.
#[derive(Debug, Clone)]
pub(super) struct Account {
    public: Vec<u8>,
    pem: String,
}

impl Account {
    /// Returns the account of this process. Its key is generated once per process and shared by all
    /// emulators in it: generating one takes a tenth of a second, and some tests start a hundred.
    pub(super) fn of_process() -> Result<Self, Unspecified> {
        static ACCOUNT: OnceLock<Account> = OnceLock::new();
        if let Some(account) = ACCOUNT.get() {
            return Ok(account.clone());
        }
        let account = Self::new()?;
        Ok(ACCOUNT.get_or_init(|| account).clone())
    }

    /// Returns an account with a new key.
    pub(super) fn new() -> Result<Self, Unspecified> {
        let pair = KeyPair::generate(KeySize::Rsa2048)?;
        let der = pair.as_der()?;
        Ok(Self { public: pair.public_key().as_ref().to_vec(), pem: pem(der.as_ref()) })
    }

    /// Returns the key file for a token endpoint.
    pub(super) fn file(&self, token_uri: &str) -> Value {
        json!({
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": KEY_ID,
            "private_key": self.pem,
            "client_email": CLIENT_EMAIL,
            "client_id": "100000000000000000001",
            "token_uri": token_uri,
            "universe_domain": "googleapis.com",
        })
    }

    /// Whether a signature was made with this account's key.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.public).verify(message, signature).is_ok()
    }
}

fn pem(der: &[u8]) -> String {
    let mut text = String::from("-----BEGIN PRIVATE KEY-----\n");
    let mut line = 0;
    for letter in STANDARD.encode(der).chars() {
        if line == PEM_LINE {
            text.push('\n');
            line = 0;
        }
        text.push(letter);
        line += 1;
    }
    text.push_str("\n-----END PRIVATE KEY-----\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pem_has_lines_of_64_characters() {
        let text = pem(&[7; 100]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[1].len(), lines[3].len()), (5, 64, 8));
    }
}
