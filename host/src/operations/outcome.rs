//! Applies an operation that has ended to its buy: the only place where the record of a buy follows
//! the ad servers.

use crate::{
    domain::{
        media_buy::MediaBuy,
        money::Micros,
        operation::{Operation, OperationKind, OperationState},
        status::{self, BuyStatus, Creation, Standing},
        time::Timestamp,
        update::partly,
    },
    operations::events,
    store::{Recording, Write},
};

/// Returns the buy after an operation that succeeded or failed, and records the corresponding
/// events.
///
/// `fresh` is the buy as it is recorded now, so that what was carried out since the operation was
/// frozen is kept. What a failed operation has carried out before it failed is kept, too, because
/// it is on the ad server. The buy's status there is read soon afterwards.
pub fn of(operation: &Operation, fresh: &MediaBuy, at: Timestamp, recording: &mut Recording) -> MediaBuy {
    let failure = operation.failure.as_ref().filter(|_| operation.state == OperationState::Failed);
    if let (OperationKind::Create, Some(failure)) = (operation.kind, failure) {
        let mut next = fresh.clone();
        let standing = Standing { status: BuyStatus::Failed, detail: failure.reason.buyer().to_owned() };
        events::become_status(&mut next, standing, at, recording);
        return next;
    }
    if operation.kind != OperationKind::Create {
        recording.push(Write::ReadStatusSoon(fresh.id.clone()));
    }
    // It changes how the buy stands on its ad server, which is read soon, and nothing that is recorded.
    if operation.kind == OperationKind::FollowUp {
        return fresh.clone();
    }
    let Some(mut next) = changed(operation, fresh, at) else { return fresh.clone() };
    for leg in &operation.legs {
        let Some(outcome) = &leg.outcome else { continue };
        events::creatives_said(&mut next, &leg.platform, &outcome.assets, at, recording);
    }
    let standing = match operation.kind {
        OperationKind::Create => status::derive(&next, &Creation::Done, &[], at),
        _ => status::after_change(&next, at),
    };
    events::become_status(&mut next, standing, at, recording);
    next
}

/// Returns the budget that a person last approved. Changes that nobody was asked about don't move
/// it, nor do approvals of something else, whose reviewer did not look at the budget.
fn approved_budget(operation: &Operation, fresh: &MediaBuy, next: &MediaBuy) -> Option<Micros> {
    let seen = operation.approved_digest.is_some() && next.total_budget != fresh.total_budget;
    if seen { Some(next.total_budget) } else { fresh.approved_budget.or(Some(fresh.total_budget)) }
}

/// Returns the end of the flight that a person last approved, like [`approved_budget`].
fn approved_end(operation: &Operation, fresh: &MediaBuy, next: &MediaBuy) -> Option<Timestamp> {
    let seen = operation.approved_digest.is_some() && next.end != fresh.end;
    if seen { Some(next.end) } else { fresh.approved_end.or(Some(fresh.end)) }
}

/// Returns the buy with what was carried out; `None` if nothing was.
fn changed(operation: &Operation, fresh: &MediaBuy, at: Timestamp) -> Option<MediaBuy> {
    let progress = operation.progress();
    let succeeded = operation.state == OperationState::Succeeded;
    if !succeeded && (operation.frozen.is_none() || progress.is_nothing()) {
        return None;
    }
    let desired = match operation.desired_on(fresh) {
        Ok(desired) => desired,
        Err(problems) => {
            tracing::error!(operation = %operation.id, ?problems, "what it carried out does not fit the buy any more; the record is as before");
            return None;
        }
    };
    let mut next =
        if succeeded { desired } else { partly(fresh, &desired, &operation.change.platforms(&desired), &progress) };
    // These fields may be recorded by others while an operation runs.
    next.status = fresh.status;
    next.detail.clone_from(&fresh.detail);
    next.assets.clone_from(&fresh.assets);
    next.remote.clone_from(&fresh.remote);
    next.absent.clone_from(&fresh.absent);
    next.revision = fresh.revision + 1;
    next.approved_budget = approved_budget(operation, fresh, &next);
    next.approved_end = approved_end(operation, fresh, &next);
    if operation.kind == OperationKind::Create {
        next.booked_at = Some(at);
    }
    next.updated_at = at;
    Some(next)
}
