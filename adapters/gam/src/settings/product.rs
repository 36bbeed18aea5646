//! The publisher's settings for a product.

use std::collections::BTreeMap;

use flightdeck_adapter::{prelude::*, settings::read};
use serde::Deserialize;

use super::{Companions, Platform, Size};
use crate::inferred;

/// Settings of a product.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Product {
    /// The type of its line items.
    pub line_item_type: LineItemType,
    /// Their priority, if it differs from the type's default.
    pub priority: Option<u8>,
    /// Display or video.
    pub environment: Option<Environment>,
    /// The ad units that it runs on.
    pub ad_units: Vec<AdUnit>,
    /// The ad units that it doesn't run on.
    pub excluded_ad_units: Vec<AdUnit>,
    /// The placements that it also runs on.
    pub placements: Vec<String>,
    /// The sizes of its creatives.
    pub sizes: Vec<Size>,
    /// Key-values that requests must have.
    pub key_values: BTreeMap<String, Vec<String>>,
    /// Whether it may be overbooked.
    pub allow_overbook: bool,
    /// Whether it is booked without a forecast.
    pub skip_inventory_check: bool,
    /// How creatives rotate.
    pub creative_rotation: Rotation,
    /// What a video product needs to say.
    pub video: Option<Video>,
    /// The share of the inventory that a SPONSORSHIP, NETWORK or HOUSE product gets, in percent.
    pub share_percent: Option<u8>,
    /// What its price per thousand is counted by.
    pub cost_type: CostType,
    /// Frequency caps of every line item of the product.
    pub frequency_caps: Vec<Cap>,
    /// How several creatives are shown together on a page.
    pub roadblocking: Option<Roadblocking>,
    /// What is shown beside each of its creatives.
    pub companions: Option<Companions>,
    /// The days that line items may run on if they have not reached their goal.
    pub auto_extension_days: Option<u8>,
    /// The labels of its line items.
    pub label_ids: Vec<String>,
    /// The custom fields of its line items, by the id of the field.
    pub custom_fields: BTreeMap<String, CustomValue>,
    /// The notes of its line items.
    pub notes: Option<String>,
    /// URLs that are requested with each impression of an image or a snippet.
    pub impression_trackers: Vec<String>,
    /// Whether a snippet must have a click macro, without which its clicks aren't counted.
    pub require_click_macro: bool,
}

/// What a video product says about its line items.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Video {
    /// The longest video, in seconds.
    pub max_duration_seconds: u32,
    /// The platforms that request the ads.
    #[serde(default = "in_players")]
    pub request_platforms: Vec<RequestPlatform>,
    /// The position in the video that it is shown at; any if there is none. Ad Manager joins several
    /// positions by *and* (type `VideoPositionTargeting`), so there is one.
    #[serde(default)]
    pub position: Option<Position>,
    /// Whether viewers may skip the ads.
    #[serde(default)]
    pub skippable: bool,
}

fn in_players() -> Vec<RequestPlatform> {
    vec![RequestPlatform::VideoPlayer]
}

/// A platform that requests ads (type `RequestPlatform`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestPlatform {
    /// A web browser.
    Browser,
    /// A mobile app.
    MobileApp,
    /// A video player.
    VideoPlayer,
}

impl RequestPlatform {
    /// Returns Ad Manager's name of the platform.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Browser => "BROWSER",
            Self::MobileApp => "MOBILE_APP",
            Self::VideoPlayer => "VIDEO_PLAYER",
        }
    }
}

/// A position within a video (type `VideoPosition`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// Before it.
    PreRoll,
    /// During it.
    MidRoll,
    /// After it.
    PostRoll,
}

impl Position {
    /// Returns Ad Manager's name of the position.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PreRoll => "PREROLL",
            Self::MidRoll => "MIDROLL",
            Self::PostRoll => "POSTROLL",
        }
    }
}

/// What a price per thousand is counted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CostType {
    /// Impressions.
    #[default]
    Cpm,
    /// Impressions that were viewable. The goal counts the same.
    Vcpm,
}

/// A frequency cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// The most impressions for one person in the period.
    pub impressions: u32,
    /// The number of units of time. A lifetime, a pod and a stream have none.
    #[serde(default)]
    pub amount: Option<u32>,
    /// The unit of time.
    pub unit: TimeUnit,
}

/// A unit of time of a frequency cap (type `TimeUnit`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are Ad Manager's")]
pub enum TimeUnit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Lifetime,
    Pod,
    Stream,
}

/// How several creatives of a line item are shown together (type `RoadblockingType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Roadblocking {
    /// Any number of them.
    OneOrMore,
    /// One at a time.
    OnlyOne,
    /// As many as fit on the page.
    AsManyAsPossible,
    /// All of them, or none.
    AllRoadblock,
}

impl Roadblocking {
    /// Returns Ad Manager's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OneOrMore => "ONE_OR_MORE",
            Self::OnlyOne => "ONLY_ONE",
            Self::AsManyAsPossible => "AS_MANY_AS_POSSIBLE",
            Self::AllRoadblock => "ALL_ROADBLOCK",
        }
    }
}

/// The value of a custom field (type `CustomFieldValue`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum CustomValue {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// On or off.
    Toggle(bool),
    /// An option of a drop-down list, by its id.
    Option {
        /// The id of the option.
        option_id: String,
    },
}

impl CustomValue {
    /// Returns the value in Ad Manager's form.
    #[must_use]
    pub fn object(&self) -> Object {
        match self {
            Self::Text(text) => object! { "stringValue": text },
            Self::Number(number) => object! { "numberValue": *number },
            Self::Toggle(on) => object! { "toggleValue": *on },
            Self::Option { option_id } => object! { "dropdownValue": option_id },
        }
    }
}

/// The types of line items.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LineItemType {
    /// Guaranteed delivery.
    #[default]
    Standard,
    /// Fills remaining inventory.
    Bulk,
    /// Fills remaining inventory, by price.
    PricePriority,
    /// Gets a share of all impressions, guaranteed.
    Sponsorship,
    /// Gets a share of the remaining impressions.
    Network,
    /// Gets a share of what is left after all others: the publisher's own ads.
    House,
}

impl LineItemType {
    /// Returns Ad Manager's name of the type.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "STANDARD",
            Self::Bulk => "BULK",
            Self::PricePriority => "PRICE_PRIORITY",
            Self::Sponsorship => "SPONSORSHIP",
            Self::Network => "NETWORK",
            Self::House => "HOUSE",
        }
    }

    /// Whether its goal is a share of the inventory and not a number of impressions.
    #[must_use]
    pub const fn is_share(self) -> bool {
        matches!(self, Self::Sponsorship | Self::Network | Self::House)
    }

    /// Whether its impressions are reserved (type `LineItem.allow_overbook`).
    #[must_use]
    pub const fn is_guaranteed(self) -> bool {
        matches!(self, Self::Standard | Self::Sponsorship)
    }

    /// Returns the lowest and the highest priority of the type (type `LineItem.priority`).
    #[must_use]
    pub const fn priorities(self) -> (u8, u8) {
        match self {
            Self::Sponsorship => (2, 5),
            Self::Standard => (6, 10),
            Self::Network | Self::Bulk | Self::PricePriority => (11, 14),
            Self::House => (15, 16),
        }
    }
}

/// The environment in which line items are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// A web page: display.
    Browser,
    /// A video player: video.
    VideoPlayer,
}

impl Environment {
    /// Returns Ad Manager's name of the environment.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Browser => "BROWSER",
            Self::VideoPlayer => "VIDEO_PLAYER",
        }
    }
}

/// How the creatives of a line item rotate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Rotation {
    /// Equally often.
    #[default]
    Evenly,
    /// By click-through rate.
    Optimized,
    /// By the weights that the buyer gives them.
    Weighted,
    /// In the order of the package's creatives.
    Sequential,
}

impl Rotation {
    /// Returns Ad Manager's name of the rotation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Evenly => "EVENLY",
            Self::Optimized => "OPTIMIZED",
            Self::Weighted => "WEIGHTED",
            Self::Sequential => "SEQUENTIAL",
        }
    }
}

/// An ad unit of the network.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdUnit {
    /// The id of the ad unit.
    pub id: String,
    /// Whether its descendants are included.
    #[serde(default = "yes")]
    pub include_descendants: bool,
}

const fn yes() -> bool {
    true
}

impl Product {
    /// Parses a package's product settings, with the platform's defaults filled in.
    ///
    /// # Errors
    /// As [`Platform::read`].
    pub fn read(platform: &Platform, package: &PackageOrder) -> Fallible<Self> {
        let what = format!("the Ad Manager product settings of {}", package.package_id);
        let product: Self = read(&package.product_settings, "invalid_product_settings", &what)?;
        Ok(product.or(platform, &package.formats))
    }

    /// Fills in the platform's defaults.
    #[must_use]
    pub fn or(mut self, platform: &Platform, formats: &[CreativeFormat]) -> Self {
        if self.ad_units.is_empty() && self.placements.is_empty() {
            self.ad_units.clone_from(&platform.ad_units);
            self.placements.clone_from(&platform.placements);
        }
        let only_videos = !formats.is_empty() && formats.iter().all(|format| *format == CreativeFormat::Video);
        let environment =
            self.environment.unwrap_or(if only_videos { Environment::VideoPlayer } else { Environment::Browser });
        self.environment = Some(environment);
        if self.sizes.is_empty() {
            self.sizes.clone_from(&platform.sizes);
        }
        if self.sizes.is_empty() {
            self.sizes = vec![match environment {
                Environment::Browser => inferred::DISPLAY_SIZE,
                Environment::VideoPlayer => inferred::VIDEO_SIZE,
            }];
        }
        self
    }

    /// Returns the environment.
    #[must_use]
    pub fn shown_in(&self) -> Environment {
        self.environment.unwrap_or(Environment::Browser)
    }
}
