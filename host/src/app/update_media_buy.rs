//! `update_media_buy` and `update_package`: changes of a buy and of its packages.

use crate::{
    app::{
        App, ChangeMediaBuy, WriteAnswer, WriteOptions,
        acceptance::Draft,
        caller::Caller,
        error::{AppError, ErrorCode},
    },
    domain::{
        create::end_of,
        field::Field,
        operation::{Change, OperationKind},
        terms,
        update::BuyPatch,
    },
};

impl App {
    /// Changes a buy, its packages, or both.
    ///
    /// # Errors
    /// When the request is impossible for any reason. Nothing is stored then.
    pub async fn update_media_buy(
        &self,
        caller: &Caller,
        change: ChangeMediaBuy,
        options: WriteOptions,
    ) -> Result<WriteAnswer, AppError> {
        let principal = caller.buyer()?.clone();
        let kind = change.kind();
        if let Some(answer) = self.replay(&principal, &options, kind).await? {
            return Ok(answer);
        }
        let current = self.changeable_buy(caller, &change.buy).await?;
        let change = Change::Update(change.into_patch()?);
        let when = self.next_word(&current, &change).await?;
        let desired = change
            .apply(&current, when)
            .map_err(|problems| AppError::problems(ErrorCode::InvalidParameter, problems))?;
        let notes = change.cleared(&current, None);
        let draft = Draft { kind, change, current, desired, asked: when.asked, notes };
        self.accept(caller, draft, options).await
    }
}

impl ChangeMediaBuy {
    /// The kind of change.
    pub fn kind(&self) -> OperationKind {
        if self.packages_only { OperationKind::UpdatePackage } else { OperationKind::Update }
    }

    /// The patch, with its end.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` when it changes nothing, or the flight would end too late.
    pub(super) fn into_patch(self) -> Result<BuyPatch, AppError> {
        let patch = BuyPatch { end: self.end.map(end_of), ..self.patch };
        if let Some(refusal) = patch.end.and_then(terms::too_late) {
            return Err(AppError::invalid(Field::FlightEnd, refusal));
        }
        if patch == BuyPatch::default() {
            return Err(AppError::new(
                ErrorCode::InvalidParameter,
                "nothing is to be changed: give at least one field",
            ));
        }
        Ok(patch)
    }
}
