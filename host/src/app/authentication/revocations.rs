//! Revocations of tokens in the configuration.
//!
//! These tokens work without the database, so that operators can see the metrics of a host whose
//! database is down. Their revocations are in the database, and are read once a second.

use std::{
    collections::HashSet,
    sync::{PoisonError, RwLock},
};

use crate::{
    config::Config,
    store::{Store, StoreError},
};

/// The revoked tokens of the configuration, by their SHA-256.
#[derive(Debug, Default)]
pub struct Revocations(RwLock<HashSet<String>>);

impl Revocations {
    /// Returns whether a token of the configuration is revoked.
    pub fn contains(&self, sha256: &str) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(sha256)
    }

    /// Reads the revocations from the store.
    ///
    /// # Errors
    /// When the store can't be read. Tokens that were known to be revoked stay revoked.
    pub async fn refresh(&self, config: &Config, store: &Store) -> Result<(), StoreError> {
        let tokens: Vec<String> = config.tokens.iter().map(|token| token.sha256.clone()).collect();
        let revoked = store.revoked_among(&tokens).await?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = revoked.into_iter().collect();
        Ok(())
    }
}
