//! Line items.

use super::{
    common::{APPLIED_LABEL, CREATIVE_PLACEHOLDER, CUSTOM_FIELD_VALUE, FREQUENCY_CAP, MONEY},
    enums::{
        BRAND_LIFT_PARTNER, CHILD_CONTENT_ELIGIBILITY, COMPANION_DELIVERY_OPTION, CREATIVE_ROTATION_TYPE,
        CUSTOM_PACING_GOAL_UNIT, DISCOUNT_TYPE, ENVIRONMENT_TYPE, EXCLUSION_SCOPE, GOAL_TYPE, GRP_PROVIDER,
        GRP_TARGET_GENDER, LINE_ITEM_ALLOWED_FORMAT, LINE_ITEM_COMPUTED_STATUS, LINE_ITEM_COST_TYPE,
        LINE_ITEM_DELIVERY_FORECAST_SOURCE, LINE_ITEM_DELIVERY_RATE_TYPE, LINE_ITEM_RESERVATION_STATUS, LINE_ITEM_TYPE,
        NIELSEN_CTV_PACING, PACING_DEVICE_CATEGORIZATION, REACH_PARTNER, ROADBLOCKING_TYPE, SKIPPABLE_AD_TYPE,
        UNIT_TYPE, VIEWABILITY_PARTNER,
    },
    targeting::TARGETING,
};
use crate::gam::schema::{
    Kind::{Bool, Double, Int32, Int64, Message, Span, Text, Time},
    Shape, fixed, opt, out, req,
};

pub(in crate::gam) static CUSTOM_PACING_GOAL: Shape = Shape {
    name: "CustomPacingGoal",
    fields: &[opt("startTime", Time), opt("useLineItemStartTime", Bool), opt("amount", Int64)],
};

pub(in crate::gam) static CUSTOM_PACING_CURVE: Shape = Shape {
    name: "CustomPacingCurve",
    fields: &[
        req("customPacingGoalUnit", CUSTOM_PACING_GOAL_UNIT),
        req("customPacingGoals", Message(&CUSTOM_PACING_GOAL)).many(),
    ],
};

pub(in crate::gam) static LINE_ITEM_DISCOUNT: Shape =
    Shape { name: "LineItemDiscount", fields: &[opt("discountType", DISCOUNT_TYPE), opt("discount", Double)] };

pub(in crate::gam) static LINE_ITEM_STATS: Shape = Shape {
    name: "LineItemStats",
    fields: &[
        out("impressionsDelivered", Int64),
        out("clicksDelivered", Int64),
        out("videoCompletionsDelivered", Int64),
        out("videoStartsDelivered", Int64),
        out("viewableImpressionsDelivered", Int64),
        out("deliveryData", Int64).many(),
    ],
};

pub(in crate::gam) static DELIVERY_INDICATOR: Shape = Shape {
    name: "DeliveryIndicator",
    fields: &[out("expectedDeliveryPercentage", Double), out("actualDeliveryPercentage", Double)],
};

pub(in crate::gam) static THIRD_PARTY_MEASUREMENT_SETTINGS: Shape = Shape {
    name: "ThirdPartyMeasurementSettings",
    fields: &[
        opt("viewabilityPartner", VIEWABILITY_PARTNER),
        opt("viewabilityClientId", Text),
        opt("viewabilityReportingId", Text),
        opt("publisherViewabilityPartner", VIEWABILITY_PARTNER),
        opt("publisherViewabilityClientId", Text),
        opt("publisherViewabilityReportingId", Text),
        opt("brandLiftPartner", BRAND_LIFT_PARTNER),
        opt("brandLiftClientId", Text),
        opt("brandLiftReportingId", Text),
        opt("reachPartner", REACH_PARTNER),
        opt("reachClientId", Text),
        opt("reachReportingId", Text),
        opt("publisherReachPartner", REACH_PARTNER),
        opt("publisherReachClientId", Text),
        opt("publisherReachReportingId", Text),
    ],
};

pub(in crate::gam) static GOAL: Shape =
    Shape { name: "Goal", fields: &[opt("goalType", GOAL_TYPE), opt("unitType", UNIT_TYPE), opt("units", Int64)] };

pub(in crate::gam) static GRP_SETTINGS: Shape = Shape {
    name: "GrpSettings",
    fields: &[
        opt("minTargetAge", Int64),
        opt("maxTargetAge", Int64),
        opt("targetGender", GRP_TARGET_GENDER),
        opt("provider", GRP_PROVIDER),
        opt("inTargetRatioEstimateMilliPercent", Int64),
        opt("nielsenCtvPacingType", NIELSEN_CTV_PACING),
        opt("pacingDeviceCategorizationType", PACING_DEVICE_CATEGORIZATION),
        opt("applyTrueCoview", Bool),
    ],
};

pub(in crate::gam) static LINE_ITEM_DEAL_INFO: Shape =
    Shape { name: "LineItemDealInfo", fields: &[opt("externalDealId", Int64)] };

pub(in crate::gam) static CREATIVE_TARGETING: Shape = Shape {
    name: "CreativeTargeting",
    fields: &[req("creativeTargetingDisplayName", Text), req("targeting", Message(&TARGETING))],
};

pub(in crate::gam) static LINE_ITEM: Shape = Shape {
    name: "LineItem",
    fields: &[
        out("name", Text),
        fixed("order", Text),
        req("displayName", Text),
        opt("externalLineItemId", Text),
        out("orderDisplayName", Text),
        req("startTime", Time),
        opt("targetEndTime", Time),
        out("endTime", Time),
        opt("autoExtensionDays", Int32),
        opt("endTimeUnlimited", Bool),
        req("creativeRotationType", CREATIVE_ROTATION_TYPE),
        opt("deliveryRateType", LINE_ITEM_DELIVERY_RATE_TYPE),
        opt("deliveryForecastSource", LINE_ITEM_DELIVERY_FORECAST_SOURCE),
        opt("customPacingCurve", Message(&CUSTOM_PACING_CURVE)),
        opt("roadblockingType", ROADBLOCKING_TYPE),
        opt("skippableAdType", SKIPPABLE_AD_TYPE),
        opt("frequencyCaps", Message(&FREQUENCY_CAP)).many(),
        req("lineItemType", LINE_ITEM_TYPE),
        opt("priority", Int32),
        req("rate", Message(&MONEY)),
        opt("valueCpm", Message(&MONEY)),
        req("costType", LINE_ITEM_COST_TYPE),
        opt("discount", Message(&LINE_ITEM_DISCOUNT)),
        opt("contractedUnitsBought", Int64),
        req("creativePlaceholders", Message(&CREATIVE_PLACEHOLDER)).many(),
        opt("environmentType", ENVIRONMENT_TYPE),
        opt("companionDeliveryOption", COMPANION_DELIVERY_OPTION),
        opt("allowOverbook", Bool),
        opt("skipInventoryCheck", Bool),
        opt("skipCrossSellingRuleWarningChecks", Bool),
        opt("reserveOnCreation", Bool),
        out("stats", Message(&LINE_ITEM_STATS)),
        out("deliveryIndicator", Message(&DELIVERY_INDICATOR)),
        out("budget", Message(&MONEY)),
        out("status", LINE_ITEM_COMPUTED_STATUS),
        out("reservationStatus", LINE_ITEM_RESERVATION_STATUS),
        out("archived", Bool),
        opt("webPropertyCode", Text),
        opt("appliedLabels", Message(&APPLIED_LABEL)).many(),
        out("effectiveAppliedLabels", Message(&APPLIED_LABEL)).many(),
        opt("sameAdvertiserExceptionEnabled", Bool),
        out("updateSource", Text),
        opt("notes", Text),
        opt("competitiveConstraintScope", EXCLUSION_SCOPE),
        out("updateTime", Time),
        out("createTime", Time),
        opt("customFieldValues", Message(&CUSTOM_FIELD_VALUE)).many(),
        out("missingCreatives", Bool),
        opt("thirdPartyMeasurementSettings", Message(&THIRD_PARTY_MEASUREMENT_SETTINGS)),
        opt("youtubeKidsRestricted", Bool),
        opt("maxVideoCreativeDuration", Span),
        opt("goal", Message(&GOAL)),
        opt("secondaryGoals", Message(&GOAL)).many(),
        opt("grpSettings", Message(&GRP_SETTINGS)),
        opt("dealInfo", Message(&LINE_ITEM_DEAL_INFO)),
        opt("viewabilityProviderCompanies", Text).many(),
        opt("childContentEligibility", CHILD_CONTENT_ELIGIBILITY),
        opt("customVastExtension", Text),
        opt("sponsorshipExclusivityEnabled", Bool),
        opt("repeatedCreativeServingEnabled", Bool),
        req("targeting", Message(&TARGETING)),
        opt("creativeTargetings", Message(&CREATIVE_TARGETING)).many(),
        opt("allowedFormats", LINE_ITEM_ALLOWED_FORMAT).many(),
    ],
};
