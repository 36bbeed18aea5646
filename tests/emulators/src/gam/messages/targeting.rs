//! Targeting, of line items and of creatives within them.

use super::enums::{REQUEST_PLATFORM, TARGETED_VIDEO_BUMPER_TYPE, VIDEO_POSITION_TYPE};
use crate::gam::schema::{
    Kind::{Bool, Int64, Message, Text},
    Shape, opt, out,
};

pub(in crate::gam) static GEO_TARGETING: Shape =
    Shape { name: "GeoTargeting", fields: &[opt("targetedGeos", Text).many(), opt("excludedGeos", Text).many()] };

pub(in crate::gam) static BANDWIDTH_TARGETING: Shape = Shape {
    name: "BandwidthTargeting",
    fields: &[opt("targetedBandwidthGroups", Text).many(), opt("excludedBandwidthGroups", Text).many()],
};

pub(in crate::gam) static BROWSER_TARGETING: Shape = Shape {
    name: "BrowserTargeting",
    fields: &[opt("targetedBrowsers", Text).many(), opt("excludedBrowsers", Text).many()],
};

pub(in crate::gam) static BROWSER_LANGUAGE_TARGETING: Shape = Shape {
    name: "BrowserLanguageTargeting",
    fields: &[opt("targetedBrowserLanguages", Text).many(), opt("excludedBrowserLanguages", Text).many()],
};

pub(in crate::gam) static DEVICE_CAPABILITY_TARGETING: Shape = Shape {
    name: "DeviceCapabilityTargeting",
    fields: &[opt("targetedCapabilities", Text).many(), opt("excludedCapabilities", Text).many()],
};

pub(in crate::gam) static DEVICE_CATEGORY_TARGETING: Shape = Shape {
    name: "DeviceCategoryTargeting",
    fields: &[opt("targetedCategories", Text).many(), opt("excludedCategories", Text).many()],
};

pub(in crate::gam) static DEVICE_MANUFACTURER_TARGETING: Shape = Shape {
    name: "DeviceManufacturerTargeting",
    fields: &[
        opt("targetedDeviceManufacturers", Text).many(),
        opt("excludedDeviceManufacturers", Text).many(),
        opt("targetedMobileDevices", Text).many(),
        opt("excludedMobileDevices", Text).many(),
        opt("targetedMobileDeviceSubmodels", Text).many(),
        opt("excludedMobileDeviceSubmodels", Text).many(),
    ],
};

pub(in crate::gam) static MOBILE_CARRIER_TARGETING: Shape = Shape {
    name: "MobileCarrierTargeting",
    fields: &[opt("targetedMobileCarriers", Text).many(), opt("excludedMobileCarriers", Text).many()],
};

pub(in crate::gam) static OPERATING_SYSTEM_TARGETING: Shape = Shape {
    name: "OperatingSystemTargeting",
    fields: &[
        opt("targetedOperatingSystems", Text).many(),
        opt("excludedOperatingSystems", Text).many(),
        opt("targetedOperatingSystemVersions", Text).many(),
        opt("excludedOperatingSystemVersions", Text).many(),
    ],
};

pub(in crate::gam) static TECHNOLOGY_TARGETING: Shape = Shape {
    name: "TechnologyTargeting",
    fields: &[
        opt("bandwidthTargeting", Message(&BANDWIDTH_TARGETING)),
        opt("browserTargeting", Message(&BROWSER_TARGETING)),
        opt("browserLanguageTargeting", Message(&BROWSER_LANGUAGE_TARGETING)),
        opt("deviceCapabilityTargeting", Message(&DEVICE_CAPABILITY_TARGETING)),
        opt("deviceCategoryTargeting", Message(&DEVICE_CATEGORY_TARGETING)),
        opt("deviceManufacturerTargeting", Message(&DEVICE_MANUFACTURER_TARGETING)),
        opt("mobileCarrierTargeting", Message(&MOBILE_CARRIER_TARGETING)),
        opt("operatingSystemTargeting", Message(&OPERATING_SYSTEM_TARGETING)),
    ],
};

pub(in crate::gam) static AD_UNIT_TARGETING: Shape =
    Shape { name: "AdUnitTargeting", fields: &[opt("includeDescendants", Bool), opt("adUnit", Text)] };

pub(in crate::gam) static INVENTORY_TARGETING: Shape = Shape {
    name: "InventoryTargeting",
    fields: &[
        opt("targetedAdUnits", Message(&AD_UNIT_TARGETING)).many(),
        opt("excludedAdUnits", Message(&AD_UNIT_TARGETING)).many(),
        opt("targetedPlacements", Text).many(),
    ],
};

pub(in crate::gam) static REQUEST_PLATFORM_TARGETING: Shape =
    Shape { name: "RequestPlatformTargeting", fields: &[opt("requestPlatforms", REQUEST_PLATFORM).many()] };

pub(in crate::gam) static CUSTOM_TARGETING_LITERAL: Shape = Shape {
    name: "CustomTargetingLiteral",
    fields: &[opt("negative", Bool), opt("customTargetingKey", Text), opt("customTargetingValues", Text).many()],
};

pub(in crate::gam) static AUDIENCE_SEGMENT_TARGETING: Shape =
    Shape { name: "AudienceSegmentTargeting", fields: &[opt("negative", Bool), opt("audienceSegments", Text).many()] };

pub(in crate::gam) static CMS_METADATA_TARGETING: Shape =
    Shape { name: "CmsMetadataTargeting", fields: &[opt("negative", Bool), opt("cmsMetadataValues", Text).many()] };

pub(in crate::gam) static CUSTOM_TARGETING_CLAUSE: Shape = Shape {
    name: "CustomTargetingClause",
    fields: &[
        opt("customTargetingLiterals", Message(&CUSTOM_TARGETING_LITERAL)).many(),
        opt("audienceSegmentTargetings", Message(&AUDIENCE_SEGMENT_TARGETING)).many(),
        opt("cmsMetadataTargetings", Message(&CMS_METADATA_TARGETING)).many(),
    ],
};

pub(in crate::gam) static CUSTOM_TARGETING: Shape = Shape {
    name: "CustomTargeting",
    fields: &[opt("customTargetingClauses", Message(&CUSTOM_TARGETING_CLAUSE)).many()],
};

pub(in crate::gam) static USER_DOMAIN_TARGETING: Shape = Shape {
    name: "UserDomainTargeting",
    fields: &[opt("targetedUserDomains", Text).many(), opt("excludedUserDomains", Text).many()],
};

pub(in crate::gam) static VIDEO_POSITION: Shape = Shape {
    name: "VideoPosition",
    fields: &[
        opt("midrollIndex", Int64),
        opt("reverseMidrollIndex", Int64),
        opt("podPosition", Int64),
        opt("positionType", VIDEO_POSITION_TYPE),
        opt("bumperType", TARGETED_VIDEO_BUMPER_TYPE),
    ],
};

pub(in crate::gam) static VIDEO_POSITION_TARGETING: Shape =
    Shape { name: "VideoPositionTargeting", fields: &[opt("videoPositions", Message(&VIDEO_POSITION)).many()] };

pub(in crate::gam) static DATA_SEGMENT_TARGETING: Shape =
    Shape { name: "DataSegmentTargeting", fields: &[out("hasDataSegmentTargeting", Bool)] };

pub(in crate::gam) static REQUEST_FORMAT_TARGETING: Shape = Shape {
    name: "RequestFormatTargeting",
    fields: &[
        opt("appOpenEnabled", Bool),
        opt("rewardedEnabled", Bool),
        opt("rewardedInterstitialEnabled", Bool),
        opt("interstitialEnabled", Bool),
        opt("anchorEnabled", Bool),
        opt("bannerEnabled", Bool),
        opt("instreamVideoEnabled", Bool),
        opt("instreamAudioEnabled", Bool),
        opt("nativeAdvancedEnabled", Bool),
    ],
};

pub(in crate::gam) static CONTENT_TARGETING: Shape = Shape {
    name: "ContentTargeting",
    fields: &[
        opt("targetedContent", Text).many(),
        opt("excludedContent", Text).many(),
        opt("targetedContentBundles", Text).many(),
        opt("excludedContentBundles", Text).many(),
    ],
};

pub(in crate::gam) static FIRST_PARTY_MOBILE_APPLICATION_TARGETING: Shape = Shape {
    name: "FirstPartyMobileApplicationTargeting",
    fields: &[opt("targetedApplications", Text).many(), opt("excludedApplications", Text).many()],
};

pub(in crate::gam) static MOBILE_APPLICATION_TARGETING: Shape = Shape {
    name: "MobileApplicationTargeting",
    fields: &[opt("firstPartyTargeting", Message(&FIRST_PARTY_MOBILE_APPLICATION_TARGETING))],
};

pub(in crate::gam) static TARGETING: Shape = Shape {
    name: "Targeting",
    fields: &[
        opt("geoTargeting", Message(&GEO_TARGETING)),
        opt("technologyTargeting", Message(&TECHNOLOGY_TARGETING)),
        opt("inventoryTargeting", Message(&INVENTORY_TARGETING)),
        opt("requestPlatformTargeting", Message(&REQUEST_PLATFORM_TARGETING)),
        opt("customTargeting", Message(&CUSTOM_TARGETING)),
        opt("userDomainTargeting", Message(&USER_DOMAIN_TARGETING)),
        opt("videoPositionTargeting", Message(&VIDEO_POSITION_TARGETING)),
        opt("dataSegmentTargeting", Message(&DATA_SEGMENT_TARGETING)),
        opt("requestFormatTargeting", Message(&REQUEST_FORMAT_TARGETING)),
        opt("contentTargeting", Message(&CONTENT_TARGETING)),
        opt("mobileApplicationTargeting", Message(&MOBILE_APPLICATION_TARGETING)),
    ],
};
