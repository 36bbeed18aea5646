//! The tools with which buyers buy, change and measure.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Answer, Audience, CallOptions, Effect, Tool, Verb, write_options};
use crate::{
    app::{App, WriteAnswer, caller::Caller, error::AppError},
    domain::{field::Subject, id::MediaBuyId},
    web::{
        json::{Arguments, read, read_and},
        v1::{
            create::CreateMediaBuy,
            creatives::AddCreativeAssets,
            delivered::DeliveryAnswer,
            fields,
            performance::UpdatePerformanceIndex,
            queries::{BuyQuery, DeliveryQuery},
            standing::StatusAnswer,
            targeting,
            update::{UpdateMediaBuy, UpdatePackage},
            written::{
                self,
                assets::CreativesAnswer,
                change::{PerformanceAnswer, UpdateAnswer},
                create::CreateAnswer,
            },
        },
    },
};

/// The entries of the table.
pub const TOOLS: &[Tool] = &[
    Tool {
        name: "create_media_buy",
        title: "Create a media buy",
        description: "Buys one or more packages, on one or several ad servers, for a flight and a budget. Find package ids with \
                      list_products. Answers the new media_buy_id at once. A status of pending_manual or pending_permission is \
                      normal, not an error: a person at the publisher must act, so keep task_id and poll get_pending_tasks. \
                      Impossible requests (unknown package, unsupported targeting, price below the floor) are refused before \
                      anything is stored, naming every problem. Set dry_run to see the plan without buying; set \
                      idempotency_key so that a repeated request buys once.",
        audience: Audience::Buyers,
        effect: Effect::Write,
        verb: Verb::Post,
        path: "/v1/media-buys",
        input: CreateMediaBuy::json_schema,
        output: CreateAnswer::json_schema,
        example: r#"{
  "packages": ["premium_sports", "drive_time_audio"],
  "po_number": "PO-2024-001",
  "total_budget": 50000,
  "targeting_overlay": {
    "geography": ["US-CA", "US-NY"],
    "device_types": ["mobile", "desktop"]
  }
}"#,
        may_be_pending: true,
        run: |app, caller, arguments, options| Box::pin(create_media_buy(app, caller, arguments, options)),
    },
    Tool {
        name: "add_creative_assets",
        title: "Add creatives",
        description: "Uploads creatives to a media buy that is created, and assigns them to its packages. Packages say in \
                      list_products which formats they take. Each creative's status is pending, approved or rejected with \
                      the platform's feedback; check_media_buy_status tells later what became of those that are pending.",
        audience: Audience::Buyers,
        effect: Effect::Write,
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
        run: |app, caller, arguments, options| Box::pin(add_creative_assets(app, caller, arguments, options)),
    },
    Tool {
        name: "check_media_buy_status",
        title: "Check a media buy",
        description: "How a media buy and each of its packages stand, asked from the ad servers now. pending_activation waits for \
                      creatives or for its start, pending_approval is under review by the ad server, pending_manual and \
                      pending_permission wait for a person at the publisher. pending_operations lists changes that are not \
                      carried out yet. creative_statuses says what each ad server thinks of the creatives.",
        audience: Audience::Everybody,
        effect: Effect::Read,
        verb: Verb::Get,
        path: "/v1/media-buys/{media_buy_id}/status",
        input: BuyQuery::json_schema,
        output: StatusAnswer::json_schema,
        example: r#"{"media_buy_id": "multi_12345"}"#,
        may_be_pending: false,
        run: |app, caller, arguments, _| Box::pin(check_media_buy_status(app, caller, arguments)),
    },
    Tool {
        name: "get_media_buy_delivery",
        title: "Get delivery",
        description: "What a media buy delivered in a range of days (UTC, both included, at most 366): impressions, spend, clicks \
                      and completions, in all, by package and by day. null means that the platform does not count it. Give \
                      start_date and end_date, or date_range.",
        audience: Audience::Everybody,
        effect: Effect::Read,
        verb: Verb::Get,
        path: "/v1/media-buys/{media_buy_id}/delivery",
        input: DeliveryQuery::json_schema,
        output: DeliveryAnswer::json_schema,
        example: r#"{"media_buy_id": "multi_12345", "start_date": "2024-01-01", "end_date": "2024-01-31"}"#,
        may_be_pending: false,
        run: |app, caller, arguments, _| Box::pin(get_media_buy_delivery(app, caller, arguments)),
    },
    Tool {
        name: "update_media_buy_performance_index",
        title: "Report performance",
        description: "Tells how well packages perform by your own measure (1.0 is the baseline, 1.2 is 20 % better), so that \
                      delivery can be optimised. optimization_actions says what the platform did (applied) or what you could \
                      do with update_package (advised).",
        audience: Audience::Buyers,
        effect: Effect::Write,
        verb: Verb::Put,
        path: "/v1/media-buys/{media_buy_id}/performance-index",
        input: UpdatePerformanceIndex::json_schema,
        output: PerformanceAnswer::json_schema,
        example: r#"{
  "media_buy_id": "multi_12345",
  "performance_data": [
    {"package_id": "premium_sports", "performance_index": 1.2, "confidence_score": 0.9},
    {"package_id": "news", "performance_index": 0.8, "feedback": "few conversions"}
  ]
}"#,
        may_be_pending: true,
        run: |app, caller, arguments, options| Box::pin(update_performance_index(app, caller, arguments, options)),
    },
    Tool {
        name: "update_media_buy",
        title: "Change a media buy",
        description: "Changes a whole media buy and, in packages, single packages of it: pause or resume (active), budget, end of \
                      the flight, targeting, pacing, daily budget. A field left out is unchanged. null clears what can be cleared, so \
                      never send null for what is to stay; detail says what was cleared. Package changes run one by one and stop at the first error: status is then failed, and \
                      affected_packages lists those changed before it. pending_manual and pending_permission are normal.",
        audience: Audience::Buyers,
        effect: Effect::Write,
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
        run: |app, caller, arguments, options| Box::pin(update_media_buy(app, caller, arguments, options)),
    },
    Tool {
        name: "update_package",
        title: "Change packages",
        description: "Changes packages of a media buy: pause or resume (active), budget (recalculates impressions) or impressions \
                      (recalculates the budget), price, daily caps, pacing, creatives, targeting. A field left out is \
                      unchanged. null clears what can be cleared, so never send null for what is to stay; detail says what was \
                      cleared. Changes run one by one and stop at the first error.",
        audience: Audience::Buyers,
        effect: Effect::Write,
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
        run: |app, caller, arguments, options| Box::pin(update_package(app, caller, arguments, options)),
    },
];

/// The answer to a write.
fn written<'a, T: Serialize + From<&'a WriteAnswer>>(answer: &'a WriteAnswer) -> Result<Answer, AppError> {
    let shown = Answer::new(&T::from(answer))?;
    Ok(Answer { pending: written::is_pending(answer), ..shown })
}

async fn create_media_buy(
    app: App,
    caller: Caller,
    arguments: Arguments,
    options: CallOptions,
) -> Result<Answer, AppError> {
    let request: CreateMediaBuy = read_and(arguments.clone(), |arguments| {
        let mut problems = targeting::impossible(arguments);
        let named = arguments.value["packages"].as_array().into_iter().flatten().enumerate();
        problems.extend(named.filter_map(|(index, package)| {
            let id = package.as_str().or_else(|| package["package_id"].as_str())?;
            app.not_for_sale(&caller, id, Subject::listed(index).whole()).map(fields::pointed)
        }));
        problems
    })?;
    let options = write_options(&arguments, request.idempotency_key.clone(), request.dry_run, options)?;
    let answer = app.create_media_buy(&caller, request.into_new()?, options).await?;
    let location = (!answer.dry_run).then(|| format!("/v1/media-buys/{}/status", answer.buy.id));
    Ok(Answer { location, ..written::<CreateAnswer>(&answer)? })
}

async fn add_creative_assets(
    app: App,
    caller: Caller,
    arguments: Arguments,
    options: CallOptions,
) -> Result<Answer, AppError> {
    let request: AddCreativeAssets = read_and(arguments.clone(), AddCreativeAssets::lacking)?;
    let options = write_options(&arguments, request.idempotency_key.clone(), request.dry_run, options)?;
    written::<CreativesAnswer>(&app.add_creative_assets(&caller, request.into_new()?, options).await?)
}

async fn check_media_buy_status(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: BuyQuery = read(arguments)?;
    let standing = app.check_media_buy_status(&caller, &MediaBuyId::new(request.media_buy_id.0)).await?;
    Answer::new(&StatusAnswer::from(&standing))
}

async fn get_media_buy_delivery(app: App, caller: Caller, arguments: Arguments) -> Result<Answer, AppError> {
    let request: DeliveryQuery = read(arguments)?;
    let (first, last) = request.days()?;
    let id = MediaBuyId::new(request.media_buy_id.0);
    let delivery = app.get_media_buy_delivery(&caller, &id, first, last).await?;
    Answer::new(&DeliveryAnswer::from(&delivery))
}

async fn update_performance_index(
    app: App,
    caller: Caller,
    arguments: Arguments,
    options: CallOptions,
) -> Result<Answer, AppError> {
    let request: UpdatePerformanceIndex = read(arguments.clone())?;
    let options = write_options(&arguments, request.idempotency_key.clone(), request.dry_run, options)?;
    written::<PerformanceAnswer>(&app.update_performance_index(&caller, request.into_new()?, options).await?)
}

async fn update_media_buy(
    app: App,
    caller: Caller,
    arguments: Arguments,
    options: CallOptions,
) -> Result<Answer, AppError> {
    let request: UpdateMediaBuy = read_and(arguments.clone(), targeting::impossible)?;
    let options = write_options(&arguments, request.idempotency_key.clone(), request.dry_run, options)?;
    written::<UpdateAnswer>(&app.update_media_buy(&caller, request.into_change()?, options).await?)
}

async fn update_package(
    app: App,
    caller: Caller,
    arguments: Arguments,
    options: CallOptions,
) -> Result<Answer, AppError> {
    let request: UpdatePackage = read_and(arguments.clone(), targeting::impossible)?;
    let options = write_options(&arguments, request.idempotency_key.clone(), request.dry_run, options)?;
    written::<UpdateAnswer>(&app.update_media_buy(&caller, request.into_change()?, options).await?)
}
