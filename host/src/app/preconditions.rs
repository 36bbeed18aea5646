//! The preconditions of a change of a media buy: the buy must be visible, created and not have too
//! many open changes. Also determines the order of changes.

use std::time::Duration;

use crate::{
    app::{
        App,
        caller::Caller,
        error::{AppError, ErrorCode},
    },
    domain::{
        id::MediaBuyId,
        media_buy::MediaBuy,
        operation::{Change, OperationState},
        update::When,
    },
    operations::now,
    store::Stored,
};

/// The maximum number of open changes of one buy. A caller that requests more does not look at the
/// results, and each open change is examined whenever a worker looks for what may run next.
const MOST_OPEN: usize = 100;

/// The same limit for a change that only stops or restarts delivery, so that a pause is not refused
/// because a hundred changes are waiting.
const MOST_OPEN_FOR_A_PAUSE: usize = 2 * MOST_OPEN;

impl App {
    /// Returns a buy that this caller may see.
    ///
    /// # Errors
    /// `NOT_FOUND`, whether the buy does not exist or belongs to somebody else.
    pub(super) async fn visible_buy(&self, caller: &Caller, id: &MediaBuyId) -> Result<Stored<MediaBuy>, AppError> {
        let buy = self.store.buy(id).await?.filter(|buy| caller.sees(&buy.value.principal));
        buy.ok_or_else(|| AppError::not_found("media buy"))
    }

    /// Returns a buy that this caller may change: their own, and created. The status on the ad
    /// server does not matter, because a buyer who wants to pause the buy may be the first to
    /// notice that it is still there.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`, `NOT_FOUND`, or `INVALID_STATE` with what to do.
    pub(super) async fn changeable_buy(&self, caller: &Caller, id: &MediaBuyId) -> Result<MediaBuy, AppError> {
        let buy = self.visible_buy(caller, id).await?.value;
        let creation = self.store.creation(id).await?.ok_or_else(|| AppError::not_found("media buy"))?.value;
        match creation.state {
            OperationState::Succeeded => Ok(buy),
            OperationState::Failed => {
                Err(AppError::state(format!("media buy {id} was not created: {}", buy.detail))
                    .suggest("create a new one"))
            }
            OperationState::AwaitingApproval | OperationState::AwaitingPermission | OperationState::Parked => {
                let task = creation.task().map(ToString::to_string).unwrap_or_default();
                Err(AppError::state(format!("media buy {id} is not created yet: it waits for task {task}"))
                    .suggest("poll get_pending_tasks until the task is completed, then try again"))
            }
            OperationState::Queued | OperationState::Running => {
                Err(AppError::state(format!("media buy {id} is being created"))
                    .suggest("try again in a moment")
                    .retry_after(2))
            }
        }
    }

    /// Returns the time of a change request: now, but after all earlier requests for the buy. Each
    /// host has its own clock, and the last request must win even if the host that took an earlier
    /// one is ahead of this one.
    ///
    /// # Errors
    /// `OPERATION_IN_PROGRESS` if too many changes of the buy are open.
    pub(super) async fn next_word(&self, buy: &MediaBuy, change: &Change) -> Result<When, AppError> {
        let open = self.store.open_operations(&buy.id).await?;
        let most = if change.only_switches() { MOST_OPEN_FOR_A_PAUSE } else { MOST_OPEN };
        if open.len() >= most {
            let message =
                format!("{} changes of media buy {} are open: wait until some of them have ended", open.len(), buy.id);
            return Err(AppError::new(ErrorCode::OperationInProgress, message)
                .suggest("see pending_operations of check_media_buy_status, and get_operation")
                .retry_after(5));
        }
        let now = now();
        let said = open.iter().map(|open| open.value.created_at).chain(buy.last_switched()).max();
        Ok(When { asked: said.map_or(now, |said| now.max(said.plus(Duration::from_micros(1)))), now })
    }
}
