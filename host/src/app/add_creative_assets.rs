//! `add_creative_assets`: new creatives for a buy, attached to its packages.

use crate::{
    app::{
        App, WriteAnswer, WriteOptions,
        acceptance::Draft,
        caller::Caller,
        error::{AppError, ErrorCode},
    },
    domain::{
        creative::Creative,
        field::{Field, Part},
        id::MediaBuyId,
        operation::{Change, OperationKind},
        problem::Problem,
    },
};

/// New creatives for a buy.
#[derive(Debug, Clone)]
pub struct NewCreatives {
    /// The buy.
    pub buy: MediaBuyId,
    /// The creatives.
    pub assets: Vec<Creative>,
}

impl App {
    /// Uploads creatives and attaches them to packages.
    ///
    /// # Errors
    /// When the request is impossible for any reason. Nothing is stored then.
    pub async fn add_creative_assets(
        &self,
        caller: &Caller,
        new: NewCreatives,
        options: WriteOptions,
    ) -> Result<WriteAnswer, AppError> {
        let principal = caller.buyer()?.clone();
        if let Some(answer) = self.replay(&principal, &options, OperationKind::AddCreatives).await? {
            return Ok(answer);
        }
        let current = self.changeable_buy(caller, &new.buy).await?;
        let change = Change::AddCreatives(new.assets);
        let when = self.next_word(&current, &change).await?;
        let desired = change.apply(&current, when).map_err(refused)?;
        let (kind, asked) = (OperationKind::AddCreatives, when.asked);
        let draft = Draft { kind, change, current, desired, asked, notes: Vec::new() };
        self.accept(caller, draft, options).await
    }
}

/// Returns the error for a refused upload. A format that a package does not accept has a code of
/// its own, unless something else is wrong as well.
fn refused(problems: Vec<Problem>) -> AppError {
    let only_formats = problems.iter().all(|problem| problem.field.part == Part::Field(Field::Format));
    let code = if only_formats { ErrorCode::UnsupportedFormat } else { ErrorCode::InvalidParameter };
    AppError::problems(code, problems)
}
