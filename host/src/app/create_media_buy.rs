//! `create_media_buy`: a new media buy from products.

use crate::{
    app::{
        App, NewMediaBuy, WriteAnswer, WriteOptions,
        acceptance::Draft,
        caller::Caller,
        error::{AppError, ErrorCode},
    },
    domain::{
        field::FieldPath,
        operation::{Change, OperationKind},
        problem::Problem,
    },
    operations::now,
};

impl App {
    /// Creates a media buy.
    ///
    /// # Errors
    /// When the request is impossible for any reason. Nothing is stored then.
    pub async fn create_media_buy(
        &self,
        caller: &Caller,
        new: NewMediaBuy,
        options: WriteOptions,
    ) -> Result<WriteAnswer, AppError> {
        let principal = caller.buyer()?.clone();
        if let Some(answer) = self.replay(&principal, &options, OperationKind::Create).await? {
            return Ok(answer);
        }
        let at = now();
        let (buy, notes) = new
            .draft(&principal, &self.config.catalogue(&principal), at)
            .map_err(|problems| AppError::problems(ErrorCode::InvalidParameter, problems))?;
        let (kind, change) = (OperationKind::Create, Change::Create);
        let draft = Draft { kind, change, current: buy.clone(), desired: buy, asked: at, notes };
        self.accept(caller, draft, options).await
    }

    /// Returns the problem with a package id of a new buy, for the field at `at`, if the caller
    /// can't buy the package.
    pub fn not_for_sale(&self, caller: &Caller, package: &str, at: FieldPath) -> Option<Problem> {
        self.config.catalogue(caller.buyer().ok()?).offer(package, at).err()
    }
}
