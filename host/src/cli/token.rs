//! `token create`, `list`, `revoke`.
#![expect(clippy::print_stdout, reason = "a command line prints; a new token is shown once, here")]

use anyhow::{Context, bail};
use base64::Engine;

use super::NewToken;
use crate::{
    config::Config,
    domain::{
        digest,
        id::PrincipalId,
        person::{self, Person},
        role::Role,
        time::Timestamp,
    },
    operations::now,
    serve,
    store::{AuditEntry, Store, StoreError, TokenRecord},
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
        person: Person::new(new.person.clone().unwrap_or_else(|| new.name.clone())),
        sha256: digest::sha256(token.as_bytes()),
        role: new.role.to_string(),
        principal,
        created_at: now(),
        expires_at: new.expires.map(crate::domain::time::Day::end),
        revoked_at: None,
    };
    let added = with_store(config, async |store| store.add_token(&record, told(&record)).await)?;
    match added {
        Err(StoreError::Stale(_)) => bail!("there is a token named {} already", new.name),
        other => other?,
    }
    println!("{token}");
    Ok(())
}

/// Shows the tokens, a line each.
pub(crate) fn list(config: &Config) -> anyhow::Result<()> {
    let stored = with_store(config, async |store| store.tokens().await)??;
    let at = now();
    for token in &config.tokens {
        let principal = token.principal.as_ref().map_or("", |principal| principal.as_str());
        println!(
            "{}",
            line(
                (&token.name, &token.person),
                token.role.as_str(),
                principal,
                standing(token.expires_at, None, at),
                "configuration"
            )
        );
    }
    for token in stored {
        let principal = token.principal.as_ref().map_or("", |principal| principal.as_str());
        let standing = standing(token.expires_at, token.revoked_at, at);
        println!(
            "{}",
            line((&token.name, &token.person), &token.role, principal, standing, &format!("made {}", token.created_at))
        );
    }
    Ok(())
}

fn line((name, person): (&str, &Person), role: &str, principal: &str, standing: String, from: &str) -> String {
    let who = person::signature(name, person);
    format!("{who:<24}  {role:<8}  {principal:<24}  {from}  {standing}")
}

fn standing(expires_at: Option<Timestamp>, revoked_at: Option<Timestamp>, at: Timestamp) -> String {
    match (revoked_at, expires_at) {
        (Some(revoked), _) => format!("revoked {revoked}"),
        (None, Some(expires)) if expires <= at => format!("expired {expires}"),
        (None, Some(expires)) => format!("good until {expires}"),
        (None, None) => "good".to_owned(),
    }
}

/// Has a token be refused from now on.
pub(crate) fn revoke(config: &Config, name: &str, reason: Option<String>) -> anyhow::Result<()> {
    if config.tokens.iter().any(|known| known.name == name) {
        bail!("{name} is a token of the configuration: take it out there, and start the hosts again");
    }
    with_store(config, async |store| {
        let Some(token) = store.tokens().await?.into_iter().find(|token| token.name == name) else {
            bail!("there is no token named {name}; `flightdeck token list` shows them");
        };
        if let Some(revoked) = token.revoked_at {
            bail!("{name} was revoked {revoked} already");
        }
        let line = AuditEntry { at: now(), action: "token.revoked".to_owned(), reason, ..told(&token) };
        Ok(store.revoke_token(name, line).await?)
    })??;
    println!("{name} is revoked");
    Ok(())
}

/// Does something with the store, beside a host that may be serving.
fn with_store<T>(config: &Config, work: impl AsyncFnOnce(&dyn Store) -> T) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = serve::open_store_beside(config).await?;
        let done = work(store.as_ref()).await;
        store.close().await;
        Ok(done)
    })
}

/// The audit line of a token that is made or revoked: who it is for, and nothing by which it could be guessed.
fn told(record: &TokenRecord) -> AuditEntry {
    AuditEntry {
        at: record.created_at,
        actor: "command line".to_owned(),
        action: "token.created".to_owned(),
        subject: format!("token:{}", record.name),
        digest: record.sha256.clone(),
        // Its name says it otherwise.
        reason: (record.person != Person::new(&*record.name)).then(|| format!("for {}", record.person)),
    }
}
