//! Cancels what a create has made if it fails after all.

use super::{
    Interruption, Run, STEP_IN_DOUBT,
    legs::{LegEnd, Making},
    pause::{Postponed, Until, wait_for},
    prepared::{Prepared, PreparedLeg},
};
use crate::{
    adapters::AdapterChange,
    domain::{
        change::ProposedChange,
        disclosure::Disclosure,
        failure::{Failure, FailureKind},
        media_buy::MediaBuy,
        operation::{LegState, OperationFailure},
        step::{self, Step},
    },
    store::Stored,
};

impl Run<'_> {
    /// Cancels what was made on the platforms, then fails the operation.
    pub(super) async fn undo(
        mut self,
        prepared: &Prepared,
        failure: OperationFailure,
        buy: Stored<MediaBuy>,
        steps: &[Step],
    ) -> Result<(), Interruption> {
        let mut target = prepared.desired.clone();
        target.remote.clone_from(&buy.value.remote);
        let traces = step::traces(&buy.value, steps);
        let is_made = |leg: &&PreparedLeg| leg.state != LegState::Undone && traces.contains(&leg.platform);
        let made: Vec<&PreparedLeg> = prepared.legs.iter().filter(is_made).collect();
        let proposed = ProposedChange { change: &self.operation.value.change, current: &target, desired: &target };
        let (run, made_so_far) = (&self, &target);
        let calls = made.iter().map(|leg| {
            let making = Making { change: AdapterChange::Cancel(made_so_far), prefix: step::UNDO, steps };
            async move {
                match run.stays(leg, made_so_far) {
                    Some(failure) => Ok(LegEnd::Stopped(failure, None)),
                    None => run.call(leg, proposed, making).await,
                }
            }
        });
        let ends = futures::future::join_all(calls).await;
        let mut postponed = None;
        self.operation.value.unresolved.clear();
        for (leg, end) in made.iter().zip(ends) {
            let platform = &leg.platform;
            match end? {
                LegEnd::Done(_) => {
                    if let Some(leg) = self.operation.value.leg_mut(platform) {
                        leg.state = LegState::Undone;
                    }
                }
                LegEnd::UnderWay(failure, at) => {
                    wait_for(&mut postponed, Postponed::by(platform, Until::Look(at), failure));
                }
                LegEnd::Stopped(failure, _) if passes(failure.kind) && self.may_retry(&failure) => {
                    wait_for(&mut postponed, Postponed::by(platform, Until::Retry, failure));
                }
                LegEnd::Stopped(failure, _) => {
                    if failure.code == STEP_IN_DOUBT {
                        self.operation.value.unresolved.push(platform.clone());
                    }
                    let reason = format!(
                        "what was made on {platform} could not be cancelled ({failure}): cancel it there, then answer `completed`, or \
                         `approved` to have it tried again"
                    );
                    let buyer = format!(
                        "what was made on {platform} could not be cancelled; somebody at the publisher does it"
                    );
                    let told = Disclosure::apart(buyer, reason.clone());
                    let failure = Failure::new(FailureKind::Unresolved, "not_cancelled", reason);
                    wait_for(&mut postponed, Postponed { until: Until::Resolved, failure, told });
                }
            }
        }
        if let Some(postponed) = postponed {
            return self.postpone(postponed).await;
        }
        self.fail(failure).await
    }
}

impl Run<'_> {
    /// Returns why nothing is cancelled on a platform that can't stop or remove what was made there,
    /// with the objects that stay.
    fn stays(&self, leg: &PreparedLeg, buy: &MediaBuy) -> Option<Failure> {
        let capabilities = self.deps.adapters.capabilities_of(&leg.platform, Some(&leg.release))?;
        if capabilities.cancels {
            return None;
        }
        let objects: Vec<String> =
            buy.remote_on(&leg.platform).iter().map(|object| format!("{} {}", object.kind, object.id)).collect();
        let objects = if objects.is_empty() { "what its steps may have made".to_owned() } else { objects.join(", ") };
        let message = format!("{} has no cancel; there remain: {objects}", capabilities.title);
        Some(Failure::new(FailureKind::Unresolved, "no_cancel", message))
    }
}

/// Returns whether cancelling may be retried automatically after such a failure.
const fn passes(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::Unavailable | FailureKind::Fault)
}
