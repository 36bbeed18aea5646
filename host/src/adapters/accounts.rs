//! The account that an operator has on an ad server, read by adapters that can, and what was last
//! read of it.

use std::sync::{Arc, PoisonError};

use super::{
    Adapters,
    calls::{bad_result, counted},
    contract,
    egress::Mode,
};
use crate::domain::{
    account::{Account, Reading, SoldProduct},
    failure::Failure,
    id::PlatformName,
    purpose::Purpose,
    time::Timestamp,
};

impl Adapters {
    /// Reads a platform's account and everything that its settings, these products and an advertiser
    /// name there. `None` if the release that serves can't. The advertiser may be empty.
    ///
    /// # Errors
    /// When the account can't be read.
    pub async fn inspect_account(
        &self,
        platform: &PlatformName,
        advertiser_id: &str,
        products: &[SoldProduct],
        deadline: Timestamp,
    ) -> Result<Option<Account>, Failure> {
        let platform = self.platform(platform)?;
        let release = &*self.release(platform, None).await?;
        if !release.linked.inspects_account() {
            return Ok(None);
        }
        platform.egress.pace.may_begin(Purpose::Read)?;
        let products = contract::account::products(products);
        let operation = format!("account_{}", uuid::Uuid::now_v7().simple());
        let read = counted(platform, release, Purpose::Read, async {
            let calling = self.calling(platform, release, &operation, Mode::Read, deadline);
            let context = calling.context_of_read(advertiser_id);
            let report = calling
                .run(move |store, adapter| {
                    Box::pin(async move {
                        let guest = adapter.account(&mut *store)?;
                        guest.call_inspect_account(store, &context, &products).await
                    })
                })
                .await?
                .map_err(contract::failure)?;
            contract::account::account(report).map_err(|bad| bad_result(platform, bad))
        });
        read.await.map(Some)
    }

    /// Keeps what was read of a platform's account, beside the platform.
    pub fn know_account(&self, platform: &PlatformName, reading: Arc<Reading>) {
        if let Some(platform) = self.platforms.get(platform) {
            *platform.account.write().unwrap_or_else(PoisonError::into_inner) = Some(reading);
        }
    }

    /// Returns what was last read of a platform's account since this host started.
    pub fn known_account(&self, platform: &PlatformName) -> Option<Arc<Reading>> {
        self.platforms.get(platform)?.account.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns by how many seconds the platform's clock is ahead of this host's, or behind it
    /// (negative), as its last answer says.
    pub fn clock_ahead_seconds(&self, platform: &PlatformName) -> Option<i64> {
        self.platforms.get(platform)?.egress.clock.ahead_seconds()
    }
}
