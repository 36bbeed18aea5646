//! `update_media_buy_performance_index`: how well packages perform, by the buyer's own measure.

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
    /// Which buy.
    pub buy: MediaBuyId,
    /// Package by package.
    pub performance: Vec<Performance>,
}

impl App {
    /// Tells the platforms how well packages perform.
    ///
    /// # Errors
    /// Everything that makes it impossible; then nothing was stored.
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
