//! The rules about reads in batches.

use super::{
    bench::{Lane, shown},
    report::Notebook,
    rules::{self, Rule},
    work::{Work, prepared},
};
use crate::{
    clock,
    domain::{delivery::DeliveryState, media_buy::MediaBuy},
};

/// How many buys are read at once, if the adapter's batches are as large.
const SEVERAL: usize = 3;

/// An id that no ad server has given.
pub(super) const UNKNOWN: &str = "999999999999";

/// Reads one buy, several, and one that does not exist among others.
pub(super) async fn check(lane: &Lane<'_>, notebook: &Notebook) {
    if !notebook.wants("reads") {
        return;
    }
    let mut buys = Vec::new();
    for _ in 0..SEVERAL {
        match prepared(lane, Work::Update).await {
            Ok(sample) => buys.push(sample.buy),
            Err(why) => return notebook.fail(rules::READS_STATUS, why),
        }
    }
    let batch = usize::try_from(lane.bench.capabilities.batch_size).unwrap_or(1).clamp(1, SEVERAL);
    let several: Vec<&MediaBuy> = buys.iter().take(batch).collect();
    for asked in [&several[..1], &several[..]] {
        statuses(lane, asked, notebook).await;
        deliveries(lane, asked, notebook).await;
    }
    let tried = format!("batches of 1 and of {batch}");
    notebook.seen(rules::READS_STATUS, tried.clone());
    notebook.seen(rules::READS_DELIVERY, tried);
    missing(lane, &several, notebook).await;
}

/// Reads statuses once. Returns the states, if there is one for each buy.
async fn statuses(lane: &Lane<'_>, asked: &[&MediaBuy], notebook: &Notebook) {
    let rule = rules::READS_STATUS;
    let fail = |what: String| notebook.fail(rule, format!("of {} buys: {what}", asked.len()));
    match lane.statuses(asked).await {
        Err(failure) => fail(format!("the call failed, {}", shown(&failure))),
        Ok((answers, wrong)) => {
            if let Some(wrong) = wrong {
                fail(format!("the adapter {wrong}"));
            }
            for answer in answers {
                match answer {
                    Err(failure) => fail(shown(&failure)),
                    Ok(status) => {
                        let lost =
                            |state: &DeliveryState| matches!(state, DeliveryState::Missing | DeliveryState::Canceled);
                        if lost(&status.state) {
                            fail(format!("{} is said to be {:?}, and was just made", status.buy, status.state));
                        }
                        let told = status.packages.len();
                        let packages =
                            asked.iter().find(|buy| buy.id == status.buy).map_or(0, |buy| buy.packages.len());
                        if told != packages {
                            fail(format!("{} has {packages} packages, and {told} are told of", status.buy));
                        }
                    }
                }
            }
        }
    }
}

async fn deliveries(lane: &Lane<'_>, asked: &[&MediaBuy], notebook: &Notebook) {
    let fail = |what: String| notebook.fail(rules::READS_DELIVERY, format!("of {} buys: {what}", asked.len()));
    let today = clock::now().day();
    let range = (today.plus_days(-7), today);
    let buys = lane.asked(asked);
    let read = Box::pin(lane.adapters().get_delivery_of_batch(&lane.bench.name, &buys, range, lane.deadline())).await;
    match read {
        Err(failure) => fail(format!("the call failed, {}", shown(&failure))),
        Ok((answers, wrong)) => {
            if let Some(wrong) = wrong {
                fail(format!("the adapter {wrong}"));
            }
            let failed = answers.into_iter().filter_map(|(_, answer)| answer.err());
            failed.for_each(|failure| fail(shown(&failure)));
        }
    }
}

/// A buy whose objects nobody has is missing, whatever it is read with.
async fn missing(lane: &Lane<'_>, others: &[&MediaBuy], notebook: &Notebook) {
    let rule: &'static Rule = rules::READS_MISSING;
    let mut gone = others[0].clone();
    gone.id = format!("{}_gone", lane.bench.name).into();
    for object in gone.remote.values_mut().flatten() {
        // Ids that other objects refer to keep their form: only the digits at the end are others.
        let kept = object.id.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        object.id = format!("{}{UNKNOWN}", &object.id[..kept]);
    }
    let alone = vec![&gone];
    let mut among: Vec<&MediaBuy> = others.iter().take(others.len().saturating_sub(1)).copied().collect();
    among.push(&gone);
    for asked in [alone, among] {
        let fail = |what: String| notebook.fail(rule, format!("among {} buys: {what}", asked.len()));
        match lane.statuses(&asked).await {
            Err(failure) => fail(format!("the call failed, {}", shown(&failure))),
            Ok((answers, wrong)) => {
                if let Some(wrong) = wrong {
                    fail(format!("the adapter {wrong}"));
                }
                for (buy, answer) in asked.iter().zip(answers) {
                    match answer {
                        Err(failure) => fail(format!("{}: {}", buy.id, shown(&failure))),
                        Ok(status) => {
                            let is_gone = buy.id == gone.id;
                            if (status.state == DeliveryState::Missing) != is_gone {
                                fail(format!("{} is said to be {:?}", buy.id, status.state));
                            }
                        }
                    }
                }
            }
        }
    }
    notebook.seen(rule, "alone, and among others");
}
