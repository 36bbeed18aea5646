//! The commands `token create`, `list`, `revoke` and `restore`.
#![expect(clippy::print_stdout, reason = "a command line prints; a new token is shown once, here")]

use anyhow::{Context, bail};
use base64::Engine;

use super::{NewToken, WhichToken};
use crate::{
    config::{Config, Token},
    domain::{
        digest,
        id::PrincipalId,
        person::{self, Person},
        role::Role,
        time::Timestamp,
    },
    operations::now,
    serve,
    store::{AuditEntry, Revocation, Store, StoreError, TokenRecord},
};

/// 256 bits can't be guessed, so storing a plain digest is enough.
const TOKEN_BYTES: usize = 32;

/// Creates a token and prints it.
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
    let line = AuditEntry { reason: Some("its text was shown, once".to_owned()), ..told(&record) };
    let added = with_store(config, async |store| store.add_token(&record, line).await)?;
    match added {
        Err(StoreError::Stale(_)) => bail!("there is a token named {} already", new.name),
        other => other?,
    }
    println!("{token}");
    Ok(())
}

/// Prints the tokens, one per line.
pub(crate) fn list(config: &Config) -> anyhow::Result<()> {
    let (stored, revoked) =
        with_store(config, async |store| Ok::<_, StoreError>((store.tokens().await?, store.revocations().await?)))??;
    let at = now();
    for token in &config.tokens {
        let principal = token.principal.as_ref().map_or("", |principal| principal.as_str());
        println!(
            "{}",
            line(
                (&token.name, &token.person),
                token.role.as_str(),
                principal,
                standing(token.expires_at, revoked_at(&revoked, &token.sha256), at),
                "configuration"
            )
        );
    }
    for token in &stored {
        let principal = token.principal.as_ref().map_or("", |principal| principal.as_str());
        let standing = standing(token.expires_at, token.revoked_at, at);
        println!(
            "{}",
            line((&token.name, &token.person), &token.role, principal, standing, &format!("made {}", token.created_at))
        );
    }
    let gone = |revocation: &&Revocation| {
        !config.tokens.iter().any(|token| token.sha256 == revocation.sha256)
            && !stored.iter().any(|token| token.sha256 == revocation.sha256)
    };
    for revocation in revoked.iter().filter(gone) {
        let from = format!("no longer configured, sha256 {}", revocation.sha256);
        println!(
            "{}",
            line(
                (&revocation.name, &Person::new(&*revocation.name)),
                "",
                "",
                format!("revoked {}", revocation.at),
                &from
            )
        );
    }
    Ok(())
}

fn revoked_at(revoked: &[Revocation], sha256: &str) -> Option<Timestamp> {
    revoked.iter().find(|revocation| revocation.sha256 == sha256).map(|revocation| revocation.at)
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

/// Revokes tokens as of now: those of the given name, in the configuration and in the database, or
/// the one with the given digest.
pub(crate) fn revoke(config: &Config, which: &WhichToken) -> anyhow::Result<()> {
    let WhichToken { name, sha256, reason, .. } = which;
    with_store(config, async |store| {
        let (stored, revoked) = (store.tokens().await?, store.revocations().await?);
        let made = stored.iter().map(|token| (&token.name, &token.sha256));
        let configured = config.tokens.iter().map(|Token { name, sha256, .. }| (name, sha256));
        let named = made.chain(configured).filter(|(known, _)| *known == name).map(|(_, digest)| digest.clone());
        let mut digests: Vec<String> = match sha256 {
            Some(digest) => vec![digest.clone()],
            None => named.collect(),
        };
        if digests.is_empty() {
            bail!("there is no token named {name}; `flightdeck token list` shows them");
        }
        let since = digests.iter().find_map(|digest| revoked_at(&revoked, digest));
        digests.retain(|digest| revoked_at(&revoked, digest).is_none());
        if let (Some(since), true) = (since, digests.is_empty()) {
            bail!("{name} was revoked {since} already");
        }
        for digest in digests {
            let line = AuditEntry { reason: reason.clone(), ..about("token.revoked", name, &digest) };
            match stored.iter().find(|token| token.sha256 == digest) {
                Some(token) => store.revoke_token(&token.name, line).await?,
                None => {
                    let revocation = Revocation { name: name.clone(), sha256: digest, at: line.at };
                    store.revoke_digest(&revocation, line).await?;
                }
            }
        }
        Ok(())
    })??;
    println!("{name} is revoked: every host refuses it within seconds, until `flightdeck token restore`");
    Ok(())
}

/// Restores a revoked token.
pub(crate) fn restore(config: &Config, which: &WhichToken) -> anyhow::Result<()> {
    let WhichToken { name, sha256, reason, .. } = which;
    with_store(config, async |store| {
        let revoked = store.revocations().await?;
        let meant = revoked.iter().filter(|revocation| match sha256 {
            Some(digest) => revocation.sha256 == *digest,
            None => revocation.name == *name,
        });
        let digest = match meant.map(|revocation| &revocation.sha256).collect::<Vec<_>>().as_slice() {
            [] => bail!("no token named {name} is revoked; `flightdeck token list` shows them"),
            [digest] => (*digest).clone(),
            several => {
                let several = several.iter().map(|digest| digest.as_str()).collect::<Vec<_>>().join("\n  ");
                bail!("several tokens named {name} are revoked; say which one with --sha256:\n  {several}")
            }
        };
        let line = AuditEntry { reason: reason.clone(), ..about("token.restored", name, &digest) };
        Ok(store.restore_token(&digest, line).await?)
    })??;
    println!("{name} is good again");
    Ok(())
}

/// Returns the audit line about what an operator did to a token.
fn about(action: &str, name: &str, sha256: &str) -> AuditEntry {
    AuditEntry {
        at: now(),
        actor: "command line".to_owned(),
        action: action.to_owned(),
        subject: format!("token:{name}"),
        digest: sha256.to_owned(),
        reason: None,
    }
}

/// Runs `work` on the store, even while a host is serving.
fn with_store<T>(config: &Config, work: impl AsyncFnOnce(&Store) -> T) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = serve::open_store_beside(config).await?;
        let done = work(&store).await;
        store.close().await;
        Ok(done)
    })
}

/// Returns the audit line about a created token: who it is for, and nothing that would help to
/// guess it.
fn told(record: &TokenRecord) -> AuditEntry {
    AuditEntry {
        at: record.created_at,
        // Recorded only if the name does not already say it.
        reason: (record.person != Person::new(&*record.name)).then(|| format!("for {}", record.person)),
        ..about("token.created", &record.name, &record.sha256)
    }
}
