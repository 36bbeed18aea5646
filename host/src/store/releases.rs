//! Releases of adapters: their components, for which platforms they are installed, and which of them
//! serves.

use crate::{
    domain::{
        audit::AuditEntry,
        event::Event,
        id::PlatformName,
        purpose::Purpose,
        release::{Activation, ActivationKind, Canary, Release},
        time::Timestamp,
    },
    store::{
        Store, StoreError, audit,
        events::{Formatted, append_events, formatted},
        replicas::HoldKey,
        sql::{
            Dialect, MOST_ROWS, Transaction,
            rows::Row,
            script::{Script, Statement, Want},
            work,
        },
    },
};

/// How many operations are examined before a release is removed.
pub const MOST_EXAMINED: u32 = 1_000;

/// How many activations of a platform are read, the latest ones.
const MOST_ACTIVATIONS: u32 = 1_000;

/// A release to install, with the bytes of its component.
#[derive(Debug, Clone)]
pub struct NewRelease {
    /// The release.
    pub release: Release,
    /// The bytes of its component; `None` if they are stored already.
    pub component: Option<Vec<u8>>,
    /// Appended to the audit log if the release is new to the platform.
    pub line: AuditEntry,
}

/// An activation to record.
#[derive(Debug, Clone)]
pub struct NewActivation {
    /// The activation. Its number is one more than the one that it was decided on.
    pub activation: Activation,
    /// The release that it replaces because that one is unhealthy.
    pub unhealthy: Option<String>,
    /// Appended to the audit log.
    pub line: AuditEntry,
    /// Sent to the publisher's webhooks.
    pub events: Vec<Event>,
}

impl Store {
    /// Stores a component under the SHA-256 of its bytes. Idempotent.
    pub async fn keep_component(&self, digest: &str, bytes: Vec<u8>, at: Timestamp) -> Result<(), StoreError> {
        self.write((digest.to_owned(), bytes, at), work!(keep)).await
    }

    /// Reads the bytes of a component.
    pub async fn component(&self, digest: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let asked = Statement::new("SELECT content FROM components WHERE digest = ?").with(digest);
        self.read(asked).await?.first().map_or(Ok(None), |row| row.maybe_bytes("content"))
    }

    /// Returns whether a component is stored.
    pub async fn has_component(&self, digest: &str) -> Result<bool, StoreError> {
        let asked = Statement::new("SELECT 1 AS known FROM components WHERE digest = ?").with(digest);
        Ok(!self.read(asked).await?.is_empty())
    }

    /// Installs a release for a platform. Returns whether it is new to the platform. Idempotent.
    pub async fn install_release(&self, new: NewRelease) -> Result<bool, StoreError> {
        self.write(new, work!(install)).await
    }

    /// Reads the releases that are installed for a platform, oldest first.
    pub async fn releases(&self, platform: &PlatformName) -> Result<Vec<Release>, StoreError> {
        let asked = Statement::new(
            "SELECT platform, digest, version, installed_at, installed_by, unhealthy_at FROM releases
             WHERE platform = ? ORDER BY installed_at, digest LIMIT ?",
        );
        self.read(asked.with(platform.as_str()).with(MOST_ROWS)).await?.iter().map(release).collect()
    }

    /// Reads the activations of a platform, oldest first; if there are very many, the latest ones.
    pub async fn activations(&self, platform: &PlatformName) -> Result<Vec<Activation>, StoreError> {
        let asked = Statement::new(
            "SELECT platform, number, digest, at, actor, kind, reason, percent, promote_at FROM activations
             WHERE platform = ? ORDER BY number DESC LIMIT ?",
        );
        let found = self.read(asked.with(platform.as_str()).with(MOST_ACTIVATIONS)).await?;
        found.iter().rev().map(activation).collect()
    }

    /// Reads the activations that hold for each platform: that of the release that serves, and after
    /// it that of a release on trial.
    pub async fn serving(&self) -> Result<Vec<Activation>, StoreError> {
        let asked = Statement::new(
            "SELECT platform, number, digest, at, actor, kind, reason, percent, promote_at FROM activations
             WHERE number IN (
                 SELECT max(number) FROM activations AS later WHERE later.platform = activations.platform
                 UNION SELECT max(number) FROM activations AS later
                 WHERE later.platform = activations.platform AND later.percent IS NULL)
             ORDER BY platform, number LIMIT ?",
        );
        self.read(asked.with(MOST_ROWS)).await?.iter().map(activation).collect()
    }

    /// Reads the releases that a host rolled back from because they were unhealthy.
    pub async fn unhealthy_releases(&self) -> Result<Vec<(PlatformName, String)>, StoreError> {
        let asked = Statement::new(
            "SELECT platform, digest FROM releases WHERE unhealthy_at IS NOT NULL ORDER BY platform, digest LIMIT ?",
        );
        let found = self.read(asked.with(MOST_ROWS)).await?;
        found.iter().map(|row| Ok((PlatformName::new(row.text("platform")?), row.text("digest")?))).collect()
    }

    /// Records which release serves a platform from now on, and closes the circuit breakers that the
    /// previous one opened.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if the release is not installed, or somebody else has decided since.
    pub async fn activate_release(&self, new: NewActivation) -> Result<(), StoreError> {
        let events = formatted(&new.events, self.payload);
        self.write((new, events), work!(activate)).await
    }

    /// Returns an operation that began on a release and may still need it: it has not ended, or one
    /// of its steps is still to be looked up. If more than [`MOST_EXAMINED`] operations are open or
    /// looked up, the last of them is returned, because the others are not examined.
    pub async fn needs_release(&self, digest: &str) -> Result<Option<String>, StoreError> {
        let named = format!("\"{digest}\"");
        // Both conditions are always true: they make a search of the index of what would be a scan.
        let open = "SELECT id, doc FROM operations WHERE begun = 1 AND buy > '' ORDER BY buy LIMIT ?";
        let lost =
            "SELECT operations.id, operations.doc FROM lookups JOIN operations ON operations.id = lookups.operation
             WHERE lookups.due_at > 0 ORDER BY lookups.due_at LIMIT ?";
        for asked in [open, lost] {
            let found = self.read(Statement::new(asked).with(MOST_EXAMINED)).await?;
            for (index, row) in found.iter().enumerate() {
                let is_last = index + 1 == MOST_EXAMINED as usize;
                if is_last || row.text("doc")?.contains(&named) {
                    return row.text("id").map(Some);
                }
            }
        }
        Ok(None)
    }

    /// Removes a release from a platform, and its component if no other platform has it. The line is
    /// appended to the audit log.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if it is not installed, or serves.
    pub async fn remove_release(&self, release: &Release, line: AuditEntry) -> Result<(), StoreError> {
        self.write((release.clone(), line), work!(remove)).await
    }
}

fn release(row: &Row) -> Result<Release, StoreError> {
    Ok(Release {
        platform: PlatformName::new(row.text("platform")?),
        digest: row.text("digest")?,
        version: row.text("version")?,
        installed_at: row.moment("installed_at")?,
        installed_by: row.text("installed_by")?,
        unhealthy_at: row.maybe_moment("unhealthy_at")?,
    })
}

fn activation(row: &Row) -> Result<Activation, StoreError> {
    let kind = row.text("kind")?;
    Ok(Activation {
        platform: PlatformName::new(row.text("platform")?),
        number: row.int("number")?,
        digest: row.text("digest")?,
        at: row.moment("at")?,
        actor: row.text("actor")?,
        kind: ActivationKind::parse(&kind)
            .ok_or_else(|| StoreError::Corrupt(format!("an activation has the unknown kind {kind:?}")))?,
        reason: row.maybe_text("reason")?,
        canary: canary(row)?,
    })
}

fn canary(row: &Row) -> Result<Option<Canary>, StoreError> {
    let (Some(percent), Some(promote_at)) = (row.maybe_int("percent")?, row.maybe_moment("promote_at")?) else {
        return Ok(None);
    };
    let percent = u8::try_from(percent)
        .map_err(|_| StoreError::Corrupt(format!("an activation has a share of {percent} per cent")))?;
    Ok(Some(Canary { percent, promote_at }))
}

async fn keep(
    transaction: &mut (dyn Transaction + '_),
    _: &Dialect,
    (digest, bytes, at): &(String, Vec<u8>, Timestamp),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    put_component(&mut script, digest, bytes, *at);
    transaction.run(script).await.map(drop)
}

fn put_component(script: &mut Script, digest: &str, bytes: &[u8], at: Timestamp) {
    script
        .statement(
            "INSERT INTO components (digest, content, added_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            Want::Any,
        )
        .bind(digest)
        .bind(bytes)
        .bind(at.as_micros());
}

async fn install(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    new: &NewRelease,
) -> Result<bool, StoreError> {
    let release = &new.release;
    let mut script = Script::default();
    if let Some(bytes) = &new.component {
        put_component(&mut script, &release.digest, bytes, release.installed_at);
    }
    script
        .statement(
            "INSERT INTO releases (platform, digest, version, installed_at, installed_by) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO NOTHING RETURNING 1 AS news",
            Want::Keep,
        )
        .bind(release.platform.as_str())
        .bind(release.digest.as_str())
        .bind(release.version.as_str())
        .bind(release.installed_at.as_micros())
        .bind(release.installed_by.as_str());
    if transaction.run(script).await?.is_empty() {
        // A release that an older version recorded has no version yet.
        let mut script = Script::default();
        script
            .statement("UPDATE releases SET version = ? WHERE platform = ? AND digest = ? AND version = ''", Want::Any)
            .bind(release.version.as_str())
            .bind(release.platform.as_str())
            .bind(release.digest.as_str());
        return transaction.run(script).await.map(|_| false);
    }
    audit::append(transaction, dialect, std::slice::from_ref(&new.line)).await?;
    Ok(true)
}

async fn activate(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (new, events): &(NewActivation, Vec<Formatted>),
) -> Result<(), StoreError> {
    let Activation { platform, number, digest, at, actor, kind, reason, canary } = &new.activation;
    let mut script = Script::default();
    if let Some(unhealthy) = &new.unhealthy {
        script
            .statement("UPDATE releases SET unhealthy_at = ? WHERE platform = ? AND digest = ?", Want::Any)
            .bind(at.as_micros())
            .bind(platform.as_str())
            .bind(unhealthy.as_str());
    }
    // Whoever activates an unhealthy release again gives it another chance.
    script
        .statement(
            "UPDATE releases SET unhealthy_at = NULL WHERE platform = ? AND digest = ?",
            Want::Changes(1, StoreError::Stale("the platform's releases")),
        )
        .bind(platform.as_str())
        .bind(digest.as_str());
    script
        .statement(
            "INSERT INTO activations (platform, number, digest, at, actor, kind, reason, percent, promote_at)
             SELECT ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE ? = (SELECT coalesce(max(number), 0) + 1 FROM activations WHERE platform = ?)
             ON CONFLICT DO NOTHING",
            Want::Changes(1, StoreError::Stale("the release that serves the platform")),
        )
        .bind(platform.as_str())
        .bind(*number)
        .bind(digest.as_str())
        .bind(at.as_micros())
        .bind(actor.as_str())
        .bind(kind.as_str())
        .bind(reason.as_deref())
        .bind(canary.map(|canary| i64::from(canary.percent)))
        .bind(canary.map(|canary| canary.promote_at.as_micros()))
        .bind(*number)
        .bind(platform.as_str());
    for purpose in Purpose::GUARDED {
        let forget = "UPDATE limits SET held_until = 0 WHERE key = ?";
        script.statement(forget, Want::Any).bind(HoldKey::Breaker(platform.clone(), purpose).to_string());
    }
    append_events(&mut script, events)?;
    transaction.run(script).await?;
    audit::append(transaction, dialect, std::slice::from_ref(&new.line)).await
}

async fn remove(
    transaction: &mut (dyn Transaction + '_),
    dialect: &Dialect,
    (release, line): &(Release, AuditEntry),
) -> Result<(), StoreError> {
    let mut script = Script::default();
    script
        .statement(
            "DELETE FROM releases WHERE platform = ? AND digest = ? AND digest NOT IN (
                 SELECT digest FROM activations WHERE platform = ? AND number >= (
                     SELECT max(number) FROM activations WHERE platform = ? AND percent IS NULL))",
            Want::Changes(1, StoreError::Stale("the platform's releases")),
        )
        .bind(release.platform.as_str())
        .bind(release.digest.as_str())
        .bind(release.platform.as_str())
        .bind(release.platform.as_str());
    script
        .statement(
            "DELETE FROM components WHERE digest = ? AND NOT EXISTS (SELECT 1 FROM releases WHERE digest = ?)",
            Want::Any,
        )
        .bind(release.digest.as_str())
        .bind(release.digest.as_str());
    transaction.run(script).await?;
    audit::append(transaction, dialect, std::slice::from_ref(line)).await
}
