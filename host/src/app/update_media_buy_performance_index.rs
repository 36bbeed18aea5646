//! `update_media_buy_performance_index`: how well packages perform by the buyer's own measure.

use crate::{
    app::{
        App, WriteAnswer, WriteOptions,
        acceptance::Draft,
        caller::Caller,
        error::{AppError, ErrorCode},
    },
    domain::{
        id::MediaBuyId,
        operation::{Change, OperationKind, Performance},
    },
};

/// Performance indices for a buy.
#[derive(Debug, Clone)]
pub struct NewPerformance {
    /// The buy.
    pub buy: MediaBuyId,
    /// The performance index of each package.
    pub performance: Vec<Performance>,
}

impl App {
    /// Sends the packages' performance to the platforms.
    ///
    /// # Errors
    /// When the request is impossible for any reason. Nothing is stored then.
    pub async fn update_media_buy_performance_index(
        &self,
        caller: &Caller,
        new: NewPerformance,
        options: WriteOptions,
    ) -> Result<WriteAnswer, AppError> {
        let principal = caller.buyer()?.clone();
        if let Some(answer) = self.replay(&principal, &options, OperationKind::PerformanceIndex).await? {
            return Ok(answer);
        }
        let current = self.changeable_buy(caller, &new.buy).await?;
        let change = Change::PerformanceIndex(new.performance);
        let when = self.next_word(&current, &change).await?;
        let desired = change
            .apply(&current, when)
            .map_err(|problems| AppError::problems(ErrorCode::InvalidParameter, problems))?;
        let (kind, asked) = (OperationKind::PerformanceIndex, when.asked);
        let draft = Draft { kind, change, current, desired, asked, notes: Vec::new() };
        self.accept(caller, draft, options).await
    }
}
