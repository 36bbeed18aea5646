//! Values that a request which got no answer may have put back: they are set again to what the buyer
//! asked for last.
//!
//! A request that sets a value has no object to look for. It is repeated after its bound, so that the
//! operation ends with its values on the ad server. But the lost request may be carried out later
//! still, after another operation has set other values. What it may set then is known: the states
//! that its operation was going to establish ([`Frozen::late_states`]). The values in which such a
//! state differs from the buy are sent once more, whether the request arrived or not: sending them
//! twice changes nothing.
//!
//! [`Frozen::late_states`]: crate::domain::operation::Frozen::late_states

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{LookError, Lookups, Subject};
use crate::{
    domain::{digest, failure::FailureKind, id::MediaBuyId, operation::OperationKind, status::BuyStatus},
    metrics::SETS_REPEATED,
    operations::{events, now},
    store::{AuditEntry, Recording, StoreError, Write},
};

/// What became of values that may have been put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    /// There are none, or they were set again.
    Settled,
    /// Another operation of the buy is changing them, or has just done so. Look again soon.
    Changing,
}

impl Lookups {
    /// Sets the values again that a late request of the operation may have put back.
    pub(super) async fn set_again(&self, subject: &Subject, stop: &CancellationToken) -> Result<Values, LookError> {
        let (operation, buy, platform) = (&subject.operation.value, &subject.buy, &subject.due.step.platform);
        let sets = matches!(
            operation.kind,
            OperationKind::Update | OperationKind::UpdatePackage | OperationKind::AddCreatives
        );
        let is_over = matches!(buy.status, BuyStatus::Completed | BuyStatus::Failed) || buy.end < now();
        let Some(frozen) = operation.frozen.as_ref().filter(|_| sets && !is_over) else { return Ok(Values::Settled) };
        let late = frozen.late_states(buy, platform);
        if late.is_empty() {
            return Ok(Values::Settled);
        }
        // An operation that has begun may have set values that are not recorded yet, and the ad server
        // may not show yet what the last one made.
        let lag = self.adapters.in_doubt_wait_ms(platform, &subject.release).await;
        if self.is_changing(&buy.id).await? || buy.updated_at.plus_millis(i64::from(lag)) > now() {
            return Ok(Values::Changing);
        }
        for state in late {
            let set =
                self.adapters.set_again(platform, &subject.release, &subject.call, (state, buy), stop.clone()).await;
            match set {
                Err(failure) if failure.kind == FailureKind::Unavailable => return Err(LookError::Adapter(failure)),
                set => self.record_set(subject, set.err().map(|failure| failure.to_string())).await?,
            }
        }
        // What an operation that began meanwhile has set may have been overwritten.
        let after = self.store.buy(&buy.id).await?;
        let is_as_before = after.is_some_and(|after| after.value.revision == buy.revision);
        let settled = is_as_before && !self.is_changing(&buy.id).await?;
        Ok(if settled { Values::Settled } else { Values::Changing })
    }

    /// Whether an operation of the buy has begun and not ended.
    async fn is_changing(&self, buy: &MediaBuyId) -> Result<bool, StoreError> {
        Ok(self.store.open_operations(buy).await?.iter().any(|other| other.value.frozen.is_some()))
    }

    async fn record_set(&self, subject: &Subject, refused: Option<String>) -> Result<(), StoreError> {
        let (operation, platform, step) =
            (&subject.operation.value.id, &subject.due.step.platform, &subject.due.step.name);
        let action = if refused.is_some() { "operation.not_set_again" } else { "operation.set_again" };
        match &refused {
            None => {
                metrics::counter!(SETS_REPEATED, "platform" => platform.to_string()).increment(1);
                tracing::info!(%operation, %platform, step, "values were set again, because a late request may have put them back");
            }
            Some(why) => tracing::error!(%operation, %platform, step, why, "values can't be set again"),
        }
        let reason = refused.map_or_else(|| format!("{platform}: {step}"), |why| format!("{platform}: {step}: {why}"));
        let line = AuditEntry {
            at: now(),
            actor: events::ITSELF.to_owned(),
            action: action.to_owned(),
            subject: operation.to_string(),
            digest: digest::canonical(&json!({ "platform": platform, "revision": subject.buy.revision })),
            reason: Some(reason),
        };
        self.store.record(Recording::from(Write::Audit(line))).await
    }
}
