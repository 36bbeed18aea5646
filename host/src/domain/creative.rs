//! Creatives, and their review by the platform.

use serde::{Deserialize, Serialize};

use super::{
    id::{CreativeId, PackageId},
    targeting::names,
};

names! {
    /// The format of a creative.
    Format {
        /// An image.
        Image = "image",
        /// A video file, or the URL of a VAST tag.
        Video = "video",
        /// An audio spot.
        Audio = "audio",
        /// An instance of one of the platform's templates.
        Custom = "custom",
    }
}

names! {
    /// The review state of a creative on a platform.
    AssetState {
        /// Not sent yet, or under review.
        Pending = "pending",
        /// Approved: it can run.
        Approved = "approved",
        /// Rejected by the platform.
        Rejected = "rejected",
    }
}

/// A creative of a media buy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Creative {
    /// The buyer's id, unique within the buy.
    pub id: CreativeId,
    /// The display name.
    pub name: String,
    /// The format.
    pub format: Format,
    /// The URL of the asset.
    pub media_url: Option<String>,
    /// The click-through URL.
    pub click_url: Option<String>,
    /// The duration in milliseconds.
    pub duration_ms: Option<u32>,
    /// The width in pixels.
    pub width: Option<u32>,
    /// The height in pixels.
    pub height: Option<u32>,
    /// The platform's template, for [`Format::Custom`].
    pub template_id: Option<String>,
    /// The values of the template's fields, an object.
    pub template_values: Option<serde_json::Value>,
    /// The packages in which it runs. Never empty.
    pub packages: Vec<PackageId>,
}

/// The state of a creative on one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetStatus {
    /// The creative.
    pub creative: CreativeId,
    /// The review state.
    pub state: AssetState,
    /// The platform's id of the creative.
    pub platform_id: Option<String>,
    /// The platform's feedback, in its own words.
    pub feedback: Option<String>,
}
