//! The names that enumerations take, without the `…_UNSPECIFIED` of each: nobody may write that.

use crate::gam::schema::Kind::{self, Enum};

pub(super) const ASSET_IMAGE_DENSITY: Kind = Enum(&["ONE_TO_ONE", "THREE_TO_TWO", "TWO_TO_ONE"]);
pub(super) const BRAND_LIFT_PARTNER: Kind = Enum(&["DYNATA", "INTAGE", "KANTAR_MILLWARD_BROWN", "MACROMILL", "NONE"]);
pub(super) const CHILD_CONTENT_ELIGIBILITY: Kind = Enum(&["ALLOWED", "DISALLOWED"]);
pub(super) const COMPANION_DELIVERY_OPTION: Kind = Enum(&["OPTIONAL", "AT_LEAST_ONE", "ALL"]);
pub(super) const CONVERSION_EVENT: Kind = Enum(&[
    "ACCEPT_INVITATION",
    "CLICK_TRACKING",
    "CLOSE",
    "COLLAPSE",
    "COMPLETE",
    "CREATIVE_VIEW",
    "CUSTOM_CLICK",
    "ENGAGED_VIEW",
    "EXPAND",
    "FIRST_QUARTILE",
    "FULLSCREEN",
    "FULLY_VIEWABLE_AUDIBLE_HALF_DURATION_IMPRESSION",
    "MEASURABLE_IMPRESSION",
    "MIDPOINT",
    "MUTE",
    "PAUSE",
    "RESUME",
    "REWIND",
    "SKIPPED",
    "SKIP_SHOWN",
    "START",
    "SURVEY",
    "THIRD_QUARTILE",
    "UNMUTE",
    "VIDEO_ABANDON",
    "VIEWABLE_IMPRESSION",
]);
pub(super) const CREATIVE_DESTINATION_URL_TYPE: Kind = Enum(&["CLICK_TO_APP", "CLICK_TO_CALL", "CLICK_TO_WEB", "NONE"]);
pub(super) const CREATIVE_LOCKED_ORIENTATION: Kind = Enum(&["LANDSCAPE", "PORTRAIT", "FREE"]);
pub(super) const CREATIVE_ROTATION_TYPE: Kind = Enum(&["EVENLY", "OPTIMIZED", "WEIGHTED", "SEQUENTIAL"]);
pub(super) const CREATIVE_SSL_OVERRIDE: Kind = Enum(&["NOT_SSL_COMPATIBLE", "NO_OVERRIDE", "SSL_COMPATIBLE"]);
pub(super) const CREATIVE_SSL_SCAN_RESULT: Kind = Enum(&["SCANNED_NON_SSL", "SCANNED_SSL", "UNSCANNED"]);
pub(super) const CREATIVE_THIRD_PARTY_DATA_DECLARATION_STATUS: Kind = Enum(&["COMPLETE", "INCOMPLETE", "UNSCANNED"]);
pub(super) const CUSTOM_PACING_GOAL_UNIT: Kind = Enum(&["ABSOLUTE", "MILLI_PERCENT"]);
pub(super) const DAY_OF_WEEK: Kind =
    Enum(&["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]);
pub(super) const DELIVERY_CONDITION: Kind = Enum(&["NEVER", "ALWAYS", "WHEN_FLAG_CONDITIONS_MET"]);
pub(super) const DISCOUNT_TYPE: Kind = Enum(&["ABSOLUTE_VALUE", "PERCENTAGE"]);
pub(super) const ENVIRONMENT_TYPE: Kind = Enum(&["BROWSER", "VIDEO_PLAYER"]);
pub(super) const EXCLUSION_SCOPE: Kind = Enum(&["PAGE", "STREAM", "POD"]);
pub(super) const FREQUENCY: Kind =
    Enum(&["HOURLY", "TWO_TIMES_DAILY", "THREE_TIMES_DAILY", "FOUR_TIMES_DAILY", "DAILY", "WEEKLY", "MONTHLY"]);
pub(super) const GOAL_TYPE: Kind = Enum(&["NONE", "LIFETIME", "DAILY"]);
pub(super) const GRP_PROVIDER: Kind = Enum(&["GOOGLE", "NIELSEN"]);
pub(super) const GRP_TARGET_GENDER: Kind = Enum(&["BOTH", "FEMALE", "MALE"]);
pub(super) const LINE_ITEM_ALLOWED_FORMAT: Kind = Enum(&["AUDIO", "VIDEO", "DISPLAY"]);
pub(super) const LINE_ITEM_COMPUTED_STATUS: Kind = Enum(&[
    "CANCELED",
    "COMPLETED",
    "DELIVERING",
    "DELIVERY_EXTENDED",
    "DISAPPROVED",
    "DRAFT",
    "INACTIVE",
    "PAUSED",
    "PAUSED_INVENTORY_RELEASED",
    "PENDING_APPROVAL",
    "READY",
]);
pub(super) const LINE_ITEM_COST_TYPE: Kind =
    Enum(&["CPA", "CPC", "CPD", "CPM", "VCPM", "CPM_IN_TARGET", "CPF", "CPCV"]);
pub(super) const LINE_ITEM_CREATIVE_ASSOCIATION_STATUS: Kind = Enum(&["ACTIVE", "INACTIVE"]);
pub(super) const LINE_ITEM_DELIVERY_FORECAST_SOURCE: Kind = Enum(&["CUSTOM_PACING_CURVE", "FORECASTING", "HISTORICAL"]);
pub(super) const LINE_ITEM_DELIVERY_RATE_TYPE: Kind = Enum(&["EVENLY", "FRONTLOADED", "AS_FAST_AS_POSSIBLE"]);
pub(super) const LINE_ITEM_RESERVATION_STATUS: Kind = Enum(&["RESERVED", "UNRESERVED"]);
pub(super) const LINE_ITEM_TYPE: Kind = Enum(&[
    "ADSENSE",
    "AD_EXCHANGE",
    "BULK",
    "BUMPER",
    "CLICK_TRACKING",
    "HOUSE",
    "NETWORK",
    "PREFERRED_DEAL",
    "PRICE_PRIORITY",
    "SPONSORSHIP",
    "STANDARD",
    "AUDIENCE_EXTENSION",
]);
pub(super) const METRIC_VALUE_TYPE: Kind = Enum(&[
    "PRIMARY",
    "PRIMARY_PERCENT_OF_TOTAL",
    "COMPARISON",
    "COMPARISON_PERCENT_OF_TOTAL",
    "ABSOLUTE_CHANGE",
    "RELATIVE_CHANGE",
]);
pub(super) const NIELSEN_CTV_PACING: Kind = Enum(&["COVIEW", "NONE", "STRICT_COVIEW"]);
pub(super) const OPERATION: Kind = Enum(&[
    "IN",
    "NOT_IN",
    "CONTAINS",
    "NOT_CONTAINS",
    "LESS_THAN",
    "LESS_THAN_EQUALS",
    "GREATER_THAN",
    "GREATER_THAN_EQUALS",
    "BETWEEN",
    "MATCHES",
    "NOT_MATCHES",
]);
pub(super) const ORDER_STATUS: Kind =
    Enum(&["DRAFT", "PENDING_APPROVAL", "APPROVED", "DISAPPROVED", "PAUSED", "CANCELED", "DELETED"]);
pub(super) const PACING_DEVICE_CATEGORIZATION: Kind = Enum(&["GOOGLE", "NIELSEN"]);
pub(super) const REACH_PARTNER: Kind = Enum(&[
    "AUDIENCE_PROJECT",
    "COMSCORE",
    "GEMIUS",
    "ISPOT_TV",
    "KANTAR_MILLWARD_BROWN",
    "NIELSEN",
    "NONE",
    "VIDEO_AMP",
    "VIDEO_RESEARCH",
]);
pub(super) const RELATIVE_DATE_RANGE: Kind = Enum(&[
    "TODAY",
    "YESTERDAY",
    "THIS_WEEK",
    "THIS_MONTH",
    "THIS_QUARTER",
    "THIS_YEAR",
    "LAST_WEEK",
    "LAST_MONTH",
    "LAST_QUARTER",
    "LAST_YEAR",
    "LAST_7_DAYS",
    "LAST_30_DAYS",
    "LAST_60_DAYS",
    "LAST_90_DAYS",
    "LAST_180_DAYS",
    "LAST_360_DAYS",
    "LAST_365_DAYS",
    "LAST_3_MONTHS",
    "LAST_6_MONTHS",
    "LAST_12_MONTHS",
    "ALL_AVAILABLE",
    "PREVIOUS_PERIOD",
    "SAME_PERIOD_PREVIOUS_YEAR",
    "THIS_MONTH_TO_DATE",
    "THIS_QUARTER_TO_DATE",
    "THIS_YEAR_TO_DATE",
    "THIS_WEEK_TO_DATE",
    "TOMORROW",
    "NEXT_90_DAYS",
    "NEXT_MONTH",
    "NEXT_3_MONTHS",
    "NEXT_12_MONTHS",
    "NEXT_WEEK",
    "NEXT_QUARTER",
    "TO_END_OF_NEXT_MONTH",
    "LAST_93_DAYS",
    "LAST_WEEK_STARTING_SUNDAY",
    "THIS_WEEK_TO_YESTERDAY",
    "THIS_MONTH_TO_YESTERDAY",
    "THIS_QUARTER_TO_YESTERDAY",
    "THIS_YEAR_TO_YESTERDAY",
]);
pub(super) const REPORT_TYPE: Kind = Enum(&[
    "HISTORICAL",
    "FUTURE_SELL_THROUGH",
    "REACH",
    "PRIVACY_AND_MESSAGING",
    "REVENUE_VERIFICATION",
    "PARTNER_FINANCE",
    "AD_SPEED",
    "REAL_TIME_VIDEO",
    "YOUTUBE_CONSOLIDATED",
    "ADS_TRAFFIC_NAVIGATOR",
    "OFF_PROPERTY_CAMPAIGNS",
    "ON_PLATFORM_MULTICALL",
]);
pub(super) const REPORT_VISIBILITY: Kind = Enum(&["HIDDEN", "VISIBLE"]);
pub(super) const REQUEST_PLATFORM: Kind = Enum(&["BROWSER", "MOBILE_APP", "VIDEO_PLAYER"]);
pub(super) const RICH_MEDIA_STUDIO_CHILD_ASSET_TYPE: Kind = Enum(&["DATA", "FLASH", "IMAGE", "VIDEO"]);
pub(super) const RICH_MEDIA_STUDIO_CREATIVE_BILLING_ATTRIBUTE: Kind =
    Enum(&["FLASH_IN_FLASH", "FLOATING_EXPANDING", "IN_PAGE", "VIDEO"]);
pub(super) const RICH_MEDIA_STUDIO_CREATIVE_FORMAT: Kind = Enum(&[
    "EXPANDING",
    "FLASH_IN_FLASH",
    "FLASH_IN_FLASH_EXPANDING",
    "FLOATING",
    "IM_EXPANDING",
    "IN_APP",
    "IN_PAGE",
    "IN_PAGE_WITH_FLOATING",
    "PEEL_DOWN",
    "VPAID_LINEAR",
    "VPAID_NON_LINEAR",
]);
pub(super) const ROADBLOCKING_TYPE: Kind =
    Enum(&["ALL_ROADBLOCK", "AS_MANY_AS_POSSIBLE", "CREATIVE_SET", "ONE_OR_MORE", "ONLY_ONE"]);
pub(super) const SIZE_TYPE: Kind =
    Enum(&["PIXEL", "ASPECT_RATIO", "INTERSTITIAL", "IGNORED", "NATIVE", "FLUID", "AUDIO"]);
pub(super) const SKIPPABLE_AD_TYPE: Kind = Enum(&["ANY", "DISABLED", "ENABLED", "INSTREAM_SELECT"]);
pub(super) const TARGETED_VIDEO_BUMPER_TYPE: Kind = Enum(&["AFTER", "BEFORE"]);
pub(super) const THIRD_PARTY_DATA_DECLARATION_TYPE: Kind = Enum(&["DECLARED", "NONE"]);
pub(super) const TIME_PERIOD_COLUMN: Kind = Enum(&[
    "TIME_PERIOD_COLUMN_DATE",
    "TIME_PERIOD_COLUMN_WEEK",
    "TIME_PERIOD_COLUMN_MONTH",
    "TIME_PERIOD_COLUMN_QUARTER",
]);
pub(super) const TIME_UNIT: Kind = Enum(&["MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "LIFETIME", "POD", "STREAM"]);
pub(super) const TIME_ZONE_SOURCE: Kind = Enum(&["PUBLISHER", "AD_EXCHANGE", "UTC", "PROVIDED"]);
pub(super) const UNIT_TYPE: Kind = Enum(&[
    "IMPRESSIONS",
    "CLICKS",
    "CLICK_THROUGH_CPA_CONVERSIONS",
    "VIEW_THROUGH_CPA_CONVERSIONS",
    "TOTAL_CPA_CONVERSIONS",
    "VIEWABLE_IMPRESSIONS",
    "IN_TARGET_IMPRESSIONS",
    "COMPLETED_VIEWS",
]);
pub(super) const VAST_AD_ID_TYPE: Kind = Enum(&["AD_ID", "ARPP", "CLEARCAST", "CUSV", "NONE"]);
pub(super) const VAST_REDIRECT_TYPE: Kind = Enum(&["LINEAR", "LINEAR_AND_NON_LINEAR", "NON_LINEAR"]);
pub(super) const VIDEO_POSITION_TYPE: Kind = Enum(&["ALL", "MIDROLL", "POSTROLL", "PREROLL"]);
pub(super) const VIEWABILITY_PARTNER: Kind =
    Enum(&["COMSCORE", "DOUBLE_VERIFY", "INTEGRAL_AD_SCIENCE", "MOAT", "NONE", "TELEMETRY"]);
