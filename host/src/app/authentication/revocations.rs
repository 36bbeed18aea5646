//! Revocations of tokens that stand in the configuration.
//!
//! Such tokens are known without the database, so that operators see the metrics of a host whose database is away. That one of them
//! was revoked stands in the database, and is read once a second.

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
    /// Whether a token of the configuration is revoked.
    pub fn contains(&self, sha256: &str) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(sha256)
    }

    /// Reads them from the store.
    ///
    /// # Errors
    /// The store's; those that were revoked still are.
    pub async fn refresh(&self, config: &Config, store: &Store) -> Result<(), StoreError> {
        let tokens: Vec<String> = config.tokens.iter().map(|token| token.sha256.clone()).collect();
        let revoked = store.revoked_among(&tokens).await?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = revoked.into_iter().collect();
        Ok(())
    }
}
