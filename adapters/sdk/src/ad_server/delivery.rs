//! What many buys delivered, from as few reports as the platform allows.

use std::{collections::BTreeMap, time::Duration};

use super::AdServer;
use crate::{
    failure::Fallible,
    host, moment,
    step::Remote,
    types::{BuyDelivery, Context, DateRange, DeliveryAnswer, DeliveryRow, Failure, RemoteBuy, RemoteKind},
};

/// What was counted for a line item on a day.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Impressions.
    pub impressions: i64,
    /// Clicks.
    pub clicks: i64,
    /// Videos that were watched to their end, where the platform counts them.
    pub completions: Option<i64>,
    /// Spend in micro-units.
    pub spend: i64,
}

/// What was counted, by line item and day.
pub type Counts = BTreeMap<String, BTreeMap<String, Counted>>;

/// What was read of some buys.
#[derive(Debug, Default)]
pub struct Delivered {
    /// What their line items delivered.
    pub counts: Counts,
    /// Orders of which the platform tells nothing, and why: their buys fail alone.
    pub failed: BTreeMap<String, Failure>,
}

/// What buys delivered in some days.
///
/// # Errors
/// When the platform can't be asked, or is not done in time.
pub fn get<S: AdServer>(server: &S, buys: &[RemoteBuy], range: &DateRange) -> Fallible<Vec<DeliveryAnswer>> {
    let Delivered { counts, failed } = server.read_delivery(buys, range)?;
    let answer = |buy: &RemoteBuy| {
        let delivery = match buy.remote.order().and_then(|order| failed.get(order)) {
            Some(failure) => Err(failure.clone()),
            None => Ok(delivered(buy, &counts)),
        };
        DeliveryAnswer { media_buy_id: buy.media_buy_id.clone(), delivery }
    };
    Ok(buys.iter().map(answer).collect())
}

fn delivered(buy: &RemoteBuy, counts: &Counts) -> BuyDelivery {
    let mut rows = Vec::new();
    for item in buy.remote.iter().filter(|object| object.kind == RemoteKind::Package) {
        for (day, counted) in counts.get(&item.id).into_iter().flatten() {
            rows.push(DeliveryRow {
                package_id: item.key.clone(),
                day: day.clone(),
                impressions: counted.impressions,
                spend: counted.spend,
                clicks: Some(counted.clicks),
                video_completions: counted.completions,
            });
        }
    }
    BuyDelivery { media_buy_id: buy.media_buy_id.clone(), rows, as_of: None, extensions: Vec::new() }
}

/// How a platform's reports are waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// The first pause between two looks. Each is twice the one before.
    pub first: Duration,
    /// The longest.
    pub longest: Duration,
    /// What is left of the call's time when the last look is taken.
    pub reserve: Duration,
    /// When the host should ask again for a report that was not ready, in milliseconds.
    pub ask_again_ms: u64,
}

/// Waits until a report is ready, as long as the call may take. `look` answers it once it is.
///
/// # Errors
/// `unavailable` when it is not ready in time; what the look fails with.
pub fn wait<T>(
    ctx: &Context,
    platform: &str,
    patience: Patience,
    mut look: impl FnMut() -> Fallible<Option<T>>,
) -> Fallible<T> {
    let mut pause = patience.first;
    loop {
        if let Some(ready) = look()? {
            return Ok(ready);
        }
        if moment::time_left(ctx) < pause + patience.reserve {
            let message = format!("{platform} is still making the report. Ask again later, or for fewer days.");
            return Err(Failure::unavailable("report_not_ready", message).retry_after_ms(patience.ask_again_ms));
        }
        host::sleep(pause);
        pause = (pause * 2).min(patience.longest);
    }
}
