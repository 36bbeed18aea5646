//! Delivery reports, and the status of buys on their platforms.

use serde::{Deserialize, Serialize};

use super::{
    creative::AssetStatus,
    id::{MediaBuyId, PackageId, PlatformName},
    money::Micros,
    price::Unit,
    time::{Day, Timestamp},
};

/// The delivery of one package on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRow {
    /// The package.
    pub package: PackageId,
    /// The day, in UTC.
    pub day: Day,
    /// The impressions delivered.
    pub impressions: i64,
    /// The amount spent.
    pub spend: Micros,
    /// The clicks, if the platform counts them.
    pub clicks: Option<i64>,
    /// The completed views or listens, if the platform counts them.
    pub video_completions: Option<i64>,
}

/// What a package delivered since the start of its flight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryTotal {
    /// The package.
    pub package: PackageId,
    /// The impressions delivered.
    pub impressions: i64,
    /// The amount spent.
    pub spend: Micros,
    /// The clicks, if the platform counts them.
    pub clicks: Option<i64>,
    /// The completed views or listens, if the platform counts them.
    pub video_completions: Option<i64>,
}

/// The delivery of one buy on one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuyDelivery {
    /// The buy.
    pub buy: MediaBuyId,
    /// One row for each package and day, in no particular order.
    pub rows: Vec<DeliveryRow>,
    /// Instead of rows, one total for each package, from a platform that counts only totals.
    pub totals: Option<Vec<DeliveryTotal>>,
    /// The time up to which the platform had counted.
    pub as_of: Option<Timestamp>,
    /// The IANA time zone whose days the rows are. `None`: UTC.
    pub time_zone: Option<String>,
    /// The currency of the spend, ISO 4217, if the platform says.
    pub currency: Option<String>,
    /// What was delivered before this time is not corrected any more, if the platform says.
    pub final_until: Option<Timestamp>,
}

/// The state of a buy or a package on its platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It has no creatives yet.
    AwaitingCreatives,
    /// Under review by the platform.
    PendingApproval,
    /// Ready, with a start in the future.
    Scheduled,
    /// It may deliver now.
    Delivering,
    /// Paused on the platform.
    Paused,
    /// The flight is over.
    Completed,
    /// Disapproved by the platform, with its reason.
    Disapproved(String),
    /// Cancelled on the platform.
    Canceled,
    /// No longer on the platform.
    Missing,
    /// A state that this host does not know, by its name.
    Other(String),
}

/// The status of a package on its platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemotePackageStatus {
    /// The package.
    pub package: PackageId,
    /// Its state.
    pub state: DeliveryState,
    /// The impressions delivered since its flight began.
    pub impressions_delivered: Option<i64>,
    /// The clicks since its flight began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clicks_delivered: Option<i64>,
    /// The completed views since its flight began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completions_delivered: Option<i64>,
}

impl RemotePackageStatus {
    /// The number of a unit that was delivered since its flight began, if the platform counts it.
    pub const fn delivered(&self, unit: Unit) -> Option<i64> {
        match unit {
            Unit::Impressions => self.impressions_delivered,
            Unit::Clicks => self.clicks_delivered,
            Unit::VideoCompletions => self.completions_delivered,
        }
    }
}

/// The status of a buy on one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteBuyStatus {
    /// The buy.
    pub buy: MediaBuyId,
    /// The platform.
    pub platform: PlatformName,
    /// The state of the buy.
    pub state: DeliveryState,
    /// The platform's own words; may be empty.
    pub detail: String,
    /// The status of its packages on that platform.
    pub packages: Vec<RemotePackageStatus>,
    /// The state of its creatives, as far as the platform reports it.
    pub assets: Vec<AssetStatus>,
    /// The adapter's word for what it has to do on the platform after somebody else changed
    /// something there.
    pub follow_up: Option<String>,
}
