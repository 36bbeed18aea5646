//! Operations: accepted changes, and the table of what may follow what.
//!
//! ```text
//! (accepted) -> queued | awaiting_approval
//! awaiting_approval | awaiting_permission -> queued            a person said yes
//! queued -> running                                            a worker claimed it under a lease
//! running -> running                                           its lease ran out and another claimed it
//! running -> queued                                            it will be tried again, or was handed back
//! running -> awaiting_approval | awaiting_permission           a person is needed after all
//! running -> parked                                            nobody can tell whether a step happened
//! running -> succeeded | failed
//! parked -> queued | succeeded | failed                        a person looked
//! queued | awaiting_* -> failed                                rejected, expired, its buy ended
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    failure::{Failure, FailureDetails},
    id::{MediaBuyId, OperationId, PackageId, PlatformName, PrincipalId, TaskId},
    media_buy::MediaBuy,
    person::Person,
    plan::Plan,
    problem::Problem,
    targeting::names,
    time::Timestamp,
    told::Told,
    update::{Progress, When},
};

pub use super::change::{Change, Performance};

names! {
    /// Where an operation stands.
    OperationState {
        /// A reviewer must say yes.
        AwaitingApproval = "awaiting_approval",
        /// The ad server's account must be given a permission.
        AwaitingPermission = "awaiting_permission",
        /// Ready to be claimed, at once or later.
        Queued = "queued",
        /// A worker has it under a lease.
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
    /// Whether nothing can follow.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }

    /// The one table of transitions.
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
    /// What kind of change an operation makes, by the name of the tool that asks for it.
    OperationKind {
        /// Create a buy.
        Create = "create_media_buy",
        /// Add creatives.
        AddCreatives = "add_creative_assets",
        /// Change a buy.
        Update = "update_media_buy",
        /// Change packages of a buy.
        UpdatePackage = "update_package",
        /// Tell how packages perform.
        PerformanceIndex = "update_media_buy_performance_index",
    }
}

/// What an operation was carried out with. Fixed before its first step, so that a later run does the very same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frozen {
    /// The buy before.
    pub current: MediaBuy,
    /// The buy after.
    pub desired: MediaBuy,
    /// The release that carries it out, by platform: a started operation ends on the release that it began on.
    pub releases: BTreeMap<PlatformName, String>,
    /// What the configuration said when it began, by platform. None of an operation that an older version began.
    #[serde(default)]
    pub platforms: BTreeMap<PlatformName, FrozenPlatform>,
}

/// What an operation is carried out with on one platform, whatever the configuration says later: half of a buy in one advertiser's
/// name and half in another's would be nobody's buy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrozenPlatform {
    /// The buyer's advertiser.
    pub advertiser_id: String,
    /// The base address of the ad server's API.
    pub endpoint: String,
    /// The publisher's settings of the platform.
    pub settings: serde_json::Value,
}

names! {
    /// How far an operation has come on one platform.
    LegState {
        /// Not finished.
        Pending = "pending",
        /// Carried out.
        Done = "done",
        /// Refused for good.
        Failed = "failed",
        /// Carried out and then cancelled, because another platform refused.
        Undone = "undone",
    }
}

/// An operation's part on one platform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    /// Which platform.
    pub platform: PlatformName,
    /// How far it has come.
    pub state: LegState,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// What came of it, once it is done.
    pub outcome: Option<LegOutcome>,
}

/// What an adapter answered to a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct LegOutcome {
    /// When the change takes effect; `None`: now.
    pub effective: Option<Timestamp>,
    /// What else to tell the buyer.
    pub notes: Vec<String>,
    /// The packages that were changed, in order.
    pub affected: Vec<PackageId>,
    /// The package that the platform refused, and why; those after it were not tried.
    pub failed_package: Option<(PackageId, Failure)>,
    /// What became of creatives.
    pub assets: Vec<super::creative::AssetStatus>,
    /// Optimisation actions: package, kind, action, reason.
    pub optimizations: Vec<Optimization>,
}

/// What was done or advised about a package's performance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Optimization {
    /// Which package.
    pub package: PackageId,
    /// `applied`, `advised` or `none`.
    pub kind: String,
    /// A short word.
    pub action: String,
    /// Why.
    pub reason: String,
}

/// How an operation ended badly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationFailure {
    /// One of the interface's error codes.
    pub code: String,
    /// Why.
    pub reason: Told,
    /// Every single thing, where there are several. For the buyer, too.
    pub details: FailureDetails,
}

/// An accepted change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// Its id.
    pub id: OperationId,
    /// Which buy.
    pub buy: MediaBuyId,
    /// Whose.
    pub principal: PrincipalId,
    /// What kind.
    pub kind: OperationKind,
    /// What is to change.
    pub change: Change,
    /// The request as it came, for people.
    pub request: serde_json::Value,
    /// Who asked: the name of the token.
    pub requested_by: String,
    /// Who stood behind it; `None`: written before persons were noted down.
    #[serde(default)]
    pub requested_by_person: Option<Person>,
    /// Where it stands.
    pub state: OperationState,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it was last recorded.
    pub updated_at: Timestamp,
    /// Not before.
    pub run_at: Timestamp,
    /// After this it is not tried again.
    pub deadline: Timestamp,
    /// How often a run of it failed in a way that may pass.
    pub attempts: u32,
    /// How often it was claimed since a person last looked, ended runs and killed ones alike.
    pub claims: u32,
    /// What will change on the ad servers.
    pub plan: Plan,
    /// Digest of what was approved; `None`: needs no approval.
    pub approved_digest: Option<String>,
    /// The tasks that waited for it, the latest last. They close when it ends.
    pub tasks: Vec<TaskId>,
    /// What it is carried out with, from its first step on.
    pub frozen: Option<Frozen>,
    /// Its parts.
    pub legs: Vec<Leg>,
    /// Set once it is certain to fail and what was made is being cancelled.
    pub undoing: Option<OperationFailure>,
    /// Where a step may have happened and the adapter has no way to find out. A person who looked and says "go on" says with it
    /// that it has not.
    #[serde(default)]
    pub unresolved: Vec<PlatformName>,
    /// How often a component broke while it was carried out, since a person last looked.
    #[serde(default)]
    pub faults: u32,
    /// The last failure that may pass, for people.
    pub last_error: Option<Told>,
    /// Why it failed.
    pub failure: Option<OperationFailure>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

impl Operation {
    /// The task that waits for it, or waited last.
    pub fn task(&self) -> Option<&TaskId> {
        self.tasks.last()
    }

    /// Its part on a platform.
    pub fn leg_mut(&mut self, platform: &PlatformName) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| &leg.platform == platform)
    }

    /// The packages that were changed, in the order of the platforms.
    pub fn affected_packages(&self) -> Vec<PackageId> {
        self.legs.iter().filter_map(|leg| leg.outcome.as_ref()).flat_map(|outcome| outcome.affected.clone()).collect()
    }

    /// What it makes of a buy on which something else was carried out since it was frozen: a pause, which overtakes all else.
    ///
    /// # Errors
    /// Everything that is impossible by now.
    pub fn desired_on(&self, buy: &MediaBuy) -> Result<MediaBuy, Vec<Problem>> {
        match &self.frozen {
            Some(frozen) if frozen.current.revision == buy.revision => Ok(frozen.desired.clone()),
            // It was possible when it was accepted, and has begun: that a date has passed meanwhile changes nothing.
            _ => self.change.apply(buy, When::at_once(self.created_at)),
        }
    }

    /// How far it has come, by what its legs answered.
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

    /// Moves it.
    ///
    /// # Errors
    /// The state from which it can't go there.
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
