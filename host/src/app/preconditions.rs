//! What a change of a media buy begins with: the buy, and the buyer's place in the order of words.

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

/// How many changes of one buy may be open. Whoever asks for more does not look at what came of the first; and each of them is looked at
/// when somebody asks what may run next.
const MOST_OPEN: usize = 100;

/// How many may be open for one more that only stops or restarts delivery: a pause is not refused because a hundred changes wait.
const MOST_OPEN_FOR_A_PAUSE: usize = 2 * MOST_OPEN;

impl App {
    /// A buy that this caller may see.
    ///
    /// # Errors
    /// `NOT_FOUND`, for what is not there and for what is somebody else's.
    pub(super) async fn visible_buy(&self, caller: &Caller, id: &MediaBuyId) -> Result<Stored<MediaBuy>, AppError> {
        let buy = self.store.buy(id).await?.filter(|buy| caller.sees(&buy.value.principal));
        buy.ok_or_else(|| AppError::not_found("media buy"))
    }

    /// A buy that this caller may change: their own, and created. What the ad server says of it now is no matter: whoever wants
    /// to pause it may be the one who notices first that it is still there.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`, `NOT_FOUND`, `INVALID_STATE` with what to do.
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

    /// When a change of a buy is asked for: now, and after everything that was asked for before. Hosts have clocks of their own, and what is
    /// said last must hold even if the host that was told something before is ahead of this one.
    ///
    /// # Errors
    /// `OPERATION_IN_PROGRESS`: too many changes of it are open already.
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
