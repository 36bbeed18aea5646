//! What was delivered, and how buys stand on their platforms.

use serde::{Deserialize, Serialize};

use super::{
    creative::AssetStatus,
    id::{MediaBuyId, PackageId, PlatformName},
    money::Micros,
    time::{Day, Timestamp},
};

/// What was counted for one package on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRow {
    /// Which package.
    pub package: PackageId,
    /// Which day.
    pub day: Day,
    /// Impressions.
    pub impressions: i64,
    /// Spend.
    pub spend: Micros,
    /// Clicks, where the platform counts them.
    pub clicks: Option<i64>,
    /// Completed views or listens, where the platform counts them.
    pub video_completions: Option<i64>,
}

/// What one buy delivered on one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuyDelivery {
    /// Which buy.
    pub buy: MediaBuyId,
    /// Rows without an order.
    pub rows: Vec<DeliveryRow>,
    /// Up to when the platform had counted.
    pub as_of: Option<Timestamp>,
}

/// How a buy or a package stands on its platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Nothing to show yet.
    AwaitingCreatives,
    /// Under review by the platform.
    PendingApproval,
    /// Ready; its start lies ahead.
    Scheduled,
    /// It may deliver now.
    Delivering,
    /// Paused there.
    Paused,
    /// Over.
    Completed,
    /// Refused by the platform, in its words.
    Disapproved(String),
    /// Cancelled there.
    Canceled,
    /// No longer there.
    Missing,
    /// A state that this host does not know.
    Other(String),
}

/// How a package stands on its platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemotePackageStatus {
    /// Which package.
    pub package: PackageId,
    /// How it stands.
    pub state: DeliveryState,
    /// Since its flight began.
    pub impressions_delivered: Option<i64>,
}

/// How a buy stands on one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteBuyStatus {
    /// Which buy.
    pub buy: MediaBuyId,
    /// Where.
    pub platform: PlatformName,
    /// How it stands.
    pub state: DeliveryState,
    /// The platform's words, may be empty.
    pub detail: String,
    /// Its packages on that platform.
    pub packages: Vec<RemotePackageStatus>,
    /// What became of creatives, as far as the platform tells.
    pub assets: Vec<AssetStatus>,
}
