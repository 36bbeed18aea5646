//! The types of objects, after the schemas of the Kevel OpenAPI document: their facts are in `objects.json`.
//!
//! Where two places of that document differ, the stricter wins, except that both spellings of a
//! name are taken. A text without a documented limit may have a million characters, so that a mistake does not fill the
//! memory. Goals (`GoalType`) are impressions, percentage, clicks, conversions, revenue, daily and monthly revenue; frequency
//! caps (`FreqCapType`) count by hour, day and minute.

use std::sync::LazyLock;

use super::schema::Table;

/// The longest period of a frequency cap in each of its units, and the unit's name.
pub(super) const FREQ_CAP_LONGEST: [(i64, i64, &str); 3] = [(1, 168, "hours"), (2, 180, "days"), (3, 4_400, "minutes")];

/// Advertisers.
pub(super) static ADVERTISER: LazyLock<Table> = LazyLock::new(|| Table::of("advertiser"));
/// Campaigns. The update schema lets `IsDeleted` and `IsArchived` be null, the creation schema does not.
pub(super) static CAMPAIGN: LazyLock<Table> = LazyLock::new(|| Table::of("campaign"));
/// Flights. `RateType` is optional in the OpenAPI document; the reference page asks for it.
pub(super) static FLIGHT: LazyLock<Table> = LazyLock::new(|| Table::of("flight"));
/// Creatives. `AdvertiserId` is checked apart, since the nested form has none.
pub(super) static CREATIVE: LazyLock<Table> = LazyLock::new(|| Table::of("creative"));
/// Ads, which map a creative to a flight. `Creative`, `FlightId` and `CampaignId` are checked apart.
pub(super) static AD: LazyLock<Table> = LazyLock::new(|| Table::of("ad"));
/// Places a flight is shown in or kept from. A flight's schema, and every answer, has nothing null here but the flag;
/// the requests below a flight would take nulls, and the stricter wins. What was not said is not answered.
pub(super) static GEO: LazyLock<Table> = LazyLock::new(|| Table::of("geo"));
/// Sites and zones a flight is shown in or kept from. Sent as `IsExclude`, answered as `IsExcluded`. Without
/// nulls, as places.
pub(super) static SITE_ZONE: LazyLock<Table> = LazyLock::new(|| Table::of("site_zone"));
/// Hours of the week a flight runs in.
pub(super) static DAY_PART: LazyLock<Table> = LazyLock::new(|| Table::of("day_part"));
