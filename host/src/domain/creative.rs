//! Creatives: what is shown or played.

use serde::{Deserialize, Serialize};

use super::{
    id::{CreativeId, PackageId},
    targeting::names,
};

names! {
    /// What a creative is made of.
    Format {
        /// A picture.
        Image = "image",
        /// A film or a VAST address.
        Video = "video",
        /// A spot.
        Audio = "audio",
        /// Built from one of the platform's templates.
        Custom = "custom",
    }
}

names! {
    /// How a creative stands with the platform.
    AssetState {
        /// Not sent yet, or under review.
        Pending = "pending",
        /// It can run.
        Approved = "approved",
        /// The platform refused it.
        Rejected = "rejected",
    }
}

/// A creative of a media buy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Creative {
    /// The buyer's id, unique within the buy.
    pub id: CreativeId,
    /// For people.
    pub name: String,
    /// What it is made of.
    pub format: Format,
    /// Where the asset is.
    pub media_url: Option<String>,
    /// Where a click leads.
    pub click_url: Option<String>,
    /// Milliseconds.
    pub duration_ms: Option<u32>,
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
    /// The platform's template, for [`Format::Custom`].
    pub template_id: Option<String>,
    /// The template's fields, an object.
    pub template_values: Option<serde_json::Value>,
    /// Where it runs; never empty.
    pub packages: Vec<PackageId>,
}

/// What became of a creative on one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetStatus {
    /// Which one.
    pub creative: CreativeId,
    /// How it stands.
    pub state: AssetState,
    /// The platform's id.
    pub platform_id: Option<String>,
    /// The platform's words.
    pub feedback: Option<String>,
}
