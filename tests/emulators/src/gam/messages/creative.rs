//! Creatives of every kind.

use super::{
    common::{APPLIED_LABEL, CREATIVE_PLACEHOLDER, CUSTOM_FIELD_VALUE, SIZE},
    enums::{
        ASSET_IMAGE_DENSITY, COMPANION_DELIVERY_OPTION, CONVERSION_EVENT, CREATIVE_DESTINATION_URL_TYPE,
        CREATIVE_LOCKED_ORIENTATION, CREATIVE_SSL_OVERRIDE, CREATIVE_SSL_SCAN_RESULT,
        CREATIVE_THIRD_PARTY_DATA_DECLARATION_STATUS, RICH_MEDIA_STUDIO_CHILD_ASSET_TYPE,
        RICH_MEDIA_STUDIO_CREATIVE_BILLING_ATTRIBUTE, RICH_MEDIA_STUDIO_CREATIVE_FORMAT, SKIPPABLE_AD_TYPE,
        THIRD_PARTY_DATA_DECLARATION_TYPE, VAST_AD_ID_TYPE, VAST_REDIRECT_TYPE,
    },
};
use crate::gam::schema::{
    Kind::{Bool, Bytes, Int32, Int64, Message, Span, Text, Time},
    Shape, fixed, opt, out, req,
};

pub(in crate::gam) static AD_EXCHANGE_CREATIVE_DETAILS: Shape = Shape {
    name: "AdExchangeCreativeDetails",
    fields: &[
        opt("nativeEligible", Bool),
        opt("interstitial", Bool),
        opt("allowsAllRequestedSizes", Bool),
        out("slotId", Text),
        opt("backfillSnippet", Text),
    ],
};

pub(in crate::gam) static AD_SENSE_CREATIVE_DETAILS: Shape =
    Shape { name: "AdSenseCreativeDetails", fields: &[out("slotId", Text), opt("backfillSnippet", Text)] };

pub(in crate::gam) static CLICK_TAG: Shape =
    Shape { name: "ClickTag", fields: &[opt("displayName", Text), opt("url", Text)] };

pub(in crate::gam) static CREATIVE_ASSET: Shape = Shape {
    name: "CreativeAsset",
    fields: &[
        // Required in responses. In a request, the bytes replace it (see `creatives::host_assets`).
        opt("asset", Text),
        opt("assetByteArray", Bytes),
        opt("fileName", Text),
        out("fileSize", Int64),
        out("assetUrl", Text),
        opt("size", Message(&SIZE)),
        out("clickTags", Message(&CLICK_TAG)).many(),
        opt("imageDensity", ASSET_IMAGE_DENSITY),
    ],
};

pub(in crate::gam) static ASPECT_RATIO_IMAGE_CREATIVE_DETAILS: Shape = Shape {
    name: "AspectRatioImageCreativeDetails",
    fields: &[
        opt("altText", Text),
        opt("destinationUrl", Text),
        opt("destinationUrlType", CREATIVE_DESTINATION_URL_TYPE),
        req("imageAssets", Message(&CREATIVE_ASSET)).many(),
        opt("thirdPartyImpressionTrackingUrls", Text).many(),
    ],
};

pub(in crate::gam) static VIDEO_TRACKING_URL: Shape =
    Shape { name: "VideoTrackingUrl", fields: &[req("conversionEvent", CONVERSION_EVENT), opt("url", Text)] };

pub(in crate::gam) static VAST_INFO: Shape = Shape {
    name: "VastInfo",
    fields: &[
        opt("duration", Span),
        opt("allowDurationOverride", Bool),
        opt("trackingUrls", Message(&VIDEO_TRACKING_URL)).many(),
        opt("customParameters", Text),
        opt("adId", Text),
        opt("adIdType", VAST_AD_ID_TYPE),
        opt("skippableAdType", SKIPPABLE_AD_TYPE),
        out("vastPreviewUrl", Text),
        out("creativeSetDisplayName", Text),
        out("creativeSet", Text),
        opt("destinationUrl", Text),
        opt("destinationUrlType", CREATIVE_DESTINATION_URL_TYPE),
        opt("companionCreatives", Text).many(),
    ],
};

pub(in crate::gam) static AUDIO_CREATIVE_DETAILS: Shape =
    Shape { name: "AudioCreativeDetails", fields: &[opt("vastInfo", Message(&VAST_INFO))] };

pub(in crate::gam) static AUDIO_REDIRECT_CREATIVE_DETAILS: Shape =
    Shape { name: "AudioRedirectCreativeDetails", fields: &[opt("vastInfo", Message(&VAST_INFO))] };

pub(in crate::gam) static CLICK_TRACKING_CREATIVE_DETAILS: Shape =
    Shape { name: "ClickTrackingCreativeDetails", fields: &[opt("clickTrackingUrl", Text)] };

pub(in crate::gam) static CUSTOM_CREATIVE_ASSET: Shape =
    Shape { name: "CustomCreativeAsset", fields: &[opt("macroName", Text), req("asset", Message(&CREATIVE_ASSET))] };

pub(in crate::gam) static CUSTOM_CREATIVE_DETAILS: Shape = Shape {
    name: "CustomCreativeDetails",
    fields: &[
        req("htmlSnippet", Text),
        opt("ampHtmlSnippet", Text),
        opt("interstitial", Bool),
        opt("destinationUrl", Text),
        opt("destinationUrlType", CREATIVE_DESTINATION_URL_TYPE),
        opt("safeFrameCompatible", Bool),
        out("effectiveSafeFrameCompatible", Bool),
        opt("thirdPartyImpressionTrackingUrls", Text).many(),
        opt("lockedOrientation", CREATIVE_LOCKED_ORIENTATION),
        opt("customCreativeAssets", Message(&CUSTOM_CREATIVE_ASSET)).many(),
    ],
};

pub(in crate::gam) static HTML5_CREATIVE_DETAILS: Shape = Shape {
    name: "Html5CreativeDetails",
    fields: &[
        opt("lockedOrientation", CREATIVE_LOCKED_ORIENTATION),
        opt("overrideSize", Bool),
        opt("thirdPartyImpressionTrackingUrls", Text).many(),
        opt("thirdPartyClickTrackingUrl", Text),
        opt("safeFrameCompatible", Bool),
        req("html5Asset", Message(&CREATIVE_ASSET)),
    ],
};

pub(in crate::gam) static IMAGE_CREATIVE_DETAILS: Shape = Shape {
    name: "ImageCreativeDetails",
    fields: &[
        opt("altText", Text),
        opt("destinationUrl", Text),
        opt("destinationUrlType", CREATIVE_DESTINATION_URL_TYPE),
        opt("thirdPartyImpressionTrackingUrls", Text).many(),
        opt("ampDestinationUrl", Text),
        opt("lockedOrientation", CREATIVE_LOCKED_ORIENTATION),
        opt("primaryImageAsset", Message(&CREATIVE_ASSET)),
        opt("secondaryImageAssets", Message(&CREATIVE_ASSET)).many(),
        opt("overrideSize", Bool),
    ],
};

pub(in crate::gam) static IMAGE_OVERLAY_CREATIVE_DETAILS: Shape = Shape {
    name: "ImageOverlayCreativeDetails",
    fields: &[
        opt("lockedOrientation", CREATIVE_LOCKED_ORIENTATION),
        opt("destinationUrl", Text),
        opt("destinationUrlType", CREATIVE_DESTINATION_URL_TYPE),
        opt("overrideSize", Bool),
        req("primaryImageAsset", Message(&CREATIVE_ASSET)),
        out("creativeSetDisplayName", Text),
        out("creativeSet", Text),
        out("companionCreatives", Text).many(),
        opt("trackingUrls", Message(&VIDEO_TRACKING_URL)).many(),
        opt("customParameters", Text),
        opt("duration", Span),
        opt("expectedCompanions", Message(&CREATIVE_PLACEHOLDER)).many(),
        out("expectedCompanionDeliveryOption", COMPANION_DELIVERY_OPTION),
        out("vastPreviewUrl", Text),
    ],
};

pub(in crate::gam) static IMAGE_REDIRECT_CREATIVE_DETAILS: Shape = Shape {
    name: "ImageRedirectCreativeDetails",
    fields: &[
        opt("destinationUrl", Text),
        opt("destinationUrlType", CREATIVE_DESTINATION_URL_TYPE),
        opt("altText", Text),
        req("imageUrl", Text),
        opt("thirdPartyImpressionTrackingUrls", Text).many(),
    ],
};

pub(in crate::gam) static IMAGE_REDIRECT_OVERLAY_CREATIVE_DETAILS: Shape = Shape {
    name: "ImageRedirectOverlayCreativeDetails",
    fields: &[
        opt("destinationUrl", Text),
        opt("destinationUrlType", CREATIVE_DESTINATION_URL_TYPE),
        req("imageUrl", Text),
        opt("assetSize", Message(&SIZE)),
        opt("duration", Span),
        opt("trackingUrls", Message(&VIDEO_TRACKING_URL)).many(),
        opt("customParameters", Text),
        opt("expectedCompanions", Message(&CREATIVE_PLACEHOLDER)).many(),
        out("expectedCompanionDeliveryOption", COMPANION_DELIVERY_OPTION),
        out("vastPreviewUrl", Text),
        out("creativeSetDisplayName", Text),
        out("creativeSet", Text),
        opt("companionCreatives", Text).many(),
    ],
};

pub(in crate::gam) static INTERNAL_REDIRECT_CREATIVE_DETAILS: Shape = Shape {
    name: "InternalRedirectCreativeDetails",
    fields: &[
        opt("lockedOrientation", CREATIVE_LOCKED_ORIENTATION),
        out("assetSize", Message(&SIZE)),
        req("internalRedirectUrl", Text),
        opt("overrideSize", Bool),
        opt("interstitial", Bool),
        out("sslScanResult", CREATIVE_SSL_SCAN_RESULT),
        opt("sslManualOverride", CREATIVE_SSL_OVERRIDE),
        opt("thirdPartyImpressionTrackingUrls", Text).many(),
    ],
};

pub(in crate::gam) static LEGACY_DFP_CREATIVE_DETAILS: Shape = Shape { name: "LegacyDfpCreativeDetails", fields: &[] };

pub(in crate::gam) static PROGRAMMATIC_CREATIVE_DETAILS: Shape =
    Shape { name: "ProgrammaticCreativeDetails", fields: &[] };

pub(in crate::gam) static RICH_MEDIA_STUDIO_CHILD_ASSET_PROPERTY: Shape = Shape {
    name: "RichMediaStudioChildAssetProperty",
    fields: &[
        out("displayName", Text),
        out("type", RICH_MEDIA_STUDIO_CHILD_ASSET_TYPE),
        out("totalFileSize", Int64),
        out("width", Int32),
        out("height", Int32),
        out("url", Text),
    ],
};

pub(in crate::gam) static RICH_MEDIA_STUDIO_CREATIVE_DETAILS: Shape = Shape {
    name: "RichMediaStudioCreativeDetails",
    fields: &[
        opt("lockedOrientation", CREATIVE_LOCKED_ORIENTATION),
        out("studioCreativeId", Int64),
        opt("creativeFormat", RICH_MEDIA_STUDIO_CREATIVE_FORMAT),
        out("totalFileSize", Int64),
        opt("adTagKeys", Text).many(),
        opt("customKeyValues", Text).many(),
        opt("surveyUrl", Text),
        opt("allImpressionsUrl", Text),
        opt("richMediaImpressionsUrl", Text),
        opt("backupImageImpressionsUrl", Text),
        opt("overrideCss", Text),
        out("requiredFlashPluginVersion", Text),
        opt("duration", Span),
        opt("billingAttribute", RICH_MEDIA_STUDIO_CREATIVE_BILLING_ATTRIBUTE),
        out("richMediaStudioChildAssetProperties", Message(&RICH_MEDIA_STUDIO_CHILD_ASSET_PROPERTY)).many(),
        out("sslScanResult", CREATIVE_SSL_SCAN_RESULT),
        opt("sslManualOverride", CREATIVE_SSL_OVERRIDE),
    ],
};

pub(in crate::gam) static SET_TOP_BOX_CREATIVE_DETAILS: Shape =
    Shape { name: "SetTopBoxCreativeDetails", fields: &[opt("vastInfo", Message(&VAST_INFO))] };

pub(in crate::gam) static TEMPLATE_CREATIVE_DETAILS: Shape = Shape {
    name: "TemplateCreativeDetails",
    fields: &[
        opt("ampDestinationUrl", Text),
        opt("lockedOrientation", CREATIVE_LOCKED_ORIENTATION),
        opt("destinationUrl", Text),
        opt("destinationUrlType", CREATIVE_DESTINATION_URL_TYPE),
    ],
};

pub(in crate::gam) static THIRD_PARTY_CREATIVE_DETAILS: Shape = Shape {
    name: "ThirdPartyCreativeDetails",
    fields: &[
        opt("snippet", Text),
        out("expandedSnippet", Text),
        opt("lockedOrientation", CREATIVE_LOCKED_ORIENTATION),
        out("sslScanResult", CREATIVE_SSL_SCAN_RESULT),
        opt("sslManualOverride", CREATIVE_SSL_OVERRIDE),
        opt("safeFrameCompatible", Bool),
        opt("thirdPartyImpressionTrackingUrls", Text).many(),
        opt("ampRedirectUrl", Text),
        opt("destinationUrl", Text),
        opt("destinationUrlType", CREATIVE_DESTINATION_URL_TYPE),
    ],
};

pub(in crate::gam) static VAST_REDIRECT_CREATIVE_DETAILS: Shape = Shape {
    name: "VastRedirectCreativeDetails",
    fields: &[
        req("vastXmlUrl", Text),
        req("vastRedirectType", VAST_REDIRECT_TYPE),
        req("duration", Span),
        opt("vastPricingEnabled", Bool),
        opt("programmaticDemandSource", Bool),
        opt("serverSideUnwrappingDisabled", Bool),
        opt("trackingUrls", Message(&VIDEO_TRACKING_URL)).many(),
        out("vastPreviewUrl", Text),
        opt("audio", Bool),
        opt("destinationUrl", Text),
        opt("destinationUrlType", CREATIVE_DESTINATION_URL_TYPE),
    ],
};

pub(in crate::gam) static VIDEO_CREATIVE_DETAILS: Shape =
    Shape { name: "VideoCreativeDetails", fields: &[opt("vastInfo", Message(&VAST_INFO))] };

pub(in crate::gam) static VIDEO_REDIRECT_CREATIVE_DETAILS: Shape =
    Shape { name: "VideoRedirectCreativeDetails", fields: &[opt("vastInfo", Message(&VAST_INFO))] };

pub(in crate::gam) static THIRD_PARTY_DATA_DECLARATION: Shape = Shape {
    name: "ThirdPartyDataDeclaration",
    fields: &[opt("declarationType", THIRD_PARTY_DATA_DECLARATION_TYPE), opt("thirdPartyCompanies", Text).many()],
};

pub(in crate::gam) static BUYER_PLACEMENT_CONFIG: Shape =
    Shape { name: "BuyerPlacementConfig", fields: &[opt("placementId", Text), opt("placementDisplayName", Text)] };

pub(in crate::gam) static CREATIVE: Shape = Shape {
    name: "Creative",
    fields: &[
        opt("adExchangeCreative", Message(&AD_EXCHANGE_CREATIVE_DETAILS)),
        opt("adSenseCreative", Message(&AD_SENSE_CREATIVE_DETAILS)),
        opt("aspectRatioImageCreative", Message(&ASPECT_RATIO_IMAGE_CREATIVE_DETAILS)),
        opt("audioCreative", Message(&AUDIO_CREATIVE_DETAILS)),
        opt("audioRedirectCreative", Message(&AUDIO_REDIRECT_CREATIVE_DETAILS)),
        opt("clickTrackingCreative", Message(&CLICK_TRACKING_CREATIVE_DETAILS)),
        opt("customCreative", Message(&CUSTOM_CREATIVE_DETAILS)),
        opt("html5Creative", Message(&HTML5_CREATIVE_DETAILS)),
        opt("imageCreative", Message(&IMAGE_CREATIVE_DETAILS)),
        opt("imageOverlayCreative", Message(&IMAGE_OVERLAY_CREATIVE_DETAILS)),
        opt("imageRedirectCreative", Message(&IMAGE_REDIRECT_CREATIVE_DETAILS)),
        opt("imageRedirectOverlayCreative", Message(&IMAGE_REDIRECT_OVERLAY_CREATIVE_DETAILS)),
        opt("internalRedirectCreative", Message(&INTERNAL_REDIRECT_CREATIVE_DETAILS)),
        opt("legacyDfpCreative", Message(&LEGACY_DFP_CREATIVE_DETAILS)),
        opt("programmaticCreative", Message(&PROGRAMMATIC_CREATIVE_DETAILS)),
        opt("richMediaStudioCreative", Message(&RICH_MEDIA_STUDIO_CREATIVE_DETAILS)),
        opt("setTopBoxCreative", Message(&SET_TOP_BOX_CREATIVE_DETAILS)),
        opt("templateCreative", Message(&TEMPLATE_CREATIVE_DETAILS)),
        opt("thirdPartyCreative", Message(&THIRD_PARTY_CREATIVE_DETAILS)),
        opt("vastRedirectCreative", Message(&VAST_REDIRECT_CREATIVE_DETAILS)),
        opt("videoCreative", Message(&VIDEO_CREATIVE_DETAILS)),
        opt("videoRedirectCreative", Message(&VIDEO_REDIRECT_CREATIVE_DETAILS)),
        out("name", Text),
        req("displayName", Text),
        req("advertiser", Text),
        out("updateTime", Time),
        opt("customFieldValues", Message(&CUSTOM_FIELD_VALUE)).many(),
        out("previewUrl", Text),
        fixed("size", Message(&SIZE)),
        opt("thirdPartyDataDeclaration", Message(&THIRD_PARTY_DATA_DECLARATION)),
        out("thirdPartyDataDeclarationStatus", CREATIVE_THIRD_PARTY_DATA_DECLARATION_STATUS),
        opt("selfDeclaredEuropeanUnionPoliticalContent", Bool),
        opt("adBadgingEnabled", Bool),
        opt("appliedLabels", Message(&APPLIED_LABEL)).many(),
        opt("buyerPlacementConfig", Message(&BUYER_PLACEMENT_CONFIG)),
    ],
};
