//! `add_creative_assets`: uploads creatives and assigns them to packages.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    app::{App, NewCreatives, WriteAnswer, caller::Caller, error::AppError},
    domain::{
        creative::{AssetState, AssetStatus, Creative, Format},
        id::{CreativeId, MediaBuyId, OperationId, PackageId, PlatformName, TaskId},
        operation::{Change, OperationState},
        problem::Problem,
    },
    web::{
        json::{
            self, Arguments, read_and, refuse,
            text::{CreativeKey, Id, IdempotencyKey, Line, MAX_ID, MAX_NAME, Url},
            values::{List, MAX_ASSETS, MAX_PACKAGES, Pixels, Seconds},
        },
        tool::{Answer, Audience, CallOptions, Effect, Tool, Verb},
        v1::{
            change::{ChangeStatus, Outcome, answer, append, write_options},
            fields,
            plan::{self, PlatformPlan},
        },
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "add_creative_assets",
    title: "Add creatives",
    description: "Uploads creatives to an existing media buy and assigns them to its packages. list_products shows \
                  which formats each package accepts. Each creative's status is pending, approved or rejected with \
                  the platform's feedback; check_media_buy_status later shows the result for pending ones.",
    audience: Audience::Buyers,
    effect: Effect::Write,
    only_switches: None,
    verb: Verb::Post,
    path: "/v1/media-buys/{media_buy_id}/creative-assets",
    input: AddCreativeAssets::json_schema,
    output: CreativesAnswer::json_schema,
    example: r#"{
  "media_buy_id": "multi_12345",
  "assets": [
    {
      "creative_id": "banner_001",
      "name": "Spring Campaign Banner",
      "format": "image",
      "media_url": "https://cdn.example.com/banner.jpg",
      "click_url": "https://example.com/landing",
      "package_assignments": ["premium_sports"]
    }
  ]
}"#,
    may_be_pending: true,
    run: |app, caller, arguments, options| Box::pin(run(app, caller, arguments, options)),
};

async fn run(app: App, caller: Caller, arguments: Arguments, options: CallOptions) -> Result<Answer, AppError> {
    answer::<CreativesAnswer>(&write(app, caller, arguments, options).await?)
}

/// Carries out the tool, or plans it only.
///
/// # Errors
/// When the request is refused.
pub(in crate::web) async fn write(
    app: App,
    caller: Caller,
    arguments: Arguments,
    options: CallOptions,
) -> Result<WriteAnswer, AppError> {
    let request: AddCreativeAssets = read_and(arguments.clone(), AddCreativeAssets::lacking)?;
    let options = write_options(&arguments, request.idempotency_key.clone(), request.dry_run, options)?;
    app.add_creative_assets(&caller, request.into_new()?, options)
        .await
        .map_err(|error| fields::in_request(error, &arguments.value))
}

/// New creatives for a media buy.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddCreativeAssets {
    /// The media buy.
    pub media_buy_id: Id,
    /// The creatives, each with a new `creative_id`.
    pub assets: List<Asset, 1, MAX_ASSETS>,
    /// Your own key for this request; a repeat is carried out only once.
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
    /// Your id for it, unique in the media buy. A new version needs a new id.
    pub creative_id: CreativeKey,
    /// A name for people.
    pub name: Line<MAX_NAME>,
    /// Its format. `list_products` shows which formats each package accepts.
    pub format: Format,
    /// The asset's absolute http or https URL. Required for `image`, `video` and `audio`.
    pub media_url: Option<Url>,
    /// Where a click leads: an absolute http or https URL.
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
    /// Returns the members that assets lack for their formats, for arguments that may have other
    /// mistakes, too.
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

    /// Converts the request for the application core.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` when a creative or a package is named twice, or a field is missing for
    /// the format or not allowed with it.
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

/// Returns the members that the asset at a pointer lacks. `format` is `None` if it could not be
/// read.
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

/// The result for new creatives.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CreativesAnswer {
    /// Each creative of the request.
    pub asset_statuses: Vec<AssetLine>,
    /// `accepted`, `failed`, `pending_manual` or `pending_permission`, as for every change.
    pub status: ChangeStatus,
    /// Further information; the task id for pending states, the reason for failed ones.
    pub detail: String,
    /// The operation, for `get_operation`. Absent for a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<OperationId>,
    /// The task that a person must act on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
    /// What will change on the ad servers. Only for a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Vec<PlatformPlan>>,
    /// `true`: nothing was uploaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    /// `true`: repeats the first answer to this key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replayed: Option<bool>,
}

/// Status of a creative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AssetLine {
    /// Your id.
    pub creative_id: CreativeId,
    /// `pending` until every platform has approved it, `rejected` if one refused it.
    pub status: AssetState,
    /// Its id on the platform, if it has one.
    pub platform_id: Option<String>,
    /// Platform's feedback.
    pub review_feedback: Option<String>,
    /// Its status by platform, if it runs on several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by_platform: Vec<PlatformAsset>,
}

/// Status of a creative on one of several platforms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlatformAsset {
    /// The platform.
    pub platform: PlatformName,
    /// Its status there.
    pub status: AssetState,
    /// Its id there.
    pub platform_id: Option<String>,
    /// Platform's feedback.
    pub review_feedback: Option<String>,
}

impl From<&WriteAnswer> for CreativesAnswer {
    fn from(answer: &WriteAnswer) -> Self {
        let mut outcome = Outcome::of(answer);
        if let Some(reason) = outcome.reason.take() {
            let rest = std::mem::replace(&mut outcome.detail, reason);
            append(&mut outcome.detail, &rest);
        }
        Self {
            asset_statuses: asset_lines(answer),
            status: outcome.status,
            detail: outcome.detail,
            operation_id: outcome.operation_id,
            task_id: outcome.task_id,
            plan: answer.dry_run.then(|| plan::shown(&answer.operation.plan)),
            dry_run: answer.dry_run.then_some(true),
            replayed: answer.replayed.then_some(true),
        }
    }
}

fn asset_lines(answer: &WriteAnswer) -> Vec<AssetLine> {
    let Change::AddCreatives(assets) = &answer.operation.change else { return Vec::new() };
    assets.iter().map(|asset| line(answer, asset)).collect()
}

fn line(answer: &WriteAnswer, asset: &Creative) -> AssetLine {
    let parts: Vec<PlatformAsset> = answer
        .buy
        .platforms()
        .into_iter()
        .filter(|platform| answer.buy.packages_on(platform).any(|package| asset.packages.contains(&package.id)))
        .map(|platform| on_platform(answer, asset, platform))
        .collect();
    let any = |state: AssetState| parts.iter().any(|part| part.status == state);
    let status = if any(AssetState::Rejected) {
        AssetState::Rejected
    } else if parts.is_empty() || any(AssetState::Pending) {
        AssetState::Pending
    } else {
        AssetState::Approved
    };
    let words: Vec<String> = match parts.as_slice() {
        [only] => only.review_feedback.iter().cloned().collect(),
        several => several
            .iter()
            .filter_map(|part| part.review_feedback.as_ref().map(|words| format!("{}: {words}", part.platform)))
            .collect(),
    };
    AssetLine {
        creative_id: asset.id.clone(),
        status,
        platform_id: parts.iter().find_map(|part| part.platform_id.clone()),
        review_feedback: (!words.is_empty()).then(|| words.join("; ")),
        by_platform: if parts.len() > 1 { parts } else { Vec::new() },
    }
}

/// Returns what is known of a creative on a platform: the buy's record, else this operation's
/// result, else how the operation ended.
fn on_platform(answer: &WriteAnswer, asset: &Creative, platform: PlatformName) -> PlatformAsset {
    let is_it = |status: &&AssetStatus| status.creative == asset.id;
    let recorded = answer.buy.assets.get(&platform).and_then(|statuses| statuses.iter().find(is_it));
    let leg = answer.operation.legs.iter().find(|leg| leg.platform == platform);
    let brought = leg.and_then(|leg| leg.outcome.as_ref()).and_then(|outcome| outcome.assets.iter().find(is_it));
    match recorded.or(brought) {
        Some(status) => PlatformAsset {
            platform,
            status: status.state,
            platform_id: status.platform_id.clone(),
            review_feedback: status.feedback.clone(),
        },
        None => {
            let failed = answer.operation.state == OperationState::Failed;
            let reason = answer.operation.failure.as_ref().map(|failure| failure.reason.buyer().to_owned());
            PlatformAsset {
                platform,
                status: if failed { AssetState::Rejected } else { AssetState::Pending },
                platform_id: None,
                review_feedback: reason.filter(|_| failed),
            }
        }
    }
}
