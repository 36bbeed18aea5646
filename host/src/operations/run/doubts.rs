//! How long a run must wait before a lookup that finds nothing is believed.

use super::{Interruption, Run, prepared::Prepared};
use crate::{
    domain::{
        id::PlatformName,
        operation::OperationKind,
        step::{Step, StepState},
        time::Timestamp,
    },
    operations::now,
};

impl Run<'_> {
    /// If a step is in doubt and a lookup could still miss what it made, returns when that is no
    /// longer possible, by the clock that judges doubts. Steps of an operation that this one
    /// overtook count as well, because their requests in flight would change what this operation is
    /// about to set. A step of those that was begun anew long after this operation was accepted
    /// does not count, because it may be refused and retried for hours.
    pub(super) async fn lookups_trusted_from(
        &self,
        prepared: &Prepared,
        steps: &[Step],
    ) -> Result<Option<Timestamp>, Interruption> {
        let accepted = self.operation.value.created_at;
        let overtaken = self.steps_of_overtaken().await?;
        let own = steps.iter().map(|step| (step, None));
        let mut since: Vec<(&PlatformName, Timestamp, Option<Timestamp>)> = own
            .chain(overtaken.iter().map(|step| (step, Some(accepted))))
            .filter(|(step, _)| step.state == StepState::Open)
            .map(|(step, overtaken_at)| (&step.platform, step.begun_at, overtaken_at))
            .filter(|(platform, ..)| prepared.leg(platform).is_some())
            .collect();
        // What the database has forgotten may have been done until shortly before it was restored.
        if let Some(restored_at) = self.restored_at() {
            since.extend(prepared.legs.iter().map(|leg| (&leg.platform, restored_at, None)));
        }
        let mut latest = None;
        for (platform, since, overtaken_at) in since {
            let release = prepared.leg(platform).map_or("", |leg| leg.release.as_str());
            let lag = i64::from(self.deps.adapters.in_doubt_wait_ms(platform, release).await);
            if overtaken_at.is_none_or(|at| since <= at.plus_millis(lag)) {
                latest = latest.max(Some(since.plus_millis(lag)));
            }
        }
        match latest {
            Some(latest) if latest > self.deps.store.clock(now()).await? => Ok(Some(latest)),
            _ => Ok(None),
        }
    }

    /// Returns the steps of other changes of the buy that have begun and not ended. Returns none
    /// for a create, because nothing overtakes it.
    async fn steps_of_overtaken(&self) -> Result<Vec<Step>, Interruption> {
        let this = &self.operation.value;
        let mut found = Vec::new();
        if this.kind == OperationKind::Create {
            return Ok(found);
        }
        for other in self.deps.store.open_operations(&this.buy).await? {
            if other.value.id != this.id && other.value.frozen.is_some() {
                found.extend(self.deps.store.steps(&other.value.id).await?);
            }
        }
        Ok(found)
    }

    /// Returns when the database was restored from a copy, if the operation is older than that.
    /// Steps that its record shows as not begun may have been carried out since the copy was made.
    pub(super) fn restored_at(&self) -> Option<Timestamp> {
        self.deps.restored_at.filter(|at| self.operation.value.created_at <= *at)
    }
}
