//! Reads the delivery totals of platforms that count nothing else, often enough to tell days apart.

use std::time::Duration;

use crate::{
    adapters::RemoteBuy,
    domain::{
        capability::Counting, delivery::BuyDelivery, id::PlatformName, media_buy::MediaBuy, status::BuyStatus,
        time::Timestamp,
    },
    operations::status::Observer,
    store::{Store, StoreError, totals::NewTotals},
};

/// How often the totals of a buy are read: what is delivered between the last reading of a day and
/// midnight counts on the next day.
const EVERY: Duration = Duration::from_secs(3_600);

/// Records the totals that a platform answered with.
///
/// # Errors
/// When the store fails.
pub async fn keep(
    store: &Store,
    platform: &PlatformName,
    answer: &BuyDelivery,
    at: Timestamp,
) -> Result<(), StoreError> {
    let Some(totals) = answer.totals.clone() else { return Ok(()) };
    let at = answer.as_of.map_or(at, |as_of| as_of.min(at));
    store.keep_totals(NewTotals { buy: answer.buy.clone(), platform: platform.clone(), at, totals }).await
}

impl Observer {
    /// Returns whether a platform counts nothing but totals.
    pub fn counts_totals(&self, platform: &PlatformName) -> bool {
        self.adapters.capabilities(platform).is_some_and(|can| can.counting == Counting::Cumulative)
    }

    /// Reads the totals of buys on a platform that counts nothing else, if they were last read an
    /// hour ago. What can't be read is read at the next poll.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read_totals(
        &self,
        platform: &PlatformName,
        buys: &[&MediaBuy],
        at: Timestamp,
        patience: Duration,
    ) -> Result<(), StoreError> {
        let mut due = Vec::new();
        for buy in buys.iter().filter(|buy| buy.status != BuyStatus::Failed && buy.start <= at) {
            let last = self.store.totals_read_at(&buy.id, platform).await?;
            if last.is_none_or(|last| last.plus(EVERY) <= at) {
                let advertiser_id = self.config.advertiser(&buy.principal, platform).unwrap_or_default().to_owned();
                due.push(RemoteBuy { buy, advertiser_id });
            }
        }
        if due.is_empty() {
            return Ok(());
        }
        let day = at.day();
        let answers = match self.adapters.get_delivery(platform, &due, day, day, at.plus(patience)).await {
            Ok(answers) => answers,
            Err(failure) => {
                tracing::debug!(%platform, %failure, "totals could not be read and will be later");
                return Ok(());
            }
        };
        for answer in answers.into_iter().filter_map(|(_, answer)| answer.ok()) {
            keep(&self.store, platform, &answer, at).await?;
        }
        Ok(())
    }
}
