//! The names and numbers of enum values; Google's own clients send the numbers. The `…_UNSPECIFIED`
//! values are omitted, because nobody may write them. Of the hundreds of dimensions and metrics of
//! reports, only those that the emulator supports are here.

use crate::gam::schema::Kind::{self, Enum};

pub(super) const ASSET_IMAGE_DENSITY: Kind = Enum(&[("ONE_TO_ONE", 1), ("THREE_TO_TWO", 2), ("TWO_TO_ONE", 3)]);
pub(super) const BRAND_LIFT_PARTNER: Kind =
    Enum(&[("DYNATA", 1), ("INTAGE", 3), ("KANTAR_MILLWARD_BROWN", 4), ("MACROMILL", 5), ("NONE", 7)]);
pub(super) const CHILD_CONTENT_ELIGIBILITY: Kind = Enum(&[("ALLOWED", 1), ("DISALLOWED", 2)]);
pub(super) const COMPANION_DELIVERY_OPTION: Kind = Enum(&[("OPTIONAL", 1), ("AT_LEAST_ONE", 2), ("ALL", 3)]);
pub(super) const CONVERSION_EVENT: Kind = Enum(&[
    ("ACCEPT_INVITATION", 1),
    ("CLICK_TRACKING", 2),
    ("CLOSE", 3),
    ("COLLAPSE", 4),
    ("COMPLETE", 5),
    ("CREATIVE_VIEW", 6),
    ("CUSTOM_CLICK", 7),
    ("ENGAGED_VIEW", 8),
    ("EXPAND", 9),
    ("FIRST_QUARTILE", 10),
    ("FULLSCREEN", 11),
    ("FULLY_VIEWABLE_AUDIBLE_HALF_DURATION_IMPRESSION", 12),
    ("MEASURABLE_IMPRESSION", 13),
    ("MIDPOINT", 14),
    ("MUTE", 15),
    ("PAUSE", 16),
    ("RESUME", 17),
    ("REWIND", 18),
    ("SKIPPED", 19),
    ("SKIP_SHOWN", 20),
    ("START", 21),
    ("SURVEY", 22),
    ("THIRD_QUARTILE", 23),
    ("UNMUTE", 24),
    ("VIDEO_ABANDON", 25),
    ("VIEWABLE_IMPRESSION", 26),
]);
pub(super) const CREATIVE_DESTINATION_URL_TYPE: Kind =
    Enum(&[("CLICK_TO_APP", 1), ("CLICK_TO_CALL", 2), ("CLICK_TO_WEB", 3), ("NONE", 4)]);
pub(super) const CREATIVE_LOCKED_ORIENTATION: Kind = Enum(&[("LANDSCAPE", 1), ("PORTRAIT", 2), ("FREE", 3)]);
pub(super) const CREATIVE_ROTATION_TYPE: Kind =
    Enum(&[("EVENLY", 1), ("OPTIMIZED", 2), ("WEIGHTED", 3), ("SEQUENTIAL", 4)]);
pub(super) const CREATIVE_SSL_OVERRIDE: Kind =
    Enum(&[("NOT_SSL_COMPATIBLE", 1), ("NO_OVERRIDE", 2), ("SSL_COMPATIBLE", 3)]);
pub(super) const CREATIVE_SSL_SCAN_RESULT: Kind = Enum(&[("SCANNED_NON_SSL", 1), ("SCANNED_SSL", 2), ("UNSCANNED", 3)]);
pub(super) const CREATIVE_THIRD_PARTY_DATA_DECLARATION_STATUS: Kind =
    Enum(&[("COMPLETE", 1), ("INCOMPLETE", 2), ("UNSCANNED", 3)]);
pub(super) const CUSTOM_PACING_GOAL_UNIT: Kind = Enum(&[("ABSOLUTE", 1), ("MILLI_PERCENT", 2)]);
pub(super) const DAY_OF_WEEK: Kind = Enum(&[
    ("MONDAY", 1),
    ("TUESDAY", 2),
    ("WEDNESDAY", 3),
    ("THURSDAY", 4),
    ("FRIDAY", 5),
    ("SATURDAY", 6),
    ("SUNDAY", 7),
]);
pub(super) const DELIVERY_CONDITION: Kind = Enum(&[("NEVER", 0), ("ALWAYS", 1), ("WHEN_FLAG_CONDITIONS_MET", 2)]);
pub(super) const DIMENSION: Kind = Enum(&[
    ("LINE_ITEM_ID", 1),
    ("LINE_ITEM_NAME", 2),
    ("DATE", 3),
    ("ORDER_ID", 7),
    ("ORDER_NAME", 8),
    ("ADVERTISER_ID", 131),
    ("LINE_ITEM_ENVIRONMENT_TYPE", 201),
]);
pub(super) const DISCOUNT_TYPE: Kind = Enum(&[("ABSOLUTE_VALUE", 1), ("PERCENTAGE", 2)]);
pub(super) const ENVIRONMENT_TYPE: Kind = Enum(&[("BROWSER", 1), ("VIDEO_PLAYER", 2)]);
pub(super) const EXCLUSION_SCOPE: Kind = Enum(&[("PAGE", 1), ("STREAM", 2), ("POD", 3)]);
pub(super) const FREQUENCY: Kind = Enum(&[
    ("HOURLY", 1),
    ("TWO_TIMES_DAILY", 2),
    ("THREE_TIMES_DAILY", 3),
    ("FOUR_TIMES_DAILY", 4),
    ("DAILY", 5),
    ("WEEKLY", 6),
    ("MONTHLY", 7),
]);
pub(super) const GOAL_TYPE: Kind = Enum(&[("NONE", 1), ("LIFETIME", 2), ("DAILY", 3)]);
pub(super) const GRP_PROVIDER: Kind = Enum(&[("GOOGLE", 1), ("NIELSEN", 2)]);
pub(super) const GRP_TARGET_GENDER: Kind = Enum(&[("BOTH", 1), ("FEMALE", 2), ("MALE", 3)]);
pub(super) const LINE_ITEM_ALLOWED_FORMAT: Kind = Enum(&[("AUDIO", 1), ("VIDEO", 2), ("DISPLAY", 3)]);
pub(super) const LINE_ITEM_COMPUTED_STATUS: Kind = Enum(&[
    ("CANCELED", 1),
    ("COMPLETED", 2),
    ("DELIVERING", 3),
    ("DELIVERY_EXTENDED", 4),
    ("DISAPPROVED", 5),
    ("DRAFT", 6),
    ("INACTIVE", 7),
    ("PAUSED", 8),
    ("PAUSED_INVENTORY_RELEASED", 9),
    ("PENDING_APPROVAL", 10),
    ("READY", 11),
]);
pub(super) const LINE_ITEM_COST_TYPE: Kind =
    Enum(&[("CPA", 1), ("CPC", 2), ("CPD", 3), ("CPM", 4), ("VCPM", 5), ("CPM_IN_TARGET", 6), ("CPF", 7), ("CPCV", 8)]);
pub(super) const LINE_ITEM_CREATIVE_ASSOCIATION_STATUS: Kind = Enum(&[("ACTIVE", 1), ("INACTIVE", 2)]);
pub(super) const LINE_ITEM_DELIVERY_FORECAST_SOURCE: Kind =
    Enum(&[("CUSTOM_PACING_CURVE", 1), ("FORECASTING", 2), ("HISTORICAL", 3)]);
pub(super) const LINE_ITEM_DELIVERY_RATE_TYPE: Kind =
    Enum(&[("EVENLY", 1), ("FRONTLOADED", 2), ("AS_FAST_AS_POSSIBLE", 3)]);
pub(super) const LINE_ITEM_RESERVATION_STATUS: Kind = Enum(&[("RESERVED", 1), ("UNRESERVED", 2)]);
pub(super) const LINE_ITEM_TYPE: Kind = Enum(&[
    ("ADSENSE", 2),
    ("AD_EXCHANGE", 3),
    ("BULK", 4),
    ("BUMPER", 5),
    ("CLICK_TRACKING", 6),
    ("HOUSE", 7),
    ("NETWORK", 9),
    ("PREFERRED_DEAL", 10),
    ("PRICE_PRIORITY", 11),
    ("SPONSORSHIP", 12),
    ("STANDARD", 13),
    ("AUDIENCE_EXTENSION", 14),
]);
pub(super) const METRIC: Kind = Enum(&[
    ("IMPRESSIONS", 1),
    ("CLICKS", 2),
    ("AD_SERVER_IMPRESSIONS", 6),
    ("AD_SERVER_CLICKS", 7),
    ("AD_SERVER_REVENUE", 33),
    ("REVENUE", 36),
    ("VIDEO_VIEWERSHIP_COMPLETES", 107),
    ("AD_SERVER_COMPLETED_VIEWS", 431),
]);
pub(super) const METRIC_VALUE_TYPE: Kind = Enum(&[
    ("PRIMARY", 0),
    ("PRIMARY_PERCENT_OF_TOTAL", 1),
    ("COMPARISON", 2),
    ("COMPARISON_PERCENT_OF_TOTAL", 3),
    ("ABSOLUTE_CHANGE", 4),
    ("RELATIVE_CHANGE", 5),
]);
pub(super) const NIELSEN_CTV_PACING: Kind = Enum(&[("COVIEW", 1), ("NONE", 2), ("STRICT_COVIEW", 3)]);
pub(super) const OPERATION: Kind = Enum(&[
    ("IN", 0),
    ("NOT_IN", 1),
    ("CONTAINS", 2),
    ("NOT_CONTAINS", 3),
    ("LESS_THAN", 4),
    ("LESS_THAN_EQUALS", 5),
    ("GREATER_THAN", 6),
    ("GREATER_THAN_EQUALS", 7),
    ("BETWEEN", 8),
    ("MATCHES", 9),
    ("NOT_MATCHES", 10),
]);
pub(super) const ORDER_STATUS: Kind = Enum(&[
    ("DRAFT", 2),
    ("PENDING_APPROVAL", 3),
    ("APPROVED", 4),
    ("DISAPPROVED", 5),
    ("PAUSED", 6),
    ("CANCELED", 7),
    ("DELETED", 8),
]);
pub(super) const PACING_DEVICE_CATEGORIZATION: Kind = Enum(&[("GOOGLE", 1), ("NIELSEN", 2)]);
pub(super) const REACH_PARTNER: Kind = Enum(&[
    ("AUDIENCE_PROJECT", 1),
    ("COMSCORE", 2),
    ("GEMIUS", 3),
    ("ISPOT_TV", 5),
    ("KANTAR_MILLWARD_BROWN", 6),
    ("NIELSEN", 7),
    ("NONE", 8),
    ("VIDEO_AMP", 9),
    ("VIDEO_RESEARCH", 10),
]);
pub(super) const RELATIVE_DATE_RANGE: Kind = Enum(&[
    ("TODAY", 1),
    ("YESTERDAY", 2),
    ("THIS_WEEK", 3),
    ("THIS_MONTH", 4),
    ("THIS_QUARTER", 5),
    ("THIS_YEAR", 6),
    ("LAST_WEEK", 7),
    ("LAST_MONTH", 8),
    ("LAST_QUARTER", 9),
    ("LAST_YEAR", 10),
    ("LAST_7_DAYS", 11),
    ("LAST_30_DAYS", 12),
    ("LAST_60_DAYS", 13),
    ("LAST_90_DAYS", 14),
    ("LAST_180_DAYS", 15),
    ("LAST_360_DAYS", 16),
    ("LAST_365_DAYS", 17),
    ("LAST_3_MONTHS", 18),
    ("LAST_6_MONTHS", 19),
    ("LAST_12_MONTHS", 20),
    ("ALL_AVAILABLE", 21),
    ("PREVIOUS_PERIOD", 22),
    ("SAME_PERIOD_PREVIOUS_YEAR", 24),
    ("THIS_MONTH_TO_DATE", 26),
    ("THIS_QUARTER_TO_DATE", 27),
    ("THIS_YEAR_TO_DATE", 28),
    ("THIS_WEEK_TO_DATE", 29),
    ("TOMORROW", 30),
    ("NEXT_90_DAYS", 31),
    ("NEXT_MONTH", 32),
    ("NEXT_3_MONTHS", 33),
    ("NEXT_12_MONTHS", 34),
    ("NEXT_WEEK", 35),
    ("NEXT_QUARTER", 36),
    ("TO_END_OF_NEXT_MONTH", 37),
    ("LAST_93_DAYS", 38),
    ("LAST_WEEK_STARTING_SUNDAY", 39),
    ("THIS_WEEK_TO_YESTERDAY", 40),
    ("THIS_MONTH_TO_YESTERDAY", 41),
    ("THIS_QUARTER_TO_YESTERDAY", 42),
    ("THIS_YEAR_TO_YESTERDAY", 43),
]);
pub(super) const REPORT_TYPE: Kind = Enum(&[
    ("HISTORICAL", 1),
    ("FUTURE_SELL_THROUGH", 4),
    ("REACH", 5),
    ("PRIVACY_AND_MESSAGING", 6),
    ("REVENUE_VERIFICATION", 7),
    ("PARTNER_FINANCE", 8),
    ("AD_SPEED", 13),
    ("REAL_TIME_VIDEO", 15),
    ("YOUTUBE_CONSOLIDATED", 16),
    ("ADS_TRAFFIC_NAVIGATOR", 21),
    ("OFF_PROPERTY_CAMPAIGNS", 22),
    ("ON_PLATFORM_MULTICALL", 24),
]);
pub(super) const REPORT_VISIBILITY: Kind = Enum(&[("HIDDEN", 0), ("VISIBLE", 2)]);
pub(super) const REQUEST_PLATFORM: Kind = Enum(&[("BROWSER", 1), ("MOBILE_APP", 2), ("VIDEO_PLAYER", 3)]);
pub(super) const RICH_MEDIA_STUDIO_CHILD_ASSET_TYPE: Kind =
    Enum(&[("DATA", 1), ("FLASH", 2), ("IMAGE", 3), ("VIDEO", 4)]);
pub(super) const RICH_MEDIA_STUDIO_CREATIVE_BILLING_ATTRIBUTE: Kind =
    Enum(&[("FLASH_IN_FLASH", 1), ("FLOATING_EXPANDING", 2), ("IN_PAGE", 3), ("VIDEO", 4)]);
pub(super) const RICH_MEDIA_STUDIO_CREATIVE_FORMAT: Kind = Enum(&[
    ("EXPANDING", 1),
    ("FLASH_IN_FLASH", 2),
    ("FLASH_IN_FLASH_EXPANDING", 3),
    ("FLOATING", 4),
    ("IM_EXPANDING", 5),
    ("IN_APP", 6),
    ("IN_PAGE", 7),
    ("IN_PAGE_WITH_FLOATING", 8),
    ("PEEL_DOWN", 9),
    ("VPAID_LINEAR", 10),
    ("VPAID_NON_LINEAR", 11),
]);
pub(super) const ROADBLOCKING_TYPE: Kind =
    Enum(&[("ALL_ROADBLOCK", 1), ("AS_MANY_AS_POSSIBLE", 2), ("CREATIVE_SET", 3), ("ONE_OR_MORE", 4), ("ONLY_ONE", 5)]);
pub(super) const SIZE_TYPE: Kind = Enum(&[
    ("PIXEL", 1),
    ("ASPECT_RATIO", 2),
    ("INTERSTITIAL", 3),
    ("IGNORED", 4),
    ("NATIVE", 5),
    ("FLUID", 6),
    ("AUDIO", 7),
]);
pub(super) const SKIPPABLE_AD_TYPE: Kind = Enum(&[("ANY", 1), ("DISABLED", 2), ("ENABLED", 3), ("INSTREAM_SELECT", 4)]);
pub(super) const TARGETED_VIDEO_BUMPER_TYPE: Kind = Enum(&[("AFTER", 1), ("BEFORE", 2)]);
pub(super) const THIRD_PARTY_DATA_DECLARATION_TYPE: Kind = Enum(&[("DECLARED", 1), ("NONE", 2)]);
pub(super) const TIME_PERIOD_COLUMN: Kind = Enum(&[
    ("TIME_PERIOD_COLUMN_DATE", 1),
    ("TIME_PERIOD_COLUMN_WEEK", 2),
    ("TIME_PERIOD_COLUMN_MONTH", 3),
    ("TIME_PERIOD_COLUMN_QUARTER", 4),
]);
pub(super) const TIME_UNIT: Kind = Enum(&[
    ("MINUTE", 1),
    ("HOUR", 2),
    ("DAY", 3),
    ("WEEK", 4),
    ("MONTH", 5),
    ("LIFETIME", 6),
    ("POD", 7),
    ("STREAM", 8),
]);
pub(super) const TIME_ZONE_SOURCE: Kind = Enum(&[("PUBLISHER", 1), ("AD_EXCHANGE", 2), ("UTC", 3), ("PROVIDED", 4)]);
pub(super) const UNIT_TYPE: Kind = Enum(&[
    ("IMPRESSIONS", 1),
    ("CLICKS", 2),
    ("CLICK_THROUGH_CPA_CONVERSIONS", 3),
    ("VIEW_THROUGH_CPA_CONVERSIONS", 4),
    ("TOTAL_CPA_CONVERSIONS", 5),
    ("VIEWABLE_IMPRESSIONS", 6),
    ("IN_TARGET_IMPRESSIONS", 7),
    ("COMPLETED_VIEWS", 8),
]);
pub(super) const VAST_AD_ID_TYPE: Kind = Enum(&[("AD_ID", 1), ("ARPP", 2), ("CLEARCAST", 3), ("CUSV", 4), ("NONE", 5)]);
pub(super) const VAST_REDIRECT_TYPE: Kind = Enum(&[("LINEAR", 1), ("LINEAR_AND_NON_LINEAR", 2), ("NON_LINEAR", 4)]);
pub(super) const VIDEO_POSITION_TYPE: Kind = Enum(&[("ALL", 1), ("MIDROLL", 2), ("POSTROLL", 3), ("PREROLL", 4)]);
pub(super) const VIEWABILITY_PARTNER: Kind = Enum(&[
    ("COMSCORE", 1),
    ("DOUBLE_VERIFY", 2),
    ("INTEGRAL_AD_SCIENCE", 4),
    ("MOAT", 5),
    ("NONE", 6),
    ("TELEMETRY", 7),
]);
