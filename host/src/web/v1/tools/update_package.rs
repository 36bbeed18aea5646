//! `update_package`: changes packages. `update_media_buy` accepts the same package changes.

use std::collections::HashSet;

use super::update_media_buy::only_switches;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    app::{App, ChangeMediaBuy, caller::Caller, error::AppError},
    domain::{
        id::{CreativeId, MediaBuyId, PackageId},
        media_buy::Pacing,
        price::{PriceModel, Unit},
        problem::Problem,
        targeting::Targeting,
        terms,
        update::{BuyPatch, PackagePatch},
    },
    web::{
        json::{
            self, Arguments, read_and, refuse,
            text::{CreativeKey, Id, IdempotencyKey},
            values::{Amount, Count, List, MAX_CREATIVES, MAX_PACKAGES, clearable, given},
        },
        tool::{Answer, Audience, CallOptions, Effect, Tool, Verb},
        v1::{
            change::{UpdateAnswer, answer, write_options},
            fields, price,
            targeting::{self, TargetingOverlay},
        },
    },
};

/// The tool's entry in the table.
pub const TOOL: Tool = Tool {
    name: "update_package",
    title: "Change packages",
    description: "Changes packages of a media buy: pause or resume (active), budget (recalculates impressions) or impressions \
                  (recalculates the budget), price, daily caps, pacing, creatives, targeting. A field left out is \
                  unchanged. null clears what can be cleared, so never send null for what is to stay; detail says what was \
                  cleared. Changes run one by one and stop at the first error.",
    audience: Audience::Buyers,
    effect: Effect::Write,
    only_switches: Some(only_switches),
    verb: Verb::Patch,
    path: "/v1/media-buys/{media_buy_id}/packages",
    input: UpdatePackage::json_schema,
    output: UpdateAnswer::json_schema,
    example: r#"{
  "media_buy_id": "multi_67890",
  "packages": [
    {"package_id": "premium_sports", "active": false, "budget": 25000},
    {"package_id": "entertainment", "impressions": 750000, "daily_impressions": 50000, "pacing": "front_loaded"}
  ]
}"#,
    may_be_pending: true,
    run: |app, caller, arguments, options| Box::pin(run(app, caller, arguments, options)),
};

async fn run(app: App, caller: Caller, arguments: Arguments, options: CallOptions) -> Result<Answer, AppError> {
    let request: UpdatePackage = read_and(arguments.clone(), targeting::impossible)?;
    let options = write_options(&arguments, request.idempotency_key.clone(), request.dry_run, options)?;
    let made = app
        .update_media_buy(&caller, request.into_change()?, options)
        .await
        .map_err(|error| fields::in_request(error, &arguments.value))?;
    answer::<UpdateAnswer>(&made)
}

/// Changes to packages of a media buy. They run one by one and stop at the first error.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdatePackage {
    /// The media buy.
    pub media_buy_id: Id,
    /// The changes, each package once.
    pub packages: List<PackageUpdate, 1, MAX_PACKAGES>,
    /// Your own key for this request; a repeat is carried out only once.
    pub idempotency_key: Option<IdempotencyKey>,
    /// `true`: check and plan only; nothing is changed. Default: `false`.
    pub dry_run: Option<bool>,
}

/// Changes to one package. A field left out is unchanged; `null` is different: it clears.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("not" = price::budget_and_goal(), "minProperties" = 2))]
pub struct PackageUpdate {
    /// The package.
    pub package_id: Id,
    /// `false` pauses it, `true` resumes it.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool")]
    pub active: Option<bool>,
    /// New budget; impressions follow. Not with `impressions`.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Amount")]
    pub budget: Option<Amount>,
    /// New goal; the budget follows. Not with `budget`. Of a package with a `cpm`.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Count")]
    pub impressions: Option<Count>,
    /// Like `impressions`, of a package with a `cpc`.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Count")]
    pub clicks: Option<Count>,
    /// Like `impressions`, of a package with a `cpcv`.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Count")]
    pub video_completions: Option<Count>,
    /// New price of a thousand impressions; impressions follow.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Amount")]
    pub cpm: Option<Amount>,
    /// New price of a click; clicks follow.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Amount")]
    pub cpc: Option<Amount>,
    /// New price of a completed view; video completions follow.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Amount")]
    pub cpcv: Option<Amount>,
    /// New price of the whole flight, and new budget.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Amount")]
    pub flat_price: Option<Amount>,
    /// Its maximum spend per day. `null` clears it: leave it out to keep it.
    #[serde(default, deserialize_with = "clearable")]
    #[schemars(with = "Option<Amount>")]
    pub daily_budget: Option<Option<Amount>>,
    /// Maximum impressions per day. `null` clears it: leave it out to keep it.
    #[serde(default, deserialize_with = "clearable")]
    #[schemars(with = "Option<Count>")]
    pub daily_impressions: Option<Option<Count>>,
    /// Maximum clicks per day, of a package with a `cpc`. `null` clears it.
    #[serde(default, deserialize_with = "clearable")]
    #[schemars(with = "Option<Count>")]
    pub daily_clicks: Option<Option<Count>>,
    /// Maximum completed views per day, of a package with a `cpcv`. `null` clears it.
    #[serde(default, deserialize_with = "clearable")]
    #[schemars(with = "Option<Count>")]
    pub daily_video_completions: Option<Option<Count>>,
    /// Its pacing. `null` reverts to the buy's: leave it out to keep it.
    #[serde(default, deserialize_with = "clearable")]
    #[schemars(with = "Option<Pacing>")]
    pub pacing: Option<Option<Pacing>>,
    /// The creatives that run in it, replacing the old list; an empty list clears it. Upload each
    /// with `add_creative_assets` first.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "List<CreativeKey, 0, MAX_CREATIVES>")]
    pub creative_ids: Option<List<CreativeKey, 0, MAX_CREATIVES>>,
    /// Its own targeting, replacing the old; it refines the buy's. `null` clears it: leave it out
    /// to keep it.
    #[serde(default, deserialize_with = "clearable")]
    #[schemars(with = "Option<TargetingOverlay>")]
    pub targeting_overlay: Option<Option<TargetingOverlay>>,
}

impl UpdatePackage {
    /// Converts the request for the application core.
    ///
    /// # Errors
    /// `INVALID_PARAMETER` when a package is named twice or not changed, or the targeting is
    /// impossible.
    pub fn into_change(self) -> Result<ChangeMediaBuy, AppError> {
        let mut problems = Vec::new();
        let patch = BuyPatch { packages: patches(self.packages.0, &mut problems), ..BuyPatch::default() };
        refuse(&problems)?;
        Ok(ChangeMediaBuy { buy: MediaBuyId::new(self.media_buy_id.0), patch, end: None, packages_only: true })
    }
}

pub(in crate::web::v1) fn patches(updates: Vec<PackageUpdate>, problems: &mut Vec<Problem>) -> Vec<PackagePatch> {
    let mut seen = HashSet::new();
    let mut patches = Vec::new();
    for (index, update) in updates.into_iter().enumerate() {
        let at = format!("/packages/{index}");
        if !seen.insert(update.package_id.clone()) {
            let message = terms::NAMED_TWICE;
            problems.push(json::mistake(&at, message).value(&update.package_id.0));
        }
        let patch = update.into_patch(&at, problems);
        let nothing = PackagePatch { package: patch.package.clone(), ..PackagePatch::default() };
        if patch == nothing {
            problems.push(json::mistake(at, "changes nothing: give at least one field beside package_id"));
        }
        patches.push(patch);
    }
    patches
}

impl PackageUpdate {
    fn into_patch(self, at: &str, problems: &mut Vec<Problem>) -> PackagePatch {
        PackagePatch {
            package: Some(PackageId::new(self.package_id.0)),
            active: self.active,
            budget: self.budget.map(|amount| amount.0),
            goal: price::goal(
                [
                    (Unit::Impressions, self.impressions.map(|count| count.0)),
                    (Unit::Clicks, self.clicks.map(|count| count.0)),
                    (Unit::VideoCompletions, self.video_completions.map(|count| count.0)),
                ],
                at,
                problems,
            ),
            price: price::price(
                [
                    (PriceModel::Cpm, self.cpm.map(|amount| amount.0)),
                    (PriceModel::Cpc, self.cpc.map(|amount| amount.0)),
                    (PriceModel::Cpcv, self.cpcv.map(|amount| amount.0)),
                    (PriceModel::Flat, self.flat_price.map(|amount| amount.0)),
                ],
                at,
                problems,
            ),
            daily_budget: self.daily_budget.map(|amount| amount.map(|amount| amount.0)),
            daily_goal: price::new_daily_goal(
                [
                    (Unit::Impressions, self.daily_impressions.map(|count| count.map(|count| count.0))),
                    (Unit::Clicks, self.daily_clicks.map(|count| count.map(|count| count.0))),
                    (Unit::VideoCompletions, self.daily_video_completions.map(|count| count.map(|count| count.0))),
                ],
                at,
                problems,
            ),
            pacing: self.pacing,
            creatives: self.creative_ids.map(|ids| ids.0.into_iter().map(|id| CreativeId::new(id.0)).collect()),
            targeting: cleared_or(self.targeting_overlay, at, problems),
        }
    }
}

pub(in crate::web::v1) fn cleared_or(
    overlay: Option<Option<TargetingOverlay>>,
    at: &str,
    problems: &mut Vec<Problem>,
) -> Option<Option<Targeting>> {
    overlay.map(|overlay| overlay.map(|overlay| overlay.into_targeting(&format!("{at}/targeting_overlay"), problems)))
}
