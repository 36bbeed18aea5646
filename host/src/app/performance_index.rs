//! `update_media_buy_performance_index`: how well packages perform, by the buyer's own measure.

use crate::{
    app::{
        App, NewPerformance, WriteAnswer, WriteOptions,
        acceptance::Draft,
        caller::Caller,
        error::{AppError, ErrorCode},
    },
    domain::{
        operation::{Change, OperationKind},
        update::When,
    },
    operations::now,
};

impl App {
    /// Tells the platforms how well packages perform.
    ///
    /// # Errors
    /// Everything that makes it impossible; then nothing was stored.
    pub async fn update_performance_index(
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
        let desired = change
            .apply(&current, When::at_once(now()))
            .map_err(|problems| AppError::problems(ErrorCode::InvalidParameter, &problems))?;
        let draft = Draft { kind: OperationKind::PerformanceIndex, change, current, desired, notes: Vec::new() };
        self.accept(caller, draft, options).await
    }
}
