//! The tables of fields, one for each type, after the schemas of the Kevel OpenAPI document.
//!
//! Where two places of that document differ, the stricter wins, except that both spellings of a
//! name are taken.

use super::schema::{Field, Kind, flag, given, lenient_flag, nullable, optional, required, spelled};

/// Kevel's `int32` in its positive half.
pub(super) const INT: Kind = Kind::Int(0, MAX_INT);
/// The largest `int32`, so also the largest goal of a flight.
pub(super) const MAX_INT: i64 = 2_147_483_647;
/// An id.
const ID: Kind = Kind::Int(1, MAX_INT);
/// A count that makes no sense at zero.
const POSITIVE: Kind = Kind::Int(1, MAX_INT);
/// A text without a documented limit; this one keeps a mistake from filling the memory.
const TEXT: Kind = Kind::Text(0, 1_000_000);
/// Goals: impressions, percentage, clicks, conversions, revenue, daily and monthly revenue.
const GOAL_TYPES: Kind = Kind::Choice(&[1, 2, 3, 7, 8, 9, 10]);
/// Frequency cap periods: hour, day, minute.
const FREQ_CAP_TYPES: Kind = Kind::Choice(&[1, 2, 3]);
/// The longest period in each of those units, and the unit's name.
pub(super) const FREQ_CAP_LONGEST: [(i64, i64, &str); 3] = [(1, 168, "hours"), (2, 180, "days"), (3, 4_400, "minutes")];
const ATTRIBUTION: Kind = Kind::Members(&["MatchType", "LookbackWindow"]);

/// Advertisers.
pub(super) const ADVERTISER: &[Field] = &[
    given("Id"),
    required("Title", Kind::Text(1, 1_000)),
    required("IsActive", Kind::Flag),
    nullable("PlacementLimit", INT),
    nullable("FreqCap", INT),
    nullable("FreqCapDuration", INT),
    nullable("FreqCapType", FREQ_CAP_TYPES),
    nullable("CapType", INT),
    nullable("DailyCapAmount", INT),
    nullable("LifetimeCapAmount", INT),
    nullable("CustomFieldsJson", Kind::JsonText),
    nullable("RtbCustomFields", TEXT),
    nullable("ExternalId", Kind::Text(1, 200)),
    nullable("PartnerId", INT),
    flag("IsDeleted"),
    given("IsFreqCap"),
    given("LastModified"),
    given("Version"),
];

/// Campaigns.
pub(super) const CAMPAIGN: &[Field] = &[
    given("Id"),
    required("AdvertiserId", ID),
    required("Name", Kind::Text(1, 200)),
    flag("IsActive"),
    // The update schema lets these two be null, the creation schema does not.
    lenient_flag("IsDeleted"),
    lenient_flag("IsArchived"),
    nullable("FreqCap", POSITIVE),
    nullable("FreqCapDuration", POSITIVE),
    nullable("FreqCapType", FREQ_CAP_TYPES),
    nullable("DontAffectParentFreqCap", Kind::Flag),
    nullable("CapType", Kind::Choice(&[4])),
    nullable("DailyCapAmount", INT),
    nullable("LifetimeCapAmount", INT),
    nullable("CustomFieldsJson", Kind::JsonText),
    nullable("SalespersonId", ID),
    given("IsFreqCap"),
    given("StartDateISO"),
    given("Created"),
    given("LastModified"),
    given("Version"),
];

/// Flights. `RateType` is optional in the OpenAPI document; the reference page asks for it.
pub(super) const FLIGHT: &[Field] = &[
    given("Id"),
    given("CampaignId"),
    required("Name", Kind::Text(1, 300)),
    required("StartDateISO", Kind::Moment),
    required("PriorityId", ID),
    required("GoalType", GOAL_TYPES),
    required("Impressions", POSITIVE),
    required("IsActive", Kind::Flag),
    nullable("EndDateISO", Kind::Moment),
    lenient_flag("NoEndDate"),
    lenient_flag("IsDeleted"),
    lenient_flag("IsArchived"),
    required("RateType", Kind::Choice(&[1, 2, 3, 4, 5, 6])),
    nullable("Price", Kind::Decimal),
    nullable("CapType", Kind::Choice(&[1, 2, 3, 4])),
    nullable("DailyCapAmount", INT),
    nullable("DailyCapAmountDecimal", Kind::Decimal),
    nullable("LifetimeCapAmount", INT),
    nullable("LifetimeCapAmountDecimal", Kind::Decimal),
    nullable("Keywords", TEXT),
    nullable("CustomTargeting", Kind::Zerkel),
    spelled("CustomFieldsJson", "CustomFieldsJSON", Kind::JsonText),
    lenient_flag("IsFreqCap"),
    nullable("FreqCap", POSITIVE),
    nullable("FreqCapDuration", POSITIVE),
    nullable("FreqCapType", FREQ_CAP_TYPES),
    nullable("DontAffectParentFreqCap", Kind::Flag),
    nullable("IsCompanion", Kind::Flag),
    spelled("IsNoDuplicates", "isNoDuplicates", Kind::Flag),
    nullable("DuplicateMode", Kind::Choice(&[1, 2, 3, 4])),
    nullable("DeliveryStatus", Kind::Choice(&[1, 2, 3, 4, 5])),
    nullable("IsTrackingConversions", Kind::Flag),
    nullable("CanPassback", Kind::Flag),
    nullable("PassbackSortOrder", INT),
    nullable("IsECPMOptimized", Kind::Flag),
    nullable("ECPMOptimizePeriod", Kind::Int(1, 90)),
    nullable("ECPMMultiplier", Kind::Decimal),
    nullable("FloorECPM", Kind::Decimal),
    nullable("CeilingECPM", Kind::Decimal),
    nullable("DefaultECPM", Kind::Decimal),
    nullable("ECPMBurnInImpressions", INT),
    nullable("EffectiveCPMOverride", Kind::Decimal),
    nullable("DatePartingStartTimeISO", Kind::Moment),
    nullable("DatePartingEndTimeISO", Kind::Moment),
    nullable("IsSunday", Kind::Flag),
    nullable("IsMonday", Kind::Flag),
    nullable("IsTuesday", Kind::Flag),
    nullable("IsWednesday", Kind::Flag),
    nullable("IsThursday", Kind::Flag),
    nullable("IsFriday", Kind::Flag),
    nullable("IsSaturday", Kind::Flag),
    nullable("RequireStrictLocation", Kind::Flag),
    nullable("TimeZone", Kind::Text(1, 100)),
    nullable("IsTargetingOptimization", Kind::Flag),
    nullable("TargetingOptimizationType", INT),
    nullable("TargetingOptimizationTargetType", INT),
    nullable("TargetingOptimizationTarget", Kind::Decimal),
    nullable("TargetOptimizationBurnIn", INT),
    nullable("TargetingOptimizationCanMiss", Kind::Flag),
    nullable("AttributionClick", ATTRIBUTION),
    nullable("AttributionView", ATTRIBUTION),
    nullable("TargetROAS", Kind::Decimal),
    nullable("BehavioralTargeting", Kind::Members(&[])),
    given("Created"),
    given("LastModified"),
    given("Version"),
];

/// Creatives. `AdvertiserId` is checked apart, since the nested form has none.
pub(super) const CREATIVE: &[Field] = &[
    given("Id"),
    given("AdvertiserId"),
    required("AdTypeId", ID),
    required("IsActive", Kind::Flag),
    nullable("Title", TEXT),
    nullable("ImageName", TEXT),
    nullable("Body", TEXT),
    nullable("Url", Kind::Url),
    nullable("Alt", TEXT),
    lenient_flag("IsDeleted"),
    nullable("IsHTMLJS", Kind::Flag),
    nullable("ScriptBody", TEXT),
    nullable("Metadata", TEXT),
    nullable("ImageLink", TEXT),
    nullable("SaveEmptyCreative", Kind::Flag),
    nullable("IsNoTrack", Kind::Flag),
    nullable("IsNetworkAd", Kind::Flag),
    nullable("TemplateId", ID),
    nullable("TemplateValues", Kind::JsonText),
];

/// Ads, which map a creative to a flight. `Creative`, `FlightId` and `CampaignId` are checked apart.
pub(super) const AD: &[Field] = &[
    given("Id"),
    given("CampaignId"),
    given("FlightId"),
    flag("IsActive"),
    nullable("RtbCustomFields", TEXT),
    nullable("ActiveKeywords", Kind::Texts),
    nullable("CustomTargeting", Kind::Zerkel),
    nullable("DistributionType", Kind::Choice(&[1, 2, 3])),
    nullable("Percentage", Kind::Int(0, 100)),
    nullable("Impressions", INT),
    nullable("SiteId", ID),
    nullable("ZoneId", ID),
    lenient_flag("IsDeleted"),
    nullable("Iframe", Kind::Flag),
    nullable("SizeOverride", Kind::Flag),
    nullable("IsStartEndDateOverride", Kind::Flag),
    spelled("StartDateISO", "StartDateIso", Kind::Moment),
    spelled("EndDateISO", "EndDateIso", Kind::Moment),
    nullable("IsGoalOverride", Kind::Flag),
    nullable("GoalType", GOAL_TYPES),
    nullable("Goal", INT),
    nullable("IsNetworkAd", Kind::Flag),
    nullable("IsNoTrack", Kind::Flag),
    nullable("DontAffectParentFreqCap", Kind::Flag),
    nullable("FreqCap", POSITIVE),
    nullable("FreqCapDuration", POSITIVE),
    nullable("FreqCapType", FREQ_CAP_TYPES),
    nullable("Price", Kind::Decimal),
    nullable("ExternalMetadata", TEXT),
    nullable("CustomRelevancyScore", INT),
    nullable("ProductId", INT),
    nullable("AttributionSettings", Kind::Members(&["AttributableItems"])),
    given("Created"),
    given("LastModified"),
    given("Version"),
];

/// Places a flight is shown in or kept from. A flight's schema, and every answer, has nothing null here but the flag;
/// the requests below a flight would take nulls, and the stricter wins. What was not said is not answered.
pub(super) const GEO: &[Field] = &[
    given("LocationId"),
    optional("CountryCode", Kind::Text(2, 3)),
    optional("Region", Kind::Text(2, 3)),
    optional("MetroCode", Kind::Int(100, 999)),
    lenient_flag("IsExclude"),
];

/// Sites and zones a flight is shown in or kept from. Sent as `IsExclude`, answered as `IsExcluded`. Without
/// nulls, as places.
pub(super) const SITE_ZONE: &[Field] = &[
    given("Id"),
    given("FlightId"),
    optional("SiteId", ID),
    optional("ZoneId", ID),
    Field { also: Some("IsExclude"), ..lenient_flag("IsExcluded") },
];

/// Hours of the week a flight runs in.
pub(super) const DAY_PART: &[Field] = &[
    given("Id"),
    required("StartTime", Kind::Text(8, 8)),
    required("EndTime", Kind::Text(8, 8)),
    required("WeekDays", Kind::Texts),
];
