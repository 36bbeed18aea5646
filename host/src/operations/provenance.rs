//! Who approved what an object on an ad server is: from the object to the media buy, to the operations
//! that changed it there, to the plans that people approved, to the lines of the audit log.
//!
//! An approval is bound to the digest of the request, the plan and the buy's revision
//! ([`planning::digest`]). The digest stands in the audit log, whose lines are chained and signed, so a
//! plan that still has the digest is the plan that was approved.

use serde::Serialize;

use crate::{
    domain::{
        id::{MediaBuyId, OperationId, PlatformName, PrincipalId, TaskId},
        media_buy::{MediaBuy, RemoteKind, RemoteObject},
        operation::{Operation, OperationState},
        plan::{Plan, PlannedChange},
        task::{Resolution, Task},
        time::Timestamp,
    },
    operations::planning,
    store::{Store, StoreError},
};

/// How many lines about one task are searched for approvals.
const LINES: u32 = 1_000;

/// An object on an ad server, and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Provenance {
    /// The platform.
    pub platform: PlatformName,
    /// What the object is: an order, a package, a creative.
    pub kind: RemoteKind,
    /// Which one of the buy: the package's or the creative's id; empty for an order.
    pub key: String,
    /// Its id on the platform, as the host recorded it.
    pub remote_id: String,
    /// The media buy that it belongs to.
    pub buy: MediaBuyId,
    /// The buyer.
    pub principal: PrincipalId,
    /// The operations that were carried out on this platform, oldest first.
    pub operations: Vec<Origin>,
}

/// An operation that made or changed the object, or may have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Origin {
    /// The operation.
    pub operation: OperationId,
    /// The tool that requested it.
    pub tool: String,
    /// Who requested it: the name of the token.
    pub requested_by: String,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// How it stands.
    pub state: OperationState,
    /// The changes of the object that were planned.
    pub changes: Vec<PlannedChange>,
    /// Who approved these changes.
    pub verdict: Verdict,
}

/// What people decided about an operation.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// No rule demanded an approval.
    NotDemanded,
    /// It was approved.
    Approved {
        /// The task.
        task: TaskId,
        /// The digest of what was approved.
        digest: String,
        /// Whether the request and the plan have this digest. If not, somebody has changed one of them
        /// since.
        intact: bool,
        /// The approvals in the audit log that name this digest.
        approvals: Vec<Proof>,
    },
    /// Somebody did it on the ad server by hand and said so.
    ByHand {
        /// The task.
        task: TaskId,
        /// Who: the name of the token.
        by: Option<String>,
    },
    /// It waits for a decision, or was not approved.
    NotApproved {
        /// The task.
        task: TaskId,
    },
}

/// An approval in the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// The number of the line.
    pub line: i64,
    /// Who approved: the token, with the person behind it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The line's link, which names the key that signed it.
    pub link: String,
}

impl Verdict {
    /// Whether this proves who approved: nobody had to, or somebody did, and nothing was changed since.
    pub fn is_proven(&self) -> bool {
        match self {
            Self::NotDemanded | Self::ByHand { .. } => true,
            Self::Approved { intact, approvals, .. } => *intact && !approvals.is_empty(),
            Self::NotApproved { .. } => false,
        }
    }
}

/// Finds objects by their id on a platform. Ids that are paths are also found by their last part.
///
/// # Errors
/// When the store can't be read.
pub async fn of_object(store: &Store, platform: &PlatformName, id: &str) -> Result<Vec<Provenance>, StoreError> {
    let mut found = Vec::new();
    for (buy, object) in store.remote_objects_named(platform, id).await? {
        let Some(buy) = store.buy(&buy).await? else { continue };
        let buy = buy.value;
        let mut operations = Vec::new();
        for operation in store.operations_of(&buy.id).await? {
            if operation.frozen.is_some() && operation.plan.platforms.iter().any(|part| part.platform == *platform) {
                operations.push(origin(store, &operation, &buy, platform, &object).await?);
            }
        }
        found.push(Provenance {
            platform: platform.clone(),
            kind: object.kind,
            key: object.key,
            remote_id: object.id,
            principal: buy.principal.clone(),
            buy: buy.id,
            operations,
        });
    }
    Ok(found)
}

async fn origin(
    store: &Store,
    operation: &Operation,
    buy: &MediaBuy,
    platform: &PlatformName,
    object: &RemoteObject,
) -> Result<Origin, StoreError> {
    let (verdict, approved) = verdict(store, operation, buy).await?;
    // The digest covers the plan of the task, so that is the one to show.
    let plan = approved.as_ref().unwrap_or(&operation.plan);
    let planned = plan.platforms.iter().filter(|part| part.platform == *platform);
    let changes = planned.flat_map(|part| part.changes.iter()).filter(|change| is_about(change, object)).cloned();
    Ok(Origin {
        operation: operation.id.clone(),
        tool: operation.kind.as_str().to_owned(),
        requested_by: operation.requested_by.clone(),
        accepted_at: operation.created_at,
        state: operation.state,
        changes: changes.collect(),
        verdict,
    })
}

/// Whether a planned change is about an object. Plans name packages; what belongs to no package is part
/// of the order, and a creative's changes are those that its packages share.
fn is_about(change: &PlannedChange, object: &RemoteObject) -> bool {
    if change.remote_id.as_ref() == Some(&object.id) {
        return true;
    }
    match object.kind {
        RemoteKind::Package => change.package_id.as_ref() == Some(&object.key),
        RemoteKind::Order => change.package_id.is_none(),
        _ => change.remote_id.is_none() && object.key.split('/').any(|part| change.name.contains(part)),
    }
}

/// Returns what people decided, and the plan that they approved.
async fn verdict(store: &Store, operation: &Operation, buy: &MediaBuy) -> Result<(Verdict, Option<Plan>), StoreError> {
    let mut last = None;
    for id in &operation.tasks {
        let Some(task) = store.task(id).await? else { continue };
        let task = task.value;
        let approved = operation.approved_digest.as_ref() == Some(&task.digest);
        match task.decision {
            Some(Resolution::Approved) if approved => {
                let plan = task.plan.clone();
                return Ok((approved_by(store, task, buy).await?, Some(plan)));
            }
            Some(Resolution::Completed) => {
                last = Some(Verdict::ByHand { task: task.id, by: task.resolved_by });
            }
            _ => last = Some(Verdict::NotApproved { task: task.id }),
        }
    }
    let verdict = match operation.approved_digest {
        None => last.filter(|_| operation.state != OperationState::Succeeded).unwrap_or(Verdict::NotDemanded),
        Some(_) => last.unwrap_or(Verdict::NotDemanded),
    };
    Ok((verdict, None))
}

async fn approved_by(store: &Store, task: Task, buy: &MediaBuy) -> Result<Verdict, StoreError> {
    // The revision at that time is not recorded: it is one of those that the buy has had.
    let is_digest =
        |revision: i64| planning::digest_like(Some(&task.digest), &task.request, &task.plan, revision) == task.digest;
    let intact = (0..=buy.revision).any(is_digest);
    let lines = store.audit_back(None, Some(task.id.as_str()), LINES).await?;
    let mut approvals = Vec::new();
    for line in lines.into_iter().rev() {
        let Ok(entry) = serde_json::from_str::<crate::store::AuditEntry>(&line.text) else { continue };
        if entry.action == "task.approved" && entry.digest == task.digest {
            approvals.push(Proof { line: line.number, by: entry.actor, at: entry.at, link: line.link });
        }
    }
    Ok(Verdict::Approved { task: task.id, digest: task.digest, intact, approvals })
}
