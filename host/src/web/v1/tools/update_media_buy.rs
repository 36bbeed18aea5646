//! `update_media_buy`: changes a media buy. A field left out is unchanged; `null` clears a field
//! that can be cleared.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    app::{App, ChangeMediaBuy, WriteAnswer, caller::Caller, error::AppError},
    domain::{id::MediaBuyId, media_buy::Pacing, update::BuyPatch},
    web::{
        json::{
            Arguments, read_and, refuse,
            text::{Id, IdempotencyKey},
            values::{Amount, List, MAX_PACKAGES, When, clearable, given},
        },
        tool::{Answer, Audience, CallOptions, Effect, Tool, Verb},
        v1::{
            change::{UpdateAnswer, answer, write_options},
            fields,
            targeting::{self, TargetingOverlay},
            tools::update_package::{PackageUpdate, cleared_or, patches},
        },
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "update_media_buy",
    title: "Change a media buy",
    description: "Changes a whole media buy and, in packages, individual packages: pause or resume (active), budget, \
                  end of the flight, targeting, pacing, daily budget. A field left out is unchanged. null clears \
                  what can be cleared, so never send null for what is to stay; detail says what was cleared. Package \
                  changes run one by one and stop at the first error: status is then failed, and affected_packages \
                  lists those changed before it. pending_manual and pending_permission are normal.",
    audience: Audience::Buyers,
    effect: Effect::Write,
    only_switches: Some(only_switches),
    verb: Verb::Patch,
    path: "/v1/media-buys/{media_buy_id}",
    input: UpdateMediaBuy::json_schema,
    output: UpdateAnswer::json_schema,
    example: r#"{
  "media_buy_id": "multi_12345",
  "flight_end_date": "2024-02-28",
  "daily_budget": 5000,
  "packages": [
    {"package_id": "news", "budget": 15000, "creative_ids": ["banner_v2", "video_v2"]}
  ]
}"#,
    may_be_pending: true,
    run: |app, caller, arguments, options| Box::pin(run(app, caller, arguments, options)),
};

async fn run(app: App, caller: Caller, arguments: Arguments, options: CallOptions) -> Result<Answer, AppError> {
    answer::<UpdateAnswer>(&write(app, caller, arguments, options).await?)
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
    let request: UpdateMediaBuy = read_and(arguments.clone(), targeting::impossible)?;
    let options = write_options(&arguments, request.idempotency_key.clone(), request.dry_run, options)?;
    app.update_media_buy(&caller, request.into_change()?, options)
        .await
        .map_err(|error| fields::in_request(error, &arguments.value))
}

/// Changes to a media buy and its packages in one call. A field left out is unchanged; `null` is
/// different: it clears.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateMediaBuy {
    /// The media buy.
    pub media_buy_id: Id,
    /// `false` pauses the whole buy, `true` resumes it.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool")]
    pub active: Option<bool>,
    /// New budget of the whole buy. Packages not given a budget share the difference in proportion;
    /// impressions follow.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Amount")]
    pub total_budget: Option<Amount>,
    /// New last day (`2026-12-31`, until its last second UTC) or last moment.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "When")]
    pub flight_end_date: Option<When>,
    /// New targeting for all packages, replacing the old. `null` clears it: leave it out to keep
    /// it.
    #[serde(default, deserialize_with = "clearable")]
    #[schemars(with = "Option<TargetingOverlay>")]
    pub targeting_overlay: Option<Option<TargetingOverlay>>,
    /// New pacing.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Pacing")]
    pub pacing: Option<Pacing>,
    /// The buy's maximum spend per day. `null` clears it: leave it out to keep it.
    #[serde(default, deserialize_with = "clearable")]
    #[schemars(with = "Option<Amount>")]
    pub daily_budget: Option<Option<Amount>>,
    /// Changes to packages. They run one by one in this order and stop at the first error.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "List<PackageUpdate, 1, MAX_PACKAGES>")]
    pub packages: Option<List<PackageUpdate, 1, MAX_PACKAGES>>,
    /// Your own key for this request; a repeat is carried out only once.
    pub idempotency_key: Option<IdempotencyKey>,
    /// `true`: check and plan only; nothing is changed. Default: `false`.
    pub dry_run: Option<bool>,
}

impl UpdateMediaBuy {
    /// Converts the request for the application core.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` when a package is named twice or not changed, or the targeting is
    /// impossible.
    pub fn into_change(self) -> Result<ChangeMediaBuy, AppError> {
        let mut problems = Vec::new();
        let patch = BuyPatch {
            active: self.active,
            total_budget: self.total_budget.map(|amount| amount.0),
            end: None,
            targeting: cleared_or(self.targeting_overlay, "", &mut problems),
            pacing: self.pacing,
            daily_budget: self.daily_budget.map(|amount| amount.map(|amount| amount.0)),
            packages: patches(self.packages.map(|list| list.0).unwrap_or_default(), &mut problems),
        };
        refuse(&problems)?;
        Ok(ChangeMediaBuy {
            buy: MediaBuyId::new(self.media_buy_id.0),
            patch,
            end: self.flight_end_date.map(|when| when.0),
            packages_only: false,
        })
    }
}

/// Returns whether a change of a buy only stops or restarts delivery, judging by its arguments.
/// Such changes have a rate limit of their own, so that a caller who has just made too many changes
/// can still pause a buy.
pub(super) fn only_switches(arguments: &Value) -> bool {
    const BESIDE: [&str; 3] = ["media_buy_id", "idempotency_key", "dry_run"];
    let Some(members) = arguments.as_object() else { return false };
    let package = |package: &Value| {
        let members = package.as_object();
        members.is_some_and(|members| {
            members.contains_key("active") && members.keys().all(|key| key == "package_id" || key == "active")
        })
    };
    let switches = |(key, value): (&String, &Value)| match key.as_str() {
        "active" => true,
        "packages" => value.as_array().is_some_and(|packages| packages.iter().all(package)),
        beside => BESIDE.contains(&beside),
    };
    members.keys().any(|key| key == "active" || key == "packages") && members.iter().all(switches)
}
