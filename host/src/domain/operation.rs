//! Operations, which are accepted changes, and the table of their state transitions.
//!
//! ```text
//! (accepted) -> queued | awaiting_approval
//! awaiting_approval | awaiting_permission -> queued    a person approved
//! queued -> running                                    a worker claimed it under a lease
//! running -> running                                   another claimed it after its lease
//! running -> queued                                    it will be retried, or was handed back
//! running -> awaiting_approval | awaiting_permission   a person is needed after all
//! running -> parked                                    nobody can tell whether a step happened
//! running -> succeeded | failed
//! parked -> queued | succeeded | failed                a person found out
//! queued | awaiting_* -> failed                        rejected, expired, or its buy ended
//! ```

use serde::{Deserialize, Serialize};

use super::{
    disclosure::Disclosure,
    failure::{Failure, FailureDetails},
    id::{MediaBuyId, OperationId, PackageId, PlatformName, PrincipalId, TaskId},
    media_buy::MediaBuy,
    person::Person,
    plan::Plan,
    problem::Problem,
    targeting::names,
    time::Timestamp,
    update::{Progress, When},
};

mod frozen;

pub use self::frozen::{Frozen, FrozenPlatform};
pub use super::change::{Change, FollowUp, Performance};

names! {
    /// The state of an operation.
    OperationState {
        /// Waits for a reviewer's approval.
        AwaitingApproval = "awaiting_approval",
        /// Waits for a permission of the ad server's account.
        AwaitingPermission = "awaiting_permission",
        /// Ready to be claimed, now or at a later time.
        Queued = "queued",
        /// A worker has claimed it under a lease.
        Running = "running",
        /// A person must find out whether a step happened.
        Parked = "parked",
        /// Carried out.
        Succeeded = "succeeded",
        /// Not carried out; the reason is recorded.
        Failed = "failed",
    }
}

impl OperationState {
    /// Whether the state is final.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }

    /// Whether the state may change to `next`. This is the only table of transitions.
    pub const fn may_become(self, next: Self) -> bool {
        use OperationState::{AwaitingApproval, AwaitingPermission, Failed, Parked, Queued, Running, Succeeded};
        match self {
            AwaitingApproval | AwaitingPermission => matches!(next, Queued | Failed),
            Queued => matches!(next, Running | Failed),
            Running => true,
            Parked => matches!(next, Queued | Succeeded | Failed),
            Succeeded | Failed => false,
        }
    }
}

names! {
    /// The kind of change that an operation makes: the name of the tool that requests it, or
    /// `follow_up`.
    OperationKind {
        /// Creates a buy.
        Create = "create_media_buy",
        /// Adds creatives.
        AddCreatives = "add_creative_assets",
        /// Changes a buy.
        Update = "update_media_buy",
        /// Changes packages of a buy.
        UpdatePackage = "update_package",
        /// Reports the performance of packages.
        PerformanceIndex = "update_media_buy_performance_index",
        /// Completes what was approved, after somebody else changed something on the platform.
        FollowUp = "follow_up",
    }
}

impl OperationKind {
    /// The kinds that a buyer can request. The host itself begins the others, and asks nobody.
    pub const REQUESTED: &'static [Self] =
        &[Self::Create, Self::AddCreatives, Self::Update, Self::UpdatePackage, Self::PerformanceIndex];
}

names! {
    /// The state of a leg.
    LegState {
        /// Not finished.
        Pending = "pending",
        /// Carried out.
        Done = "done",
        /// Refused permanently.
        Failed = "failed",
        /// Carried out and then undone, because another platform refused.
        Undone = "undone",
    }
}

/// The part of an operation on one platform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    /// The platform.
    pub platform: PlatformName,
    /// The state.
    pub state: LegState,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// The result, once the leg is done.
    pub outcome: Option<LegOutcome>,
}

/// An adapter's result of a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct LegOutcome {
    /// When the change takes effect; `None` means immediately.
    pub effective: Option<Timestamp>,
    /// Notes for the buyer.
    pub notes: Vec<String>,
    /// The packages that were changed, in order.
    pub affected: Vec<PackageId>,
    /// The package that the platform refused, and why. Later packages were not tried.
    pub failed_package: Option<(PackageId, Failure)>,
    /// The state of creatives.
    pub assets: Vec<super::creative::AssetStatus>,
    /// The optimisation actions.
    pub optimizations: Vec<Optimization>,
}

/// An action or a recommendation that concerns a package's performance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Optimization {
    /// The package.
    pub package: PackageId,
    /// `applied`, `advised` or `none`.
    pub kind: String,
    /// A short description.
    pub action: String,
    /// The reason.
    pub reason: String,
}

/// Why an operation failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationFailure {
    /// The error code.
    pub code: String,
    /// The reason, for buyers and for staff.
    pub reason: Disclosure,
    /// The individual problems, if there are several. Buyers see them, too.
    pub details: FailureDetails,
}

/// An accepted change of a media buy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// The id, which begins with `op`.
    pub id: OperationId,
    /// The media buy.
    pub buy: MediaBuyId,
    /// The buyer that owns the media buy.
    pub principal: PrincipalId,
    /// The kind of change.
    pub kind: OperationKind,
    /// The change.
    pub change: Change,
    /// The request as it was received, for people.
    pub request: serde_json::Value,
    /// The caller: the name of the token.
    pub requested_by: String,
    /// The person behind the token; `None` in records from before persons were stored.
    #[serde(default)]
    pub requested_by_person: Option<Person>,
    /// The state.
    pub state: OperationState,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When the last change was recorded.
    pub updated_at: Timestamp,
    /// The earliest time of the next run.
    pub run_at: Timestamp,
    /// The time after which it is not retried.
    pub deadline: Timestamp,
    /// How often a run failed with a temporary failure.
    pub attempts: u32,
    /// How often it was claimed since a person last looked at it, including runs that were killed.
    pub claims: u32,
    /// The planned changes on the ad servers.
    pub plan: Plan,
    /// The digest of what was approved; `None` if it needs no approval.
    pub approved_digest: Option<String>,
    /// The tasks of the operation, the latest one last. They close when it ends.
    pub tasks: Vec<TaskId>,
    /// The fixed inputs, from its first step on.
    pub frozen: Option<Frozen>,
    /// The legs, one for each platform.
    pub legs: Vec<Leg>,
    /// Set once it is certain to fail and its changes are being undone.
    pub undoing: Option<OperationFailure>,
    /// The platforms on which a step may have happened and the adapter can't find out. A person who
    /// looked and decides to continue thereby confirms that it did not happen.
    #[serde(default)]
    pub unresolved: Vec<PlatformName>,
    /// How often a component failed while it carried out the operation, since a person last looked
    /// at it.
    #[serde(default)]
    pub faults: u32,
    /// The last temporary failure, for people.
    pub last_error: Option<Disclosure>,
    /// Why it failed.
    pub failure: Option<OperationFailure>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

impl Operation {
    /// Returns an operation that is ready to run, requested by nobody yet and with no time in which it
    /// may be retried.
    pub fn new(
        id: OperationId,
        (buy, principal): (MediaBuyId, PrincipalId),
        kind: OperationKind,
        change: Change,
        at: Timestamp,
    ) -> Self {
        Self {
            id,
            buy,
            principal,
            kind,
            change,
            request: serde_json::Value::Null,
            requested_by: String::new(),
            requested_by_person: None,
            state: OperationState::Queued,
            created_at: at,
            updated_at: at,
            run_at: at,
            deadline: at,
            attempts: 0,
            claims: 0,
            plan: Plan::default(),
            approved_digest: None,
            tasks: Vec::new(),
            frozen: None,
            legs: Vec::new(),
            undoing: None,
            unresolved: Vec::new(),
            faults: 0,
            last_error: None,
            failure: None,
            ended_at: None,
        }
    }

    /// The current or most recent task of the operation.
    pub fn task(&self) -> Option<&TaskId> {
        self.tasks.last()
    }

    /// Returns the leg on a platform.
    pub fn leg_mut(&mut self, platform: &PlatformName) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| &leg.platform == platform)
    }

    /// The packages that were changed, in the order of the platforms.
    pub fn affected_packages(&self) -> Vec<PackageId> {
        self.legs.iter().filter_map(|leg| leg.outcome.as_ref()).flat_map(|outcome| outcome.affected.clone()).collect()
    }

    /// Returns the desired buy. If another operation changed the buy since this one was frozen (a
    /// pause, which overtakes all other operations), the change is applied to the current buy.
    ///
    /// # Errors
    /// When the change is no longer possible.
    pub fn desired_on(&self, buy: &MediaBuy) -> Result<MediaBuy, Vec<Problem>> {
        match &self.frozen {
            Some(frozen) if frozen.current.revision == buy.revision => Ok(frozen.desired.clone()),
            // The change was possible when it was accepted, and it has begun. A date that has
            // passed since then makes no difference.
            _ => self.change.apply(buy, When::at_once(self.created_at)),
        }
    }

    /// How much of the change has been carried out, according to its legs.
    pub fn progress(&self) -> Progress {
        let mut progress = Progress::default();
        for leg in &self.legs {
            let Some(outcome) = &leg.outcome else { continue };
            if leg.state == LegState::Done {
                progress.done.insert(leg.platform.clone());
            } else {
                progress.begun.insert(leg.platform.clone());
                progress.changed.extend(outcome.affected.iter().cloned());
            }
        }
        progress
    }

    /// Changes the state.
    ///
    /// # Errors
    /// When the transition is not allowed. Returns the current state.
    pub fn become_state(&mut self, next: OperationState, now: Timestamp) -> Result<(), OperationState> {
        if !self.state.may_become(next) {
            return Err(self.state);
        }
        self.state = next;
        self.updated_at = now;
        if next.is_final() {
            self.ended_at = Some(now);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::OperationState as S;

    #[test]
    fn the_table_is_the_one_in_the_documentation() {
        let allowed = [
            (S::AwaitingApproval, S::Queued),
            (S::AwaitingApproval, S::Failed),
            (S::AwaitingPermission, S::Queued),
            (S::AwaitingPermission, S::Failed),
            (S::Queued, S::Running),
            (S::Queued, S::Failed),
            (S::Running, S::Running),
            (S::Running, S::Queued),
            (S::Running, S::AwaitingApproval),
            (S::Running, S::AwaitingPermission),
            (S::Running, S::Parked),
            (S::Running, S::Succeeded),
            (S::Running, S::Failed),
            (S::Parked, S::Queued),
            (S::Parked, S::Succeeded),
            (S::Parked, S::Failed),
        ];
        for from in S::ALL {
            for to in S::ALL {
                assert_eq!(from.may_become(*to), allowed.contains(&(*from, *to)), "{from} -> {to}");
            }
        }
    }
}
