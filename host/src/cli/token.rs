//! `token create`.
#![expect(clippy::print_stdout, reason = "the token is shown once, here")]

use anyhow::{Context, bail};
use base64::Engine;

use super::NewToken;
use crate::{
    config::Config,
    domain::{digest, id::PrincipalId, role::Role},
    operations::now,
    serve,
    store::{AuditEntry, StoreError, TokenRecord},
};

/// 256 bits: nobody guesses it, so that a plain digest is enough to store.
const TOKEN_BYTES: usize = 32;

/// Makes a token and shows it.
pub(crate) fn create(config: &Config, new: &NewToken) -> anyhow::Result<()> {
    let principal = match (new.role, &new.principal) {
        (Role::Buyer, Some(id)) => {
            let id = PrincipalId::from(id.as_str());
            if !config.principals.iter().any(|known| known.id == id) {
                let known: Vec<&str> = config.principals.iter().map(|known| known.id.as_str()).collect();
                bail!("there is no principal {id}; configured: {}", known.join(", "));
            }
            Some(id)
        }
        (Role::Buyer, None) => bail!("a buyer's token belongs to a principal: give --principal"),
        (_, Some(_)) => bail!("only a buyer's token has a principal: leave --principal out"),
        (_, None) => None,
    };
    if config.tokens.iter().any(|known| known.name == new.name) {
        bail!("the configuration has a token named {} already", new.name);
    }
    let mut secret = [0u8; TOKEN_BYTES];
    getrandom::fill(&mut secret).context("the system gave no random bytes")?;
    let token = format!("fd_{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(secret));
    let record = TokenRecord {
        name: new.name.clone(),
        sha256: digest::sha256(token.as_bytes()),
        role: new.role.to_string(),
        principal,
        created_at: now(),
        expires_at: new.expires.map(crate::domain::time::Day::end),
        revoked_at: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = serve::open_store_beside(config).await?;
        let added = store.add_token(&record, told(&record)).await;
        store.close().await;
        match added {
            Err(StoreError::Stale(_)) => bail!("there is a token named {} already", new.name),
            other => Ok(other?),
        }
    })?;
    println!("{token}");
    Ok(())
}

/// The audit line of a new token: who it is for, and nothing by which it could be guessed.
fn told(record: &TokenRecord) -> AuditEntry {
    AuditEntry {
        at: record.created_at,
        actor: "command line".to_owned(),
        action: "token.created".to_owned(),
        subject: format!("token:{}", record.name),
        digest: record.sha256.clone(),
        reason: None,
    }
}
