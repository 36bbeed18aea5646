//! Reads the delivery totals of platforms that count nothing else, often enough to tell days apart.

use std::time::Duration;

use crate::{
    adapters::RemoteBuy,
    domain::{
        capability::Counting, delivery::BuyDelivery, id::PlatformName, media_buy::MediaBuy, status::BuyStatus,
        time::Timestamp, totals::Reading,
    },
    operations::status::Observer,
    store::{Store, StoreError, totals::NewTotals},
};

/// How often the totals of a buy are read: what is delivered between the last reading of a day and
/// midnight counts on the next day.
const EVERY: Duration = Duration::from_secs(3_600);

/// Records the totals of an answer, and returns all readings of the buy.
///
/// # Errors
/// When the store fails.
pub async fn keep(
    store: &Store,
    platform: &PlatformName,
    answer: &BuyDelivery,
    at: Timestamp,
) -> Result<Vec<Reading>, StoreError> {
    let at = answer.as_of.map_or(at, |as_of| as_of.min(at));
    let (buy, totals) = (answer.buy.clone(), answer.totals.clone());
    store.keep_totals(NewTotals { buy, platform: platform.clone(), at, totals }).await?;
    store.totals(&answer.buy, platform).await
}

impl Observer {
    /// Reads the totals of buys on platforms that count nothing else, if they were last read an hour
    /// ago. What can't be read is read at the next poll.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read_totals(&self, buys: &[&MediaBuy], at: Timestamp, patience: Duration) -> Result<(), StoreError> {
        let mut platforms: Vec<PlatformName> = buys.iter().flat_map(|buy| buy.platforms()).collect();
        platforms.sort();
        platforms.dedup();
        for platform in platforms {
            let counting = self.adapters.capabilities(&platform).map(|can| can.counting);
            if counting != Some(Counting::Cumulative) {
                continue;
            }
            let mut due = Vec::new();
            for buy in buys.iter().filter(|buy| buy.packages_on(&platform).next().is_some()) {
                let delivers = !matches!(buy.status, BuyStatus::Failed) && buy.start <= at;
                let last = self.store.totals_read_at(&buy.id, &platform).await?;
                if delivers && last.is_none_or(|last| last.plus(EVERY) <= at) {
                    let advertiser_id = self.config.advertiser(&buy.principal, &platform).unwrap_or_default();
                    due.push(RemoteBuy { buy, advertiser_id: advertiser_id.to_owned() });
                }
            }
            let day = at.day();
            let answers = match due.is_empty() {
                true => Ok(Vec::new()),
                false => self.adapters.get_delivery(&platform, &due, day, day, at.plus(patience)).await,
            };
            match answers {
                Ok(answers) => {
                    for (_, answer) in answers {
                        if let Ok(answer) = answer {
                            keep(&self.store, &platform, &answer, at).await?;
                        }
                    }
                }
                Err(failure) => tracing::debug!(%platform, %failure, "totals could not be read and will be later"),
            }
        }
        Ok(())
    }
}
