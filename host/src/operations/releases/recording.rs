//! What a decision about releases writes to the database: the release or the activation, the line of
//! the audit log, and the events for the publisher's webhooks.

use crate::{
    adapters::ReleaseInfo,
    domain::{
        audit::AuditEntry,
        event::{Event, EventData, EventKind},
        id::{EventId, MediaBuyId, PlatformName, PrincipalId},
        release::{Activation, ActivationKind, Release},
    },
    operations::now,
    store::{
        Store, StoreError,
        releases::{NewActivation, NewRelease},
    },
};

/// Stores a release that this host has installed. Returns whether it is new to the platform. Its
/// component is read only if it is not stored yet.
pub(super) async fn record(
    store: &Store,
    platform: &PlatformName,
    info: &ReleaseInfo,
    read: impl AsyncFnOnce() -> Result<Vec<u8>, StoreError>,
    actor: &str,
    origin: Option<&str>,
) -> Result<bool, StoreError> {
    let component = if store.has_component(&info.digest).await? { None } else { Some(read().await?) };
    let release = Release {
        platform: platform.clone(),
        digest: info.digest.clone(),
        version: info.version.clone(),
        installed_at: now(),
        installed_by: actor.to_owned(),
        unhealthy_at: None,
    };
    let origin = origin.map_or_else(String::new, |origin| format!(", pulled from {origin}"));
    let reason = format!("version {}{origin}", info.version);
    let line = line(actor, "release.installed", platform, &info.digest, Some(reason));
    store.install_release(NewRelease { release, component, line }).await
}

/// Records an activation. `before` is the release that it replaces, which may be unhealthy.
pub(super) async fn activate(
    store: &Store,
    activation: &Activation,
    before: Option<String>,
    is_unhealthy: bool,
) -> Result<(), StoreError> {
    let Activation { platform, digest, actor, kind, reason, .. } = activation;
    let action = match kind {
        _ if activation.canary.is_some() => "release.tried",
        ActivationKind::Configuration | ActivationKind::Activate | ActivationKind::Promotion => "release.activated",
        ActivationKind::Rollback | ActivationKind::Automatic => "release.rolled_back",
    };
    let line = line(actor, action, platform, digest, reason.clone());
    let unhealthy = before.clone().filter(|_| is_unhealthy);
    let events = happened(activation, before, unhealthy.as_deref());
    store.activate_release(NewActivation { activation: activation.clone(), unhealthy, line, events }).await
}

/// Returns the events of an activation, for the publisher's webhooks.
fn happened(activation: &Activation, before: Option<String>, unhealthy: Option<&str>) -> Vec<Event> {
    let Activation { platform, digest, actor, kind, reason, .. } = activation;
    let event = |kind, release: &str, before| Event {
        id: EventId::mint(),
        kind,
        principal: PrincipalId::from(""),
        buy: MediaBuyId::from(""),
        at: activation.at,
        data: EventData::Release {
            platform: platform.clone(),
            release: release.to_owned(),
            before,
            by: actor.clone(),
            reason: reason.clone(),
            canary_percent: activation.canary.map(|canary| canary.percent),
        },
    };
    let named = match kind {
        ActivationKind::Configuration | ActivationKind::Activate | ActivationKind::Promotion => {
            EventKind::AdapterActivated
        }
        ActivationKind::Rollback | ActivationKind::Automatic => EventKind::AdapterRolledBack,
    };
    let unhealthy = unhealthy.map(|release| event(EventKind::AdapterUnhealthy, release, None));
    unhealthy.into_iter().chain([event(named, digest, before)]).collect()
}

pub(super) fn line(
    actor: &str,
    action: &str,
    platform: &PlatformName,
    digest: &str,
    reason: Option<String>,
) -> AuditEntry {
    AuditEntry {
        at: now(),
        actor: actor.to_owned(),
        action: action.to_owned(),
        subject: format!("platform:{platform}"),
        digest: digest.to_owned(),
        reason,
    }
}
