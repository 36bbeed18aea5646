//! What many buys delivered, from as few reports as the platform allows.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::AdServer;
use crate::{
    failure::Fallible,
    host, moment,
    step::Remote,
    types::{BuyDelivery, Context, DateRange, DeliveryAnswer, DeliveryRow, Failure, RemoteBuy, RemoteKind},
};

/// The counts of a line item on one day.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Impressions on that day.
    pub impressions: i64,
    /// Clicks on that day.
    pub clicks: i64,
    /// Videos watched to the end, where the platform counts them.
    pub completions: Option<i64>,
    /// Spend, in micro-units.
    pub spend: i64,
}

/// Counts by line item id and day.
pub type Counts = BTreeMap<String, BTreeMap<String, Counted>>;

/// What was read about some buys.
#[derive(Debug, Default)]
pub struct Delivered {
    /// What their line items delivered.
    pub counts: Counts,
    /// Orders that the platform reports nothing about, and why. Only their buys fail.
    pub failed: BTreeMap<String, Failure>,
    /// The moment up to which everything is counted, where the platform says so.
    pub as_of: Option<String>,
    /// The IANA time zone whose days are counted. `None`: UTC.
    pub time_zone: Option<String>,
    /// The currency of the spend, where the platform says so.
    pub currency: Option<String>,
    /// The moment before which nothing is corrected any more, where the platform says so.
    pub final_until: Option<String>,
}

impl Delivered {
    /// Returns what the contract has no field for.
    fn extensions(&self) -> Vec<(String, String)> {
        let facts = [("time-zone", &self.time_zone), ("currency", &self.currency), ("final-until", &self.final_until)];
        facts.into_iter().filter_map(|(name, fact)| Some((name.to_owned(), fact.clone()?))).collect()
    }
}

/// Returns what buys delivered in a range of days.
///
/// # Errors
/// When the platform can't be reached, or doesn't finish in time.
pub fn get<S: AdServer>(server: &S, buys: &[RemoteBuy], range: &DateRange) -> Fallible<Vec<DeliveryAnswer>> {
    let read = server.read_delivery(buys, range)?;
    let answer = |buy: &RemoteBuy| {
        let delivery = match buy.remote.order().and_then(|order| read.failed.get(order)) {
            Some(failure) => Err(failure.clone()),
            None => Ok(delivered(buy, &read)),
        };
        DeliveryAnswer { media_buy_id: buy.media_buy_id.clone(), delivery }
    };
    Ok(buys.iter().map(answer).collect())
}

fn delivered(buy: &RemoteBuy, read: &Delivered) -> BuyDelivery {
    let mut rows = Vec::new();
    for item in buy.remote.iter().filter(|object| object.kind == RemoteKind::Package) {
        for (day, counted) in read.counts.get(&item.id).into_iter().flatten() {
            rows.push(DeliveryRow {
                package_id: item.key.clone(),
                day: day.clone(),
                impressions: counted.impressions,
                spend: counted.spend,
                clicks: Some(counted.clicks),
                video_completions: counted.completions,
                extensions: Vec::new(),
            });
        }
    }
    BuyDelivery {
        media_buy_id: buy.media_buy_id.clone(),
        rows,
        totals: Vec::new(),
        as_of: read.as_of.clone(),
        extensions: read.extensions(),
    }
}

/// How to wait for a platform's reports.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// The first pause between two polls. Each pause is twice the one before.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// The part of the call's time that must be left when the last poll starts.
    pub reserve: Duration,
    /// The delay after which the host should ask again for a report that was not ready, in
    /// milliseconds.
    pub ask_again_ms: u64,
}

/// Polls until a report is ready, within the call's deadline. `look` returns the report once it is
/// ready.
///
/// # Errors
/// `unavailable` when the report is not ready in time. When `look` fails.
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
