//! `check_media_buy_status`: the current status of a buy, read live with a short cache.

use std::time::Duration;

use crate::{
    app::{App, caller::Caller, error::AppError},
    domain::{
        delivery::{DeliveryState, RemoteBuyStatus, RemotePackageStatus},
        id::{MediaBuyId, PackageId, PlatformName},
        media_buy::{MediaBuy, Package},
        operation::Operation,
        status::{self, BuyStatus, Creation, Standing},
        time::Timestamp,
    },
    operations::{
        now,
        status::{Observer, Seen},
    },
    store::Stored,
};

/// The time limit of the ad servers.
const ASK_FOR: Duration = Duration::from_secs(15);

/// The standing of a buy.
#[derive(Debug, Clone)]
pub struct BuyStanding {
    /// The buy.
    pub buy: MediaBuy,
    /// The buy's status, with the detail that explains it.
    pub standing: Standing,
    /// When the ad servers were asked.
    pub last_updated: Timestamp,
    /// The standing of each of its packages.
    pub packages: Vec<PackageStanding>,
    /// The operations of the buy that have not ended.
    pub pending: Vec<Operation>,
}

/// The standing of a package.
#[derive(Debug, Clone, PartialEq)]
pub struct PackageStanding {
    /// The package's id.
    pub package: PackageId,
    /// The platform of the package.
    pub platform: PlatformName,
    /// The status of the package.
    pub status: BuyStatus,
    /// `on_track`, `ahead`, `behind`, `not_started`, `completed` or `unknown`.
    pub pacing: &'static str,
    /// Delivered share of the goal in millionths (1_000_000 is all of it), if the platform counts.
    pub delivered_millionths: Option<i64>,
    /// The state reported by the platform.
    pub platform_state: Option<DeliveryState>,
}

impl App {
    /// Returns the current standing of a buy.
    ///
    /// # Errors
    /// `NOT_FOUND`, or when the store fails.
    pub async fn check_media_buy_status(&self, caller: &Caller, id: &MediaBuyId) -> Result<BuyStanding, AppError> {
        let stored = self.visible_buy(caller, id).await?;
        let pending: Vec<Operation> =
            self.store.open_operations(id).await?.into_iter().map(|operation| operation.value).collect();
        let creation = self.creation(&stored.value).await?;
        let at = now();
        let (said_at, seen) = match creation {
            Creation::Done => self.ask(&stored, at).await?,
            _ => (at, Seen::default()),
        };
        let stored = self.observer().note_absence(stored, &seen).await?;
        let Seen { statuses: said, silent, .. } = seen;
        let mut standing = match creation {
            Creation::Done => self.observer().standing(&stored.value, &said, at).await?,
            _ => status::derive(&stored.value, &creation, &said, at),
        };
        if matches!(creation, Creation::AwaitingApproval | Creation::AwaitingPermission | Creation::Failed(_)) {
            standing.detail.clone_from(&stored.value.detail);
        }
        let mut buy = stored.value.clone();
        // The standing of a buy being created is recorded by the operation that creates it.
        if silent.is_none() && matches!(creation, Creation::Done) {
            buy = self.observer().record(stored, &standing, &said, at).await?;
            standing.status = buy.status;
        }
        if let Some(silent) = silent {
            standing =
                Standing { status: buy.status, detail: format!("as last known: {}", silent.to(caller.is_staff())) };
        }
        let whole = if matches!(creation, Creation::Done) { None } else { Some(standing.status) };
        let packages = buy.packages.iter().map(|package| package_standing(&buy, package, &said, whole, at)).collect();
        Ok(BuyStanding { packages, standing, last_updated: said_at, pending, buy })
    }

    /// Returns what the host knows of a buy's creation.
    pub(super) async fn creation(&self, buy: &MediaBuy) -> Result<Creation, AppError> {
        let operation = self.store.creation(&buy.id).await?.ok_or_else(|| AppError::not_found("media buy"))?.value;
        Ok(Creation::of(&operation))
    }

    /// Returns what the ad servers say about a buy, now or a moment ago. Concurrent callers share
    /// one request.
    async fn ask(&self, buy: &Stored<MediaBuy>, at: Timestamp) -> Result<(Timestamp, Seen), AppError> {
        let fresh = || {
            let said = self.status_cache.get(&buy.value.id, at)?;
            Some((said.at, Seen { statuses: said.statuses, ..Seen::default() }))
        };
        if let Some(said) = fresh() {
            return Ok(said);
        }
        let ask = || {
            let (observer, buy) = (self.observer(), buy.value.clone());
            // Another request may have been answered since the check above.
            let said = fresh();
            async move {
                if let Some(said) = said {
                    return Ok(said);
                }
                let mut seen = observer.ask(&[&buy], at, ASK_FOR).await?;
                Ok((at, seen.pop().unwrap_or_default()))
            }
        };
        self.callers.standings.ask((buy.value.id.clone(), buy.version), ask).await
    }

    /// Returns the service that reads the status of buys from their ad servers.
    pub fn observer(&self) -> Observer {
        Observer {
            store: self.store.clone(),
            adapters: self.adapters.clone(),
            config: self.config.clone(),
            status_cache: self.status_cache.clone(),
            signals: self.signals.clone(),
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
    // Counted is what the price pays for. A flat price has no goal to compare it with.
    let counted = || Some((remote?.delivered(package.price.model.unit()?)?, package.goal?));
    let progress = counted();
    let millionths = progress.map(|(count, goal)| {
        let exact = i128::from(count) * 1_000_000 / i128::from(goal.max(1));
        i64::try_from(exact).unwrap_or(i64::MAX)
    });
    PackageStanding {
        package: package.id.clone(),
        platform: package.platform.clone(),
        status: whole.unwrap_or_else(|| status::package_status(buy, &package.id, said, now)),
        pacing: pacing_word(buy, progress, now),
        delivered_millionths: millionths,
        platform_state: remote.map(|remote: &RemotePackageStatus| remote.state.clone()),
    }
}

/// Compares a package's delivery with an even one. Within a tenth of the goal counts as on track.
/// `progress` is what was delivered, and the goal.
fn pacing_word(buy: &MediaBuy, progress: Option<(i64, i64)>, now: Timestamp) -> &'static str {
    let Some((delivered, goal)) = progress else { return "unknown" };
    if delivered >= goal {
        return "completed";
    }
    if now < buy.start {
        return "not_started";
    }
    let whole = i128::from(buy.end.as_micros() - buy.start.as_micros()).max(1);
    let passed = i128::from(now.min(buy.end).as_micros() - buy.start.as_micros());
    let expected = i128::from(goal) * passed / whole;
    let tolerance = i128::from(goal) / 10;
    match i128::from(delivered) - expected {
        off if off > tolerance => "ahead",
        off if off < -tolerance => "behind",
        _ => "on_track",
    }
}
