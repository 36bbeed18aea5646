//! `check_media_buy_status`: how a buy stands, asked live, with a short memory.

use std::{sync::Arc, time::Duration};

use crate::{
    adapters::RemoteBuy,
    app::{App, BuyStanding, PackageStanding, caller::Caller, error::AppError},
    domain::{
        delivery::{RemoteBuyStatus, RemotePackageStatus},
        id::{MediaBuyId, PlatformName},
        media_buy::{MediaBuy, Package},
        operation::{Operation, OperationState},
        status::{self, BuyStatus, Creation, Standing},
        time::Timestamp,
    },
    operations::{live::Said, now, tell},
    store::{Recording, StoreError, Stored},
};

/// How long the ad servers may take to answer.
const ASK_FOR: Duration = Duration::from_secs(15);

impl App {
    /// How a buy stands.
    ///
    /// # Errors
    /// `NOT_FOUND`; the store's.
    pub async fn check_media_buy_status(&self, caller: &Caller, id: &MediaBuyId) -> Result<BuyStanding, AppError> {
        let stored = self.visible_buy(caller, id).await?;
        let pending: Vec<Operation> =
            self.store.open_operations(id).await?.into_iter().map(|operation| operation.value).collect();
        let creation = self.creation(&stored.value).await?;
        let at = now();
        let (said_at, said, silent) = match creation {
            Creation::Done => self.ask(&stored.value, at).await,
            _ => (at, Arc::default(), None),
        };
        let mut standing = status::derive(&stored.value, &creation, &said, at);
        if matches!(creation, Creation::AwaitingApproval | Creation::AwaitingPermission | Creation::Failed(_)) {
            standing.detail.clone_from(&stored.value.detail);
        }
        let mut buy = stored.value.clone();
        // How a buy stands that is being created is recorded by what creates it.
        if silent.is_none() && matches!(creation, Creation::Done) {
            buy = self.record_standing(stored, &standing, at).await?;
            standing.status = buy.status;
        }
        if let Some(silent) = silent {
            standing = Standing {
                status: buy.status,
                detail: format!("as last known: the ad server can't be asked now ({silent})"),
            };
        }
        let whole = if matches!(creation, Creation::Done) { None } else { Some(standing.status) };
        let packages = buy.packages.iter().map(|package| package_standing(&buy, package, &said, whole, at)).collect();
        Ok(BuyStanding { packages, standing, last_updated: said_at, pending, buy })
    }

    /// What the host knows of a buy's creation.
    pub(super) async fn creation(&self, buy: &MediaBuy) -> Result<Creation, AppError> {
        let operation = self.store.creation(&buy.id).await?.ok_or_else(|| AppError::not_found("media buy"))?.value;
        Ok(match operation.state {
            OperationState::AwaitingApproval | OperationState::Parked => Creation::AwaitingApproval,
            OperationState::AwaitingPermission => Creation::AwaitingPermission,
            OperationState::Queued | OperationState::Running => Creation::InProgress,
            OperationState::Succeeded => Creation::Done,
            OperationState::Failed => {
                Creation::Failed(operation.failure.map(|failure| failure.reason).unwrap_or_default())
            }
        })
    }

    /// Asks every platform of the buy, or the memory. The last part is why a platform was silent.
    async fn ask(&self, buy: &MediaBuy, at: Timestamp) -> (Timestamp, Arc<Vec<RemoteBuyStatus>>, Option<String>) {
        if let Some(said) = self.live.get(&buy.id, at) {
            return (said.at, said.statuses, None);
        }
        let platforms = buy.platforms();
        let mut asked = Vec::with_capacity(platforms.len());
        for platform in &platforms {
            asked.push(self.ask_platform(buy, platform, at.plus(ASK_FOR)));
        }
        let mut statuses = Vec::new();
        let mut silent = None;
        for answer in futures::future::join_all(asked).await {
            match answer {
                Ok(status) => statuses.push(status),
                Err(reason) => silent = Some(reason),
            }
        }
        let statuses = Arc::new(statuses);
        if silent.is_none() {
            self.live.put(&buy.id, Said { at, statuses: statuses.clone() });
        }
        (at, statuses, silent)
    }

    async fn ask_platform(
        &self,
        buy: &MediaBuy,
        platform: &PlatformName,
        deadline: Timestamp,
    ) -> Result<RemoteBuyStatus, String> {
        let advertiser_id = self.config.advertiser(&buy.principal, platform).unwrap_or_default().to_owned();
        let asked = [RemoteBuy { buy, advertiser_id }];
        let answers =
            self.adapters.check_status(platform, &asked, deadline).await.map_err(|failure| failure.to_string())?;
        let answer = answers.into_iter().find(|(id, _)| id == &buy.id);
        match answer {
            Some((_, status)) => status.map_err(|failure| failure.to_string()),
            None => Err(format!("{platform} said nothing about it")),
        }
    }

    /// Records a status that is another one than the last. Somebody else's newer record wins.
    async fn record_standing(
        &self,
        stored: Stored<MediaBuy>,
        standing: &Standing,
        at: Timestamp,
    ) -> Result<MediaBuy, AppError> {
        if stored.value.status == standing.status {
            return Ok(stored.value);
        }
        let mut recording = Recording::default();
        let mut next = stored.value.clone();
        tell::become_status(&mut next, standing.clone(), at, &mut recording);
        recording.buy = Some(Stored { value: next.clone(), version: stored.version });
        match self.store.record(recording).await {
            Ok(()) => Ok(next),
            Err(StoreError::Stale(_)) => {
                let fresh = self.store.buy(&next.id).await?;
                Ok(fresh.map_or(next, |fresh| fresh.value))
            }
            // Reading works on a full disk; what was not recorded is recorded at the next question.
            Err(StoreError::Full | StoreError::Unavailable(_)) => Ok(next),
            Err(error) => Err(error.into()),
        }
    }
}

fn package_standing(
    buy: &MediaBuy,
    package: &Package,
    said: &[RemoteBuyStatus],
    whole: Option<BuyStatus>,
    now: Timestamp,
) -> PackageStanding {
    let remote = said.iter().flat_map(|answer| &answer.packages).find(|mine| mine.package == package.id);
    let delivered = remote.and_then(|remote| remote.impressions_delivered);
    let millionths = delivered.map(|count| {
        let exact = i128::from(count) * 1_000_000 / i128::from(package.impressions.max(1));
        i64::try_from(exact).unwrap_or(i64::MAX)
    });
    PackageStanding {
        package: package.id.clone(),
        platform: package.platform.clone(),
        status: whole.unwrap_or_else(|| status::package_status(buy, &package.id, said, now)),
        pacing: pacing_word(buy, package, delivered, now),
        delivered_millionths: millionths,
        platform_state: remote.map(|remote: &RemotePackageStatus| remote.state.clone()),
    }
}

/// How a package keeps up with an even delivery: within a tenth of the goal is on track.
fn pacing_word(buy: &MediaBuy, package: &Package, delivered: Option<i64>, now: Timestamp) -> &'static str {
    let Some(delivered) = delivered else { return "unknown" };
    if delivered >= package.impressions {
        return "completed";
    }
    if now < buy.start {
        return "not_started";
    }
    let whole = i128::from(buy.end.as_micros() - buy.start.as_micros()).max(1);
    let passed = i128::from(now.min(buy.end).as_micros() - buy.start.as_micros());
    let expected = i128::from(package.impressions) * passed / whole;
    let tolerance = i128::from(package.impressions) / 10;
    match i128::from(delivered) - expected {
        off if off > tolerance => "ahead",
        off if off < -tolerance => "behind",
        _ => "on_track",
    }
}
