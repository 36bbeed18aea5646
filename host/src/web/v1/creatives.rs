//! The request of `add_creative_assets`.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    app::{NewCreatives, error::AppError},
    domain::{
        creative::{Creative, Format},
        id::{CreativeId, MediaBuyId, PackageId},
        problem::Problem,
    },
    web::json::{
        self, Arguments, refuse,
        text::{CreativeKey, Id, IdempotencyKey, Line, MAX_ID, MAX_NAME, Url},
        values::{List, MAX_ASSETS, MAX_PACKAGES, Pixels, Seconds},
    },
};

/// New creatives for a media buy.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddCreativeAssets {
    /// The media buy.
    pub media_buy_id: Id,
    /// The creatives, each with a new `creative_id`.
    pub assets: List<Asset, 1, MAX_ASSETS>,
    /// A key of your own for this request: sent again, it is carried out once.
    pub idempotency_key: Option<IdempotencyKey>,
    /// `true`: check and plan only; nothing is uploaded. Default: `false`.
    pub dry_run: Option<bool>,
}

/// A creative.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("allOf" = [
    {
        "if": {"properties": {"format": {"enum": ["image", "video", "audio"]}}},
        "then": {
            "required": ["media_url"],
            "properties": {
                "media_url": {"type": "string"}, "template_id": {"type": "null"}, "template_values": {"type": "null"},
            },
        },
        "else": {"anyOf": [
            {"required": ["template_id"], "properties": {"template_id": {"type": "string"}}},
            {"required": ["template_values"], "properties": {"template_values": {"type": "object"}}},
        ]},
    },
    {"if": {"properties": {"format": {"const": "image"}}}, "then": {"properties": {"duration": {"type": "null"}}}},
    {
        "if": {"required": ["width"], "properties": {"width": {"type": "number"}}},
        "then": {"required": ["height"], "properties": {"height": {"type": "number"}}},
        "else": {"properties": {"height": {"type": "null"}}},
    },
]))]
pub struct Asset {
    /// Your id of it, unique within the media buy. A new version needs a new id.
    pub creative_id: CreativeKey,
    /// A name for people.
    pub name: Line<MAX_NAME>,
    /// What it is made of. Packages say in `list_products` which formats they take.
    pub format: Format,
    /// Where the asset is: an absolute http or https address. Needed for `image`, `video` and `audio`.
    pub media_url: Option<Url>,
    /// Where a click leads: an absolute http or https address.
    pub click_url: Option<Url>,
    /// Length in seconds, for `video` and `audio`.
    pub duration: Option<Seconds>,
    /// Width in pixels; with `height`.
    pub width: Option<Pixels>,
    /// Height in pixels; with `width`.
    pub height: Option<Pixels>,
    /// The platform's template, for `custom`.
    pub template_id: Option<Line<MAX_ID>>,
    /// The fields of the template, for `custom`.
    pub template_values: Option<Map<String, Value>>,
    /// The packages of the buy in which it runs.
    pub package_assignments: List<Id, 1, MAX_PACKAGES>,
}

impl AddCreativeAssets {
    /// The members that assets lack for their formats, of arguments that may have other mistakes, too.
    pub fn lacking(arguments: &Arguments) -> Vec<Problem> {
        let assets = arguments.value["assets"].as_array().map(Vec::as_slice).unwrap_or_default();
        let lacking = assets.iter().enumerate().flat_map(|(index, asset)| {
            let format = asset["format"].as_str().and_then(Format::parse);
            let at = format!("/assets/{index}");
            let lacking = lacking(format, &at, |name| asset.get(name).is_some_and(|value| !value.is_null()));
            let is_object = asset.is_object();
            lacking.into_iter().filter(move |_| is_object)
        });
        lacking.collect()
    }

    /// What the application core is asked for.
    ///
    /// # Errors
    /// `INVALID_PARAMETER`: a creative or a package named twice, a field that the format needs or can't have.
    pub fn into_new(self) -> Result<NewCreatives, AppError> {
        let mut problems = Vec::new();
        let mut seen = HashSet::new();
        for (index, asset) in self.assets.0.iter().enumerate() {
            let at = format!("/assets/{index}");
            if !seen.insert(&asset.creative_id) {
                let message = "is given twice; each creative needs an id of its own";
                problems.push(json::mistake(format!("{at}/creative_id"), message).value(&asset.creative_id.0));
            }
            asset.check(&at, &mut problems);
        }
        refuse(&problems)?;
        let assets = self.assets.0.into_iter().map(Asset::into_creative).collect();
        Ok(NewCreatives { buy: MediaBuyId::new(self.media_buy_id.0), assets })
    }
}

impl Asset {
    fn check(&self, at: &str, problems: &mut Vec<Problem>) {
        let mut problem = |field: &str, message: &str| problems.push(json::mistake(format!("{at}/{field}"), message));
        let has_template = self.template_id.is_some() || self.template_values.is_some();
        if has_template && self.format != Format::Custom {
            let field = if self.template_id.is_some() { "template_id" } else { "template_values" };
            problem(field, "is for format custom only");
        }
        if self.duration.is_some() && self.format == Format::Image {
            problem("duration", "is for formats video, audio and custom: an image has no length");
        }
        let lacking = lacking(Some(self.format), at, |name| match name {
            "media_url" => self.media_url.is_some(),
            "template_id" => self.template_id.is_some(),
            "template_values" => self.template_values.is_some(),
            "width" => self.width.is_some(),
            "height" => self.height.is_some(),
            _ => false,
        });
        problems.extend(lacking);
        let mut seen = HashSet::new();
        for (index, package) in self.package_assignments.0.iter().enumerate() {
            if !seen.insert(package) {
                let field = format!("{at}/package_assignments/{index}");
                problems.push(json::mistake(field, "is named twice").value(&package.0));
            }
        }
    }

    fn into_creative(self) -> Creative {
        Creative {
            id: CreativeId::new(self.creative_id.0),
            name: self.name.0,
            format: self.format,
            media_url: self.media_url.map(|url| url.0),
            click_url: self.click_url.map(|url| url.0),
            duration_ms: self.duration.map(|seconds| seconds.0),
            width: self.width.map(|pixels| pixels.0),
            height: self.height.map(|pixels| pixels.0),
            template_id: self.template_id.map(|id| id.0),
            template_values: self.template_values.map(Value::Object),
            packages: self.package_assignments.0.into_iter().map(|id| PackageId::new(id.0)).collect(),
        }
    }
}

/// The members that the asset at a pointer lacks beside those that it has. `None`: its format is not known.
fn lacking(format: Option<Format>, at: &str, has: impl Fn(&str) -> bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    match format {
        Some(format @ (Format::Image | Format::Video | Format::Audio)) if !has("media_url") => {
            problems.push(json::mistake(
                format!("{at}/media_url"),
                format!("is missing: it must be given for format {format}"),
            ));
        }
        Some(Format::Custom) if !has("template_id") && !has("template_values") => {
            let message = "is missing: format custom needs template_id or template_values";
            problems.push(json::mistake(format!("{at}/template_id"), message));
        }
        _ => {}
    }
    for (one, other) in [("width", "height"), ("height", "width")] {
        if has(one) && !has(other) {
            problems.push(json::mistake(format!("{at}/{other}"), "is missing: width and height go together"));
        }
    }
    problems
}
