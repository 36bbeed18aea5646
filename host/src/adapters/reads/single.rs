//! Reads of a single batch whose every mistake is told, for the conformance kit.

use std::collections::VecDeque;

use super::{Answered, Batch, BatchedRead, Deliveries, Reading, Statuses};
use crate::{
    adapters::{Adapters, RemoteBuy},
    domain::{
        delivery::{BuyDelivery, RemoteBuyStatus},
        failure::Failure,
        id::PlatformName,
        time::{Day, Timestamp},
    },
};

impl Adapters {
    /// Reads the statuses of one buyer's buys in a single call. Returns as well what is wrong with the
    /// answers, in words, even if each buy has one that can be used.
    ///
    /// # Errors
    /// When the call fails.
    pub(crate) async fn check_status_of_batch(
        &self,
        platform: &PlatformName,
        buys: &[RemoteBuy<'_>],
        deadline: Timestamp,
    ) -> Result<(Answered<RemoteBuyStatus>, Option<String>), Failure> {
        self.one_batch(platform, buys, deadline, Statuses).await
    }

    /// As [`Adapters::check_status_of_batch`], for the delivery from `first` to `last`.
    ///
    /// # Errors
    /// When the call fails.
    pub(crate) async fn get_delivery_of_batch(
        &self,
        platform: &PlatformName,
        buys: &[RemoteBuy<'_>],
        (first, last): (Day, Day),
        deadline: Timestamp,
    ) -> Result<(Answered<BuyDelivery>, Option<String>), Failure> {
        self.one_batch(platform, buys, deadline, Deliveries { first, last }).await
    }

    async fn one_batch<R: BatchedRead>(
        &self,
        platform: &PlatformName,
        buys: &[RemoteBuy<'_>],
        deadline: Timestamp,
        read: R,
    ) -> Result<(Answered<R::Answer>, Option<String>), Failure> {
        let platform = self.platform(platform)?;
        let release = &*self.release(platform, None).await?;
        let reading = Reading::new(self, (platform, release), VecDeque::new(), deadline, read);
        let (answers, wrong) = reading.ask_release(release, &Batch { buys: buys.iter().collect() }).await?;
        Ok((answers, wrong.map(|bad| bad.to_string())))
    }
}
