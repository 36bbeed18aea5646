//! The types of objects, according to the schemas of the Kevel OpenAPI document. Their facts are in
//! `objects.json`.
//!
//! Where two places in that document differ, the stricter one wins, but both spellings of a name
//! are accepted. A text without a documented limit may have a million characters, so that a mistake
//! doesn't fill the memory. Goals (`GoalType`) are impressions, percentage, clicks, conversions,
//! revenue, daily and monthly revenue. Frequency caps (`FreqCapType`) count by hour, day and
//! minute.

use std::sync::LazyLock;

use super::schema::Table;

/// The longest period of a frequency cap in each unit: `FreqCapType`, limit and name of the unit.
pub(super) const FREQ_CAP_LONGEST: [(i64, i64, &str); 3] = [(1, 168, "hours"), (2, 180, "days"), (3, 4_400, "minutes")];

/// Advertisers.
pub(super) static ADVERTISER: LazyLock<Table> = LazyLock::new(|| Table::of("advertiser"));
/// Campaigns. The update schema lets `IsDeleted` and `IsArchived` be null, the creation schema does
/// not.
pub(super) static CAMPAIGN: LazyLock<Table> = LazyLock::new(|| Table::of("campaign"));
/// Flights. `RateType` is optional in the OpenAPI document, but the reference page requires it.
pub(super) static FLIGHT: LazyLock<Table> = LazyLock::new(|| Table::of("flight"));
/// Creatives. `AdvertiserId` is checked separately, because the nested form has none.
pub(super) static CREATIVE: LazyLock<Table> = LazyLock::new(|| Table::of("creative"));
/// Ads, which map a creative to a flight. `Creative`, `FlightId` and `CampaignId` are checked
/// separately.
pub(super) static AD: LazyLock<Table> = LazyLock::new(|| Table::of("ad"));
/// Places in which a flight is shown or not shown. In a flight's schema and in every response, only
/// the flag may be null; the requests below a flight would accept nulls, but the stricter one wins.
/// Fields that were not sent are not returned.
pub(super) static GEO: LazyLock<Table> = LazyLock::new(|| Table::of("geo"));
/// Sites and zones on which a flight is shown or not shown. Sent as `IsExclude`, returned as
/// `IsExcluded`. No nulls, as for places.
pub(super) static SITE_ZONE: LazyLock<Table> = LazyLock::new(|| Table::of("site_zone"));
/// The hours of the week in which a flight runs.
pub(super) static DAY_PART: LazyLock<Table> = LazyLock::new(|| Table::of("day_part"));
