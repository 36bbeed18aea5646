//! The database's contents at rest. At start-up, secrets are encrypted again with the current key.
//! While the host serves, the head of the audit log is reported outside of the database.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{events::ITSELF, now};
use crate::{
    domain::{
        audit::{Head, key_of},
        digest,
        keys::{KeyError, Keyring},
        webhook::Endpoint,
    },
    metrics,
    store::{AuditEntry, Store, StoreError, Stored, Write},
};

/// How often the head of the audit log is reported. Lines that are cut off within a minute of being
/// written may go unnoticed.
const TELL: Duration = Duration::from_secs(60);

/// Encrypts the database's secrets with the current key, and records a change of the key that signs
/// the audit log.
///
/// # Errors
/// When the store can't be read or written.
pub async fn begin(store: &Store) -> Result<(), StoreError> {
    record_key_change(store).await?;
    encrypt_secrets(store).await
}

/// Logs the head of the audit log whenever it has grown, until `stop`.
pub async fn serve(store: Store, stop: CancellationToken) {
    let mut told = None;
    let watch = async {
        loop {
            tokio::time::sleep(TELL).await;
            match store.audit_head().await {
                Ok(head) if told.as_ref() == Some(&head) => {}
                Ok(head) => {
                    tell(&head, "it has grown");
                    told = Some(head);
                }
                Err(error) => tracing::warn!(%error, "it is not known how far the audit log goes"),
            }
        }
    };
    // An unresponsive database must not keep the host from stopping.
    stop.run_until_cancelled(watch).await;
}

/// Logs the current head of the audit log.
///
/// # Errors
/// When the store can't be read.
pub async fn log_audit_head(store: &Store, why: &str) -> Result<(), StoreError> {
    tell(&store.audit_head().await?, why);
    Ok(())
}

fn tell(head: &Head, why: &str) {
    metrics::audit_goes_to(head);
    if head.number > 0 {
        tracing::info!(%head, why, "the audit log goes to this line");
    }
}

/// Records in the audit log where signing with a different key begins, or signing at all.
async fn record_key_change(store: &Store) -> Result<(), StoreError> {
    let head = store.audit_head().await?;
    let key = store.keys().current().map_err(StoreError::NoKey)?;
    let before = key_of(&head.link);
    if head.number == 0 || before == Some(key.name()) {
        return Ok(());
    }
    let reason = match before {
        Some(before) => {
            if store.keys().named(before).is_none() {
                tracing::error!(
                    key = before,
                    "the audit log was signed with a key that this host has not: put it back under [[keys]] (or the key file back into the \
                     data folder), or what it signed can't be verified"
                );
            }
            format!("from here on it is signed with {}; up to line {} with {before}", key.name(), head.number)
        }
        None => format!("from here on it is signed, with {}; up to line {} it has no key", key.name(), head.number),
    };
    let line = AuditEntry {
        at: now(),
        actor: ITSELF.to_owned(),
        action: "audit.key_changed".to_owned(),
        subject: "audit".to_owned(),
        digest: digest::sha256(head.to_string().as_bytes()),
        reason: Some(reason),
    };
    store.record(Write::Audit(line)).await
}

/// Encrypts every webhook secret that is not encrypted, or is encrypted with an older key.
async fn encrypt_secrets(store: &Store) -> Result<(), StoreError> {
    let keys = store.keys();
    let outdated = |endpoint: &Endpoint| endpoint.secrets.iter().any(|secret| !keys.is_current(&secret.text));
    for listed in store.webhooks(None).await?.into_iter().filter(outdated) {
        let Some(Stored { value: mut endpoint, version }) = store.webhook(&listed.id).await? else { continue };
        if let Err(error) = encrypted(&mut endpoint, keys) {
            tracing::error!(webhook = %endpoint.id, %error, "the secret of an endpoint of webhooks can't be read, and nothing can be sent to it");
            continue;
        }
        let line = AuditEntry {
            at: now(),
            actor: ITSELF.to_owned(),
            action: "webhook.secret_encrypted".to_owned(),
            subject: endpoint.id.to_string(),
            digest: endpoint.digest(),
            reason: keys.current().ok().map(|key| format!("with the key {}", key.name())),
        };
        match store.change_webhook(&Stored { value: endpoint, version }, vec![line]).await {
            // Another replica did it while starting, or the owner changed the endpoint. The next
            // start handles what is left.
            Ok(()) | Err(StoreError::Stale(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn encrypted(endpoint: &mut Endpoint, keys: &Keyring) -> Result<(), KeyError> {
    let at = now();
    endpoint.secrets.retain(|secret| secret.until.is_none_or(|until| at < until));
    for secret in &mut endpoint.secrets {
        secret.text = keys.seal(&keys.open(&secret.text, endpoint.id.as_str())?, endpoint.id.as_str())?;
    }
    Ok(())
}
