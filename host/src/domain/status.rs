//! The eight statuses of a media buy: their transitions, and the one function that derives a buy's
//! status.

use super::{
    delivery::{DeliveryState, RemoteBuyStatus},
    id::PackageId,
    media_buy::MediaBuy,
    operation::{Operation, OperationState},
    targeting::names,
    time::Timestamp,
};

names! {
    /// The status of a media buy.
    BuyStatus {
        /// A person at the publisher must approve its creation.
        PendingManual = "pending_manual",
        /// The ad server's account lacks a permission; a person must grant it.
        PendingPermission = "pending_permission",
        /// Created; waits for creatives, or for its start.
        PendingActivation = "pending_activation",
        /// Under review by the ad server.
        PendingApproval = "pending_approval",
        /// It may deliver now.
        Active = "active",
        /// Paused by the buyer or on the ad server.
        Paused = "paused",
        /// Its flight is over.
        Completed = "completed",
        /// It was never created, or the ad server disapproved, cancelled or lost it.
        Failed = "failed",
    }
}

impl BuyStatus {
    /// Whether the status may change to `next`. This is the only table of transitions. Staying in a
    /// status is not a transition.
    pub const fn may_become(self, next: Self) -> bool {
        use BuyStatus::{
            Active, Completed, Failed, Paused, PendingActivation, PendingApproval, PendingManual, PendingPermission,
        };
        match self {
            // A person may finish a create by hand after its end, and the buy may have any state on
            // the ad server.
            PendingManual => !matches!(next, PendingManual),
            // A buy that was created may also wait for a permission, if one of its later operations
            // needs it.
            PendingPermission => !matches!(next, PendingPermission),
            PendingActivation => !matches!(next, PendingActivation),
            // A buy that was created is never approved again. It may wait for a permission from any
            // status: the ad server may have removed its creatives while an operation waited for
            // the permission.
            PendingApproval => !matches!(next, PendingManual | PendingApproval),
            Active => !matches!(next, PendingManual | Active),
            Paused => !matches!(next, PendingManual | Paused),
            // A later end date reopens a buy that was over.
            Completed => !matches!(next, PendingManual | Completed),
            // Only for a buy that was created: it is back on the ad server, or a person there
            // reverted what they did.
            Failed => !matches!(next, PendingManual | Failed),
        }
    }
}

/// The progress of a buy's creation, as far as the host knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Creation {
    /// Waits for a reviewer.
    AwaitingApproval,
    /// Waits for a permission.
    AwaitingPermission,
    /// In progress.
    InProgress,
    /// Being undone, because the buy can't be created on another platform.
    Undoing,
    /// It exists on every platform.
    Done,
    /// It failed; the reason is for the buyer.
    Failed(String),
}

impl Creation {
    /// The progress of the operation that creates a buy.
    pub fn of(operation: &Operation) -> Self {
        match operation.state {
            OperationState::AwaitingApproval | OperationState::Parked => Self::AwaitingApproval,
            OperationState::AwaitingPermission => Self::AwaitingPermission,
            OperationState::Queued | OperationState::Running if operation.undoing.is_some() => Self::Undoing,
            OperationState::Queued | OperationState::Running => Self::InProgress,
            OperationState::Succeeded => Self::Done,
            OperationState::Failed => Self::Failed(
                operation.failure.as_ref().map(|failure| failure.reason.buyer().to_owned()).unwrap_or_default(),
            ),
        }
    }
}

/// A status and its explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The status.
    pub status: BuyStatus,
    /// The explanation, for people.
    pub detail: String,
}

impl Standing {
    fn new(status: BuyStatus, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }

    /// The standing of a buy that was created and has an operation that waits for a permission. As
    /// long as the buy delivers nothing, it waits for that permission, too.
    #[must_use]
    pub fn held_up(self) -> Self {
        match self.status {
            BuyStatus::PendingActivation | BuyStatus::PendingApproval => {
                Self::new(BuyStatus::PendingPermission, "an operation waits for a permission on the ad server")
            }
            _ => self,
        }
    }

    /// Adds what the platforms say themselves, unless it has been said.
    fn with_words_of(mut self, remote: &[RemoteBuyStatus]) -> Self {
        for RemoteBuyStatus { platform, detail, .. } in remote {
            let words: String = detail.trim().chars().take(WORDS).collect();
            if words.is_empty() || self.detail.contains(&words) {
                continue;
            }
            let separator = if self.detail.is_empty() { "" } else { "; " };
            self.detail = format!("{}{separator}{platform} says: {words}", self.detail);
        }
        self
    }

    /// Names the packages that the ad server no longer delivers while the others continue.
    fn with_lost_packages(mut self, lost: &str) -> Self {
        if !lost.is_empty() {
            let separator = if self.detail.is_empty() { "" } else { "; " };
            self.detail = format!("{}{separator}refused or gone on the ad server: {lost}", self.detail);
        }
        self
    }
}

/// The characters of a platform's own words that a status shows.
const WORDS: usize = 500;

/// Derives the status of a buy from what the host knows and what the platforms report. `remote` has
/// one entry for each platform that answered. For the others, the last state that the host brought
/// about counts. The platforms' own words follow the host's, marked as theirs.
pub fn derive(buy: &MediaBuy, creation: &Creation, remote: &[RemoteBuyStatus], now: Timestamp) -> Standing {
    let standing = derived(buy, creation, remote, now);
    if *creation == Creation::Done { standing.with_words_of(remote) } else { standing }
}

fn derived(buy: &MediaBuy, creation: &Creation, remote: &[RemoteBuyStatus], now: Timestamp) -> Standing {
    match creation {
        Creation::AwaitingApproval => {
            return Standing::new(BuyStatus::PendingManual, "waits for approval by the publisher");
        }
        Creation::AwaitingPermission => {
            return Standing::new(BuyStatus::PendingPermission, "waits for a permission on the ad server");
        }
        Creation::InProgress => return Standing::new(BuyStatus::PendingActivation, "being created on the ad server"),
        // It fails once the undo is complete.
        Creation::Undoing => {
            return Standing::new(buy.status, "what was made of it is being cancelled on the ad server");
        }
        Creation::Failed(reason) => return Standing::new(BuyStatus::Failed, reason.clone()),
        Creation::Done => {}
    }
    let packages: Vec<(PackageId, BuyStatus)> = buy
        .packages
        .iter()
        .map(|package| (package.id.clone(), package_status(buy, &package.id, remote, now)))
        .collect();
    let all = |status: BuyStatus| packages.iter().all(|(_, mine)| *mine == status);
    let named = |status: BuyStatus| {
        let ids: Vec<&str> = packages.iter().filter(|(_, mine)| *mine == status).map(|(id, _)| id.as_str()).collect();
        ids.join(", ")
    };
    let any = |status: BuyStatus| packages.iter().any(|(_, mine)| *mine == status);
    let lost = named(BuyStatus::Failed);

    if all(BuyStatus::Failed) {
        let whole = remote.iter().find_map(|answer| thrown_out(&answer.state));
        return Standing::new(
            BuyStatus::Failed,
            whole.unwrap_or_else(|| format!("the ad server disapproved every package: {lost}")),
        );
    }
    if now > buy.end || packages.iter().all(|(_, mine)| matches!(mine, BuyStatus::Completed | BuyStatus::Failed)) {
        return Standing::new(BuyStatus::Completed, format!("ended {}", buy.end)).with_lost_packages(&lost);
    }
    if !buy.active {
        return Standing::new(BuyStatus::Paused, "paused").with_lost_packages(&lost);
    }
    if any(BuyStatus::Active) {
        let waiting = named(BuyStatus::PendingActivation);
        let detail = if waiting.is_empty() { String::new() } else { format!("not delivering yet: {waiting}") };
        return Standing::new(BuyStatus::Active, detail).with_lost_packages(&lost);
    }
    if any(BuyStatus::PendingApproval) {
        let waiting = named(BuyStatus::PendingApproval);
        let detail = format!("under review by the ad server: {waiting}");
        return Standing::new(BuyStatus::PendingApproval, detail).with_lost_packages(&lost);
    }
    if any(BuyStatus::PendingActivation) {
        let missing = without_creatives(buy, remote);
        if !missing.is_empty() {
            return Standing::new(
                BuyStatus::PendingActivation,
                format!("awaiting creative assets for: {}", missing.join(", ")),
            )
            .with_lost_packages(&lost);
        }
        let detail = format!("scheduled: starts {}", buy.start);
        return Standing::new(BuyStatus::PendingActivation, detail).with_lost_packages(&lost);
    }
    Standing::new(BuyStatus::Paused, "every package is paused").with_lost_packages(&lost)
}

/// The standing of a buy after a change, until the ad servers are polled. It is the recorded one,
/// except that the host itself knows whether the buy is over or paused. The ad servers decide what
/// else the change causes, such as a review or a first impression.
pub fn after_change(buy: &MediaBuy, now: Timestamp) -> Standing {
    let known = derive(buy, &Creation::Done, &[], now);
    let recorded = Standing::new(buy.status, buy.detail.clone());
    match (recorded.status, known.status) {
        (BuyStatus::Failed, _) => recorded,
        (_, BuyStatus::Completed) => known,
        (BuyStatus::Completed, _) => recorded,
        (_, BuyStatus::Paused) => known,
        // The host's own explanation is more current than an answer from before the change.
        (before, after) if before == after => known,
        _ => recorded,
    }
}

/// Whether a whole buy was cancelled on its ad servers. A buy that is missing does not count,
/// because it may come back.
pub fn is_cancelled(buy: &MediaBuy, remote: &[RemoteBuyStatus]) -> bool {
    let gone = |state: &DeliveryState| *state == DeliveryState::Canceled;
    buy.packages.iter().all(|package| {
        remote.iter().filter(|answer| answer.platform == package.platform).any(|answer| {
            gone(&answer.state) || answer.packages.iter().any(|said| said.package == package.id && gone(&said.state))
        })
    })
}

/// Why a platform no longer delivers a buy, or `None` if it may still deliver it.
fn thrown_out(state: &DeliveryState) -> Option<String> {
    match state {
        DeliveryState::Disapproved(words) => Some(format!("the ad server disapproved it: {words}")),
        DeliveryState::Canceled => Some("cancelled on the ad server".to_owned()),
        DeliveryState::Missing => Some("it is no longer on the ad server".to_owned()),
        _ => None,
    }
}

/// The status of one package of a buy that was created.
pub fn package_status(buy: &MediaBuy, id: &PackageId, remote: &[RemoteBuyStatus], now: Timestamp) -> BuyStatus {
    let said = remote
        .iter()
        .flat_map(|answer| &answer.packages)
        .find(|package| &package.package == id)
        .map(|package| &package.state);
    let paused = buy.package(id).is_some_and(|package| !package.active);
    let whole = buy
        .package(id)
        .and_then(|package| remote.iter().find(|answer| answer.platform == package.platform))
        .and_then(|answer| thrown_out(&answer.state));
    match said {
        _ if whole.is_some() => BuyStatus::Failed,
        _ if now > buy.end => BuyStatus::Completed,
        Some(DeliveryState::Completed) => BuyStatus::Completed,
        Some(DeliveryState::Disapproved(_) | DeliveryState::Canceled | DeliveryState::Missing) => BuyStatus::Failed,
        _ if paused || !buy.active => BuyStatus::Paused,
        Some(DeliveryState::Paused) => BuyStatus::Paused,
        Some(DeliveryState::PendingApproval) => BuyStatus::PendingApproval,
        Some(DeliveryState::Delivering) => BuyStatus::Active,
        Some(DeliveryState::AwaitingCreatives | DeliveryState::Scheduled) => BuyStatus::PendingActivation,
        Some(DeliveryState::Other(_)) | None => {
            let has_creatives = buy.package(id).is_some_and(|package| !package.creatives.is_empty());
            if has_creatives && now >= buy.start { BuyStatus::Active } else { BuyStatus::PendingActivation }
        }
    }
}

fn without_creatives<'a>(buy: &'a MediaBuy, remote: &[RemoteBuyStatus]) -> Vec<&'a str> {
    let says_missing = |id: &PackageId| {
        remote
            .iter()
            .flat_map(|answer| &answer.packages)
            .find(|package| &package.package == id)
            .map(|package| package.state == DeliveryState::AwaitingCreatives)
    };
    buy.packages
        .iter()
        .filter(|package| package.active && says_missing(&package.id).unwrap_or(package.creatives.is_empty()))
        .map(|package| package.id.as_str())
        .collect()
}

#[cfg(test)]
mod tests;
