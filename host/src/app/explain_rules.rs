//! Which approval rules apply to a request, and why: for people who write rules. Nothing is stored,
//! and no adapter is asked.

use std::time::Duration;

use super::{
    ChangeMediaBuy, NewCreatives, NewMediaBuy, NewPerformance,
    error::{AppError, ErrorCode},
};
use crate::{
    config::Config,
    domain::{
        approval::{ApprovalQuestion, ApprovalRule, Evaluation, Finding, Needed},
        change::{Change, ProposedChange},
        id::{MediaBuyId, PrincipalId},
        media_buy::MediaBuy,
        operation::OperationKind,
        problem::Problem,
        time::Timestamp,
        update::When,
    },
    store::Store,
};

/// A request of a buyer.
#[derive(Debug, Clone)]
pub enum Asked {
    /// A new buy.
    Create(NewMediaBuy),
    /// A change of a buy or of its packages.
    Change(ChangeMediaBuy),
    /// New creatives.
    Creatives(NewCreatives),
    /// Performance indices.
    Performance(NewPerformance),
}

/// What the rules say about a request.
#[derive(Debug, Clone)]
pub struct Explanation<'r> {
    /// The kind of change.
    pub operation: OperationKind,
    /// Every rule, in the order of the file.
    pub rules: Vec<(&'r ApprovalRule, Finding)>,
    /// What the request needs, or `None` if it waits for nobody.
    pub needed: Option<Needed>,
}

/// Says which rules apply to a request of a principal.
///
/// # Errors
/// When the request is impossible, or its media buy does not exist.
pub async fn explain_rules<'r>(
    config: &'r Config,
    store: Option<&Store>,
    principal: &PrincipalId,
    asked: Asked,
    at: Timestamp,
) -> Result<Explanation<'r>, AppError> {
    let wrong = |problems: Vec<Problem>| AppError::problems(ErrorCode::InvalidParameter, problems);
    let (operation, change, current) = match asked {
        Asked::Create(new) => {
            let (buy, _) = new.draft(principal, &config.catalogue(principal), at).map_err(wrong)?;
            (OperationKind::Create, Change::Create, buy)
        }
        Asked::Change(change) => {
            let buy = known(store, principal, &change.buy).await?;
            (change.kind(), Change::Update(change.into_patch()?), buy)
        }
        Asked::Creatives(new) => {
            let buy = known(store, principal, &new.buy).await?;
            (OperationKind::AddCreatives, Change::AddCreatives(new.assets), buy)
        }
        Asked::Performance(new) => {
            let buy = known(store, principal, &new.buy).await?;
            (OperationKind::PerformanceIndex, Change::PerformanceIndex(new.performance), buy)
        }
    };
    let when =
        When { asked: current.last_switched().map_or(at, |last| at.max(last.plus(Duration::from_micros(1)))), now: at };
    let desired = change.apply(&current, when).map_err(wrong)?;
    let nothing_booked = match store {
        Some(store) => !store.has_booked(principal, &current.id).await?,
        None => true,
    };
    let proposed = ProposedChange { change: &change, current: &current, desired: &desired };
    let evaluation = Evaluation::of(&config.approvals, &ApprovalQuestion::about(operation, proposed, nothing_booked));
    let needed = evaluation.needed();
    let rules = evaluation.rules.into_iter().map(|evaluated| (evaluated.rule, evaluated.finding)).collect();
    Ok(Explanation { operation, rules, needed })
}

async fn known(store: Option<&Store>, principal: &PrincipalId, id: &MediaBuyId) -> Result<MediaBuy, AppError> {
    let found = match store {
        Some(store) => store.buy(id).await?,
        None => None,
    };
    let buy = found.map(|found| found.value).filter(|buy| buy.principal == *principal);
    buy.ok_or_else(|| AppError::new(ErrorCode::NotFound, format!("{principal} has no media buy {id} in this database")))
}
