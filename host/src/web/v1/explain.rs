//! Reads the request of any tool that changes a media buy, as if it had been sent.

use crate::{
    app::{error::AppError, explain_rules::Asked},
    domain::operation::OperationKind,
    web::{
        json::{Arguments, invalid, read, read_and},
        v1::{
            targeting,
            tools::{
                add_creative_assets::AddCreativeAssets, create_media_buy::CreateMediaBuy,
                update_media_buy::UpdateMediaBuy, update_media_buy_performance_index::UpdatePerformanceIndex,
                update_package::UpdatePackage,
            },
        },
    },
};

/// Reads the body of a request for a kind of change.
///
/// # Errors
/// `INVALID_PARAMETER` with every mistake.
pub fn read_asked(operation: OperationKind, arguments: &Arguments) -> Result<Asked, AppError> {
    let arguments = arguments.clone();
    Ok(match operation {
        OperationKind::Create => {
            Asked::Create(read_and::<CreateMediaBuy>(arguments, targeting::impossible)?.into_new()?)
        }
        OperationKind::Update => {
            Asked::Change(read_and::<UpdateMediaBuy>(arguments, targeting::impossible)?.into_change()?)
        }
        OperationKind::UpdatePackage => {
            Asked::Change(read_and::<UpdatePackage>(arguments, targeting::impossible)?.into_change()?)
        }
        OperationKind::AddCreatives => {
            Asked::Creatives(read_and::<AddCreativeAssets>(arguments, AddCreativeAssets::lacking)?.into_new()?)
        }
        OperationKind::PerformanceIndex => Asked::Performance(read::<UpdatePerformanceIndex>(arguments)?.into_new()?),
        OperationKind::FollowUp => return Err(invalid("", "no buyer asks for this: the host begins it by itself")),
    })
}
