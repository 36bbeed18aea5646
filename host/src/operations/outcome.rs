//! What an operation that has ended made of its buy: the one place where the record of a buy
//! follows the ad servers.

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

/// The buy after an operation that succeeded or failed, and the events that tell of it.
///
/// `fresh` is the buy as it is recorded now: what was carried out since the operation was frozen is
/// kept. What an operation that failed has carried out before it failed is kept, too: the ad server
/// holds it. How the buy stands there is asked at once.
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

/// What the buy may spend as a person last approved it: what nobody was asked about does not move
/// it, and neither does an approval of something else, whose reviewer did not look at the budget.
fn approved_budget(operation: &Operation, fresh: &MediaBuy, next: &MediaBuy) -> Option<Micros> {
    let seen = operation.approved_digest.is_some() && next.total_budget != fresh.total_budget;
    if seen { Some(next.total_budget) } else { fresh.approved_budget.or(Some(fresh.total_budget)) }
}

/// The buy with what was carried out; `None` if nothing was.
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
    // What others record about a buy while an operation runs.
    next.status = fresh.status;
    next.detail.clone_from(&fresh.detail);
    next.assets.clone_from(&fresh.assets);
    next.remote.clone_from(&fresh.remote);
    next.absent.clone_from(&fresh.absent);
    next.revision = fresh.revision + 1;
    next.approved_budget = approved_budget(operation, fresh, &next);
    if operation.kind == OperationKind::Create {
        next.booked_at = Some(at);
    }
    next.updated_at = at;
    Some(next)
}
